"""The USB host of the emulated Pico's serial port.

rp2040py's host answers every endpoint that the device arms for receiving with an empty packet after 10 µs and never
with NAK. The device arms it again at once, so the CPU never sleeps. Here the endpoint stays armed until there is a byte
to send.

A host that does not read answers NAK: the device's output waits in its buffers until the host reads again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from picoinfuse.emulator.rp2040py_imports import USBCDC

_PACKET_BYTES = 64
_EP0_IN_BUFFER, _EP15_OUT_BUFFER = 0x80, 0xFC
_AVAILABLE = 1 << 10 | 1 << 26  # buffer 0, buffer 1


class UsbHost(USBCDC):
    """The host. `on_data`: receives the device's output. `queued`: bytes that the device has not taken yet."""

    def __init__(self, controller: Any, on_data: Callable[[bytes], None]) -> None:
        super().__init__(controller)
        self.queued = bytearray()
        self.reads = True
        self.connected = False  # enumerated, and the port is open
        self._armed: tuple[int, int] | None = None  # endpoint and size for which the device is armed to receive
        self._held: list[tuple[int, int]] = []  # buffers to be sent that the host does not read
        self._answer_at_once = controller.on_endpoint_read
        self._buffer_written = controller.dpram_updated
        controller.on_endpoint_read = self._on_armed
        controller.dpram_updated = self._on_buffer_written
        controller.on_reset = self._on_bus_reset
        self.on_serial_data = lambda data: on_data(bytes(data))
        self.on_device_connected = self._on_connected

    def send(self, data: bytes) -> None:
        """Sends bytes to the device; drops them while it is not connected."""
        if self.connected:
            self.queued += data
            self._give()

    def set_reads(self, reads: bool) -> None:
        """Sets whether the host reads the device's output."""
        self.reads = reads
        if reads:
            held, self._held = self._held, []
            for offset, value in held:
                self._buffer_written(offset, value)

    def _on_connected(self) -> None:
        self.connected = True

    def _on_armed(self, endpoint: int, size: int) -> None:
        if endpoint == 0 or endpoint != self._out_endpoint:
            self._answer_at_once(endpoint, size)
            return
        self._armed = endpoint, size
        self._give()

    def _give(self) -> None:
        if self._armed is None or not self.queued:
            return
        endpoint, size = self._armed
        self._armed = None
        packet = bytes(self.queued[: min(size, _PACKET_BYTES)])
        del self.queued[: len(packet)]
        self.usb.endpoint_read_done(endpoint, packet)

    def _on_buffer_written(self, offset: int, value: int) -> None:
        if not self.reads and self._is_data_in(offset) and value & _AVAILABLE:
            self._held.append((offset, value))
            return
        self._buffer_written(offset, value)

    def _is_data_in(self, offset: int) -> bool:
        return (
            _EP0_IN_BUFFER <= offset <= _EP15_OUT_BUFFER
            and not offset & 4
            and (offset - _EP0_IN_BUFFER) >> 3 == self._in_endpoint
        )

    def _on_bus_reset(self) -> None:
        """The device has left the bus: bytes that it had not taken are lost."""
        self._on_controller_reset()
        self.connected = False
        self.queued.clear()
        self._armed = None
        self._held.clear()

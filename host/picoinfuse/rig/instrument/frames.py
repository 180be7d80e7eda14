"""The frames of the instrument, out of a stream of bytes; `on_pico.py` says what stands in them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picoinfuse.common.errors import PicoinfuseError

_SYNC = b"\xa5\x5a"
_HEAD = struct.Struct("<2sBBHHII")
_AT_MOST = 512
_GROUPS = 2


class InstrumentError(PicoinfuseError):
    """What captures the edges does not, or not all of them."""


class FramesLost(InstrumentError):
    """Bytes between the instrument and this computer got lost or changed, and edges with them."""


@dataclass(frozen=True)
class Frame:
    """`words`: level bits in the low three, above them the complement of the event's number. `times`: µs, 32 bits.
    Unless `more`, all that came until `now_us` is in this frame or in one before.
    """

    group: int
    more: bool
    number: int
    now_us: int
    words: NDArray[np.uint32]
    times: NDArray[np.uint32]


class Frames:
    """Cuts the stream; raises FramesLost at the first frame that is not whole, or not the next."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._next = [0] * _GROUPS

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._bytes += data
        while (frame := self._take()) is not None:
            expected = self._next[frame.group]
            if frame.number != expected:
                raise FramesLost(f"the instrument's frame {expected} of group {frame.group} is missing")
            self._next[frame.group] = (expected + 1) & 0xFFFFFFFF
            yield frame

    def _take(self) -> Frame | None:
        if len(self._bytes) < _HEAD.size:
            return None
        sync, group, more, count, _, number, now_us = _HEAD.unpack_from(self._bytes)
        if sync != _SYNC or group >= _GROUPS or count > _AT_MOST:
            raise FramesLost(f"the instrument sent what is no frame: {self._said()}")
        size = _HEAD.size + 8 * count + 4
        if len(self._bytes) < size:
            return None
        whole = bytes(self._bytes[:size])
        del self._bytes[:size]
        if zlib.crc32(whole[:-4]) != int.from_bytes(whole[-4:], "little"):
            raise FramesLost(f"frame {number} of the instrument's group {group} has a wrong CRC")
        columns = np.frombuffer(whole, "<u4", 2 * count, _HEAD.size)
        return Frame(group, bool(more), number, now_us, columns[:count], columns[count:])

    def _said(self) -> str:
        """A traceback is text."""
        said = bytes(self._bytes).strip(b"\x04>\r\n").decode("ascii", "replace")
        return repr(said.splitlines()[-1][-80:] if said else "")

"""Opening ports over the network: pyserial's URLs, as a lab's serial server offers them."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import serial
from serial.rfc2217 import PortManager

from picoinfuse import Pump
from picoinfuse.client import port
from picoinfuse.common.errors import PortNotFound
from tests.fake_pump import FakePump


class SerialServer:
    """A serial server with a pump at its port, for one client: pyserial's own RFC 2217 server.

    `answers_control` False: like ser2net, it does not answer SET_CONTROL for a port without control lines.
    """

    def __init__(self, board: FakePump, answers_control: bool) -> None:
        self._board = board
        self._control = answers_control
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rfc2217://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        device: Any = serial.serial_for_url("loop://")  # holds the settings that the client asks for
        writer: Any = _Writer(connection, self._control)
        manager = PortManager(device, writer)
        connection.settimeout(0.01)
        while True:
            try:
                if not (data := connection.recv(1024)):
                    return
                if heard := b"".join(manager.filter(data)):
                    self._board.write(heard)
            except TimeoutError:
                pass
            except OSError:
                return
            if said := self._board.read(1024):
                connection.sendall(b"".join(manager.escape(said)))


class _Writer:
    """What PortManager writes its answers to."""

    def __init__(self, connection: socket.socket, answers_control: bool) -> None:
        self._connection = connection
        self._control = answers_control

    def write(self, data: bytes) -> None:
        is_control = data[:2] == b"\xff\xfa" and data[3:4] == b"\x69"  # IAC SB COM-PORT-OPTION, SERVER_SET_CONTROL
        if self._control or not is_control:
            self._connection.sendall(data)


@pytest.fixture(params=[True, False], ids=["pyserial's server", "a server like ser2net"])
def server(request: pytest.FixtureRequest) -> Iterator[SerialServer]:
    server = SerialServer(FakePump(), request.param)
    yield server
    server.close()


def test_a_pump_behind_an_rfc2217_server_is_reached(server: SerialServer) -> None:
    with Pump(server.url, timeout_s=5) as pump:
        assert pump.status().state == "infusing"
        assert pump.stop() == "idle"


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("rfc2217://lab:4001", "rfc2217://lab:4001?ign_set_control"),
        ("rfc2217://lab:4001?timeout=9", "rfc2217://lab:4001?timeout=9&ign_set_control"),
        ("rfc2217://lab:4001?ign_set_control", "rfc2217://lab:4001?ign_set_control"),
    ],
)
def test_answers_to_set_control_are_not_waited_for(url: str, opened: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(serial, "serial_for_url", lambda url, **settings: told.append((url, settings)))
    port.open_port(url)
    assert told[0][0] == opened
    assert "write_timeout" not in told[0][1]  # pyserial refuses it for these URLs


@pytest.mark.parametrize("url", ["rfc2217://127.0.0.1", "socket://127.0.0.1", "rfc2217://", "socket://:x"])
def test_a_url_without_a_port_number_is_named(url: str) -> None:
    with pytest.raises(PortNotFound):
        port.open_port(url)


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
    with pytest.raises(PortNotFound, match="cannot be reached"):
        port.open_port(f"rfc2217://127.0.0.1:{number}")


def test_what_a_board_calls_itself_is_no_command_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Info:
        device, vid, pid, serial_number, location = "/dev/ttyACM0", port.PICO_VID, port.PICO_PID, "e66\x1b[2J", None
        description = "Board\x1b[2J"

    monkeypatch.setattr(port.list_ports, "comports", lambda: [Info])
    (found,) = port.usb_ports()
    assert found.description == "Board[2J"

"""The process of a board in software, an interpreter with the modelled modules, and the pipe to it."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from picoinfuse.stub.engine import Engine

VM_FOLDER = Path(__file__).parent / "vm"
_MODELS_KB = 320  # heap for the code and data of the models, beyond FIRMWARE_HEAP
# A Pico with MicroPython 1.25 has 236 KB of heap. Words of this VM have 64 bits and its cells are twice as wide: the
# same firmware, measured on both, takes 1.6 to 1.9 times the bytes here (docs/stub.md).
FIRMWARE_HEAP = 448 * 1024


class BoardProcess:
    """One run of the board, from a boot to the next reset. `setup`: as in `vm/_boot.py`. Messages: `vm/_channel.py`."""

    def __init__(self, setup: dict[str, Any], engine: Engine) -> None:
        self._socket, theirs = socket.socketpair()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed with the object
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump({**setup, "fd": theirs.fileno(), "heap": FIRMWARE_HEAP}, file)
        self._setup = file.name
        heap = ["-X", f"heapsize={FIRMWARE_HEAP // 1024 + _MODELS_KB}K"] if engine.has_flash else []
        with theirs:
            self._process = subprocess.Popen(
                [engine.program, *heap, str(VM_FOLDER / "_boot.py"), self._setup],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
            )
        self._reader = self._socket.makefile("rb")

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def send(self, kind: bytes, payload: bytes) -> None:
        """Sends one message; does nothing when the process has ended."""
        with contextlib.suppress(OSError):
            self._socket.sendall(kind + struct.pack("<I", len(payload)) + payload)

    def receive(self) -> tuple[bytes, bytes] | None:
        """The next message, or None when the process has ended."""
        try:
            head = self._reader.read(5)
            if len(head) < 5:
                return None
            return head[:1], self._reader.read(struct.unpack("<I", head[1:])[0])
        except (OSError, ValueError):
            return None

    def log(self) -> str:
        """Output of the process outside the serial port: empty, unless a model is broken."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip()

    def end(self) -> None:
        """Kills the process."""
        self._process.kill()
        self._process.wait()
        self._socket.close()
        Path(self._setup).unlink(missing_ok=True)

"""The board's process: the MicroPython VM with the modelled modules, or CPython where no VM is to be had, and
the pipe to it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

VM_FOLDER = Path(__file__).parent / "vm"
_MODELS_KB = 320  # room for the models' own code and data; the firmware is left FIRMWARE_HEAP of it
# A Pico with MicroPython 1.25 has 236 KB of heap. This VM's words are 64 bits and its cells twice as wide: the same
# firmware, measured on both, takes 1.6 to 1.9 times the bytes here (docs/stub.md).
FIRMWARE_HEAP = 448 * 1024


def find_vm() -> str | None:
    """Path of the MicroPython VM: beside this Python, else on the PATH; None where there is none."""
    beside = Path(sys.executable).parent / "micropython"
    return str(beside) if beside.exists() else shutil.which("micropython")


class BoardProcess:
    """One run of the board, from a boot to the next reset. Messages as in `vm/_channel.py`."""

    def __init__(self, setup: dict[str, Any], vm: str | None) -> None:
        """`vm`: the MicroPython VM, or None to run on CPython."""
        self._socket, theirs = socket.socketpair()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed with the object
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump({**setup, "fd": theirs.fileno(), "heap": FIRMWARE_HEAP}, file)
        self._setup = file.name
        program = [vm, "-X", f"heapsize={FIRMWARE_HEAP // 1024 + _MODELS_KB}K"] if vm else [sys.executable, "-u"]
        with theirs:
            self._process = subprocess.Popen(
                [*program, str(VM_FOLDER / "_boot.py"), self._setup],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
            )
        self._reader = self._socket.makefile("rb")

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, kind: bytes, payload: bytes) -> None:
        """Sends one message; a board that is gone does not hear it."""
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
        """What the process printed past the serial port: nothing, unless a model is broken."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip()

    def end(self) -> None:
        """Ends the process, at once."""
        self._process.kill()
        self._process.wait()
        self._socket.close()
        Path(self._setup).unlink(missing_ok=True)

"""An emulated Pico for a person: a serial port, the wall clock, and a flash that may be kept."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from picoinfuse.emulator.board import EmulatedBoard
from picoinfuse.emulator.deployed import deployed_flash, erased
from picoinfuse.flash import uf2
from picoinfuse.profile import Profile
from picoinfuse.stub.pty_port import PtyPort
from picoinfuse.trace import Trace
from picoinfuse.vcd import write_vcd


class EmulatorSession:
    """A context manager. `path` is the serial port."""

    def __init__(
        self,
        profile: Profile,
        image_file: Path,
        *,
        link: Path | None,
        flash: Path | None,
        empty: bool,
        trace: Path | None,
        seed: int,
    ) -> None:
        self._profile = profile
        self._image = uf2.read(image_file)
        self._link = link
        self._flash = flash
        self._empty = empty
        self._trace_file = trace
        self._trace = Trace()
        self._seed = seed

    def __enter__(self) -> EmulatorSession:
        self._folder = Path(tempfile.mkdtemp(prefix="picoinfuse-"))
        flash = self._flash or self._folder / "flash.img"
        if self._empty:
            flash.write_bytes(erased())
        elif not flash.exists():
            shutil.copyfile(deployed_flash(self._profile, self._image), flash)
        self._board = EmulatedBoard(
            self._profile.world(),
            self._image,
            flash,
            lambda data: self._port.send(data),
            trace=self._trace,
            seed=self._seed,
        )
        self._port = PtyPort(self._board.write_serial, self._board.host_reads, self._link)
        self.path = self._port.path
        self._board.keep_pace(True)
        return self

    def check(self) -> None:
        """Raises what ended the board, if something did."""
        self._board.check()

    def __exit__(self, *_: object) -> None:
        self._board.close()
        self._port.close()
        shutil.rmtree(self._folder)
        if self._trace_file is not None:
            write_vcd(self._trace, self._trace_file)

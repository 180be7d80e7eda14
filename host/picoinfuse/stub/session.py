"""A board in software for a person: a serial port, a clock that runs, and an image that may be kept."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from picoinfuse.profile import Profile
from picoinfuse.stub import flash_image
from picoinfuse.stub.board import StubBoard
from picoinfuse.stub.image import deployed_image
from picoinfuse.stub.process import find_vm
from picoinfuse.stub.pty_port import PtyPort
from picoinfuse.trace import Trace
from picoinfuse.vcd import write_vcd


class StubSession:
    """A context manager. `path` is the serial port. The trace is kept only when it is to be written."""

    def __init__(
        self,
        profile: Profile,
        *,
        link: Path | None,
        pace: str,
        image: Path | None,
        empty: bool,
        trace: Path | None,
        seed: int,
    ) -> None:
        self._profile = profile
        self._link = link
        self._pace = pace
        self._image = image
        self._empty = empty
        self._trace_file = trace
        self._trace = Trace() if trace is not None else None
        self._seed = seed
        self._vm = find_vm()

    @property
    def runs_on(self) -> str:
        return "firmware in the MicroPython VM" if self._vm else "firmware on CPython (no MicroPython VM here)"

    def __enter__(self) -> StubSession:
        self._folder = Path(tempfile.mkdtemp(prefix="picoinfuse-"))
        image = self._image or self._folder / "flash.img"
        if self._empty:
            flash_image.erase(image)
        elif not image.exists():
            flash_image.copy(deployed_image(self._profile, self._vm), image)
        self._board = StubBoard(
            self._profile.world(),
            image,
            vm=self._vm,
            on_serial=lambda data: self._port.send(data),
            sink=self._trace,
            seed=self._seed,
            pace="stepped",
        )
        self._port = PtyPort(
            self._board.write_serial, lambda reading: self._board.post("host_reads", reading), self._link
        )
        self.path = self._port.path
        self._board.control("pace", self._pace)
        return self

    def alive(self) -> bool:
        self._board.check()
        return True

    def __exit__(self, *_: object) -> None:
        self._port.close()
        self._board.close()
        shutil.rmtree(self._folder)
        if self._trace is not None and self._trace_file is not None:
            write_vcd(self._trace, self._trace_file)

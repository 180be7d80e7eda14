"""A board in software for interactive use: a serial port, a running clock, and an optional flash image."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from picoinfuse.profile import Profile
from picoinfuse.stub import flash_image
from picoinfuse.stub.board import StubBoard
from picoinfuse.stub.engine import Engine
from picoinfuse.stub.image import deployed_image
from picoinfuse.stub.pty_port import PtyPort
from picoinfuse.trace.trace import Trace
from picoinfuse.trace.vcd import write_vcd


class StubSession:
    """The running board; a context manager. `path`: its serial port.

    `engine`: interpreter of the firmware. `link`: path that becomes a link to the port. `pace`: "real" or "fast".
    `image`: flash image to use and keep. `empty`: start with an erased flash. `trace`: VCD file to write at the end.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        engine: Engine,
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
        self._engine = engine
        self._board: StubBoard | None = None

    @property
    def runs_on(self) -> str:
        """Name of the interpreter, for display."""
        return {"vm": "the MicroPython VM", "cpython": "CPython", "pypy": "PyPy"}[self._engine.name]

    def __enter__(self) -> StubSession:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="picoinfuse-")))
            image = self._image or folder / "flash.img"
            if self._empty:
                flash_image.erase(image)
            elif not image.exists():
                flash_image.copy(deployed_image(self._profile, self._engine), image)
            self._port = PtyPort(self._to_board, self._report_reading, self._link)
            stack.callback(self._port.close)
            self.path = self._port.path
            self._board = stack.enter_context(
                StubBoard(
                    self._profile.world(),
                    image,
                    engine=self._engine,
                    on_serial=self._port.send,
                    sink=self._trace,
                    seed=self._seed,
                    pace="stepped",
                )
            )
            self._board.control("pace", self._pace)
            self._open = stack.pop_all()
        return self

    def _to_board(self, data: bytes) -> None:
        if self._board is not None:  # bytes before its start are lost, as with any board
            self._board.write_serial(data)

    def _report_reading(self, reading: bool) -> None:
        if self._board is not None:
            self._board.post("host_reads", reading)

    def alive(self) -> bool:
        """True while the board runs; raises StubFailed when it has ended."""
        assert self._board is not None
        self._board.check()
        return True

    def __exit__(self, *_: object) -> None:
        self._open.close()
        if self._trace is not None and self._trace_file is not None:
            write_vcd(self._trace, self._trace_file)

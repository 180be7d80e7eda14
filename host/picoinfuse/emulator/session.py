"""An emulated Pico for interactive use: a serial port, the wall clock, a flash file, and the volume of BOOTSEL."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from picoinfuse.emulator.board import EmulatedBoard
from picoinfuse.emulator.boot_volume import BootVolume
from picoinfuse.emulator.deployed import deployed_flash, erased
from picoinfuse.image import uf2
from picoinfuse.profile import Profile
from picoinfuse.stub.pty_port import PtyPort
from picoinfuse.trace.trace import Trace
from picoinfuse.trace.vcd import write_vcd


class EmulatorSession:
    """The running emulator; a context manager. `path`: its serial port.

    `link`: path that becomes a link to the port. `flash`: flash file to use and keep. `empty`: start with an erased
    flash. `trace`: VCD file to write at the end. `volume`: folder that appears as the UF2 volume in BOOTSEL. `bootsel`:
    start in BOOTSEL, as with the button held. Call `check` several times a second.
    """

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
        volume: Path | None = None,
        bootsel: bool = False,
    ) -> None:
        self._profile = profile
        self._image = uf2.read(image_file)
        self._link = link
        self._flash = flash
        self._empty = empty
        self._trace_file = trace
        self._trace = Trace()
        self._seed = seed
        self._volume = BootVolume(volume) if volume is not None else None
        self._bootsel = bootsel

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
        self._open_port()
        if self._bootsel:
            self._board.hold_bootsel()
            self.check()
        self._board.keep_pace(True)
        return self

    def check(self) -> None:
        """Raises the exception that ended the board, if any. Updates the volume: in BOOTSEL there is no port."""
        self._board.check()
        if self._volume is None:
            return
        if self._board.pico.in_bootsel and not self._volume.shown:
            self._port.close()
            self._volume.show()
        elif self._volume.shown and (image := self._volume.taken()) is not None:
            self._volume.hide()
            self._open_port()  # before the board sends anything
            self._board.flash_uf2(image)

    def _open_port(self) -> None:
        self._port = PtyPort(self._board.write_serial, self._board.host_reads, self._link)
        self.path = self._port.path

    def __exit__(self, *_: object) -> None:
        self._board.close()
        if self._volume is not None and self._volume.shown:
            self._volume.hide()
        else:
            self._port.close()
        shutil.rmtree(self._folder)
        if self._trace_file is not None:
            write_vcd(self._trace, self._trace_file)

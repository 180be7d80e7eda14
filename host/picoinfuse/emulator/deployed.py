"""Flash files with the firmware for the emulated Pico, kept under build/.

The filesystem is built on the host and the board started once, as a deployment does, because the first start creates
the pump's records. A deployment over the emulated USB takes a minute and has its own test; both use `staging` and
`bytecode`, so the files are the same.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from littlefs import LittleFS

from picoinfuse.common import paths
from picoinfuse.deploy import files_list
from picoinfuse.deploy.bytecode import compile_folder
from picoinfuse.deploy.staging import fingerprint, staged
from picoinfuse.emulator.board import EmulatedBoard
from picoinfuse.emulator.device import FS_BYTES
from picoinfuse.image import uf2
from picoinfuse.profile import Profile

# Parameters of MicroPython 1.25's rp2 port (extmod/vfs_lfsx.c, ports/rp2/rp2_flash.c)
_BLOCK_BYTES = 4096
_READ_BYTES, _PROGRAM_BYTES = 32, 256
_DISK_VERSION = 0x20000
_FIRST_START_MS = 20_000
_SETTLED_S = 2.0


def erased() -> bytes:
    """The filesystem's part of an erased flash."""
    return b"\xff" * FS_BYTES


def deployed_flash(profile: Profile, image: uf2.Uf2) -> Path:
    """Path of a flash file with this firmware, compiled to bytecode, and `profile`. Copy the file, do not change it."""
    kept = paths.build() / "emulator" / f"{fingerprint(profile, image.raw)}.img"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with staged(profile) as folder, tempfile.TemporaryDirectory(dir=kept.parent) as name:
            compile_folder(folder)
            files_list.write(folder)
            fresh = Path(name) / "flash.img"
            fresh.write_bytes(filesystem(folder))
            _start_once(fresh, profile, image)
            fresh.replace(kept)
    return kept


def _start_once(flash: Path, profile: Profile, image: uf2.Uf2) -> None:
    board = EmulatedBoard(profile.world(), image, flash, lambda data: None)
    board.run_until(lambda: board.up, _FIRST_START_MS)
    board.sleep(_SETTLED_S)
    board.close()


def filesystem(folder: Path) -> bytes:
    """A littlefs image of the contents of `folder`, in the form that MicroPython mounts."""
    fs = LittleFS(
        block_size=_BLOCK_BYTES,
        block_count=FS_BYTES // _BLOCK_BYTES,
        prog_size=_PROGRAM_BYTES,
        read_size=_READ_BYTES,
        disk_version=_DISK_VERSION,
    )
    for path in sorted(folder.rglob("*")):
        name = "/" + path.relative_to(folder).as_posix()
        if path.is_dir():
            fs.mkdir(name)
        else:
            with fs.open(name, "wb") as file:
                file.write(path.read_bytes())
    return bytes(fs.context.buffer)

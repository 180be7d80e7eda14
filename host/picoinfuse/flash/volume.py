"""The UF2 volume: the disk that a Pico in BOOTSEL shows, found by its INFO_UF2.TXT, and the copy onto it.

The disk is not real: the boot ROM flashes each block as it arrives, and restarts the chip after the last
one. So the volume vanishes under the copy, at its end if all went well. What the system then says of a
write that was complete (no such file, input/output error) is the sign of success; said before the last byte
it is a failure. The data is pushed out piece by piece, so that progress and errors belong to what really
left this machine.
"""

import errno
import os
import re
import string
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from picoinfuse.flash.errors import VolumeFull, VolumeVanished, VolumeWriteFailed

BOARD_ID = "RPI-RP2"
INFO_FILE = "INFO_UF2.TXT"
COPY_NAME = "picoinfuse.uf2"
PIECE_BYTES = 32 * 1024
_AGAIN = "the board has no whole image now: hold BOOTSEL, plug it in and flash again"
_GONE = {errno.ENOENT, errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOTCONN}

Progress = Callable[[int, int], None]  # bytes written, of how many


@dataclass(frozen=True)
class Volume:
    """A mounted disk that takes UF2 files. `location`: where its board hangs on USB, if the system tells."""

    path: Path
    board_id: str
    location: str | None = None

    @property
    def is_pico(self) -> bool:
        return self.board_id == BOARD_ID


class File(Protocol):
    """What the copy needs of an open file."""

    def write(self, data: bytes, /) -> int | None: ...

    def sync(self) -> None: ...

    def close(self) -> None: ...


class SystemFile:
    """A file whose bytes are on the device when `sync` returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)

    def write(self, data: bytes, /) -> int | None:
        return self._file.write(data)

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def find_volumes() -> list[Volume]:
    """Every UF2 volume that is mounted, of whatever board."""
    seen = [read_volume(path, _usb_location(device)) for path, device in _mounts()]
    return sorted((volume for volume in seen if volume), key=lambda volume: volume.path)


def read_volume(path: Path, location: str | None = None) -> Volume | None:
    """None when no UF2 boot loader is behind `path`."""
    try:
        text = (path / INFO_FILE).read_text("ascii", "replace")
    except OSError:
        return None
    board = re.search(r"^Board-ID:\s*(.*?)\s*$", text, re.MULTILINE)
    return Volume(path, board.group(1) if board else "", location)


OpenFile = Callable[[Path], File]


def copy(data: bytes, volume: Volume, progress: Progress, open_file: OpenFile = SystemFile) -> None:
    """Write the UF2 file; returns when the last byte has left this machine."""
    total = len(data)
    written = 0
    try:
        file = open_file(volume.path / COPY_NAME)
        try:
            while written < total:
                written += _write_piece(file, data[written : written + PIECE_BYTES])
                file.sync()
                progress(written, total)
        finally:
            with suppress(OSError):  # on a volume that is gone it fails, and says nothing new
                file.close()
    except OSError as error:
        _judge(error, volume, written, total)
        progress(total, total)


def _judge(error: OSError, volume: Volume, written: int, total: int) -> None:
    """Returns when the error means that the board took the whole file and left; raises otherwise."""
    there = read_volume(volume.path) is not None
    if written == total and (not there or error.errno in _GONE):
        return
    so_far = f"after {written} of {total} bytes"
    if error.errno == errno.ENOSPC:
        raise VolumeFull(f"{volume.path} is full {so_far}; {_AGAIN}") from error
    if not there:
        raise VolumeVanished(f"{volume.path} vanished {so_far}; {_AGAIN}") from error
    reason = error.strerror or str(error)
    raise VolumeWriteFailed(f"writing to {volume.path} failed {so_far}: {reason}; {_AGAIN}") from error


def _write_piece(file: File, piece: bytes) -> int:
    done = 0
    while done < len(piece):
        count = file.write(piece[done:])
        if not count:
            raise OSError(errno.EIO, "the system took no more bytes")
        done += count
    return done


def _mounts() -> Iterator[tuple[Path, str]]:
    """Folders that may be a UF2 volume, each with the device mounted there ("" when that is not told)."""
    if sys.platform == "win32":
        yield from ((Path(f"{letter}:\\"), "") for letter in string.ascii_uppercase[3:])  # D to Z
    elif sys.platform == "darwin":
        yield from ((path, "") for path in _children(Path("/Volumes")))
    else:
        seen: set[Path] = set()
        for path, device in _linux_mounts():
            seen.add(path)
            yield path, device
        for parent in ("/media", "/run/media"):
            for folder in _children(Path(parent)):
                yield from ((path, "") for path in (folder, *_children(folder)) if path not in seen)


def _linux_mounts(table: Path = Path("/proc/mounts")) -> Iterator[tuple[Path, str]]:
    """FAT filesystems: a UF2 volume is one, and looking into the others may wake a sleeping server."""
    try:
        lines = table.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        device, folder, kind = line.split()[:3]
        if kind in ("vfat", "msdos"):
            yield Path(re.sub(r"\\(\d{3})", _octal, folder)), device  # "\040" is a space


def _octal(match: re.Match[str]) -> str:
    return chr(int(match.group(1), 8))


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def _usb_location(device: str, blocks: Path = Path("/sys/class/block")) -> str | None:
    """Where a block device hangs on USB, such as "1-2.3": what pyserial calls the location of a port."""
    if not device.startswith("/dev/"):
        return None
    path = os.path.realpath(blocks / os.path.basename(device))
    steps = re.findall(r"/(\d+-[\d.]+)(?=/)", path)
    return steps[-1] if steps else None

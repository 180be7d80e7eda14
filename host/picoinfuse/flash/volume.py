"""The UF2 volume: find the disk of a Pico in BOOTSEL by its INFO_UF2.TXT, and copy an image to it.

The boot ROM flashes each block as it arrives and restarts the chip after the last one, so the volume vanishes
during the copy. An error (no such file, input/output error) after the last byte is therefore the sign of success,
before it a failure. The data is written and synced in pieces, so that progress and errors refer to bytes that
have left this machine.

Any disk may claim to be a UF2 volume: links on it are not followed, and only the first bytes of its
INFO_UF2.TXT are read.
"""

import errno
import os
import re
import stat
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
INFO_BYTES = 4096  # the boot ROM's has 62
_AGAIN = "the image on the board is incomplete: hold BOOTSEL, plug it in and flash again"
_GONE = {errno.ENOENT, errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOTCONN}

Progress = Callable[[int, int], None]  # bytes written, bytes in all


@dataclass(frozen=True)
class Volume:
    """A mounted disk that takes UF2 files. `location`: USB location of its board, or None if it is unknown."""

    path: Path
    board_id: str
    location: str | None = None

    @property
    def is_pico(self) -> bool:
        """Whether it is the volume of an RP2040."""
        return self.board_id == BOARD_ID


class File(Protocol):
    """The part of an open file that the copy uses."""

    def write(self, data: bytes, /) -> int | None: ...

    def sync(self) -> None: ...

    def close(self) -> None: ...


class SystemFile:
    """A file whose bytes are on the device when `sync` returns. Raises OSError for a link in its place."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb", buffering=0, opener=_open_no_link)  # noqa: SIM115

    def write(self, data: bytes, /) -> int | None:
        return self._file.write(data)

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def find_volumes() -> list[Volume]:
    """All mounted UF2 volumes, of any board."""
    seen = [read_volume(path, _usb_location(device)) for path, device in _mounts()]
    return sorted((volume for volume in seen if volume), key=lambda volume: volume.path)


def read_volume(path: Path, location: str | None = None) -> Volume | None:
    """The volume at `path`, or None if it has no valid INFO_UF2.TXT."""
    try:
        with open(path / INFO_FILE, "rb", opener=_open_no_link) as file:
            text = file.read(INFO_BYTES).decode("ascii", "replace")
    except OSError:
        return None
    board = re.search(r"^Board-ID:\s*(.*?)\s*$", text, re.MULTILINE)
    return Volume(path, board.group(1) if board else "", location)


def _open_no_link(path: str, flags: int) -> int:
    """For `open`. Raises OSError for a symbolic link and for anything but a regular file, such as a pipe."""
    if os.path.islink(path):  # Windows has no O_NOFOLLOW
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    descriptor = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return descriptor


OpenFile = Callable[[Path], File]


def copy(data: bytes, volume: Volume, progress: Progress, open_file: OpenFile = SystemFile) -> None:
    """Write the UF2 file; return when the last byte has left this machine.

    Raises VolumeFull, VolumeVanished or VolumeWriteFailed.
    """
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
            with suppress(OSError):  # fails on a volume that is gone; the error is known already
                file.close()
    except OSError as error:
        _judge(error, volume, written, total)
        progress(total, total)


def _judge(error: OSError, volume: Volume, written: int, total: int) -> None:
    """Return if the error means that the board took the whole file and restarted; raise otherwise."""
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
            raise OSError(errno.EIO, "the system accepts no more bytes")
        done += count
    return done


def _mounts() -> Iterator[tuple[Path, str]]:
    """Folders that may be a UF2 volume, each with the device mounted there ("" if unknown)."""
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
    """FAT filesystems, as a UF2 volume is; reading others could wake a sleeping file server."""
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
    """USB location of a block device, such as "1-2.3", in the form that pyserial uses for a port."""
    if not device.startswith("/dev/"):
        return None
    path = os.path.realpath(blocks / os.path.basename(device))
    steps = re.findall(r"/(\d+-[\d.]+)(?=/)", path)
    return steps[-1] if steps else None

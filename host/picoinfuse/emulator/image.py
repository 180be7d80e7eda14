"""Finds the MicroPython image that the emulated Pico runs.

In this order: `--uf2 FILE`, PICOINFUSE_UF2, the cache, a download of the pinned official release from micropython.org.
A named file is accepted if it is a valid UF2. A download is kept, and later used, only if its SHA-256 is the pinned
one.
"""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from picoinfuse.emulator.errors import NoFirmware, UntrustedFirmware
from picoinfuse.image import uf2

ENVIRONMENT = "PICOINFUSE_UF2"
_CHUNK_BYTES = 64 * 1024
_MOST_BYTES = 8 * 1024 * 1024  # twice the size of a UF2 for 2 MiB of flash
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Release:
    """A file to download, and its SHA-256 in hex."""

    name: str
    url: str
    sha256: str


# Source of the digest: the tests of the compressor "tamp" (github.com/BrianPugh/tamp) state it for this file.
OFFICIAL = Release(
    "RPI_PICO-20250415-v1.25.0.uf2",
    "https://micropython.org/resources/firmware/RPI_PICO-20250415-v1.25.0.uf2",
    "e0c40eacf1afc550a6add74888c48bb981b28788a6d75a62a0e2444e997b9864",
)

Progress = Callable[[int, int | None], None]  # bytes so far, and in all if the server states it


def find_image(
    given: Path | None = None,
    *,
    release: Release = OFFICIAL,
    cache: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> Path:
    """Path of an image to run. Raises NoFirmware, which names every place searched, UntrustedFirmware or BadUf2."""
    named = given or (Path(os.environ[ENVIRONMENT]) if os.environ.get(ENVIRONMENT) else None)
    if named is not None:
        uf2.read(named)
        return named
    folder = cache or cache_folder()
    kept = folder / release.name
    if kept.is_file() and _digest(kept.read_bytes()) == release.sha256:
        return kept
    try:
        return _fetch(release, folder, progress)
    except OSError as error:
        why = error.reason if isinstance(error, urllib.error.URLError) else error
        raise NoFirmware(
            f"no MicroPython image for the emulated Pico: no --uf2 FILE, {ENVIRONMENT} is not set, "
            f"none in {folder}, and {release.url} could not be downloaded ({why})"
        ) from error


def cache_folder() -> Path:
    """The folder in which images are kept between runs, inside the platform's cache folder."""
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif (Path.home() / "Library" / "Caches").is_dir():
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "picoinfuse"


def _fetch(release: Release, folder: Path, progress: Progress) -> Path:
    with urllib.request.urlopen(release.url, timeout=_TIMEOUT_S) as response:
        length = response.headers.get("Content-Length")
        total = int(length) if length else None
        raw = bytearray()
        while chunk := response.read(_CHUNK_BYTES):
            raw += chunk
            if len(raw) > _MOST_BYTES:
                raise UntrustedFirmware(f"{release.url} is too large for an image of a Pico; it was not kept")
            progress(len(raw), total)
    digest = _digest(bytes(raw))
    if digest != release.sha256:
        raise UntrustedFirmware(f"{release.url} has the SHA-256 {digest}, not {release.sha256}; it was not kept")
    uf2.parse(bytes(raw))
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{release.name}.{os.getpid()}"
    fresh.write_bytes(raw)
    return fresh.replace(folder / release.name)


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()

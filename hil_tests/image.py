"""The flash of the board in software as a file: read, changed, booted from."""

from __future__ import annotations

from pathlib import Path

from littlefs import LittleFS

from picoinfuse.bench.stub import StubBench
from picoinfuse.stub.flash_image import BLOCK, BLOCKS

OLDER = 0x0002_0000  # littlefs 2.0 on the disk
NEWER = 0x0002_0001  # what MicroPython writes


def filesystem(image: bytes | None, version: int = NEWER) -> LittleFS:
    fs = LittleFS(block_size=BLOCK, block_count=BLOCKS, prog_size=256, read_size=256, disk_version=version, mount=False)
    if image is None:
        fs.format()
    else:
        fs.context.buffer = bytearray(image)
    fs.mount()
    return fs


def image_of(bench: StubBench) -> bytes:
    return Path(bench.board._setup["image"]).read_bytes()


def boot_with(bench: StubBench, image: bytes) -> None:
    Path(bench.board._setup["image"]).write_bytes(image)
    bench.board.power_cycle(1.0)
    bench.board.sleep(1.0)

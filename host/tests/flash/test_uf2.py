"""UF2 files: what is refused, with which block, and what is read."""

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picoinfuse.flash import image
from picoinfuse.image import binary_info, uf2
from picoinfuse.image.errors import (
    BadAddress,
    BadBlockNumber,
    BadPayload,
    BadUf2,
    ForeignFamily,
    NoSuchImage,
    NotBootable,
    NotMicroPython,
    NotUf2,
    OverlappingBlocks,
    TooLarge,
    TruncatedUf2,
    WritesFilesystem,
)

from .world import firmware

GOOD = uf2.write(bytes(range(256)) * 8)  # 8 blocks
FLAGS, ADDRESS, SIZE, NUMBER, TOTAL, FAMILY = 8, 12, 16, 20, 24, 28  # offsets of words in a block


def changed(block: int, offset: int, value: int) -> bytes:
    data = bytearray(GOOD)
    struct.pack_into("<I", data, block * 512 + offset, value)
    return bytes(data)


@given(st.binary(min_size=1, max_size=5000))
def test_what_is_written_is_read(flash: bytes) -> None:
    read = uf2.parse(uf2.write(flash))
    pages = -(-len(flash) // 256)
    assert read.flash == flash.ljust(pages * 256, b"\xff")
    assert read.blocks == pages


@pytest.mark.parametrize(
    ("raw", "error", "block"),
    [
        (b"", NotUf2, None),
        (b"not a UF2 file" * 100, NotUf2, 0),
        (changed(0, 0, 0), NotUf2, 0),
        (changed(3, 4, 0), NotUf2, 3),
        (changed(7, 508, 0), NotUf2, 7),
        (changed(2, FAMILY, 0xE48BFF59), ForeignFamily, 2),  # RP2350
        (changed(2, FLAGS, 0), ForeignFamily, 2),  # names no family
        (changed(2, FLAGS, 0x2001), BadPayload, 2),  # not for main flash
        (changed(4, SIZE, 476), BadPayload, 4),
        (changed(4, SIZE, 0), BadPayload, 4),
        (changed(5, ADDRESS, 0x20000000), BadAddress, 5),  # RAM
        (changed(5, ADDRESS, 0x10200000), BadAddress, 5),  # after the last of 2 MiB
        (changed(5, ADDRESS, 0x0FFFFF00), BadAddress, 5),
        (changed(5, ADDRESS, 0x10000080), BadAddress, 5),  # not a page
        (changed(5, ADDRESS, 0x10000300), OverlappingBlocks, 5),  # block 3's
        (changed(6, NUMBER, 5), BadBlockNumber, 6),
        (changed(6, TOTAL, 9), BadBlockNumber, 6),
        (changed(0, TOTAL, 7), BadBlockNumber, 1),
        (GOOD + GOOD, BadBlockNumber, 8),  # two files in a row
        (GOOD[:-512], TruncatedUf2, 7),
        (GOOD[:-1], TruncatedUf2, 7),
        (GOOD[512:], BadBlockNumber, 0),
        (uf2.write(b"filesystem", 0x100A0000), NotBootable, None),
    ],
)
def test_bad_file_is_refused_with_its_block(raw: bytes, error: type[BadUf2], block: int | None) -> None:
    with pytest.raises(error) as caught:
        uf2.parse(raw)
    assert type(caught.value) is error
    assert caught.value.block == block
    if block is not None:
        assert str(caught.value).startswith(f"block {block}: ")


@given(st.integers(0, len(GOOD) - 1))
def test_file_that_ends_anywhere_is_refused(length: int) -> None:
    with pytest.raises(BadUf2):
        uf2.parse(GOOD[:length])


@given(st.binary(max_size=2000))
def test_any_other_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(BadUf2):
        uf2.parse(raw)


def test_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(NoSuchImage, match="No such file"):
        uf2.read(tmp_path / "none.uf2")


def test_page_that_no_block_writes_reads_as_erased() -> None:
    first, last = uf2.write(b"\0" * 256), uf2.write(b"\1" * 256, uf2.FLASH_START + 512)
    both = bytearray(first + last)
    for block in (0, 1):
        struct.pack_into("<2I", both, block * 512 + NUMBER, block, 2)
    assert uf2.parse(bytes(both)).flash == b"\0" * 256 + b"\xff" * 256 + b"\1" * 256


def test_micropython_says_its_version() -> None:
    info = binary_info.read(firmware("v1.26.0-preview.123.gabcdef"))
    assert (info.program, info.micropython) == ("MicroPython", (1, 26, 0))


@pytest.mark.parametrize(
    "flash",
    [
        b"",
        b"\xff" * 4096,
        firmware(program="CircuitPython"),
        firmware(version="unversioned"),
        firmware()[:0x148],  # table, but no entries
        firmware()[:0x140],  # header, but no table
    ],
)
def test_image_that_names_no_micropython_is_refused(flash: bytes) -> None:
    with pytest.raises(NotMicroPython):
        binary_info.read(flash)


@given(st.binary(min_size=0x14, max_size=0x14), st.binary(min_size=0x40, max_size=0x40))
def test_damaged_binary_info_is_an_error_and_nothing_else(header: bytes, entries: bytes) -> None:
    flash = bytearray(firmware(size=4096))
    flash[0x104:0x110] = header[:12]
    flash[0x140:0x180] = entries
    with pytest.raises(NotMicroPython):
        binary_info.read(bytes(flash))


def test_a_file_larger_than_the_flash_is_refused_after_a_bounded_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.uf2"
    with file.open("wb") as huge:
        huge.truncate(100 * 1024**3)  # sparse: reading it whole would not end in a test's time
    with pytest.raises(TooLarge, match=r"huge.uf2: larger than 4194304 bytes"):
        uf2.read(file)


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NoSuchImage, match="not a regular file"):
        uf2.read(tmp_path / "pipe")


def test_an_image_that_writes_into_the_filesystem_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "packed.uf2"
    file.write_bytes(uf2.write(firmware(size=image.FIRMWARE_BYTES)))
    assert image.load(file).micropython == (1, 25, 0)
    file.write_bytes(uf2.write(firmware(size=image.FIRMWARE_BYTES + 1)))
    with pytest.raises(WritesFilesystem, match=r"writes above 0x100a0000, into the filesystem with the calibration"):
        image.load(file)

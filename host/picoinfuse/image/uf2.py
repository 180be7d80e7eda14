"""Read and write UF2 files for the RP2040.

A UF2 file is a sequence of 512-byte blocks, each with 256 bytes for one page of flash and its address. The boot
ROM silently ignores an invalid block and then waits for it forever, so everything that it checks is checked
here before a board is touched: magic words, family, sizes, addresses, numbering, completeness.
Format: https://github.com/microsoft/uf2.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from picoinfuse.image.errors import (
    BadAddress,
    BadBlockNumber,
    BadPayload,
    BadUf2,
    ForeignFamily,
    NoSuchImage,
    NotBootable,
    NotUf2,
    OverlappingBlocks,
    TooLarge,
    TruncatedUf2,
)

FLASH_START = 0x10000000
FLASH_BYTES = 2 * 1024 * 1024  # of a Pico
PAGE_BYTES = 256
BLOCK_BYTES = 512
FILE_BYTES = FLASH_BYTES // PAGE_BYTES * BLOCK_BYTES  # the largest valid file: a block for every page
FAMILY_RP2040 = 0xE48BFF56
HAS_FAMILY = 0x2000  # flag: the last word of the header is the family

_BLOCK = struct.Struct("<8I476sI")  # magic, magic, flags, address, size, number, total, family, data, magic
_MAGIC_START_0 = 0x0A324655
_MAGIC_START_1 = 0x9E5D5157
_MAGIC_END = 0x0AB16F30


Fields = tuple[int, int, int, int, int, int, int, int, bytes, int]


@dataclass(frozen=True)
class Uf2:
    """A file that passed every check."""

    raw: bytes  # the file itself
    flash: bytes  # contents of the flash from FLASH_START; pages that no block writes are erased (0xff)
    blocks: int


def read(path: Path) -> Uf2:
    """Read and check a file. Reads at most FILE_BYTES. Raises a BadUf2 that names the file."""
    try:
        if path.exists() and not path.is_file():  # a device or a pipe may never end
            raise NoSuchImage(f"{path} is not a regular file")
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise NoSuchImage(f"{path} cannot be read: {error.strerror}") from error
    try:
        if len(raw) > FILE_BYTES:
            raise TooLarge(f"larger than {FILE_BYTES} bytes, which fill the flash of a Pico")
        return parse(raw)
    except BadUf2 as error:
        error.args = (f"{path}: {error}",)
        raise


def parse(raw: bytes) -> Uf2:
    """Check the contents of a file. Raises a BadUf2 with the number of the first invalid block."""
    pages: dict[int, tuple[int, bytes]] = {}  # address: block that writes it, data
    for number, (address, data) in enumerate(_blocks(raw)):
        if address in pages:
            first = pages[address][0]
            raise OverlappingBlocks(f"writes {address:#x}, which block {first} writes too", number)
        pages[address] = number, data
    if FLASH_START not in pages:
        raise NotBootable(f"nothing is written to {FLASH_START:#x}, where the chip starts")
    flash = bytearray(b"\xff" * (max(pages) + PAGE_BYTES - FLASH_START))
    for address, (_, data) in pages.items():
        flash[address - FLASH_START : address - FLASH_START + PAGE_BYTES] = data
    return Uf2(raw, bytes(flash), len(pages))


def write(flash: bytes, start: int = FLASH_START) -> bytes:
    """The UF2 file that writes `flash` to the address `start`; the last page is padded with 0xff."""
    total = -(-len(flash) // PAGE_BYTES)
    blocks: list[bytes] = []
    for number in range(total):
        data = flash[number * PAGE_BYTES : (number + 1) * PAGE_BYTES].ljust(PAGE_BYTES, b"\xff")
        address = start + number * PAGE_BYTES
        header = (_MAGIC_START_0, _MAGIC_START_1, HAS_FAMILY, address, PAGE_BYTES, number, total)
        blocks.append(_BLOCK.pack(*header, FAMILY_RP2040, data, _MAGIC_END))
    return b"".join(blocks)


def _blocks(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Address and data of each block."""
    if len(raw) < BLOCK_BYTES:
        raise NotUf2(f"{len(raw)} bytes are less than one UF2 block of {BLOCK_BYTES}")
    count, rest = divmod(len(raw), BLOCK_BYTES)
    total = _BLOCK.unpack_from(raw)[6]
    for number in range(count):
        yield _block(_BLOCK.unpack_from(raw, number * BLOCK_BYTES), number, total)
    if rest:
        raise TruncatedUf2(f"only {rest} of its {BLOCK_BYTES} bytes are present", count)
    if count < total:
        raise TruncatedUf2(f"the file ends after {count} of {total} blocks", count)


def _block(fields: Fields, number: int, total: int) -> tuple[int, bytes]:
    magic_0, magic_1, flags, address, size, own_number, own_total, family, data, magic_end = fields
    problem: BadUf2 | None = None
    if (magic_0, magic_1, magic_end) != (_MAGIC_START_0, _MAGIC_START_1, _MAGIC_END):
        problem = NotUf2("the magic words of UF2 are missing", number)
    elif not flags & HAS_FAMILY:
        problem = ForeignFamily("does not name the chip that it is for", number)
    elif family != FAMILY_RP2040:
        problem = ForeignFamily(f"is for family {family:#010x}, the RP2040 is {FAMILY_RP2040:#010x}", number)
    elif flags & ~HAS_FAMILY:
        problem = BadPayload(f"has flags {flags:#x}: it is not a plain block for flash", number)
    elif size != PAGE_BYTES:
        problem = BadPayload(f"has {size} bytes, not {PAGE_BYTES}", number)
    elif own_total != total:
        problem = BadBlockNumber(f"counts {own_total} blocks, but block 0 counts {total}", number)
    elif own_number != number or number >= total:
        problem = BadBlockNumber(f"has the number {own_number}, of {total}", number)
    elif address % PAGE_BYTES or not FLASH_START <= address < FLASH_START + FLASH_BYTES:
        problem = BadAddress(f"writes {address:#x}: not a page of the Pico's flash", number)
    if problem is not None:
        raise problem
    return address, data[:PAGE_BYTES]

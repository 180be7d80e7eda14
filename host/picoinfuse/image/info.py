"""The info block of a production image: version, commit, and the CRC of everything before it.

It is the page of flash right after MicroPython's own image, found by its marker at the start of a page. The page has a
CRC of its own, to distinguish a damaged block from a damaged image.
"""

import struct
from binascii import crc32
from dataclasses import dataclass

from picoinfuse.image.errors import DamagedImage, ImageError, NoInfo
from picoinfuse.image.uf2 import PAGE_BYTES

MARKER = b"picoinfuse-image"
FORMAT = 1
_FIELDS = struct.Struct("<16s3I32s64s32s")  # marker, format, image bytes, image CRC, version, commit, MicroPython
_CRC = struct.Struct("<I")  # of the page before it, in the page's last word


@dataclass(frozen=True)
class ImageInfo:
    version: str
    commit: str
    micropython: str  # its version string, such as "v1.25.0"
    image_bytes: int  # covered by the CRC
    image_crc: int


def append(firmware: bytes, version: str, commit: str, micropython: str) -> bytes:
    """`firmware`, padded to a whole page, and the info block. Raises ImageError when a text is too long."""
    firmware += b"\xff" * (-len(firmware) % PAGE_BYTES)
    texts = _text(version, 32), _text(commit, 64), _text(micropython, 32)
    page = _FIELDS.pack(MARKER, FORMAT, len(firmware), crc32(firmware), *texts)
    page = page.ljust(PAGE_BYTES - _CRC.size, b"\xff")
    return firmware + page + _CRC.pack(crc32(page))


def read(flash: bytes) -> ImageInfo:
    """Raises NoInfo, or DamagedImage when a CRC does not match."""
    offset = _find(flash)
    page = flash[offset : offset + PAGE_BYTES]
    if len(page) < PAGE_BYTES or _CRC.unpack(page[-_CRC.size :])[0] != crc32(page[: -_CRC.size]):
        raise DamagedImage("the info block is damaged: its CRC does not match")
    _, format_number, image_bytes, image_crc, version, commit, micropython = _FIELDS.unpack_from(page)
    if format_number != FORMAT:
        raise NoInfo(f"the info block has format {format_number}; this program reads format {FORMAT}")
    if image_bytes != offset or crc32(flash[:offset]) != image_crc:
        raise DamagedImage(f"the image is damaged: its CRC differs from {image_crc:08x} in the info block")
    return ImageInfo(_str(version), _str(commit), _str(micropython), image_bytes, image_crc)


def _find(flash: bytes) -> int:
    """Offset of the last page with the marker, since the image before the block may contain any bytes."""
    for offset in reversed(range(0, len(flash), PAGE_BYTES)):
        if flash.startswith(MARKER, offset):
            return offset
    raise NoInfo("this is no picoinfuse image: it has no info block")


def _text(text: str, size: int) -> bytes:
    data = text.encode()
    if len(data) > size:
        raise ImageError(f"{text!r} is longer than its {size} bytes in the info block")
    return data


def _str(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "replace")

"""Reads program name and version from an RP2040 image: the "binary info" of the Pico SDK.

A header in the first 256 bytes after the boot loader points to a table of pointers to entries. Entries with an id and a
string name the program, its version and the board. MicroPython's are "MicroPython" and, for example, "v1.25.0".
"""

import re
import struct
from dataclasses import dataclass

from picoinfuse.image.errors import NotMicroPython
from picoinfuse.image.uf2 import FLASH_START

_HEADER = struct.Struct("<5I")  # marker, start and end of the table, mapping, marker
_MARKER_START = 0x7188EBF2
_MARKER_END = 0xE71AA390
_SEARCH_FROM = 0x100  # after the second-stage boot loader
_SEARCH_TO = 0x200
_ENTRY = struct.Struct("<2H2I")  # kind, tag, id, pointer
_ID_AND_STRING = 6
_RASPBERRY_PI = int.from_bytes(b"RP", "little")
_PROGRAM_NAME = 0x02031C86
_PROGRAM_VERSION = 0x11A9BC3A
_LONGEST_TABLE = 4096  # entries; bounds the work for a damaged header


@dataclass(frozen=True)
class BinaryInfo:
    program: str
    version: str  # such as "v1.25.0"
    micropython: tuple[int, int, int]


def read(flash: bytes) -> BinaryInfo:
    """Raises NotMicroPython when the image has no binary info, or that of another program."""
    strings = dict(_strings(flash))
    program = strings.get(_PROGRAM_NAME, "")
    version = strings.get(_PROGRAM_VERSION, "")
    numbers = re.match(r"v(\d+)\.(\d+)\.(\d+)", version)
    if program != "MicroPython" or numbers is None:
        named = f"it is {program!r} {version}".rstrip() if program else "it does not say what it is"
        raise NotMicroPython(f"this is no MicroPython image: {named}")
    major, minor, micro = (int(number) for number in numbers.groups())
    return BinaryInfo(program, version, (major, minor, micro))


def _strings(flash: bytes) -> list[tuple[int, str]]:
    """Id and text of every Raspberry Pi entry that has both."""
    found: list[tuple[int, str]] = []
    for offset in _table(flash):
        if not 0 <= offset <= len(flash) - _ENTRY.size:
            continue
        kind, tag, name, pointer = _ENTRY.unpack_from(flash, offset)
        if (kind, tag) == (_ID_AND_STRING, _RASPBERRY_PI):
            begin = max(pointer - FLASH_START, 0)
            text = flash[begin : begin + 256].partition(b"\0")[0]
            found.append((name, text.decode("ascii", "replace")))
    return found


def _table(flash: bytes) -> list[int]:
    """Offsets of the entries."""
    for offset in range(_SEARCH_FROM, min(_SEARCH_TO, len(flash) - _HEADER.size), 4):
        first, start, end, _, last = _HEADER.unpack_from(flash, offset)
        if (first, last) == (_MARKER_START, _MARKER_END):
            count = min((end - start) // 4, _LONGEST_TABLE)
            begin = start - FLASH_START
            if count <= 0 or begin < 0 or begin + 4 * count > len(flash):
                return []
            return [pointer - FLASH_START for pointer in struct.unpack_from(f"<{count}I", flash, begin)]
    return []

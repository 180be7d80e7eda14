"""From a library to the lines that the pump keeps (firmware/pump/storage/library.py)."""

import json
from binascii import crc32

from picoinfuse.library.model import Drug, Library

FORMAT = 1


def compiled(library: Library) -> list[bytes]:
    """The lines, without newlines: the head and one for each drug."""
    drugs = [_line(_row(drug)) for drug in library.drugs]
    crc = crc32(b"".join(line + b"\n" for line in drugs))
    head = {
        "format": FORMAT,
        "name": library.name,
        "version": library.version,
        "drugs": len(drugs),
        "crc": f"{crc:08x}",
    }
    return [_line(head), *drugs]


def crc(library: Library) -> str:
    """Eight hex digits that differ when the contents differ, whatever the name and the version say."""
    return str(json.loads(compiled(library)[0].rpartition(b"#")[0])["crc"])


def text(library: Library) -> str:
    """As the pump reports it: name, version, CRC."""
    return f"{library.name} {library.version} {crc(library)}"


def _row(drug: Drug) -> list[object]:
    dose, bolus, hour = drug.dose, drug.bolus, drug.hour
    return [
        drug.name,
        drug.unit,
        drug.amount,
        list(drug.concentrations),
        [dose.hard_min, dose.soft_min, dose.soft_max, dose.hard_max],
        [bolus.soft_max, bolus.hard_max],
        [hour.soft_max, hour.hard_max],
    ]


def _line(value: object) -> bytes:
    body = json.dumps(value, separators=(",", ":")).encode()
    return body + b"#%08x" % crc32(body)

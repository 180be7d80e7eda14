"""`/pump/files.crc`: what the pump's self-test holds its files against. A line for each, CRC-32 and path on the board,
and in the end `#` and the CRC-32 of these lines. Not in it: what the pump itself writes, and the profile, which has its
own.
"""

from binascii import crc32
from pathlib import Path

PATH = "pump/files.crc"
_ON_TOP = ("boot.py", "main.py")

# Writes the list anew from what is on the board: for a test that put something else in the place of a file.
REWRITE = f"""
import binascii, os
lines = b""
def add(path):
    global lines
    with open(path, "rb") as file:
        lines += b"%08x %s\\n" % (binascii.crc32(file.read()), path.encode())
def look(folder):
    for entry in sorted(os.ilistdir(folder)):
        path = folder + "/" + entry[0]
        if entry[1] == 0x4000:
            look(path)
        elif path != "/{PATH}":
            add(path)
for name in {_ON_TOP}:
    add("/" + name)
look("/pump")
with open("/{PATH}", "wb") as file:
    file.write(lines + b"#%08x\\n" % binascii.crc32(lines))
"""


def write(folder: Path) -> None:
    """Puts the list into the folder that is to go on the board."""
    files = [folder / name for name in _ON_TOP]
    files += sorted(file for file in (folder / "pump").rglob("*") if file.is_file())
    lines = b"".join(b"%08x /%s\n" % (crc32(file.read_bytes()), _path(file, folder)) for file in files)
    (folder / PATH).write_bytes(lines + b"#%08x\n" % crc32(lines))


def _path(file: Path, folder: Path) -> bytes:
    return file.relative_to(folder).as_posix().encode()

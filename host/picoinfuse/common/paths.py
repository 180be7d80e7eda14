"""Folders of the repository.

The host tool works from a clone, with the firmware and board profiles beside it. Installed from a wheel alone it can
talk to a pump, but not deploy one.
"""

from pathlib import Path

from picoinfuse.common.errors import NotAClone


def root() -> Path:
    """The top folder of the clone. Raises NotAClone."""
    folder = Path(__file__).resolve().parents[3]
    if not (folder / "firmware" / "pump").is_dir() or not (folder / "boards").is_dir():
        raise NotAClone("firmware/ and boards/ were not found: run picoinfuse from a clone of its repository")
    return folder


def firmware() -> Path:
    """The firmware's sources. Raises NotAClone."""
    return root() / "firmware"


def boards() -> Path:
    """The board profiles. Raises NotAClone."""
    return root() / "boards"


def build() -> Path:
    """The folder for generated files, created if missing. Raises NotAClone."""
    folder = root() / "build"
    folder.mkdir(exist_ok=True)
    return folder

"""What goes on the board, in a folder, and how mpremote gets it there."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from picoinfuse import paths
from picoinfuse.profile import Profile

NOT_DEPLOYED = ("tests", "__pycache__", "*.pyc", ".*")

# Runs on the board. Removes what is no longer part of the pump, then makes the folders.
PREPARE = """
import os
keep = {keep}
folders = {folders}
def clean(folder):
    for name, kind, *_ in list(os.ilistdir(folder)):
        path = folder + "/" + name
        if kind == 0x4000:
            clean(path)
            if path not in folders:
                os.rmdir(path)
        elif path not in keep:
            os.remove(path)
            print("removed", path)
for path in folders:
    try:
        os.mkdir(path)
    except OSError:
        pass
clean("/pump")
"""


@contextmanager
def staged(profile: Profile) -> Iterator[Path]:
    """A temporary folder with exactly what goes on the board."""
    with tempfile.TemporaryDirectory(prefix="picoinfuse-") as name:
        folder = Path(name) / "board"
        shutil.copytree(paths.firmware(), folder, ignore=shutil.ignore_patterns(*NOT_DEPLOYED))
        build = f'"""What this firmware was made from."""\n\nCOMMIT = "{commit()}"\n'
        (folder / "pump" / "build.py").write_text(build, encoding="utf-8")
        (folder / "profile.json").write_bytes(profile.frame())
        yield folder


def commit() -> str:
    """The commit of the clone as git describes it, or "unknown"."""
    command = ["git", "-C", str(paths.root()), "describe", "--tags", "--always", "--dirty", "--abbrev=8"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip() or "unknown"


def mpremote_commands(folder: Path) -> list[str]:
    """What mpremote is to do, in one chain. main.py comes last, after what it imports."""
    files = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda p: (p.name == "main.py", p))
    folders = sorted(_on_board(path, folder) for path in folder.rglob("*") if path.is_dir())
    keep = sorted(_on_board(path, folder) for path in files)
    commands = ["exec", PREPARE.format(keep=keep, folders=folders)]
    for path in files:
        commands += ["+", "fs", "cp", str(path), ":" + _on_board(path, folder)]
    return [*commands, "+", "reset"]


def _on_board(path: Path, folder: Path) -> str:
    return "/" + path.relative_to(folder).as_posix()

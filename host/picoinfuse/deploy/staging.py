"""A folder with the files to deploy."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from picoinfuse.common import paths
from picoinfuse.deploy.bytecode import FORMAT
from picoinfuse.profile import Profile

PROFILE = "profile.json"
NOT_DEPLOYED = ("tests", "__pycache__", "*.pyc", "*.json", "*.lock", ".*")


@contextmanager
def staged(profile: Profile) -> Iterator[Path]:
    """A temporary folder with exactly the files to deploy, as source."""
    with tempfile.TemporaryDirectory(prefix="picoinfuse-") as name:
        folder = Path(name) / "board"
        shutil.copytree(paths.firmware(), folder, ignore=shutil.ignore_patterns(*NOT_DEPLOYED))
        _drop_empty_packages(folder)
        write_commit(folder / "pump" / "build.py", commit(), frozen=False)
        (folder / PROFILE).write_bytes(profile.frame())
        yield folder


def _drop_empty_packages(folder: Path) -> None:
    """MicroPython imports a folder without `__init__`; an empty one costs a block and 25 ms of the boot."""
    for file in folder.rglob("__init__.py"):
        if not file.stat().st_size:
            file.unlink()


def write_commit(file: Path, made_from: str, *, frozen: bool) -> None:
    """Puts the commit into a copy of `firmware/pump/build.py`."""
    text = file.read_text(encoding="utf-8")
    text = re.sub(r"^COMMIT = .*$", f'COMMIT = "{made_from}"', text, flags=re.MULTILINE)
    file.write_text(re.sub(r"^FROZEN = .*$", f"FROZEN = {frozen}", text, flags=re.MULTILINE), encoding="utf-8")


def fingerprint(profile: Profile, *more: bytes) -> str:
    """Identifies the flash after a deployment: equal for equal firmware, profile, bytecode format and `more`."""
    digest = hashlib.sha256(b"\0".join([str(FORMAT).encode(), *more]))
    with staged(profile) as folder:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def commit() -> str:
    """The clone's commit as `git describe` prints it, or "unknown"."""
    command = ["git", "-C", str(paths.root()), "describe", "--tags", "--always", "--dirty", "--abbrev=8"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip() or "unknown"

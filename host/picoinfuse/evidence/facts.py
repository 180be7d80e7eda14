"""What a run was made of: the clone, the firmware's sources, the profile, the wiring, the machine."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from picoinfuse.client.hello import Hello
from picoinfuse.common import paths
from picoinfuse.profile import Profile
from picoinfuse.rig.rig_list import rigs_of


def clone_facts() -> dict[str, Any]:
    """Commit and whether anything was changed since; nulls where git or the clone is not there."""
    commit = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changed is None else bool(changed)}


def firmware_hash() -> str:
    """SHA-256 over names and bytes of the firmware's sources, as far as they go on a board."""
    digest = hashlib.sha256()
    root = paths.firmware()
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if name.parts[0] != "tests":
            digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def profile_facts(profile: Profile) -> dict[str, Any]:
    return {"name": profile.name, "wiring": profile.compiled()["wiring"]}


def rig_facts(bench: str) -> list[dict[str, str]]:
    """The wiring files that `--bench` names, with all that stands in them."""
    files = [Path(name.removeprefix("rig:")) for name in rigs_of(bench)]
    texts = [file.read_bytes() for file in files]
    return [
        {"file": str(file), "sha256": hashlib.sha256(text).hexdigest(), "text": text.decode("utf-8")}
        for file, text in zip(files, texts, strict=True)
    ]


def board_facts(hello: Hello) -> dict[str, Any]:
    """What the pump itself says of itself."""
    return {
        "unique_id": hello.unique_id,
        "firmware": hello.version,
        "firmware_commit": hello.commit,
        "micropython": hello.micropython,
        "machine": hello.machine,
        "profile": hello.profile,
    }


def host_facts() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "picoinfuse": metadata.version("picoinfuse"),
        "pytest": metadata.version("pytest"),
    }


def _git(*arguments: str, folder: Path | None = None) -> str | None:
    command = ["git", "-C", str(folder or paths.root()), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()

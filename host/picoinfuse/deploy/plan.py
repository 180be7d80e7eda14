"""Plans a deployment: compares the board's files with the new ones and lists the commands for mpremote."""

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from picoinfuse.deploy.on_board import (
    APP,
    COMMIT,
    COMMIT_ONE,
    INTERRUPTED,
    ON_TOP,
    PREPARE,
    STAGED,
    TIDY,
    VERIFY,
    Found,
    staged_name,
)

SPARE_BLOCKS = 4  # for the filesystem's own changes


@dataclass(frozen=True)
class Plan:
    """The changes to make. Paths are those on the board; `send`: path to (file on this computer, its SHA-256)."""

    keep: list[str]
    send: dict[str, tuple[Path, str]]
    remove: list[str]
    found: Found

    @property
    def nothing(self) -> bool:
        return not (self.send or self.remove or self.found.interrupted)

    def nothing_but(self, path: str) -> bool:
        return list(self.send) == [path] and not self.remove and not self.found.interrupted

    def blocks_missing(self) -> int:
        """Upper bound of the blocks that the filesystem lacks; negative when there is room."""
        found, wanted = self.found, {path: digest for path, (_, digest) in self.send.items()}
        files = sum(
            found.blocks(file.stat().st_size)
            for path, (file, digest) in self.send.items()
            if found.staged.get(path) != digest
        )
        stale = [path for path, digest in found.staged.items() if wanted.get(path) != digest]
        freed = sum(found.blocks(found.files[staged_name(path)][1]) for path in stale)
        wanted_folders = {STAGED, *_folders(self.keep)}
        folders = 2 * len(wanted_folders.difference(_folders(list(found.files))))  # a folder takes two blocks
        return files + folders + SPARE_BLOCKS - freed - found.free_blocks

    def commands(self) -> list[str]:
        """Arguments for mpremote, one chain of commands."""
        staged = sorted((staged_name(path), *source) for path, source in self.send.items())
        names = [path for path, _, _ in staged]
        others = () if self.found.frozen else (APP,) if self.found.interrupted else (INTERRUPTED,)
        prepare = PREPARE.format(others=others, folders=[STAGED], keep=names)
        chain = [["exec", prepare]]
        chain += [["fs", "cp", str(file), f":{path}"] for path, file, _ in staged]
        chain.append(["exec", VERIFY.format(expected=[(path, digest) for path, _, digest in staged])])
        chain += [["exec", self._commit()], ["exec", TIDY], ["reset"]]
        return [word for number, command in enumerate(chain) for word in (["+"] if number else []) + command]

    def _commit(self) -> str:
        first = next(iter(self.send), "")
        if self.nothing_but(first) and (first in self.found.now or first in ON_TOP):
            return COMMIT_ONE.format(path=first, staged=staged_name(first))
        inside = [INTERRUPTED + path.removeprefix(APP) for path in self.keep if path.startswith(f"{APP}/")]
        return COMMIT.format(keep=inside, folders=_folders(inside))


def plan(folder: Path, found: Found) -> Plan:
    """The changes from `found` to the files in `folder`."""
    here = {"/" + path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    digests = {path: hashlib.sha256(file.read_bytes()).hexdigest() for path, file in here.items()}
    send = {path: (file, digests[path]) for path, file in here.items() if found.now.get(path) != digests[path]}
    return Plan(list(here), send, [] if found.frozen else [path for path in found.now if path not in here], found)


def _folders(paths: list[str]) -> list[str]:
    """All parent folders of these paths, outer ones first."""
    return sorted({str(folder) for path in paths for folder in PurePosixPath(path).parents} - {"/"})

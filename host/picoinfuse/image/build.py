"""Builds the production image: MicroPython for the board boards/PICOINFUSE with the firmware frozen in, as a UF2 file.

CMake builds in build/image/ and only reads MicroPython's tree, except that it builds a missing mpy-cross there. The
firmware is copied first, because the commit is written into pump/build.py. The build is reproducible: the date is the
commit's (SOURCE_DATE_EPOCH), and manifest.py sorts the frozen files.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from picoinfuse.deploy.staging import write_commit
from picoinfuse.image import binary_info, info, uf2
from picoinfuse.image.errors import BuildFailed
from picoinfuse.image.source import Tree, check_tools, check_tree, commit_time, has_picotool

BOARD = "PICOINFUSE"
_ROOM_BYTES = 640 * 1024  # flash below the filesystem, see mpconfigboard.h

Say = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    path: Path
    info: info.ImageInfo
    flash_bytes: int


def build(root: Path, mpy_dir: Path | None, out_dir: Path, own_commit: str, say: Say) -> Built:
    """Builds the image of the clone at `root` as OUT_DIR/picoinfuse-VERSION.uf2. Raises an ImageError."""
    root, out_dir = root.resolve(), out_dir.resolve()
    tree = check_tree(mpy_dir)
    check_tools()
    version = firmware_version(root)
    work = out_dir / "image"
    shutil.rmtree(work, ignore_errors=True)  # keeps files of an older build out
    firmware = work / "firmware"
    copy_firmware(root / "firmware", firmware, own_commit)
    say(f"building picoinfuse {version} ({own_commit}) on MicroPython {'.'.join(map(str, tree.version))}")
    _compile(root, tree, work, firmware, commit_time(root))
    return _finish(work / "cmake" / "firmware.bin", out_dir / f"picoinfuse-{version}.uf2", version, own_commit)


def firmware_version(root: Path) -> str:
    text = (root / "firmware" / "pump" / "build.py").read_text("utf-8")
    found = re.search(r'^VERSION = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise BuildFailed("firmware/pump/build.py names no VERSION")
    return found.group(1)


def copy_firmware(source: Path, target: Path, own_commit: str) -> None:
    """Copies the files to freeze and writes the commit into the copy."""
    target.mkdir(parents=True)
    for name in ("boot.py", "main.py"):
        shutil.copyfile(source / name, target / name)
    shutil.copytree(source / "pump", target / "pump", ignore=shutil.ignore_patterns("__pycache__"))
    write_commit(target / "pump" / "build.py", own_commit, frozen=True)


def _compile(root: Path, tree: Tree, work: Path, firmware: Path, epoch_s: int) -> None:
    environment = os.environ | {"PICOINFUSE_FIRMWARE_DIR": str(firmware), "SOURCE_DATE_EPOCH": str(epoch_s)}
    if tree.tag is not None:
        environment["MICROPY_GIT_TAG"] = tree.tag  # else git describes an enclosing clone
    folder = work / "cmake"
    configure = ["cmake", "-S", str(tree.path / "ports" / "rp2"), "-B", str(folder), "-DPICO_BUILD_DOCS=0"]
    configure += [f"-DMICROPY_BOARD={BOARD}", f"-DMICROPY_BOARD_DIR={root / 'boards' / BOARD}"]
    if not has_picotool():
        configure.append("-DPICO_NO_PICOTOOL=1")
    log = work / "build.log"
    with log.open("w") as output:
        for command in (configure, ["cmake", "--build", str(folder), f"-j{os.cpu_count() or 1}"]):
            done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=environment, check=False)
            if done.returncode != 0:
                raise BuildFailed(f"{command[0]} failed: {_first_error(log)}; full log: {log}")


def _finish(binary: Path, path: Path, version: str, own_commit: str) -> Built:
    firmware = binary.read_bytes()
    micropython = binary_info.read(firmware).version
    flash = info.append(firmware, version, own_commit, micropython)
    if len(flash) > _ROOM_BYTES:
        raise BuildFailed(f"the image has {len(flash)} bytes, more than the {_ROOM_BYTES} below the filesystem")
    path.write_bytes(uf2.write(flash))
    return Built(path, info.read(flash), len(flash))


def _first_error(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    errors = [line.strip() for line in lines if "error" in line.lower()]
    return (errors or lines or ["no output"])[0]

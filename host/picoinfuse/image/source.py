"""Checks the inputs of a production image, the MicroPython tree and the tools, before the build."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from picoinfuse.common.micropython_versions import check_version
from picoinfuse.image.errors import MissingTool, NoMicroPython

_PARTS = (
    "lib/pico-sdk/pico_sdk_init.cmake",
    "lib/tinyusb/src/tusb.c",
    "lib/mbedtls/include/mbedtls/version.h",
)
_TOOLS = {  # program: Debian's package
    "make": "make",
    "cmake": "cmake",
    "gcc": "gcc",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "arm-none-eabi-g++": "gcc-arm-none-eabi",
}
_LIBRARIES = {  # file that the cross compiler must find: Debian's package
    "nosys.specs": "libnewlib-arm-none-eabi",
    "libstdc++.a": "libstdc++-arm-none-eabi-newlib",
}


@dataclass(frozen=True)
class Tree:
    """A supported MicroPython source tree. `tag`: its version as a git tag if it is not a git clone, else None."""

    path: Path
    version: tuple[int, int, int]
    tag: str | None


def check_tree(path: Path | None) -> Tree:
    """Raises NoMicroPython, or UnsupportedMicroPython for another version."""
    if path is None:
        raise NoMicroPython("no MicroPython source tree was named; give one with MPY_DIR")
    path = path.resolve()
    header = path / "py" / "mpconfig.h"
    if not header.is_file() or not (path / "ports" / "rp2" / "CMakeLists.txt").is_file():
        raise NoMicroPython(f"{path} is no MicroPython source tree: it has no py/mpconfig.h and ports/rp2")
    numbers = dict(re.findall(r"^#define MICROPY_VERSION_(\w+)\s+\(?(\d+)", header.read_text("utf-8"), re.MULTILINE))
    version = tuple(int(numbers.get(name, -1)) for name in ("MAJOR", "MINOR", "MICRO"))
    shown = ".".join(map(str, version))
    check_version(version, str(path))
    missing = [part for part in _PARTS if not (path / part).exists()]
    if missing:
        raise NoMicroPython(f"{path} lacks {missing[0]}; run: make -C {path}/ports/rp2 submodules")
    preview = "-preview" if numbers.get("PRERELEASE") == "1" else ""
    tag = None if (path / ".git").exists() else f"v{shown}{preview}"
    return Tree(path, (version[0], version[1], version[2]), tag)


def check_tools() -> None:
    """Raises MissingTool with the Debian packages to install."""
    missing = {package for tool, package in _TOOLS.items() if shutil.which(tool) is None}
    if "gcc-arm-none-eabi" not in missing:
        missing |= {package for file, package in _LIBRARIES.items() if not _compiler_finds(file)}
    if missing:
        packages = " ".join(sorted(missing))
        raise MissingTool(f"the build lacks tools; on Debian or Ubuntu: sudo apt-get install {packages}")


def has_picotool() -> bool:
    return shutil.which("picotool") is not None


def commit_time(root: Path) -> int:
    """Time of the last commit, seconds since 1970, or 0. As the image's date it makes the build reproducible."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
    try:
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return 0  # no clone, or no commit yet


def _compiler_finds(file: str) -> bool:
    """Whether the compiler finds the file: it prints a path then, and the bare name otherwise."""
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb", f"-print-file-name={file}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0 and Path(done.stdout.strip()).is_absolute()

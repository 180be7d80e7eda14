"""The production image's _boot.py on the MicroPython VM, with flash that is a block device in Python."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from picoinfuse.common import paths

VM = shutil.which("micropython", path=str(Path(sys.executable).parent))
pytestmark = pytest.mark.skipif(VM is None, reason="no MicroPython VM for this platform")

# 64 blocks of 4096 bytes stand for the 352 of a Pico. The VM's own root is unmounted first, as a Pico has none.
SETUP = """
import sys, vfs
class Flash:
    data = bytearray(b"\\xff" * 4096 * 64)
    def readblocks(self, n, buf, offset=0):
        start = n * 4096 + offset
        buf[:] = self.data[start:start + len(buf)]
    def writeblocks(self, n, buf, offset=0):
        start = n * 4096 + offset
        self.data[start:start + len(buf)] = buf
    def ioctl(self, op, arg):
        if op == 4: return 64
        if op == 5: return 4096
        if op == 6:
            self.data[arg * 4096:(arg + 1) * 4096] = b"\\xff" * 4096
            return 0
class Rp2:
    Flash = Flash
sys.modules["rp2"] = Rp2
boot = open({boot!r}).read()
sys.path[:] = ["", ".frozen", "/lib"]
vfs.umount("/")
import os
"""


def run(script: str) -> str:
    assert VM is not None
    boot = paths.boards() / "PICOINFUSE" / "modules" / "_boot.py"
    command = [VM, "-X", "heapsize=1M", "-c", SETUP.format(boot=str(boot)) + script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_flash_that_was_never_written_is_formatted() -> None:
    assert run('exec(boot)\nopen("/x", "w").write("1")\nprint(os.listdir("/"))') == "['x']"


def test_files_of_the_last_boot_are_there() -> None:
    script = """
exec(boot)
open("/x", "w").write("1")
import sys, vfs
vfs.umount("/")
exec(boot)
print(os.listdir("/"))
"""
    assert run(script) == "['x']"


def test_damaged_filesystem_is_left_as_it_is_and_not_mounted() -> None:
    script = """
Flash.data[100] = 0
before = bytes(Flash.data)
exec(boot)
print(bytes(Flash.data) == before)
try:
    open("/profile.json")
except OSError as error:
    print("no file:", error.errno)
"""
    assert run(script).splitlines() == ["True", "no file: 19"]  # ENODEV: what the firmware takes for a missing profile


def test_frozen_modules_come_before_files() -> None:
    assert run("exec(boot)\nimport sys\nprint(sys.path)") == "['.frozen', '', '/lib']"

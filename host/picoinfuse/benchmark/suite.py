"""How long the HIL suite takes on the stub."""

from __future__ import annotations

import re
import subprocess
import sys
import time

from picoinfuse.benchmark.reading import Found, Say
from picoinfuse.common import paths
from picoinfuse.common.errors import PicoinfuseError

_COMMAND = ("-m", "pytest", "hil_tests", "--bench", "stub", "-n", "auto", "-m", "not long", "-q")


class SuiteFailed(PicoinfuseError):
    """A suite that fails is not measured."""


def suite(say: Say) -> Found:
    say("the HIL suite")
    began_s = time.perf_counter()
    done = subprocess.run([sys.executable, *_COMMAND], cwd=paths.root(), capture_output=True, text=True)
    wall_s = time.perf_counter() - began_s
    last = (done.stdout.strip().splitlines() or ["it said nothing"])[-1].strip("= ")
    if done.returncode != 0:
        raise SuiteFailed(f"the HIL suite failed: {last}")
    return Found(wall_s, re.sub(r" in .*", "", last))

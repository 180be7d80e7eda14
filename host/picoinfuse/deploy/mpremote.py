"""Runs stock mpremote as a process: its command line is stable, its library interface is not."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable

from picoinfuse.common.errors import DeployError

TIMEOUT_S = 300.0
WAY_OUT = "if the board does not react, reset it with the service strap (GPIO 22) held low, and try again"

Runner = Callable[[list[str], Callable[[str], None]], None]


def device(port: str) -> str:
    """What mpremote is to be told: it knows a pseudo-terminal by its name, so a link to one has to be followed."""
    return os.path.realpath(port) if os.path.islink(port) else port


def run_mpremote(arguments: list[str], on_line: Callable[[str], None]) -> None:
    """`on_line` gets each line that mpremote prints, as it prints it."""
    with subprocess.Popen(
        [sys.executable, "-m", "mpremote", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        timer = threading.Timer(TIMEOUT_S, process.kill)
        timer.start()
        last = "it said nothing"
        try:
            assert process.stdout is not None  # stdout=PIPE
            for line in process.stdout:
                if line.strip():
                    last = line.strip()
                    on_line(last)
        except BaseException:  # interrupted: half a deployment is for the next one to complete
            process.kill()
            raise
        finally:
            timer.cancel()
    if process.returncode != 0:
        raise DeployError(f"mpremote did not finish: {last}; {WAY_OUT}")

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
    """The port's name for mpremote: it recognises a pseudo-terminal by name only, so a symbolic link is resolved."""
    return os.path.realpath(port) if os.path.islink(port) else port


def run_mpremote(arguments: list[str], on_line: Callable[[str], None]) -> None:
    """Calls `on_line` with each line as mpremote prints it. Raises DeployError when mpremote fails."""
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
        last = "no output"
        try:
            assert process.stdout is not None  # stdout=PIPE
            for line in process.stdout:
                if line.strip():
                    last = line.strip()
                    on_line(last)
        except BaseException:  # interrupted: the next deployment completes this one
            process.kill()
            raise
        finally:
            timer.cancel()
    if process.returncode != 0:
        raise DeployError(f"mpremote failed: {last}; {WAY_OUT}")

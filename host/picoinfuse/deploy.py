"""Puts the firmware and a profile on a board, with stock mpremote, and makes sure that they run.

Everything goes in one mpremote process: strays under /pump are removed and folders made, each file is
copied unless its SHA-256 is the same, the board is reset. A pump that answers is asked for `service` first,
because it takes no Ctrl-C; one that delivers refuses. In the end the pump's hello must tell the version,
the commit and the profile that were sent.
"""

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from picoinfuse.errors import DeployError, NoAnswer, NotAPump, PortError, PortVanished, PumpError
from picoinfuse.messages import Hello
from picoinfuse.mpremote import Runner, run_mpremote
from picoinfuse.port import open_port
from picoinfuse.profile import Profile
from picoinfuse.pump import Pump
from picoinfuse.staging import commit, mpremote_commands, staged

__all__ = ["Deployed", "commit", "deploy", "staged"]

HELLO_TIMEOUT_S = 1.0
SERVICE_TIMEOUT_S = 15.0
BOOT_TIMEOUT_S = 20.0
PROMPT_LOOK_S = 0.5


@dataclass(frozen=True)
class Deployed:
    """What was done, and who answers now."""

    files_copied: int
    files_skipped: int  # the board had them already
    files_removed: int
    seconds: float
    hello: Hello


def deploy(
    port: str,
    profile: Profile,
    progress: Callable[[str], None] = lambda step: None,
    run: Runner = run_mpremote,
) -> Deployed:
    """`progress` is told each step in a few words."""
    began_s = time.monotonic()
    pump = Pump(port, timeout_s=HELLO_TIMEOUT_S)
    try:
        progress("looking who is there")
        _hand_over(pump, progress)
        with staged(profile) as folder:
            done = _transfer(pump.device, folder, progress, run)
            progress("waiting for the pump")
            hello = _check(_wait_for_pump(pump), folder, profile)
    finally:
        pump.close()
    return Deployed(*done, seconds=time.monotonic() - began_s, hello=hello)


def _hand_over(pump: Pump, progress: Callable[[str], None]) -> None:
    """Brings a pump to the MicroPython prompt; a board that is no pump is left as it is."""
    try:
        pump.connect()
    except (NoAnswer, NotAPump):
        return
    progress("asking the pump for service")
    try:
        with suppress(PortVanished):  # the port may go before the reply has come
            pump.service()
        _wait_for_prompt(pump)
    except PortVanished:
        _wait_for_port(pump)
    except PumpError as error:
        if error.code != "wrong_state":
            raise
        raise DeployError(f"the pump is {error.data.get('state')}; stop it first, then deploy again") from error
    finally:
        pump.close()


def _wait_for_prompt(pump: Pump) -> None:
    """Asks for it too: the first one may have been said while nobody listened."""
    deadline_s = time.monotonic() + SERVICE_TIMEOUT_S
    while not pump.link.wait_for_prompt(PROMPT_LOOK_S):
        pump.check_port()
        if time.monotonic() > deadline_s:
            raise DeployError("the pump went into service but shows no MicroPython prompt; reset it")
        pump.link.write(b"\r")  # an empty line, which a pump ignores


def _wait_for_port(pump: Pump) -> None:
    """A reset board is gone from USB for a second or two."""
    deadline_s = time.monotonic() + SERVICE_TIMEOUT_S
    while True:
        try:
            open_port(pump.device).close()
            return
        except PortError as error:
            if time.monotonic() > deadline_s:
                raise DeployError(f"the board did not come back after its reset: {error}") from error
            time.sleep(0.1)


def _transfer(device: str, folder: Path, progress: Callable[[str], None], run: Runner) -> tuple[int, int, int]:
    """Files copied, skipped, removed."""
    total = sum(path.is_file() for path in folder.rglob("*"))
    begun = skipped = removed = 0

    def take(line: str) -> None:
        nonlocal begun, skipped, removed
        if line.startswith("cp "):
            begun += 1
            progress(f"copying file {begun} of {total}: {line.rpartition(':')[2]}")
        skipped += line.startswith("Up to date: ")
        removed += line.startswith("removed ")

    # mpremote knows a pseudo-terminal by its name, so a link to one has to be followed
    device = os.path.realpath(device) if os.path.islink(device) else device
    run(["connect", device, *mpremote_commands(folder)], take)
    return total - skipped, skipped, removed


def _wait_for_pump(pump: Pump) -> Hello:
    try:
        return pump.reconnect(BOOT_TIMEOUT_S)
    except (NoAnswer, NotAPump) as error:
        said = _last_words(pump.link.heard().decode("ascii", "replace"))
        raise DeployError(f"the files are on the board, but no pump answers; it said: {said}") from error


def _last_words(heard: str) -> str:
    """The end of the newest traceback, else the newest line that is no prompt."""
    lines = [line.strip() for line in heard.splitlines() if line.strip(" >")]
    errors = [line for line in lines if re.match(r"\w+(Error|Exception)\b", line)]
    return (errors or lines or ["nothing"])[-1]


def _check(hello: Hello, folder: Path, profile: Profile) -> Hello:
    """The pump that answers must be the one that was sent."""
    sent = {
        "version": _constant(folder / "pump" / "version.py", "VERSION"),
        "commit": _constant(folder / "pump" / "build.py", "COMMIT"),
        "profile": profile.name,
    }
    for what, expected in sent.items():
        if (found := getattr(hello, what)) != expected:
            raise DeployError(f"the pump answers with {what} {found}, but {expected} was deployed")
    return hello


def _constant(file: Path, name: str) -> str | None:
    found = re.search(rf'^{name} = "(.*)"', file.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else None

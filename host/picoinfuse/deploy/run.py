"""Deploy the firmware and a profile with mpremote, and check that they run.

A running pump is put into `service` first, because it ignores Ctrl-C; an infusing pump refuses. Then the board reports
what it is and which files it has, and nothing is changed unless all of that fits: see `on_board`. The firmware is sent
as bytecode, or as source to a board that cannot read our bytecode. At the end the pump's hello must report the
version, the commit and the profile that were sent, and its self-test must have finished. A board with a production
image keeps its firmware and gets the profile only.
"""

import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from picoinfuse.client.hello import Hello
from picoinfuse.client.port import open_port
from picoinfuse.client.pump import Pump
from picoinfuse.client.readiness import failed_tests, wait_for_self_test
from picoinfuse.common.errors import (
    DeployError,
    FilesystemFull,
    NoAnswer,
    NotAPump,
    PicoinfuseError,
    PortError,
    PortVanished,
    PumpError,
    UnsupportedBoard,
)
from picoinfuse.common.micropython_versions import check_version
from picoinfuse.deploy import bytecode, files_list
from picoinfuse.deploy.board import Board
from picoinfuse.deploy.mpremote import Runner, run_mpremote
from picoinfuse.deploy.on_board import Found
from picoinfuse.deploy.plan import Plan, plan
from picoinfuse.deploy.staging import PROFILE, staged
from picoinfuse.profile import Profile

HELLO_TIMEOUT_S = 1.0
SERVICE_TIMEOUT_S = 15.0
BOOT_TIMEOUT_S = 20.0
PROMPT_POLL_S = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True)
class Deployed:
    """What was done, and the pump that answers now."""

    files_copied: int
    files_skipped: int  # already on the board
    files_removed: int
    frozen: bool  # the board runs a production image: only the profile was deployed
    seconds: float
    hello: Hello
    failed_tests: list[str]  # of the self-test after the deployment


def deploy(port: str, profile: Profile, progress: Say = lambda step: None, run: Runner = run_mpremote) -> Deployed:
    """Deploy to the board at `port` and wait until its self-test has finished.

    Calls `progress` with the name of each step. Raises DeployError or one of its subclasses, PortError, PumpError.
    """
    began_s = time.monotonic()
    pump = Pump(port, timeout_s=HELLO_TIMEOUT_S)
    try:
        progress("identifying the board")
        _hand_over(pump, progress)
        board = Board(pump.device, run)
        with staged(profile) as folder:
            sent = _identity(folder, profile)
            found = board.survey()
            try:
                todo = _plan(folder, found, progress)
            except PicoinfuseError:
                with suppress(DeployError):  # the firmware on the board continues
                    board.reset()
                raise
            skipped = board.carry_out(todo, progress)
            progress("waiting for the pump")
            hello = _check(_wait_for_pump(pump), sent, found.frozen)
            progress("waiting for the self-test")
            failed = failed_tests(pump) if wait_for_self_test(pump).state == "fault" else []
    finally:
        pump.close()
    copied = len(todo.send)
    seconds = time.monotonic() - began_s
    return Deployed(
        files_copied=copied - skipped,
        files_skipped=len(todo.keep) - copied + skipped,
        files_removed=len(todo.remove),
        frozen=found.frozen,
        seconds=seconds,
        hello=hello,
        failed_tests=failed,
    )


def _plan(folder: Path, found: Found, progress: Say) -> Plan:
    """The changes to make. Raises DeployError before anything is changed."""
    _check_board(found)
    if found.frozen:
        for path in folder.iterdir():
            if path.name != PROFILE:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    else:
        if found.mpy is not None:
            progress("compiling")
            bytecode.compile_folder(folder)
        files_list.write(folder)
    todo = plan(folder, found)
    missing = todo.blocks_missing()
    if todo.send and missing > 0:
        kib = missing * found.block_bytes // 1024
        raise FilesystemFull(f"the board's filesystem needs {kib} KiB more free space; nothing was changed")
    return todo


def _check_board(found: Found) -> None:
    if found.name in ("cpython", "pypy"):  # a board in software without the MicroPython VM
        return
    if found.name != "micropython" or found.platform != "rp2" or "RP2350" in found.machine:
        raise UnsupportedBoard(f"the board is {found.machine or found.platform} with {found.name}, not a Pico (RP2040)")
    check_version(found.version, "the board")
    if found.mpy is not None:
        bytecode.check_format(found.mpy)


def _hand_over(pump: Pump, progress: Callable[[str], None]) -> None:
    """Bring a pump to the MicroPython prompt. A board without our firmware is already there."""
    try:
        pump.ask_who()
    except (NoAnswer, NotAPump):
        return
    progress("putting the pump into service")
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
    """Press Enter for a new prompt too: the first may have been printed before the port was open."""
    deadline_s = time.monotonic() + SERVICE_TIMEOUT_S
    while not pump.link.wait_for_prompt(PROMPT_POLL_S):
        pump.check_port()
        if time.monotonic() > deadline_s:
            raise DeployError("the pump is in service but shows no MicroPython prompt; reset it and deploy again")
        pump.link.write(b"\r")  # an empty line, which a pump ignores


def _wait_for_port(pump: Pump) -> None:
    """A board that was reset is missing from USB for a second or two."""
    deadline_s = time.monotonic() + SERVICE_TIMEOUT_S
    while True:
        try:
            open_port(pump.device).close()
            return
        except PortError as error:
            if time.monotonic() > deadline_s:
                raise DeployError(f"the board did not come back after its reset: {error}") from error
            time.sleep(0.1)


def _wait_for_pump(pump: Pump) -> Hello:
    try:
        return pump.reconnect(BOOT_TIMEOUT_S)
    except (NoAnswer, NotAPump) as error:
        said = _last_words(pump.link.heard().decode("ascii", "replace"))
        raise DeployError(f"the files are on the board, but no pump answers; its last output: {said}") from error


def _last_words(heard: str) -> str:
    """The last line of the newest traceback, or else the newest line that is not a prompt."""
    lines = [line.strip() for line in heard.splitlines() if line.strip(" >")]
    errors = [line for line in lines if re.match(r"\w+(Error|Exception)\b", line)]
    return (errors or lines or ["nothing"])[-1]


def _identity(folder: Path, profile: Profile) -> dict[str, str | None]:
    """What the hello must report."""
    return {
        "version": _constant(folder / "pump" / "build.py", "VERSION"),
        "commit": _constant(folder / "pump" / "build.py", "COMMIT"),
        "profile": profile.name,
    }


def _check(hello: Hello, sent: dict[str, str | None], frozen: bool) -> Hello:
    """Raise DeployError unless the pump reports what was sent."""
    for what in ("profile",) if frozen else sent:
        if (found := getattr(hello, what)) != sent[what]:
            raise DeployError(f"the pump answers with {what} {found}, but {sent[what]} was deployed")
    return hello


def _constant(file: Path, name: str) -> str | None:
    found = re.search(rf'^{name} = "(.*)"', file.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else None

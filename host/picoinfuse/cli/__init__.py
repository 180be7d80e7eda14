"""The command line. A module here for each group of commands; `COMMANDS` lists all of them.

Every error that picoinfuse raises on purpose becomes one sentence on stderr and exit status 1, and so does
a file that cannot be read or written. A wrong call is 2, Ctrl-C is 130. A traceback means a fault in picoinfuse.
"""

import os
import sys
from collections.abc import Sequence
from typing import ClassVar

import typer

from picoinfuse.cli.loading import Command, CommandGroup
from picoinfuse.cli.options import RootPortOption, VersionOption
from picoinfuse.common.errors import PicoinfuseError, PumpError, os_error_text

_START = "Start here"
_BOARD = "The board"
_THERAPY = "Therapy"
_ALARMS = "Alarms"
_CHECKS = "Checks and records"
_FILES = "Files that you write"
_TESTS = "Tests and measurements"

# In the order in which --help lists them.
COMMANDS = (
    Command("demo", "demo:demo", _START),
    Command("stub", "stub:stub", _START),
    Command("emulate", "emulate:emulate", _START),
    Command("doctor", "doctor:doctor", _START),
    Command("ports", "board:ports", _BOARD),
    Command("deploy", "board:deploy", _BOARD),
    Command("flash", "flash:flash", _BOARD),
    Command("image", "image:image", _BOARD),
    Command("image-info", "image:image_info", _BOARD),
    Command("reset", "board:reset", _BOARD),
    Command("service", "board:service", _BOARD),
    Command("status", "pump:status", _THERAPY),
    Command("plan", "regimen:plan", _THERAPY),
    Command("infuse", "watch:infuse", _THERAPY),
    Command("monitor", "watch:monitor", _THERAPY),
    Command("bolus", "regimen:bolus", _THERAPY),
    Command("request-bolus", "regimen:request_bolus", _THERAPY),
    Command("set-rate", "pump:set_rate", _THERAPY),
    Command("refill", "pump:refill", _THERAPY),
    Command("pause", "pump:pause", _THERAPY),
    Command("resume", "pump:resume", _THERAPY),
    Command("stop", "pump:stop", _THERAPY),
    Command("acknowledge", "pump:acknowledge", _ALARMS),
    Command("silence", "pump:silence", _ALARMS),
    Command("clear", "pump:clear", _ALARMS),
    Command("occlusion-level", "pump:occlusion_level", _ALARMS),
    Command("alarm-test", "pump:alarm_test", _ALARMS),
    Command("alarms", "alarms:alarms", _ALARMS),
    Command("alarm-sounds", "alarms:alarm_sounds", _ALARMS),
    Command("log", "log:log", _CHECKS),
    Command("clock", "log:clock", _CHECKS),
    Command("self-test", "pump:self_test", _CHECKS),
    Command("check-up", "checkup:check_up", _CHECKS),
    Command("calibrate", "calibrate:calibrate", _CHECKS),
    Command("trumpet", "trumpet:trumpet", _CHECKS),
    Command("profile", "profile:app", _FILES),
    Command("library", "library:app", _FILES),
    Command("rig", "rig:app", _FILES),
    Command("schema", "schema:schema", _FILES),
    Command("bench", "bench:bench", _TESTS),
    Command("report", "report:app", _TESTS),
    Command("faults", "faults:faults", _TESTS),
    Command("campaign", "campaign:campaign", _TESTS),
)


class _Commands(CommandGroup):
    table: ClassVar = {command.name: command for command in COMMANDS}


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _all_commands(port: RootPortOption = None, version: VersionOption = False) -> None:
    """Infusion-pump controller: firmware for a Raspberry Pi Pico, and a pump in software."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Return the exit status of one that failed; typer exits by itself otherwise."""
    try:
        try:
            app(arguments)
        finally:
            sys.stdout.flush()  # a full disk is noticed here, while there is an exit status to set
    except PumpError as error:
        from picoinfuse.cli.refusals import refusal_text

        return _failed(refusal_text(error))
    except PicoinfuseError as error:
        return _failed(str(error))
    except BrokenPipeError:  # the reader has what it wanted: `picoinfuse alarms | head -1`
        _drop_output()
        return 1
    except OSError as error:  # a file of the command line that cannot be read or written
        _drop_output()
        return _failed(os_error_text(error))
    return 0


def _failed(sentence: str) -> int:
    print(f"picoinfuse: {sentence}", file=sys.stderr)
    return 1


def _drop_output() -> None:
    """Send what is still buffered nowhere, or Python reports it once more at its exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

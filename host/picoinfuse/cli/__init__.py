"""The command line. A file here for each group of commands; `COMMANDS` is all of them.

Every error that picoinfuse raises on purpose becomes one sentence on stderr and exit status 1. A
wrong call is 2, Ctrl-C is 130. A traceback means that picoinfuse is broken.
"""

import sys
from collections.abc import Sequence

import typer

from picoinfuse.cli import (
    alarms,
    bench,
    board,
    calibrate,
    campaign,
    checkup,
    demo,
    emulate,
    faults,
    flash,
    image,
    library,
    log,
    profile,
    pump,
    regimen,
    report,
    rig,
    stub,
    trumpet,
    watch,
)
from picoinfuse.common.errors import PicoinfuseError

# (name, function) in the order in which --help lists them
COMMANDS = (
    ("demo", demo.demo),
    ("stub", stub.stub),
    ("emulate", emulate.emulate),
    ("doctor", board.doctor),
    ("bench", bench.bench),
    ("ports", board.ports),
    ("deploy", board.deploy),
    ("flash", flash.flash),
    ("image", image.image),
    ("image-info", image.image_info),
    ("reset", board.reset),
    ("service", board.service),
    ("status", pump.status),
    ("plan", regimen.plan),
    ("infuse", watch.infuse),
    ("bolus", regimen.bolus),
    ("request-bolus", regimen.request_bolus),
    ("monitor", watch.monitor),
    ("set-rate", pump.set_rate),
    ("refill", pump.refill),
    ("pause", pump.pause),
    ("resume", pump.resume),
    ("stop", pump.stop),
    ("acknowledge", pump.acknowledge),
    ("silence", pump.silence),
    ("clear", pump.clear),
    ("alarm-test", pump.alarm_test),
    ("alarms", alarms.alarms),
    ("alarm-sounds", alarms.alarm_sounds),
    ("log", log.log),
    ("clock", log.clock),
    ("self-test", pump.self_test),
    ("check-up", checkup.check_up),
    ("occlusion-level", pump.occlusion_level),
    ("calibrate", calibrate.calibrate),
    ("trumpet", trumpet.trumpet),
    ("faults", faults.faults),
    ("campaign", campaign.campaign),
)

app = typer.Typer(
    help="Infusion-pump controller: firmware for a Raspberry Pi Pico, and a pump in software.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _name, _function in COMMANDS:
    app.command(_name)(_function)
app.add_typer(profile.app, name="profile")
app.add_typer(report.app, name="report")
app.add_typer(library.app, name="library")
app.add_typer(rig.app, name="rig")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status when an error of ours ends the command; typer exits by itself otherwise."""
    try:
        app(arguments)
    except PicoinfuseError as error:
        print(f"picoinfuse: {error}", file=sys.stderr)
        return 1
    return 0

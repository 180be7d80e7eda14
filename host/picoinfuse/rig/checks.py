"""`picoinfuse rig check`: one table of what is driven, what the pump must see, and what is said when it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from picoinfuse.common.errors import PicoinfuseError, PumpError
from picoinfuse.rig import captured_line_checks, line_checks
from picoinfuse.rig.instrument.frames import InstrumentError
from picoinfuse.rig.wiring_check import LOST, Desk
from picoinfuse.trace.trace import WIRES

OK, WRONG, ABSENT, LEFT_OUT = "ok", "wrong", "not wired", "left out"


@dataclass(frozen=True)
class Check:
    """`needs`: the checks that tell nothing about this one while they are wrong."""

    line: str
    stimulus: str
    sees: str
    wrong: str  # the sentence when it does not
    look: Callable[[Desk], str | None]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """`outcome` is OK, WRONG, ABSENT or LEFT_OUT; `told`: a sentence."""

    line: str
    outcome: str
    told: str


# In this order: what the pump cannot be without comes first.
CHECKS = (
    Check("pump", "nothing", "it answers", "the pump is silent while every line is inactive", line_checks.pump),
    Check(
        "supply_off",
        "the supply is away for 2 s",
        "it is silent, then starts anew",
        "supply_off toggles, the pump's supply does not follow",
        line_checks.supply_off,
    ),
    Check(
        "run", "RUN is low", "it is silent, then starts anew", "run toggles, the pump does not reset", line_checks.run
    ),
    Check(
        "bootsel",
        "BOOTSEL is held through a reset",
        "its firmware does not start; without, it does",
        "bootsel toggles, the boot ROM does not see it",
        line_checks.bootsel,
        needs=("run",),
    ),
    Check(
        "sensor_dac",
        "sensor_switch, and the voltages of 5 and 25 kPa",
        "these pressures, within 20 mV",
        "sensor_dac puts out voltages, pressure does not follow",
        line_checks.sensor_dac,
    ),
    Check(
        "battery_dac",
        "the voltages of 3.7 and 4.0 V",
        "these, within 3 %",
        "battery_dac puts out voltages, the battery's does not follow",
        line_checks.battery_dac,
    ),
    Check(
        "button_stop",
        "held for 1.5 s under an infusion",
        "it stops",
        "button_stop toggles, the pump does not stop",
        line_checks.button_stop,
    ),
    Check(
        "button_request",
        "pressed for 0.5 s under a regimen with a bolus",
        "a request",
        "button_request toggles, the pump counts no request",
        line_checks.button_request,
        needs=("button_stop",),
    ),
    Check(
        "valve",
        "closed under an infusion, then open",
        "pressure rises by 5 kPa, then falls",
        "valve line toggles, pressure does not follow",
        line_checks.valve,
        needs=("button_stop",),
    ),
    Check(
        "step",
        "an infusion",
        "as many steps as it counts",
        "the pump counts steps, the wire step does not follow",
        captured_line_checks.step,
        needs=("button_stop",),
    ),
    Check(
        "dir",
        "an infusion",
        "DIR as pushing is",
        "the pump pushes, the wire dir does not say so",
        captured_line_checks.dir_,
        needs=("button_stop", "step"),
    ),
    Check(
        "enable",
        "an infusion",
        "ENABLE falls",
        "the motor is switched on, the wire enable does not follow",
        captured_line_checks.enable,
        needs=("button_stop",),
    ),
    Check(
        "piezo",
        "a HIGH alarm is tried",
        "50 edges",
        "the pump sounds, the wire piezo does not follow",
        captured_line_checks.piezo,
        needs=("button_stop",),
    ),
    Check(
        "lamp_red",
        "a HIGH alarm is tried",
        "the lamp is lit",
        "the pump blinks, the wire lamp_red does not follow",
        captured_line_checks.lamp_red,
        needs=("button_stop",),
    ),
    Check(
        "lamp_yellow",
        "a MEDIUM alarm is tried",
        "the lamp is lit",
        "the pump blinks, the wire lamp_yellow does not follow",
        captured_line_checks.lamp_yellow,
        needs=("button_stop",),
    ),
)


def check(desk: Desk) -> Iterator[Finding]:
    """One finding after the other. A pump that is lost meanwhile ends it: what it would say of the rest is nothing."""
    wrong: set[str] = set()
    for row in CHECKS:
        if not _wired(desk, row.line):
            yield Finding(row.line, ABSENT, "the rig file has none")
            continue
        if needed := wrong.intersection(row.needs):
            yield Finding(row.line, LEFT_OUT, f"it needs {', '.join(sorted(needed))}, which is wrong")
            continue
        found = _one(desk, row)
        yield found
        if found.outcome != WRONG:
            continue
        wrong.add(row.line)
        if row.line == "pump":
            return
        try:
            desk.settle()
        except PicoinfuseError as error:
            yield Finding("pump", WRONG, f"the pump is lost after {row.line}: {error}; the rest is not looked at")
            return
    with suppress(PicoinfuseError):
        desk.settle()  # what is left behind is a pump at rest


def _wired(desk: Desk, line: str) -> bool:
    if line in WIRES:
        return desk.capture is not None
    return line == "pump" or line in desk.rig.lines or line in desk.rig.converters


def _one(desk: Desk, row: Check) -> Finding:
    try:
        if row.line != "pump":
            desk.settle()
        instead = row.look(desk)
    except PumpError as error:
        instead = f"it refuses: {error}{_self_test(desk)}"
    except InstrumentError as error:
        instead = str(error)
    except LOST as error:
        instead = f"it is lost: {error}"
    if instead is None:
        return Finding(row.line, OK, f"{row.stimulus}: {row.sees}")
    return Finding(row.line, WRONG, f"{row.wrong}: {instead}")


def _self_test(desk: Desk) -> str:
    """Why a pump in FAULT refuses: a button that is held fails the self-test, for one."""
    with suppress(PicoinfuseError):
        failed = desk.pump.test_report().failed
        if failed is not None:
            return f"; its self-test failed at {failed}"
    return ""

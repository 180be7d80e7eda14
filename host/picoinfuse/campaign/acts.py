"""The acts of a random scenario: commands, faults that begin and end, resets, power cuts, malformed bytes.

A command that the pump refuses is a valid part of a scenario.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from picoinfuse.bench.base import Bench
from picoinfuse.campaign.faults import FAULTS, Fault
from picoinfuse.common.errors import NoAnswer, PumpError
from picoinfuse.profile import Profile

Draw = Callable[[random.Random, Profile], tuple[Any, ...]]
Takes = Callable[[tuple[Any, ...]], bool]

NOT_READING_S = 30.0
_PRIORITIES = ("high", "medium", "low")
_LEVELS = ("low", "medium", "high")
UNASKED = ("host not reading", "cable unplugged")  # while these last, the pump's state cannot be queried
# Faults that last until they are ended.
LASTING = {fault.name: fault for fault in FAULTS if fault.lasts and fault.name not in UNASKED}
# Faults that end by themselves.
PASSING = {fault.name: fault for fault in FAULTS if not fault.lasts}


@dataclass(frozen=True)
class Kind:
    """A kind of act. `weight`: its relative frequency. `do(bench, *args)` performs it. `draw(rng, profile)`: random
    arguments. `takes(args)`: whether arguments read from a file are valid.
    """

    weight: int
    do: Callable[..., None]
    draw: Draw = lambda rng, profile: ()
    takes: Takes = lambda args: not args


def _command(method: str) -> Callable[..., None]:
    def do(bench: Bench, *args: Any) -> None:
        with suppress(PumpError, NoAnswer):
            getattr(bench.pump, method)(*args)

    return do


def _rate(rng: random.Random, profile: Profile) -> tuple[Any, ...]:
    """Log-uniform over the range of the mechanics; 3 % are beyond it."""
    mechanics = profile.compiled()["mechanics"]
    low, high = mechanics["min_rate_ul_h"], mechanics["max_rate_ul_h"]
    rate_ul_h = round(math.exp(rng.uniform(math.log(low), math.log(high))))
    return (rate_ul_h if rng.random() < 0.97 else high * 2,)


def _start(rng: random.Random, profile: Profile) -> tuple[Any, ...]:
    """Half of the infusions have a volume, which takes at most about an hour and a half."""
    (rate_ul_h,) = _rate(rng, profile)
    if rng.random() < 0.5:
        return (rate_ul_h,)
    return rate_ul_h, max(1, round(rate_ul_h * 1000 * math.exp(rng.uniform(math.log(0.002), math.log(1.5)))))


def _one_of(*choices: Any) -> Draw:
    return lambda rng, profile: (rng.choice(choices),)


def _whole(least: int, most: int) -> Takes:
    """Accepts `least` to `most` integers."""
    return lambda args: least <= len(args) <= most and all(type(arg) is int for arg in args)


def _word(words: Collection[str]) -> Takes:
    return lambda args: len(args) == 1 and type(args[0]) is str and args[0] in words


def _fault(faults: dict[str, Fault]) -> Draw:
    """Draws a fault that is possible with the profile."""
    return lambda rng, profile: (rng.choice([name for name, fault in faults.items() if fault.fits(profile)]),)


def _pressure(rng: random.Random, profile: Profile) -> tuple[Any, ...]:
    """A patient who moves, or a container hung at another height: -15 to 50 mmHg."""
    del profile
    return (rng.randrange(-2_000, 6_700),)


def _stop_reading(bench: Bench) -> None:
    bench.host_reading(False)
    bench.sleep(NOT_READING_S)
    bench.host_reading(True)


def _unplug(bench: Bench) -> None:
    bench.usb_cable(False)
    bench.sleep(NOT_READING_S)
    bench.usb_cable(True)


def _break(bench: Bench, name: str) -> None:
    (LASTING.get(name) or PASSING[name]).begin(bench)


def _mend(bench: Bench, name: str) -> None:
    LASTING[name].end(bench)


ACTS: dict[str, Kind] = {
    "start": Kind(14, _command("start"), _start, _whole(1, 2)),
    "set_rate": Kind(8, _command("set_rate"), _rate, _whole(1, 1)),
    "pause": Kind(5, _command("pause")),
    "resume": Kind(7, _command("resume")),
    "stop": Kind(5, _command("stop")),
    "clear_alarms": Kind(14, _command("clear_alarms")),
    "acknowledge": Kind(2, _command("acknowledge")),
    "silence": Kind(3, _command("silence")),
    "alarm_test": Kind(2, _command("alarm_test"), _one_of(*_PRIORITIES), _word(_PRIORITIES)),
    "self_test": Kind(3, _command("self_test")),
    "occlusion_level": Kind(3, _command("occlusion_level"), _one_of(*_LEVELS), _word(_LEVELS)),
    "patient": Kind(6, lambda bench, pressure_pa: bench.patient(pressure_pa), _pressure, _whole(1, 1)),
    "break": Kind(7, _break, _fault(LASTING), _word({*LASTING, *PASSING})),
    "mend": Kind(12, _mend, _fault(LASTING), _word(LASTING)),
    "host_stops_reading": Kind(2, _stop_reading),
    "unplug": Kind(2, _unplug),
    "disturb": Kind(6, _break, _fault(PASSING), _word(PASSING)),
}

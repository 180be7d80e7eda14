"""What the mechanics of a pump can do of a regimen: the checks of firmware/pump/core/therapy/regimen.py, before it
is sent.

The pump checks again; here every mistake is found at once, and in the person's units.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from picoinfuse.common import units
from picoinfuse.common.toml import KeyPath
from picoinfuse.profile import Profile
from picoinfuse.regimen.quantities import duration_text

MAX_SEGMENTS = 12
MAX_SECONDS = 31_622_400  # 366 days
LOCKOUT_S = (60, 86_400)


class Limit(NamedTuple):
    """A limit that is passed. The path is of the file, or begins with the number of a segment."""

    name: str
    path: KeyPath
    message: str


def check_mechanics(compiled: dict[str, Any], profile: Profile, square_ul_h: int | None = None) -> Iterator[Limit]:
    """Every limit that a compiled regimen (docs/protocol.md) passes.

    `square_ul_h` is the rate of a clinician's bolus. The patient's goes before it, so the two never add up.
    """
    segments = compiled["segments"]
    if len(segments) > MAX_SEGMENTS:
        yield Limit("too_long", ("kind",), f"{len(segments)} segments, at most {MAX_SEGMENTS}: use fewer steps")
    mechanics = profile.compiled()["mechanics"]
    bolus = compiled.get("bolus")
    on_tops = {"bolus": None if bolus is None else bolus["rate_ul_h"], "square": square_ul_h}
    for at, segment in enumerate(segments):
        begin, end = segment[:2]
        if begin or end:
            yield from _check_rates((at,), "rate", min(begin, end), max(begin, end), profile)
        for table, on_top in on_tops.items():
            if on_top is not None:
                what = "rate, with what flows already,"
                yield from _check_rates(
                    (table, "rate"), what, min(begin, end) + on_top, max(begin, end) + on_top, profile
                )
        yield from _check_end(at, segment, mechanics)
        if not any(segment[2:]) and (at < len(segments) - 1 or compiled.get("repeat", 1) > 1):
            text = "a duration or a volume is missing: only the last can go on until it is stopped"
            yield Limit("no_end", (at,), text)
    if bolus is not None and not LOCKOUT_S[0] <= bolus["lockout_s"] <= LOCKOUT_S[1]:
        text = f"lockout is {duration_text(bolus['lockout_s'])}, must be from 1 min to 24 h"
        yield Limit("out_of_range", ("bolus", "lockout"), text)
    if bolus is None and not any(begin or end for begin, end, _, _ in segments):
        yield Limit("nothing", ("kind",), "nothing would be given: every rate is 0")


def _check_end(at: int, segment: list[int], mechanics: dict[str, Any]) -> Iterator[Limit]:
    begin_ul_h, _, seconds, volume_nl = segment
    if seconds > MAX_SECONDS:
        yield Limit("out_of_range", (at,), f"it lasts {duration_text(seconds)}, at most 366 d")
    if volume_nl and not begin_ul_h:
        yield Limit("out_of_range", (at,), "a volume needs a rate above 0")
    if volume_nl and volume_nl < Fraction(*mechanics["step_pl"]) / 1000:
        yield Limit("out_of_range", (at,), f"{volume_nl} nL is less than one step of the motor")


def _check_rates(path: KeyPath, what: str, low: int, high: int, profile: Profile) -> Iterator[Limit]:
    mechanics = profile.compiled()["mechanics"]
    least, most = mechanics["min_rate_ul_h"], mechanics["max_rate_ul_h"]
    for rate in {low, high}:
        if not least <= rate <= most:
            gives = f"{profile.name} gives {units.ml_h(least).removesuffix(' mL/h')} to {units.ml_h(most)}"
            yield Limit("out_of_range", path, f"the {what} is {units.ml_h(rate)}; {gives}")
    low_hz, high_hz = mechanics["resonance_hz"]
    hz = Fraction(10_000 * mechanics["step_pl"][1], 36 * mechanics["step_pl"][0])  # steps a second for 1 µL/h
    if high_hz and low * hz <= high_hz and low_hz <= high * hz:
        rates = units.ml_h(low) if low == high else f"{units.ml_h(low)} to {units.ml_h(high)}"
        yield Limit("resonance", path, f"the {what} of {rates} makes the motor resonate ({low_hz} to {high_hz} Hz)")

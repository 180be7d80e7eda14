"""What the mechanics of a pump can do of a regimen: the checks of firmware/pump/core/therapy/regimen.py, before it
is sent.

The pump checks again; here every mistake is found at once, and gets a line.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from picoinfuse.profile import Profile

MAX_SEGMENTS = 12
MAX_SECONDS = 31_622_400  # 366 days

Finding = tuple[str, str, str]  # where, name of the mistake, message


def check_mechanics(compiled: dict[str, Any], profile: Profile, square_ul_h: int | None = None) -> Iterator[Finding]:
    """`square_ul_h`: the rate of a clinician's bolus. The patient's goes before it, so the two never add up."""
    segments = compiled["segments"]
    if len(segments) > MAX_SEGMENTS:
        yield "kind", "too_long", f"{len(segments)} segments, at most {MAX_SEGMENTS}"
    mechanics = profile.compiled()["mechanics"]
    bolus = compiled.get("bolus")
    step_nl = Fraction(*mechanics["step_pl"]) / 1000
    for at, (begin, end, seconds, volume_nl) in enumerate(segments):
        where = f"segments[{at}]"
        if begin or end:
            yield from _check_rates(where, min(begin, end), max(begin, end), mechanics)
        on_tops = {"bolus": None if bolus is None else bolus["rate_ul_h"], "square": square_ul_h}
        for table, on_top in on_tops.items():
            if on_top is not None:
                yield from _check_rates(table, min(begin, end) + on_top, max(begin, end) + on_top, mechanics)
        if seconds > MAX_SECONDS:
            yield where, "out_of_range", f"it lasts {seconds} s, at most {MAX_SECONDS} (366 days)"
        if volume_nl and volume_nl < step_nl:
            yield where, "out_of_range", f"{volume_nl} nL is less than one step of these mechanics"
        if not seconds and not volume_nl and (at < len(segments) - 1 or compiled.get("repeat", 1) > 1):
            yield where, "no_end", "a duration or a volume is missing: only the last can go on until it is stopped"
    if bolus is not None and not 60 <= bolus["lockout_s"] <= 86_400:
        yield "bolus", "out_of_range", "lockout must be 1 min to 24 h"
    if bolus is None and not any(begin or end for begin, end, _, _ in segments):
        yield "kind", "nothing", "nothing would be given"


def _check_rates(where: str, low: int, high: int, mechanics: dict[str, Any]) -> Iterator[Finding]:
    least, most = mechanics["min_rate_ul_h"], mechanics["max_rate_ul_h"]
    if low < least:
        yield where, "out_of_range", f"the rate is {low} µL/h, these mechanics do {least} at least"
    if high > most:
        yield where, "out_of_range", f"the rate is {high} µL/h, these mechanics do {most} at most"
    low_hz, high_hz = mechanics["resonance_hz"]
    hz = Fraction(10_000 * mechanics["step_pl"][1], 36 * mechanics["step_pl"][0])  # steps a second for 1 µL/h
    if high_hz and low * hz <= high_hz and low_hz <= high * hz:
        yield where, "resonance", f"a rate of {low} to {high} µL/h makes the motor resonate ({low_hz} to {high_hz} Hz)"

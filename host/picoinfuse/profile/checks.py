"""What must fit together within a table of a profile. `schema.py` says what each key takes by itself.

A check names the keys it needs as its parameters, runs when they are valid, and yields what is wrong.
"""

from collections.abc import Iterator
from itertools import pairwise

from picoinfuse.common.schema import Finding

REFERENCE_MV = 3300
BATTERY_MARGIN_MV = 400  # a reading further above full is not a battery's: firmware/pump/core/battery.py
BATTERY_SPAN_MV = 200


def check_limits(low_mmhg: int, medium_mmhg: int, high_mmhg: int) -> Iterator[Finding]:
    """The three occlusion limits rise."""
    limits = {"low_mmhg": low_mmhg, "medium_mmhg": medium_mmhg, "high_mmhg": high_mmhg}
    yield from _rising(limits)


def check_retract_to(low_mmhg: int, retract_to_mmhg: int) -> Iterator[Finding]:
    """An automatic restart asks for less than half the lowest limit (firmware/pump/core/occlusion/restarts.py)."""
    if retract_to_mmhg * 2 >= low_mmhg:
        text = f"retract_to_mmhg is {retract_to_mmhg}, must be below half of low_mmhg ({low_mmhg})"
        yield Finding("limit_order", ("retract_to_mmhg",), text)


def check_sensor(short_mv: int, offset_mv: int, open_mv: int) -> Iterator[Finding]:
    """No pressure looks neither like a short circuit nor like an open wire."""
    if not short_mv < offset_mv < open_mv:
        text = f"offset_mv is {offset_mv}, must be between short_mv ({short_mv}) and open_mv ({open_mv})"
        yield Finding("sensor_range", ("offset_mv",), text)


def check_rates(min_rate_ul_h: int, max_rate_ul_h: int) -> Iterator[Finding]:
    """There are rates between the lowest and the highest."""
    if min_rate_ul_h >= max_rate_ul_h:
        text = f"min_rate_ul_h is {min_rate_ul_h}, must be below max_rate_ul_h ({max_rate_ul_h})"
        yield Finding("rate_order", ("min_rate_ul_h",), text)


def check_resonance(resonance_hz: list[int] | None, start_hz: int) -> Iterator[Finding]:
    """The band has a width, and the rate at which each volume ends is outside it."""
    low_hz, high_hz = resonance_hz or (0, 1)
    if low_hz >= high_hz:
        text = f"resonance_hz goes from {low_hz} to {high_hz}, the first must be below the second"
        yield Finding("resonance", ("resonance_hz",), text)
    elif low_hz <= start_hz <= high_hz:
        text = f"resonance_hz ({low_hz} to {high_hz}) holds start_hz ({start_hz}), at which a volume ends"
        yield Finding("resonance", ("resonance_hz",), text)


def check_reservoir_order(empty_ul: int, low_ul: int, capacity_ul: int) -> Iterator[Finding]:
    """Empty is below low, and low below full."""
    for (name, smaller), (above, larger) in pairwise(
        {"empty_ul": empty_ul, "low_ul": low_ul, "capacity_ul": capacity_ul}.items()
    ):
        if smaller >= larger:
            yield Finding("limit_order", (name,), f"{name} is {smaller}, must be below {above} ({larger})")


def check_warnings(near_empty_min: int, harmful_near_empty_min: int) -> Iterator[Finding]:
    """The warning comes at least as early where a stop would harm."""
    if near_empty_min > harmful_near_empty_min:
        text = (
            f"harmful_near_empty_min is {harmful_near_empty_min}, must be at least near_empty_min ({near_empty_min}): "
            "a stop that would harm is warned of earlier"
        )
        yield Finding("limit_order", ("harmful_near_empty_min",), text)


def check_battery_span(empty_mv: int, full_mv: int) -> Iterator[Finding]:
    """Between empty and full there is enough to measure."""
    if empty_mv + BATTERY_SPAN_MV > full_mv:
        text = f"empty_mv is {empty_mv}, must be {BATTERY_SPAN_MV} mV or more below full_mv ({full_mv})"
        yield Finding("limit_order", ("empty_mv",), text)


def check_divider(divider: list[int], full_mv: int) -> Iterator[Finding]:
    """A full battery, and the margin above it, are within the converter's range."""
    battery_mv, pin_mv = divider
    at_pin_mv = (full_mv + BATTERY_MARGIN_MV) * pin_mv / battery_mv
    if at_pin_mv > REFERENCE_MV:
        text = f"full_mv and {BATTERY_MARGIN_MV} more give {at_pin_mv:.0f} mV at the pin, which takes {REFERENCE_MV}"
        yield Finding("sensor_range", ("divider",), text)


def _rising(limits: dict[str, int]) -> Iterator[Finding]:
    for (before, smaller), (name, limit) in pairwise(limits.items()):
        if limit <= smaller:
            yield Finding("limit_order", (name,), f"{name} is {limit}, must be above {before} ({smaller})")

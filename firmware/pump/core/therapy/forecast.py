"""When a therapy will have given a volume: along its regimen as it is now, ramps, pauses, repeats and KVO included.

Boluses count as far as they are under way. Those that a patient may still request cannot be forecast.
"""

from pump.core.therapy.segments import SegmentWalk, measure
from pump.core.units import duration_s, ramp_nl


def seconds_until(therapy, volume_nl):
    """Seconds from now until `therapy` (a Therapy) has given `volume_nl` more; None when it ends before."""
    if therapy.kvo:
        return duration_s(volume_nl, therapy.target_ul_h) if therapy.target_ul_h else None
    left_s, left_nl = therapy.left()
    if left_nl is not None and left_nl < volume_nl:
        tail_ul_h = therapy.tail_ul_h()
        return (left_s or 0) + duration_s(volume_nl - left_nl, tail_ul_h) if tail_ul_h else None
    bolus_nl, bolus_s = _bolus_left(therapy)
    runner = therapy.segments
    walk = SegmentWalk(runner.segments, runner.repeat, runner.repeat_from, runner.at, runner.cycle)
    found_s = seconds_to_give(max(0, volume_nl - bolus_nl), walk, runner.into_s(therapy.part_left_s()))
    if found_s is None:
        return left_s
    if found_s < bolus_s:  # it is over within the boluses
        return duration_s(volume_nl, max(1, therapy.target_ul_h))
    return found_s


def _bolus_left(therapy):
    """(nL, seconds) of the boluses under way. The patient's runs first, where there are two."""
    left_nl = therapy.bolus_left_nl()
    running = therapy.patient
    whole_nl = whole_s = 0  # as of the last change of rate
    for bolus in (therapy.square, therapy.patient):
        if bolus.left_ticks:
            running = bolus
            whole_nl += bolus.left_nl()
            whole_s += duration_s(bolus.left_nl(), bolus.rate_ul_h)
    if left_nl < whole_nl:
        whole_s -= duration_s(whole_nl - left_nl, running.rate_ul_h)
    return left_nl, whole_s


def seconds_to_give(volume_nl, walk, into_s=0, tail_ul_h=0):
    """Seconds in which segments give a volume, from `into_s` seconds into the one where `walk` (a SegmentWalk, which is
    used up) stands; None when they end before. `tail_ul_h` flows after their end.
    """
    total_s = 0
    left_nl = volume_nl
    while True:
        segment = walk.segments[walk.at]
        seconds, nl = measure(segment, into_s)
        if seconds is None or nl > left_nl:
            return total_s + _seconds_within(segment, into_s, left_nl)
        total_s += seconds
        left_nl -= nl
        into_s = 0
        cycle = walk.cycle
        if not walk.next_segment():
            return total_s + duration_s(left_nl, tail_ul_h) if tail_ul_h else None
        if walk.cycle != cycle:
            seconds, nl = _skip_rounds(walk, left_nl)
            total_s += seconds
            left_nl -= nl


def _skip_rounds(walk, most_nl):
    """From the beginning of a round to that of another: past all that give no more than `most_nl`, but the last."""
    round_s, round_nl = walk.measure_from(walk.repeat_from)
    rounds = walk.repeat - walk.cycle - 1
    if round_nl:
        rounds = min(rounds, most_nl // round_nl)
    walk.cycle += rounds
    return rounds * round_s, rounds * round_nl


def _seconds_within(segment, into_s, volume_nl):
    """Seconds until a segment that gives at least this volume has given it."""
    begin_ul_h, end_ul_h, seconds, _ = segment
    if begin_ul_h == end_ul_h:
        return duration_s(volume_nl, begin_ul_h) if begin_ul_h else 0
    low, high = into_s, seconds
    while low < high:
        middle = (low + high) // 2
        if ramp_nl(begin_ul_h, end_ul_h, seconds, into_s, middle) < volume_nl:
            low = middle + 1
        else:
            high = middle
    return low - into_s

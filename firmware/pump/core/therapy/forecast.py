"""When a therapy will have given a volume: along its regimen as it is now, ramps, pauses, repeats and KVO included.

Boluses count as far as they are under way; whether a patient will ask for more nobody knows.
"""


def seconds_until(therapy, volume_nl):
    """Seconds from now; None when the therapy ends before."""
    if therapy.kvo:
        return _seconds(volume_nl, therapy.target_ul_h) if therapy.target_ul_h else None
    course, regimen = therapy.course, therapy.regimen
    left_s, left_nl = therapy.left()
    if left_nl is not None and left_nl < volume_nl:
        tail_ul_h = therapy.tail_ul_h()
        return (left_s or 0) + _seconds(volume_nl - left_nl, tail_ul_h) if tail_ul_h else None
    bolus_s = whole_nl = 0
    bolus_nl = therapy.bolus_left_nl()
    for bolus in (therapy.square, therapy.patient):
        if bolus.left:  # as of the last change of rate; the patient's runs, where there are two
            runs = bolus
            whole_nl += bolus.left_nl()
            bolus_s += _seconds(bolus.left_nl(), bolus.rate_ul_h)
    if bolus_nl < whole_nl:
        bolus_s -= _seconds(whole_nl - bolus_nl, runs.rate_ul_h)
    again = regimen.get("repeat", 1), regimen.get("repeat_from", 0)
    into_s = course.begun_s(therapy.stretch_left_s())
    basal_nl = max(0, volume_nl - bolus_nl)
    found_s = seconds_to_give(basal_nl, regimen["segments"], course.segment, into_s, course.cycle, *again)
    if found_s is None:
        return left_s
    if found_s < bolus_s:  # it is over within the boluses
        return _seconds(volume_nl, max(1, therapy.target_ul_h))
    return found_s


def seconds_to_give(volume_nl, segments, at=0, into_s=0, cycle=0, repeat=1, repeat_from=0, tail_ul_h=0):
    """How long a regimen takes to give a volume, from `into_s` seconds into segment `at` of round `cycle` on; None when
    it ends before. `tail_ul_h` flows after its end.
    """
    total_s = 0
    left_nl = volume_nl
    while True:
        while at < len(segments):
            seconds, given_nl = _measure(segments[at], into_s)
            if seconds is None or given_nl > left_nl:
                return total_s + _time_in(segments[at], into_s, left_nl)
            total_s += seconds
            left_nl -= given_nl
            into_s = 0
            at += 1
        cycle += 1
        if cycle >= repeat:
            return None if not tail_ul_h else total_s + _seconds(left_nl, tail_ul_h)
        at = repeat_from
        round_s = round_nl = 0
        for segment in segments[repeat_from:]:
            seconds, given_nl = _measure(segment, 0)
            round_s += seconds
            round_nl += given_nl
        rounds = repeat - cycle
        if round_nl:
            rounds = min(rounds, left_nl // round_nl)
        total_s += rounds * round_s
        left_nl -= rounds * round_nl
        cycle += rounds
        if cycle >= repeat:
            at = len(segments)


def _measure(segment, into_s):
    """(seconds, nL) of what is left of a segment; (None, 0) of one without end."""
    begin_ul_h, _, seconds, volume_nl = segment
    if volume_nl:
        seconds = _seconds(volume_nl, begin_ul_h)
        return max(0, seconds - into_s), max(0, volume_nl - begin_ul_h * into_s * 5 // 18)
    if not seconds:
        return None, 0
    return seconds - into_s, _ramp_nl(segment, into_s, seconds)


def _time_in(segment, into_s, volume_nl):
    """Seconds until a segment, that gives at least so much, has given it."""
    begin_ul_h, end_ul_h, seconds, _ = segment
    if begin_ul_h == end_ul_h:
        return _seconds(volume_nl, begin_ul_h) if begin_ul_h else 0
    low, high = into_s, seconds
    while low < high:
        middle = (low + high) // 2
        if _ramp_nl(segment, into_s, middle) < volume_nl:
            low = middle + 1
        else:
            high = middle
    return low - into_s


def _ramp_nl(segment, from_s, to_s):
    """Under the line between two times. 1 µL/h is 5/18 nL a second."""
    begin_ul_h, end_ul_h, seconds, _ = segment
    rates = 2 * begin_ul_h * seconds + (end_ul_h - begin_ul_h) * (from_s + to_s)  # 2 * seconds * their mean
    return rates * (to_s - from_s) * 5 // (36 * seconds)


def _seconds(volume_nl, rate_ul_h):
    return volume_nl * 18 // (rate_ul_h * 5)

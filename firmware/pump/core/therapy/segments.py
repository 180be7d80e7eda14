"""The segments of a regimen: a walk through them, and parts of a constant rate in ticks of the step grid.

A segment is [µL/h at its beginning, µL/h at its end, seconds, nL] (core/therapy/regimen.py). `SegmentWalk` knows their
order, repeats included: a therapy follows it (SegmentRunner), a forecast runs ahead of it (forecast.py), the limits of
an hour are checked along it (order.py).

A segment of one rate is one part; a ramp has many, each with the volume under its piece of the line. The rate of a part
is a whole number of µL/h, rounded up, and its time a whole number of ticks, rounded up: what these give too much is
`excess`, which the therapy takes off. Excess is in the grid's units, pL * 18000 * den: one tick at 1 µL/h earns `den`.
"""

from micropython import const

from pump.core.motion.step_grid import TICK_HZ, TICKS_PER_PL
from pump.core.units import duration_s, ramp_nl, volume_nl

CHUNK = const(500_000_000)  # ticks in 100 s: the largest round number of them that is a small int
ENDLESS = 0x3FFFFFFF * CHUNK  # ticks of a part without end: 3400 years
_STAIRS = const(64)  # parts of a ramp at least, as long as each lasts a second
_STAIR_S = const(60)  # the longest part of a ramp


class SegmentWalk:
    """A place in a regimen's segments: segment `at` of round `cycle`, both from 0."""

    def __init__(self, segments, repeat=1, repeat_from=0, at=0, cycle=0):
        """The segments from `repeat_from` on are given `repeat` times."""
        assert 0 <= at < len(segments)
        assert 0 <= cycle < repeat
        self.segments = segments
        self.repeat = repeat
        self.repeat_from = repeat_from
        self.at = at
        self.cycle = cycle

    def following(self):
        """Index of the next segment; None after the last of all."""
        if self.at + 1 < len(self.segments):
            return self.at + 1
        return self.repeat_from if self.cycle + 1 < self.repeat else None

    def next_segment(self):
        """Goes to the next segment. False when there is none: the walk stays."""
        at = self.following()
        if at is None:
            return False
        if at <= self.at:
            self.cycle += 1
        self.at = at
        return True

    def measure_from(self, first):
        """(seconds, nL) of the segments from `first` to the last, once. All must have an end."""
        total_s = total_nl = 0
        for at in range(first, len(self.segments)):
            seconds, nl = measure(self.segments[at])
            assert seconds is not None
            total_s += seconds
            total_nl += nl
        return total_s, total_nl

    def measure_rest(self):
        """(seconds, nL) after this segment to the end of all; (None, 0) when there is no end."""
        if not (self.segments[-1][2] or self.segments[-1][3]):
            return None, 0
        rest_s, rest_nl = self.measure_from(self.at + 1)
        round_s, round_nl = self.measure_from(self.repeat_from)
        again = self.repeat - 1 - self.cycle
        return rest_s + again * round_s, rest_nl + again * round_nl


class SegmentRunner(SegmentWalk):
    """The part that a therapy gives: `rate_ul_h`, `left_ticks` of it and their `excess`."""

    def __init__(self, regimen, step_pl_den):
        SegmentWalk.__init__(self, regimen["segments"], regimen.get("repeat", 1), regimen.get("repeat_from", 0))
        self._den = step_pl_den
        self._stair = 0
        self._load()

    def set_rate(self, rate_ul_h):
        """Of a part without end."""
        self.rate_ul_h = rate_ul_h

    def advance(self):
        """Goes to the next part, from its beginning. False when there is none: it then has no end and keeps its
        rate.
        """
        self._stair += 1
        if self._stair == self._stairs:
            if not self.next_segment():
                self.left_ticks = ENDLESS
                self.excess = 0
                return False
            self._stair = 0
        self._load()
        return True

    def next_ul_h(self):
        """The rate after this part, to the precision that a motor needs; None when there is none."""
        if self._stair + 1 < self._stairs:
            return self.rate_ul_h  # nearly
        at = self.following()
        return None if at is None else self.segments[at][0]

    def into_s(self, left_s):
        """Seconds into the segment, when `left_s` are left of this part (None: it has no end)."""
        begin_ul_h, end_ul_h, seconds, volume_nl = self.segments[self.at]
        if left_s is None:
            return 0
        if begin_ul_h != end_ul_h:
            return seconds * (self._stair + 1) // self._stairs - left_s
        if volume_nl:
            seconds = ticks_of(volume_nl, begin_ul_h, self._den)[0] // TICK_HZ
        return max(0, seconds - left_s)

    def rest(self):
        """(seconds, nL) from the end of this part to the end of all; (None, 0) when there is no end."""
        if self.left_ticks >= ENDLESS:
            return None, 0
        rest_s, rest_nl = self.measure_rest()
        if rest_s is not None and self._stairs > 1:
            segment = self.segments[self.at]
            seconds, nl = measure(segment, segment[2] * (self._stair + 1) // self._stairs)
            assert seconds is not None  # a ramp has an end
            return rest_s + seconds, rest_nl + nl
        return rest_s, rest_nl

    def _load(self):
        begin_ul_h, end_ul_h, seconds, volume_nl = self.segments[self.at]
        self.rate_ul_h = begin_ul_h
        self.excess = 0
        self._stairs = 1
        if begin_ul_h != end_ul_h:
            self._load_stair(begin_ul_h, end_ul_h, seconds)
        elif volume_nl:
            self.left_ticks, self.excess = ticks_of(volume_nl, begin_ul_h, self._den)
        else:
            self.left_ticks = seconds * TICK_HZ if seconds else ENDLESS

    def _load_stair(self, begin_ul_h, end_ul_h, seconds):
        self._stairs = max(min(seconds, _STAIRS), seconds // _STAIR_S)
        whole = seconds * TICK_HZ
        at = whole * self._stair // self._stairs
        then = whole * (self._stair + 1) // self._stairs
        self.left_ticks = then - at
        # Under the line up to t: den * (begin * t + (end - begin) * t**2 / 2 whole). Rounded down at each end, so that
        # the stairs add up.
        volume = self._den * (begin_ul_h * then + (end_ul_h - begin_ul_h) * then * then // (2 * whole))
        volume -= self._den * (begin_ul_h * at + (end_ul_h - begin_ul_h) * at * at // (2 * whole))
        self.rate_ul_h = -(-volume // (self._den * self.left_ticks))
        self.excess = self.rate_ul_h * self._den * self.left_ticks - volume


def measure(segment, from_s=0):
    """(seconds, nL) of what is left of a segment, `from_s` seconds into it, rounded down; (None, 0) without end."""
    begin_ul_h, end_ul_h, seconds, whole_nl = segment
    if whole_nl:
        left_nl = max(0, whole_nl - volume_nl(begin_ul_h, from_s))
        return max(0, duration_s(whole_nl, begin_ul_h) - from_s), left_nl
    if not seconds:
        return None, 0
    return seconds - from_s, ramp_nl(begin_ul_h, end_ul_h, seconds, from_s, seconds)


def ticks_of(volume_nl, rate_ul_h, den):
    """(ticks, excess): the time that a volume takes, rounded up, and what that gives too much."""
    volume = volume_nl * 1000 * TICKS_PER_PL * den
    ticks = -(-volume // (rate_ul_h * den))
    return ticks, ticks * rate_ul_h * den - volume


def nl_in(ticks, rate_ul_h):
    """nL that a rate gives in ticks of the grid, rounded down."""
    return ticks * rate_ul_h // (TICKS_PER_PL * 1000)

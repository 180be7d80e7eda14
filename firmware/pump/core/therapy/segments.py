"""The course of a regimen: one stretch of a constant rate after another, in ticks of the step grid.

A segment of one rate is one stretch; a ramp is many, each with the volume that lies under its part of the line. The
rate of a stretch is a whole number of µL/h, rounded up, its time a whole number of ticks, rounded up: what that gives
too much is `extra`, which the therapy takes off.

Volumes are in the grid's units, pL * 18000 * den: one tick at 1 µL/h earns `den` of them.
"""

from micropython import const

from pump.core.motion.step_grid import TICK_HZ, TICKS_PER_PL

CHUNK = const(500_000_000)  # ticks in 100 s: the largest round number of them that is a small int
ENDLESS = 0x3FFFFFFF * CHUNK  # 3400 years
_STAIRS = const(64)  # of a ramp at least, as long as they last a second
_STAIR_S = const(60)  # and longer than that none is


class Course:
    def __init__(self, regimen, step_pl_den):
        self._segments = regimen["segments"]
        self._repeat = regimen.get("repeat", 1)
        self._from = regimen.get("repeat_from", 0)
        self._den = step_pl_den
        self.segment = 0
        self.cycle = 0  # how often the repeated part was given
        self._stair = 0
        self._load()

    def set_rate(self, rate_ul_h):
        """Of a stretch without end."""
        self.rate_ul_h = rate_ul_h

    def advance(self):
        """The next stretch, from its beginning. False when there is none; the rate stays for whoever asks."""
        self._stair += 1
        if self._stair == self._stairs:
            at = self._following()
            if at is None:
                self.left = ENDLESS
                self.extra = 0
                return False
            if at <= self.segment:
                self.cycle += 1
            self.segment = at
            self._stair = 0
        self._load()
        return True

    def next_ul_h(self):
        """The rate after this stretch, as far as it matters to a motor: None when there is none."""
        if self._stair + 1 < self._stairs:
            return self.rate_ul_h  # nearly
        at = self._following()
        return None if at is None else self._segments[at][0]

    def begun_s(self, left_s):
        """Seconds into the segment, when so many are left of this stretch (None: it has no end)."""
        begin_ul_h, end_ul_h, seconds, volume_nl = self._segments[self.segment]
        if left_s is None:
            return 0
        if begin_ul_h != end_ul_h:
            return seconds * (self._stair + 1) // self._stairs - left_s
        if volume_nl:
            seconds = ticks_of(volume_nl, begin_ul_h, self._den)[0] // TICK_HZ
        return max(0, seconds - left_s)

    def rest(self):
        """(seconds, nL) from the end of this stretch to the end of all: ENDLESS seconds when there is none."""
        if self.left >= ENDLESS or not (self._segments[-1][2] or self._segments[-1][3]):
            return ENDLESS, 0
        begin_ul_h, end_ul_h, seconds, _ = self._segments[self.segment]
        begun = seconds * (self._stair + 1) // self._stairs
        rate_ul_h = begin_ul_h + (end_ul_h - begin_ul_h) * begun // seconds if seconds else 0
        seconds = 0 if self._stairs == 1 else seconds - begun
        volume_nl = _mean_nl(rate_ul_h, end_ul_h, seconds)
        for at in range(self.segment + 1, len(self._segments)):
            s, nl = _measure(self._segments[at])
            seconds += s
            volume_nl += nl
        again = self._repeat - 1 - self.cycle
        for at in range(self._from, len(self._segments)):
            s, nl = _measure(self._segments[at])
            seconds += s * again
            volume_nl += nl * again
        return seconds, volume_nl

    def _following(self):
        if self.segment + 1 < len(self._segments):
            return self.segment + 1
        return self._from if self.cycle + 1 < self._repeat else None

    def _load(self):
        begin_ul_h, end_ul_h, seconds, volume_nl = self._segments[self.segment]
        self.rate_ul_h = begin_ul_h
        self.extra = 0
        self._stairs = 1
        if begin_ul_h != end_ul_h:
            self._load_stair(begin_ul_h, end_ul_h, seconds)
        elif volume_nl:
            self.left, self.extra = ticks_of(volume_nl, begin_ul_h, self._den)
        else:
            self.left = seconds * TICK_HZ if seconds else ENDLESS

    def _load_stair(self, begin_ul_h, end_ul_h, seconds):
        self._stairs = max(min(seconds, _STAIRS), seconds // _STAIR_S)
        whole = seconds * TICK_HZ
        at = whole * self._stair // self._stairs
        then = whole * (self._stair + 1) // self._stairs
        self.left = then - at
        # Under the line up to t: den * (begin * t + (end - begin) * t**2 / 2 whole). Rounded down at each end, so that
        # the stairs add up.
        volume = self._den * (begin_ul_h * then + (end_ul_h - begin_ul_h) * then * then // (2 * whole))
        volume -= self._den * (begin_ul_h * at + (end_ul_h - begin_ul_h) * at * at // (2 * whole))
        self.rate_ul_h = -(-volume // (self._den * self.left))
        self.extra = self.rate_ul_h * self._den * self.left - volume


def ticks_of(volume_nl, rate_ul_h, den):
    """(ticks, extra): the time that a volume takes, and what that time gives too much, in the grid's units."""
    volume = volume_nl * 1000 * TICKS_PER_PL * den
    ticks = -(-volume // (rate_ul_h * den))
    return ticks, ticks * rate_ul_h * den - volume


def _measure(segment):
    """(seconds, nL) of a segment."""
    begin_ul_h, end_ul_h, seconds, volume_nl = segment
    if volume_nl:
        return volume_nl * 18 // (begin_ul_h * 5), volume_nl  # 1 µL/h is 5/18 nL a second
    return seconds, _mean_nl(begin_ul_h, end_ul_h, seconds)


def _mean_nl(begin_ul_h, end_ul_h, seconds):
    return (begin_ul_h + end_ul_h) * seconds * 5 // 36

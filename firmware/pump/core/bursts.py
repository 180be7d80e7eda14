"""How each priority sounds and looks: two tables, and the player that walks the first one in time.

Numbers lie well inside the ranges of IEC 60601-1-8 as secondary sources report them (ranges marked [M] come
from memory). A piezo's square wave does not meet the standard's spectrum: the claim is for timing only.

                        HIGH                                    MEDIUM          LOW
    pulses              10: five, twice                         3               2 (1 or 2)
    melody              C5 D4 G4 - C5 D4, twice                 C5 D4 G4        E4 C4
    pulse t_d           140 ms  (75-200 [M])                    190 (125-250)   190 (125-250)
    spacing x, y        90 ms   (50-125 [M])                    190 (125-250)   190 (125-250)
    between 3 and 4     320 ms  (2x + t_d = 2*90 + 140)
    between 5 and 6     800 ms  (350-1300 [M])
    between bursts      6 s     (2.5-15)                        10 s (2.5-30)   20 s (over 15, or no repeat)
    fundamental         262-523 Hz (150-1000)
    lamp                red, 2 Hz (1.4-2.8)                     yellow, 0.625 Hz (0.4-0.8)      yellow, steady
    lit                 40 % (20-60)                            40 % (20-60)                    always

The melody is the one for drug delivery. The octave of LOW's E and C is the one of the D and G beside them.
"""

from micropython import const

from pump.core.alarms import NONE
from pump.core.ticks import elapsed_ms

_C5 = const(523)
_G4 = const(392)
_E4 = const(330)
_D4 = const(294)
_C4 = const(262)

# By priority: (frequency Hz, on ms, gap ms to the next pulse; the last gap is the one to the next burst)
BURSTS = (
    (),  # NONE
    ((_E4, 190, 190), (_C4, 190, 20_000)),  # LOW
    ((_C5, 190, 190), (_D4, 190, 190), (_G4, 190, 10_000)),  # MEDIUM
    (  # HIGH
        (_C5, 140, 90), (_D4, 140, 90), (_G4, 140, 320), (_C5, 140, 90), (_D4, 140, 800),
        (_C5, 140, 90), (_D4, 140, 90), (_G4, 140, 320), (_C5, 140, 90), (_D4, 140, 6_000),
    ),
)  # fmt: skip

# A pulse rises in three steps, each a sixteenth of it: full after an eighth (the standard wants a rise,
# 10-20 % of the pulse [M]). The fundamental of a square wave of duty d is proportional to sin(pi d): 5 %,
# 16 %, 50 % sound at -16, -6 and 0 dB.
_RISE_SHIFT = const(4)
DUTY_FIRST = const(3277)
DUTY_SECOND = const(10486)
DUTY_FULL = const(32768)

_IDLE_MS = const(1000)  # nothing to play: come back whenever

# By priority: levels (red, yellow) while on, period ms, on ms. A steady lamp is on for the whole of its
# period.
_DARK = (0, 0)
LAMPS = (
    (_DARK, 1000, 1000),  # NONE
    ((0, 1), 1000, 1000),  # LOW
    ((0, 1), 1600, 640),  # MEDIUM
    ((1, 0), 500, 200),  # HIGH
)


def burst_ms(priority):
    """From the first pulse's beginning to the last one's end."""
    return sum([on_ms + gap_ms for _, on_ms, gap_ms in BURSTS[priority]]) - BURSTS[priority][-1][2]


def lamp_levels(priority, t_in_cycle_ms):
    """(red, yellow) at this time of the lamp's cycle."""
    lamp = LAMPS[priority]
    return lamp[0] if t_in_cycle_ms < lamp[2] else _DARK


def lamp_wait_ms(priority, t_in_cycle_ms):
    """Time to the next change: to the end of the lit part, then to the end of the cycle."""
    lamp = LAMPS[priority]
    return (lamp[2] if t_in_cycle_ms < lamp[2] else lamp[1]) - t_in_cycle_ms


class BurstPlayer:
    """Says at each moment what the piezo should do: `frequency_hz` (0: silent) and `duty_u16`.

    A burst that has begun is finished, also when its alarm ends, is silenced or gives way to a lower one:
    half a burst of one priority sounds like another. Only a higher priority cuts in, at once: it must not
    wait behind three seconds of something less urgent. Edges are counted from the burst's beginning, so a
    late wake-up moves one edge and no other. The next burst begins when it is noticed to be due, so its
    first pulse is whole; the pause between bursts has seconds to spare.
    """

    def __init__(self):
        self.frequency_hz = 0
        self.duty_u16 = 0
        self.priority = NONE  # of the burst being played, or of the pause after it
        self.resting = False  # in the pause after a burst
        self._wanted = NONE  # what to play when this burst is over
        self._begin_ms = 0
        self._index = 0  # of the pulse
        self._pulse_ms = 0  # when the pulse begins, from the burst's beginning

    def start(self, priority, now_ms):
        """Play bursts of this priority from now on. Asking for what is being played changes nothing."""
        self._wanted = priority
        if priority > self.priority or (self.resting and priority != self.priority):
            self._begin(priority, now_ms)

    def stop(self):
        """Play nothing after this burst."""
        self._wanted = NONE
        if self.resting:
            self._begin(NONE, 0)

    def step(self, now_ms):
        """Moves on to `now_ms`. Returns the ms to the next edge."""
        while self.priority:
            pulses = BURSTS[self.priority]
            pulse = pulses[self._index]
            on_ms = pulse[1]
            end_ms = on_ms + pulse[2]
            t_ms = elapsed_ms(now_ms, self._begin_ms) - self._pulse_ms
            if t_ms < on_ms:
                self.frequency_hz = pulse[0]
                return self._rise(t_ms, on_ms)
            self.frequency_hz = 0
            self.duty_u16 = 0
            if self._index + 1 < len(pulses):
                if t_ms < end_ms:
                    return end_ms - t_ms
                self._index += 1
                self._pulse_ms += end_ms
            elif self._wanted != self.priority:
                self._begin(self._wanted, now_ms)
            elif t_ms < end_ms:
                self.resting = True
                return end_ms - t_ms
            else:
                self._begin(self.priority, now_ms)
        return _IDLE_MS

    def _begin(self, priority, now_ms):
        self.priority = priority
        self.resting = False
        self.frequency_hz = 0
        self.duty_u16 = 0
        self._begin_ms = now_ms
        self._index = 0
        self._pulse_ms = 0

    def _rise(self, t_ms, on_ms):
        """Sets the duty inside a pulse; returns the ms to its next change."""
        step_ms = on_ms >> _RISE_SHIFT
        if t_ms < step_ms:
            self.duty_u16 = DUTY_FIRST
            return step_ms - t_ms
        if t_ms < 2 * step_ms:
            self.duty_u16 = DUTY_SECOND
            return 2 * step_ms - t_ms
        self.duty_u16 = DUTY_FULL
        return on_ms - t_ms

"""The sound and the lamp of each alarm priority: two tables.

The numbers are well within the ranges of IEC 60601-1-8 as secondary sources report them (ranges marked [M] are
from memory). The square wave of a piezo does not meet the standard's spectrum: the claim covers timing only.

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

The melody is the standard's for drug delivery. LOW's E and C are in the octave of MEDIUM's D and G.
"""

from micropython import const

_C5 = const(523)
_G4 = const(392)
_E4 = const(330)
_D4 = const(294)
_C4 = const(262)

# By priority: (frequency Hz, on ms, gap ms to the next pulse); the last gap is that to the next burst.
BURSTS = (
    (),  # NONE
    ((_E4, 190, 190), (_C4, 190, 20_000)),  # LOW
    ((_C5, 190, 190), (_D4, 190, 190), (_G4, 190, 10_000)),  # MEDIUM
    (  # HIGH
        (_C5, 140, 90), (_D4, 140, 90), (_G4, 140, 320), (_C5, 140, 90), (_D4, 140, 800),
        (_C5, 140, 90), (_D4, 140, 90), (_G4, 140, 320), (_C5, 140, 90), (_D4, 140, 6_000),
    ),
)  # fmt: skip

# By priority: red, yellow, ms on, ms off; 0 ms off is steady.
LAMPS = (
    (0, 0, 0, 0),  # NONE
    (0, 1, 1000, 0),  # LOW
    (0, 1, 640, 960),  # MEDIUM
    (1, 0, 200, 300),  # HIGH
)


def period_ms(priority):
    """Time from the start of a burst to the start of the next, ms."""
    return sum([on_ms + gap_ms for _, on_ms, gap_ms in BURSTS[priority]])


def burst_ms(priority):
    """Time from the start of the first pulse to the end of the last, ms."""
    return period_ms(priority) - BURSTS[priority][-1][2]

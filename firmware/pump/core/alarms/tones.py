"""Words for the piezo's PIO program (drivers/piezo.py), and whole bursts of them.

A word is a number of equal cycles: time high and time low, in ticks of 4 µs. Its 30 bits (a small int on the Pico) are
11 for cycles less one, 9 for high, 10 for low; a high of 0 is a rest. A burst is computed once, with the rest after it,
exact to the tick: repeated bursts never drift from the table's timing.
"""

from array import array

from micropython import const

TONE_TICK_HZ = const(250000)
_TICKS_PER_MS = const(250)

# Ticks that the program needs in addition to a word's fields.
_WORD_TICKS = const(3)
_HIGH_TICKS = const(2)
_LOW_TICKS = const(7)  # also of a rest
_HIGH_SHIFT = const(11)
_LOW_SHIFT = const(20)
_MAX_CYCLES = const(2048)
_REST_TICKS = const(1000)  # 4 ms: a word of rest lasts up to 8 s

# A pulse rises in three steps: two of a sixteenth each, so it is at full level after an eighth (the standard requires a
# rise of 10-20 % of the pulse [M]). The fundamental of a square wave of duty d is proportional to sin(pi d): duties of
# 5 %, 16 % and 50 % give -16, -6 and 0 dB.
_RISE_SHIFT = const(4)
_RISE = (5, 16)
_FULL = const(50)


def tone(cycles, period_ticks, high_ticks):
    """The word of `cycles` periods of `period_ticks`, each high for `high_ticks`."""
    return cycles - 1 | high_ticks - _HIGH_TICKS << _HIGH_SHIFT | period_ticks - high_ticks - _LOW_TICKS << _LOW_SHIFT


def rest(cycles, ticks):
    """The word of `cycles` pauses of `ticks` each."""
    return cycles - 1 | ticks - _LOW_TICKS << _LOW_SHIFT


def word_ticks(word):
    """Duration of a word in ticks."""
    high = word >> _HIGH_SHIFT & 511
    cycle = (word >> _LOW_SHIFT) + _LOW_TICKS + (high + _HIGH_TICKS if high else 0)
    return _WORD_TICKS + ((word & _MAX_CYCLES - 1) + 1) * cycle


def tone_cycles(words):
    """Number of rising edges on the pin."""
    return sum([(word & _MAX_CYCLES - 1) + 1 for word in words if word >> _HIGH_SHIFT & 511])


def burst_words(pulses):
    """Words for pulses of (frequency Hz, on ms, gap ms). A pulse is a whole number of cycles; its gap corrects the
    difference to the table.
    """
    words = array("I")
    owed = 0
    for frequency_hz, on_ms, gap_ms in pulses:
        owed += (on_ms + gap_ms) * _TICKS_PER_MS
        owed -= _add_pulse(words, (TONE_TICK_HZ + frequency_hz // 2) // frequency_hz, on_ms * _TICKS_PER_MS)
        owed -= _add_rest(words, owed)
    return words


def _add_pulse(words, period, on):
    cycles = (on + period // 2) // period
    step = max(1, (on >> _RISE_SHIFT) // period)
    at = len(words)
    for percent in _RISE:
        words.append(tone(step, period, period * percent // 100))
    words.append(tone(cycles - step * len(_RISE), period, period * _FULL // 100))
    return sum([word_ticks(word) for word in words[at:]])


def _add_rest(words, ticks):
    """Adds full rests, and two cycles for the remainder. An odd tick stays owed. Returns the ticks added."""
    at = len(words)
    cycles = ticks // _REST_TICKS - 1
    while cycles:
        some = min(cycles, _MAX_CYCLES)
        words.append(rest(some, _REST_TICKS))
        ticks -= word_ticks(words[-1])
        cycles -= some
    words.append(rest(2, (ticks - _WORD_TICKS) // 2))
    return sum([word_ticks(word) for word in words[at:]])

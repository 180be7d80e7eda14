"""Alarm signals are taken apart into pulses, bursts and flashes; each row of the table can fail by itself."""

import pytest

from picoinfuse.analysis.alarm_limits import SEMITONES_FROM_A4, note_hz
from picoinfuse.analysis.alarm_timing import Flashes, bursts, check, flashes, pulses
from picoinfuse.trace.trace import Trace

MS = 10**6
# Two bursts begin at 1 s and 8 s; the window ends at 20 s.
STARTS_MS = (1000, 8000)
HIGH = ["C5", "D4", "G4", "C5", "D4", "C5", "D4", "G4", "C5", "D4"]


def tone(trace, start_ms, duration_ms, hz):
    """Whole carrier cycles at half duty, as many as fit."""
    period_ns = round(1e9 / hz)
    trace.pulses("piezo", round(start_ms * MS), period_ns, period_ns // 2, duration_ms * MS // period_ns)


def flash(trace, signal, period_ms, on_ms, count):
    trace.pulses(signal, 1000 * MS, period_ms * MS, on_ms * MS, count)


def high(notes=HIGH, pulse_ms=150, x_ms=80, long_ms=310, pause_ms=500, starts_ms=STARTS_MS):
    """A HIGH alarm as the table wants it: 2x + t_d = 2 · 80 + 150 = 310 ms."""
    trace = Trace()
    rests = [x_ms, x_ms, long_ms, x_ms, pause_ms, x_ms, x_ms, long_ms, x_ms, 0]
    for at_ms in starts_ms:
        for note, rest_ms in zip(notes, rests, strict=False):
            tone(trace, at_ms, pulse_ms, note_hz(note))
            at_ms += pulse_ms + rest_ms
    flash(trace, "lamp_red", 500, 200, 38)  # 2 Hz, 40 %
    return trace


def few(notes, priority_lamp, pulse_ms=180, y_ms=180, starts_ms=STARTS_MS):
    trace = Trace()
    for at_ms in starts_ms:
        for k, note in enumerate(notes):
            tone(trace, at_ms + k * (pulse_ms + y_ms), pulse_ms, note_hz(note))
    priority_lamp(trace)
    return trace


def failed(trace, priority, end_s=20.0):
    return [row.name for row in check(trace, priority, 0.5, end_s) if not row.ok]


def test_a_tone_has_a_start_a_length_and_a_frequency():
    trace = Trace()
    tone(trace, 1000, 150, 500.0)  # 75 cycles of 2 ms
    (pulse,) = pulses(trace)
    assert pulse.start_s == pytest.approx(1.0)
    assert pulse.frequency_hz == pytest.approx(500.0)
    # From the first rise to the last fall: 74 cycles and half of the last, 149 ms.
    assert pulse.duration_s == pytest.approx(0.149)


def test_twenty_milliseconds_of_silence_separate_tones():
    trace = Trace()
    trace.pulses("piezo", 0, 2 * MS, MS, 50)  # falls last at 99 ms
    trace.pulses("piezo", 119 * MS, 2 * MS, MS, 50)  # 20 ms later: the same tone; falls last at 218 ms
    trace.pulses("piezo", 239 * MS, 2 * MS, MS, 50)  # 21 ms later: another
    assert [round(p.start_s, 6) for p in pulses(trace)] == [0.0, 0.239]


def test_a_cycle_that_the_window_cuts_is_left_out():
    trace = Trace()
    trace.pulses("piezo", 0, 2 * MS, MS, 50)
    (pulse,) = pulses(trace, 0.0005, 0.0205)  # from the middle of a high to the middle of another
    assert pulse.start_s == pytest.approx(0.002)
    assert pulse.end_s == pytest.approx(0.019)
    assert pulses(trace, 0.2, 0.3) == []


def test_silence_of_two_seconds_separates_bursts():
    heard = bursts(pulses(high()))
    assert [len(burst) for burst in heard] == [10, 10]
    assert [round(burst[0].start_s, 3) for burst in heard] == [1.0, 8.0]


def test_flashes_are_measured_over_whole_periods():
    trace = Trace()
    flash(trace, "lamp_red", 500, 200, 10)
    seen = flashes(trace, "lamp_red", 0.0, 5.3)
    assert seen.frequency_hz == pytest.approx(2.0)
    assert seen.duty == pytest.approx(0.4)


def test_a_steady_lamp_has_no_frequency():
    trace = Trace()
    trace.level("lamp_yellow", 1000 * MS, 1)
    seen = flashes(trace, "lamp_yellow", 0.0, 4.0)
    assert seen.frequency_hz == 0
    assert seen.duty == pytest.approx(0.75)  # 3 of 4 s


@pytest.mark.parametrize("end_s", [2.0, 1.0])
def test_a_window_without_length_holds_no_light(end_s):
    trace = Trace()
    trace.level("lamp_red", 0, 1)
    assert flashes(trace, "lamp_red", 2.0, end_s) == Flashes(0.0, 0.0)


def test_a_high_alarm_as_in_the_table_passes():
    assert failed(high(), "high") == []


def test_a_medium_alarm_as_in_the_table_passes():
    trace = few(["C5", "D4", "G4"], lambda t: flash(t, "lamp_yellow", 1667, 667, 11))  # 0.6 Hz, 40 %
    assert failed(trace, "medium") == []


@pytest.mark.parametrize("notes", [["E", "C"], ["E"]])
@pytest.mark.parametrize("starts_ms", [(1000,), (1000, 18_000)])
def test_a_low_alarm_as_in_the_table_passes(notes, starts_ms):
    trace = few(notes, lambda t: t.level("lamp_yellow", 400 * MS, 1), starts_ms=starts_ms)
    assert failed(trace, "low", 25.0) == []


def test_a_low_alarm_may_lie_in_any_octave():
    trace = Trace()
    tone(trace, 1000, 180, 2 * note_hz("E"))
    tone(trace, 1360, 180, 2 * note_hz("C"))
    trace.level("lamp_yellow", 400 * MS, 1)
    assert failed(trace, "low") == []


@pytest.mark.parametrize(
    ("trace", "names"),
    [
        (high(pulse_ms=220, long_ms=380), ["pulse"]),
        (high(x_ms=40, long_ms=230), ["spacing"]),
        (high(long_ms=80), ["spacing 3-4 less 2x + t_d"]),
        (high(pause_ms=1500), ["spacing 5-6"]),
        (high(starts_ms=(1000, 6200)), ["between bursts"]),  # a burst lasts 3.10 s: 2.1 s of silence
        (high(starts_ms=(1000,)), ["between bursts"]),  # HIGH has to come again
        (high(notes=[*HIGH[:9], "G4"]), ["off the melody"]),
        (high(notes=HIGH[:9]), ["pulses in a burst", "off the melody"]),
    ],
)
def test_each_row_fails_by_itself(trace, names):
    assert failed(trace, "high") == names


def test_lamps_are_judged():
    hectic = few(["C5", "D4", "G4"], lambda t: flash(t, "lamp_yellow", 1000, 700, 19))  # 1 Hz, 70 %
    assert failed(hectic, "medium") == ["lamp_yellow flashes", "lamp_yellow duty"]
    blinking = few(["E"], lambda t: flash(t, "lamp_yellow", 1000, 500, 19), starts_ms=(1000,))
    assert failed(blinking, "low") == ["lamp_yellow lit"]


def test_silence_fails_every_row():
    rows = check(Trace(), "high", 0.0, 20.0)
    assert len(rows) == 10
    assert not any(row.ok for row in rows)


def test_a_burst_that_the_end_of_the_window_cuts_is_not_judged():
    assert failed(high(starts_ms=(1000, 8000, 15_000)), "high", end_s=16.0) == []


def test_notes_have_their_frequencies():
    # Middle C is 261.63 Hz; C5 an octave above, 523.25 Hz; D4 293.66, E4 329.63, G4 392.00.
    expected = {"C5": 523.25, "D4": 293.66, "G4": 392.00, "E": 329.63, "C": 261.63}
    assert {name: round(note_hz(name), 2) for name in SEMITONES_FROM_A4} == expected

"""Each number of the alarm signals against its range: the tables, and the words that are made of them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.alarms import bursts as b
from pump.core.alarms import tones
from pump.core.alarms.table import HIGH, LOW, MEDIUM

from .fake_piezo import FakePiezo, decode

C5, D4, G4, E4, C4 = 523, 294, 392, 330, 262
MELODY = {HIGH: [C5, D4, G4, C5, D4] * 2, MEDIUM: [C5, D4, G4], LOW: [E4, C4]}
PULSE_MS = {HIGH: (75, 200), MEDIUM: (125, 250), LOW: (125, 250)}
SPACING_MS = {HIGH: (50, 125), MEDIUM: (125, 250), LOW: (125, 250)}
BETWEEN_BURSTS_MS = {HIGH: (2_500, 15_000), MEDIUM: (2_500, 30_000), LOW: (15_000, 60_000)}


def ranges_of_gaps(priority, on_ms):
    """(low, high) of each gap inside a burst."""
    x = SPACING_MS[priority]
    if priority != HIGH:
        return [x] * (len(MELODY[priority]) - 1)
    three_four = (2 * x[0] + on_ms, 2 * x[1] + on_ms)
    half = [x, x, three_four, x]
    return [*half, (350, 1300), *half]


def inside(value, limits):
    return limits[0] <= value <= limits[1]


def heard(words):
    """What a table sounds like: pulses, and steps of pulses."""
    t_ms = [0]
    piezo = FakePiezo(lambda: t_ms[0])
    piezo.play(words)
    t_ms[0] = 60_000
    return piezo.pulses(), piezo.tones()


# The tables


@pytest.mark.parametrize("priority", [HIGH, MEDIUM, LOW])
def test_every_number_of_the_table_lies_in_its_range(priority):
    pulses = b.BURSTS[priority]
    assert [pulse[0] for pulse in pulses] == MELODY[priority]
    for frequency_hz, on_ms, _ in pulses:
        assert inside(frequency_hz, (150, 1000))
        assert inside(on_ms, PULSE_MS[priority])
    for (_, _, gap_ms), limits in zip(pulses[:-1], ranges_of_gaps(priority, pulses[0][1]), strict=True):
        assert inside(gap_ms, limits)
    assert inside(pulses[-1][2], BETWEEN_BURSTS_MS[priority])


def test_the_third_gap_of_high_is_twice_the_spacing_and_a_pulse():
    (_, on_ms, x_ms), _, (_, _, third_ms) = b.BURSTS[HIGH][:3]
    assert third_ms == 2 * x_ms + on_ms


def test_a_more_urgent_priority_repeats_sooner():
    assert b.BURSTS[HIGH][-1][2] < b.BURSTS[MEDIUM][-1][2] < b.BURSTS[LOW][-1][2]


@pytest.mark.parametrize(
    ("priority", "duration_ms"),
    [
        (HIGH, 10 * 140 + 2 * (90 + 90 + 320 + 90) + 800),  # 3380
        (MEDIUM, 3 * 190 + 2 * 190),
        (LOW, 2 * 190 + 190),
    ],
)
def test_a_burst_lasts_from_its_first_pulse_to_the_end_of_its_last(priority, duration_ms):
    assert b.burst_ms(priority) == duration_ms
    assert b.period_ms(priority) == duration_ms + b.BURSTS[priority][-1][2]


@pytest.mark.parametrize(("priority", "frequency_hz"), [(HIGH, (1.4, 2.8)), (MEDIUM, (0.4, 0.8))])
def test_flashing_lamps_flash_in_their_range(priority, frequency_hz):
    _, _, on_ms, off_ms = b.LAMPS[priority]
    assert inside(1000 / (on_ms + off_ms), frequency_hz)
    assert inside(on_ms / (on_ms + off_ms), (0.20, 0.60))


def test_high_is_red_medium_yellow_and_low_steady_yellow():
    assert [lamp[:2] for lamp in b.LAMPS] == [(0, 0), (0, 1), (0, 1), (1, 0)]
    assert b.LAMPS[LOW][3] == 0  # never off


# The words


@pytest.mark.parametrize("priority", [HIGH, MEDIUM, LOW])
def test_words_sound_as_the_table_says(priority):
    pulses, _ = heard(tones.burst_words(b.BURSTS[priority]))
    t_ms = 0
    for (frequency_hz, begin_ms, end_ms), (nominal_hz, on_ms, gap_ms) in zip(pulses, b.BURSTS[priority], strict=True):
        # A period is a whole number of ticks of 4 µs: 1 in 478 at C5, half of it when rounded.
        assert frequency_hz == pytest.approx(nominal_hz, rel=0.002)
        # A rest is made of whole cycles too; what is left of it, 4 µs, comes with the next one.
        assert begin_ms == pytest.approx(t_ms, abs=0.008)
        # A pulse has whole cycles: half of one, 1.9 ms at C4, and 3 words of 12 µs.
        assert end_ms - begin_ms == pytest.approx(on_ms, abs=2.0)
        t_ms += on_ms + gap_ms


@pytest.mark.parametrize("priority", [HIGH, MEDIUM, LOW])
def test_a_table_lasts_a_period_to_the_tick(priority):
    ticks = sum(map(tones.word_ticks, tones.burst_words(b.BURSTS[priority])))
    assert b.period_ms(priority) * 250 - ticks in (0, 1)


@pytest.mark.parametrize("priority", [HIGH, MEDIUM, LOW])
def test_each_pulse_rises_in_steps_and_is_full_after_an_eighth(priority):
    _, steps = heard(tones.burst_words(b.BURSTS[priority]))
    assert len(steps) == 3 * len(b.BURSTS[priority])
    for k, (_, on_ms, _) in enumerate(b.BURSTS[priority]):
        first, second, full = steps[3 * k : 3 * k + 3]
        # Ticks are whole: 5 % of 478 are 23.
        assert [round(step[3], 2) for step in (first, second, full)] == [0.05, 0.16, 0.5]
        # An eighth of the pulse, in whole cycles: of D4, 3.4 ms each.
        assert full[0] - first[0] == pytest.approx(on_ms / 8, abs=2 * 3.9)


@pytest.mark.parametrize("priority", [HIGH, MEDIUM, LOW])
def test_every_word_is_a_small_int_of_the_pico_and_its_fields_hold(priority):
    for word in tones.burst_words(b.BURSTS[priority]):
        cycles, period, high = decode(word)
        assert 0 <= word < 1 << 30
        if high:
            assert word == tones.tone(cycles, period, high)
        else:
            assert word == tones.rest(cycles, period)


@given(
    st.lists(st.tuples(st.integers(250, 1000), st.integers(75, 250), st.integers(50, 30_000)), min_size=1, max_size=12)
)
def test_any_burst_keeps_its_beat(pulses):
    # 250 Hz: the longest period that fits, 1000 ticks at 50 % high, is 4 ms.
    found, _ = heard(tones.burst_words(pulses)) if sum(on + gap for _, on, gap in pulses) < 60_000 else ([], [])
    begins = [0]
    for _, on_ms, gap_ms in pulses:
        begins.append(begins[-1] + on_ms + gap_ms)
    for one, following in pairwise(found):
        assert following[1] > one[2]
    for (_, begin_ms, _), nominal_ms in zip(found, begins, strict=False):
        assert begin_ms == pytest.approx(nominal_ms, abs=0.008)

"""The firmware's PIO programs for piezo and lamps, cycle by cycle on `pioemu`: what a word says is what the pins do.

The programs are assembled from firmware/pump/drivers by the stub's assembler; the words are those of the alarms.
"""

from collections import deque
from collections.abc import Sequence

import pioemu
import pytest
from _pioasm import Program
from hypothesis import given
from hypothesis import strategies as st

PRIORITIES = {"low": 1, "medium": 2, "high": 3}


def changes(program: Program, words: Sequence[int], ticks: int) -> list[tuple[int, int]]:
    """(tick, levels of the two lowest pins) of each change in the first `ticks`, by the emulator's account."""
    found = [(0, 0)]
    for before, after in pioemu.emulate(
        program.words,
        stop_when=lambda opcode, now: now.clock >= ticks,
        initial_state=pioemu.State(transmit_fifo=deque(words), pin_directions=3),
        shift_osr_right=True,
        out_base=0,
        out_count=len(program.out_init),
        set_base=0,
        set_count=len(program.set_init),
        wrap_target=program.wrap_target,
        wrap_top=program.wrap,
    ):
        if after.pin_values != found[-1][1]:
            found.append((before.clock, after.pin_values))
    return found[1:]


# ---- the piezo ----


@given(cycles=st.integers(1, 5), period=st.integers(20, 900), percent=st.integers(1, 50), rest=st.integers(8, 1000))
def test_a_tone_has_its_cycles_its_period_and_its_duty(firmware, cycles: int, period: int, percent: int, rest: int):
    tones = firmware.tones
    high = max(3, period * percent // 100)
    words = [tones.tone(cycles, period, high), tones.rest(2, rest), tones.tone(1, 500, 3)]
    told = changes(firmware.piezo.tone_words, words, cycles * period + 2 * rest + 600)
    # 3 ticks to take a word, then 3 before the pin rises.
    expected = [(6 + k * period + edge, level) for k in range(cycles) for edge, level in ((0, 1), (high, 0))]
    assert told[: 2 * cycles] == expected
    assert told[2 * cycles][0] == 3 + cycles * period + 3 + 2 * rest + 6
    assert tones.word_ticks(words[0]) == 3 + cycles * period
    assert tones.word_ticks(words[1]) == 3 + 2 * rest


def test_without_a_word_the_pin_is_low(firmware):
    told = changes(firmware.piezo.tone_words, [firmware.tones.tone(3, 478, 239)], 50_000)
    assert told[-1] == (6 + 2 * 478 + 239, 0)


@pytest.mark.parametrize("priority", PRIORITIES.values(), ids=PRIORITIES)
def test_the_first_pulse_of_each_burst_lasts_as_the_table_says(firmware, priority: int):
    frequency_hz, on_ms, gap_ms = firmware.bursts.BURSTS[priority][0]
    words = firmware.tones.burst_words(firmware.bursts.BURSTS[priority])
    ticks = (on_ms + gap_ms) * 250
    rises = [tick for tick, level in changes(firmware.piezo.tone_words, words, ticks) if level]
    # Whole cycles: half of one more or less.
    assert len(rises) == pytest.approx(on_ms * frequency_hz / 1000, abs=0.51)
    assert (rises[-1] - rises[0]) / (len(rises) - 1) == pytest.approx(250_000 / frequency_hz, abs=1.5)


# ---- the lamps ----


@pytest.mark.parametrize("name", ["medium", "high"])
def test_a_lamp_flashes_as_the_table_says_to_the_tick(firmware, name: str):
    red, yellow, on_ms, off_ms = firmware.bursts.LAMPS[PRIORITIES[name]]
    word = firmware.lamps.encode(red, yellow, on_ms, off_ms)
    assert 0 <= word < 1 << 30  # a small int of the Pico
    told = changes(firmware.lamps.lamp_word, [word], 4 * 2 * (on_ms + off_ms))
    lit = red | yellow << 1
    period = 2 * (on_ms + off_ms)
    assert told[:6] == [(2 + k * period + edge, level) for k in range(3) for edge, level in ((0, lit), (2 * on_ms, 0))]


def test_low_is_steady(firmware):
    word = firmware.lamps.encode(*firmware.bursts.LAMPS[PRIORITIES["low"]])
    assert changes(firmware.lamps.lamp_word, [word], 20_000) == [(2, 2)]  # yellow on, and nothing more


def test_the_lamps_are_neighbours(firmware):
    assert firmware.wiring.LAMP_YELLOW == firmware.wiring.LAMP_RED + 1


def test_piezo_lamps_and_step_counter_fit_into_one_block(firmware):
    programs = (firmware.piezo.tone_words, firmware.lamps.lamp_word, firmware.step_counter.count_edges)
    assert sum(len(program.words) for program in programs) <= 32

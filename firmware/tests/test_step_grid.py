"""The step grid against exact fractions: no step early, none lost, whatever the rate and whatever changes."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.motion.step_grid import MIN_TICKS, RAMP_TICKS, SLICE_TICKS, TICKS_PER_PL, WORDS, StepGrid
from pump.core.motion.step_words import _COUNT_BITS, _WORD_TICKS, MAX_COUNT, WordTable, encode

PROFILES = [(349931, 1), (10321 * 7 + 3, 70), (13033 * 50 + 7, 50), (250000, 256), (255, 1)]
MAX_HZ = 200000

profiles = st.sampled_from(PROFILES)


def cost(num, den, rate):
    """Exact ticks of one step at `rate` µL/h: num/den pL at rate/18000 pL a tick."""
    return Fraction(num * TICKS_PER_PL, den * rate)


def highest_rate(num, den):
    """µL/h at 200 kHz, or 1200 mL/h."""
    return min(1200000, MAX_HZ * 36 * num // (den * 10000))


class Hand:
    """Takes slices as the delivery task does: from two tables in turn, or a list of words."""

    def __init__(self, num, den):
        self.grid = StepGrid(num, den)
        self._tables = [WordTable(), WordTable()]

    def slice(self, budget=1 << 29):
        """The (ticks, count) words of the next slice."""
        words = [0] * WORDS
        table = self._tables[0]
        self._tables.reverse()
        self.grid.next_slice(budget, words, table)
        taken = table.words if self.grid.by_table else words
        return [((word >> _COUNT_BITS) + _WORD_TICKS, word & MAX_COUNT) for word in taken[: self.grid.used]]

    def steps(self, until_tick, budget=1 << 29):
        """Ticks at which steps fall, until the first slice that ends at or after `until_tick`."""
        now, steps = 0, []
        while now < until_tick:
            words = self.slice(budget)
            if not words:
                break
            for ticks, count in words:
                assert MIN_TICKS <= ticks <= SLICE_TICKS + MIN_TICKS
                assert 0 <= count <= MAX_COUNT
                steps += [now + ticks * (k + 1) for k in range(count)]
                now += ticks * (count or 1)
        return steps


@given(profiles, st.data())
def test_at_a_constant_rate_every_step_is_made_when_it_is_paid_for(profile, data):
    num, den = profile
    rate = data.draw(st.integers(10, highest_rate(num, den)))
    hand = Hand(num, den)
    hand.grid.set_rate(rate)
    period = cost(num, den, rate)
    steps = hand.steps(min(int(40 * period), 20 * SLICE_TICKS))
    for k, tick in enumerate(steps, start=1):
        ideal = k * period
        # Never early (in a table: by less than a tick). Late by less than half a step (the two runs of a
        # batch), the rounding to a tick, and in a table the rounding of what a batch gets of the long
        # intervals.
        assert tick > ideal - 1 if hand.grid.by_table else tick >= ideal
        assert tick - ideal < 2 + period / 2, k


@given(profiles, st.data())
def test_neighbouring_intervals_differ_by_one_tick_at_most(profile, data):
    num, den = profile
    rate = data.draw(st.integers(10, highest_rate(num, den)))
    hand = Hand(num, den)
    hand.grid.set_rate(rate)
    steps = hand.steps(min(int(40 * cost(num, den, rate)), 20 * SLICE_TICKS))
    intervals = [b - a for a, b in zip([0, *steps], steps, strict=False)]
    assert not intervals or max(intervals) - min(intervals) <= 1


@given(profiles, st.lists(st.tuples(st.integers(0, 1200000), st.integers(1, 12)), min_size=1, max_size=12))
def test_across_any_changes_of_rate_the_volume_is_never_a_step_away(profile, changes):
    num, den = profile
    hand = Hand(num, den)
    grid = hand.grid
    paid = Fraction(0)
    made = 0
    step = Fraction(num, den)
    for rate, slices in changes:
        rate = min(rate, highest_rate(num, den))
        if 0 < rate < 10:
            rate = 10
        grid.set_rate(rate)
        for _ in range(slices):
            if not hand.slice():
                break
            paid += Fraction(rate * grid.ticks, TICKS_PER_PL)
            made += grid.steps
            # At the end of each slice: made <= paid for < made + 1, but for steps delayed by the least length
            # of a word (one at most).
            assert made * step <= paid
            assert paid < (made + 2) * step


@given(profiles, st.lists(st.integers(1, 40), min_size=2, max_size=12))
def test_in_a_ramp_a_step_is_a_quarter_of_a_batch_late_at_most_and_the_volume_stays_exact(profile, parts):
    """Stairs to parts of the highest rate, in 40."""
    num, den = profile
    hand = Hand(num, den)
    grid = hand.grid
    paid, made, step = Fraction(0), 0, Fraction(num, den)
    for part in parts:
        rate = max(10, highest_rate(num, den) * part // 40)
        grid.set_rate(rate, RAMP_TICKS)
        words = hand.slice()
        assert not grid.by_table
        assert grid.ticks <= RAMP_TICKS + SLICE_TICKS  # a step that is further away is waited for in slices
        before = paid
        for ticks, count in words:
            for _ in range(count or 1):
                paid += Fraction(rate * ticks, TICKS_PER_PL)
                made += count > 0
                # MAX_COUNT / 4 ticks behind what is paid for, and a step for the least length of a word.
                assert made * step <= paid + Fraction(rate, TICKS_PER_PL)
                assert paid - made * step < 2 * step + Fraction(rate * MAX_COUNT, 4 * TICKS_PER_PL)
        assert paid - before == Fraction(rate * grid.ticks, TICKS_PER_PL)
        assert made * step <= paid < (made + 2) * step  # at the end of each stair, as ever


@given(profiles, st.integers(10, 1200000), st.integers(0, 3000))
def test_a_budget_is_given_to_the_step(profile, rate, budget):
    num, den = profile
    rate = min(rate, highest_rate(num, den))
    hand = Hand(num, den)
    grid = hand.grid
    grid.set_rate(rate)
    made = 0
    for _ in range(100000):
        if not hand.slice(budget - made):
            break
        made += grid.steps
        if made == 0 and grid.ticks == SLICE_TICKS:
            break  # a step that is minutes away: the wait was tested above
    assert made <= budget
    assert made == budget or grid.ticks == SLICE_TICKS


def one_step_a_second():
    """360000 pL at 1296 µL/h (0.072 pL a tick): 5,000,000 ticks a step."""
    hand = Hand(360000, 1)
    hand.grid.set_rate(1296)
    return hand


def test_a_pause_keeps_the_part_of_the_step_that_is_paid_for():
    hand = one_step_a_second()
    for _ in range(6):
        hand.slice()
        assert hand.grid.steps == 0
    hand.grid.set_rate(0)  # after 0.6 s
    assert hand.slice() == []
    hand.grid.set_rate(1296)
    assert hand.steps(2000000) == [2000000]  # 0.4 s remain


def test_halving_the_rate_doubles_what_is_left_of_the_step():
    hand = one_step_a_second()
    hand.slice()  # 0.1 of the step
    hand.grid.set_rate(648)
    assert hand.steps(9000000) == [9000000]  # 0.9 s at the old rate


def test_a_stop_in_the_middle_of_a_step_makes_it_be_paid_for_anew():
    hand = one_step_a_second()
    hand.slice()
    hand.grid.forget_part()
    hand.grid.set_rate(1296)
    assert hand.steps(5000000) == [5000000]


def test_at_the_highest_rates_a_slice_is_one_table_however_many_steps_it_holds():
    # 1000 pL at 360000 µL/h are 100 kHz: a period of 50 ticks, batches of 100 steps in 5100 ticks, 98 of them
    # in a slice.
    hand = Hand(1000, 1)
    hand.grid.set_rate(360000)
    assert hand.grid.by_table
    hand.slice()
    hand.slice()
    assert hand.grid.steps == 98 * 100
    assert hand.grid.used == 98 * 2


def test_a_table_that_stands_for_this_rate_is_not_written_again():
    hand = Hand(1003, 1)
    hand.grid.set_rate(360000)
    for _ in range(4):
        hand.slice()
    written = []
    table = hand._tables[0]
    table._fill = lambda *args: written.append(args)
    hand.slice()
    assert written == []


@pytest.mark.parametrize(("ticks", "count"), [(16, 1), (0x80000 + 17, 1), (1000, -1), (1000, 2048)])
def test_a_word_whose_fields_would_overflow_is_a_fault(ticks, count):
    with pytest.raises(AssertionError):
        encode(ticks, count)


@pytest.mark.parametrize(("ticks", "count"), [(17, 0), (0x7FFFF + 17, 2047)])
def test_the_ends_of_a_word_s_fields_are_allowed(ticks, count):
    assert encode(ticks, count) == ticks - 17 << 11 | count

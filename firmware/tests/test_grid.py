"""The step grid against exact fractions: no step early, none lost, whatever the rate and whatever changes."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from pump.core.grid import MAX_COUNT, MIN_TICKS, SLICE_TICKS, TICKS_PER_PL, StepGrid

PROFILES = [(349931, 1), (10321 * 7 + 3, 70), (13033 * 50 + 7, 50), (250000, 256), (255, 1)]
MAX_HZ = 25000

profiles = st.sampled_from(PROFILES)


def cost(num, den, rate):
    """Exact ticks of one step at `rate` µL/h: num/den pL at rate/18000 pL a tick."""
    return Fraction(num * TICKS_PER_PL, den * rate)


def highest_rate(num, den):
    """µL/h at 25 kHz."""
    return min(1200000, MAX_HZ * 36 * num // (den * 10000))


def step_ticks(grid, until_tick, start=0, budget=1 << 29):
    """Ticks at which steps fall, from `start` until the first slice that ends at or after `until_tick`."""
    now, steps = start, []
    while now < until_tick:
        grid.next_slice(budget)
        if not grid.used:
            break
        for i in range(grid.used):
            ticks, count = grid.words[2 * i], grid.words[2 * i + 1]
            assert ticks <= SLICE_TICKS + MIN_TICKS
            assert ticks >= MIN_TICKS
            assert 0 <= count <= MAX_COUNT
            steps += [now + ticks * (k + 1) for k in range(count)]
            now += ticks * (count or 1)
    return now, steps


@given(profiles, st.data())
def test_at_a_constant_rate_every_step_is_made_when_it_is_paid_for(profile, data):
    num, den = profile
    rate = data.draw(st.integers(10, highest_rate(num, den)))
    grid = StepGrid(num, den)
    grid.set_rate(rate)
    period = cost(num, den, rate)
    _, steps = step_ticks(grid, min(int(40 * period), 20 * SLICE_TICKS))
    for k, tick in enumerate(steps, start=1):
        ideal = k * period
        # Never early; late by less than the rounding of a tick and half a step (the two runs of a batch).
        assert tick >= ideal
        assert tick - ideal < 1 + period / 2


@given(profiles, st.data())
def test_neighbouring_intervals_differ_by_one_tick_at_most(profile, data):
    num, den = profile
    rate = data.draw(st.integers(10, highest_rate(num, den)))
    grid = StepGrid(num, den)
    grid.set_rate(rate)
    _, steps = step_ticks(grid, min(int(40 * cost(num, den, rate)), 20 * SLICE_TICKS))
    intervals = [b - a for a, b in zip([0, *steps], steps, strict=False)]
    assert not intervals or max(intervals) - min(intervals) <= 1


@given(profiles, st.lists(st.tuples(st.integers(0, 1200000), st.integers(1, 12)), min_size=1, max_size=12))
def test_across_any_changes_of_rate_the_volume_is_never_a_step_away(profile, changes):
    num, den = profile
    grid = StepGrid(num, den)
    now, paid = 0, Fraction(0)
    made = 0
    step = Fraction(num, den)
    for rate, slices in changes:
        rate = min(rate, highest_rate(num, den))
        if 0 < rate < 10:
            rate = 10
        grid.set_rate(rate)
        for _ in range(slices):
            grid.next_slice(1 << 29)
            if not grid.used:
                break
            paid += Fraction(rate * grid.ticks, TICKS_PER_PL)
            made += grid.steps
            now += grid.ticks
            # At the end of each slice: made <= paid for < made + 1, but for steps delayed by the least length
            # of a word (one at most).
            assert made * step <= paid
            assert paid < (made + 2) * step


@given(profiles, st.integers(10, 1200000), st.integers(0, 3000))
def test_a_budget_is_given_to_the_step(profile, rate, budget):
    num, den = profile
    rate = min(rate, highest_rate(num, den))
    grid = StepGrid(num, den)
    grid.set_rate(rate)
    made = 0
    for _ in range(100000):
        grid.next_slice(budget - made)
        if not grid.used:
            break
        made += grid.steps
        if made == 0 and grid.ticks == SLICE_TICKS:
            break  # a step that is minutes away: the wait was tested above
    assert made <= budget
    assert made == budget or grid.ticks == SLICE_TICKS


def test_a_pause_keeps_the_part_of_the_step_that_is_paid_for():
    # 360000 pL at 1296 µL/h (0.072 pL a tick): 5,000,000 ticks = 1 s a step.
    grid = StepGrid(360000, 1)
    grid.set_rate(1296)
    for _ in range(6):
        grid.next_slice(1)
        assert grid.steps == 0
    grid.set_rate(0)  # after 0.6 s
    grid.next_slice(1)
    assert grid.used == 0
    grid.set_rate(1296)
    now, steps = step_ticks(grid, 2000000)
    assert steps == [2000000]  # 0.4 s remain


def test_halving_the_rate_doubles_what_is_left_of_the_step():
    grid = StepGrid(360000, 1)
    grid.set_rate(1296)
    grid.next_slice(1)  # 0.1 of the step
    grid.set_rate(648)
    _, steps = step_ticks(grid, 9000000)
    assert steps == [9000000]  # 0.9 s at the old rate


def test_a_stop_in_the_middle_of_a_step_makes_it_be_paid_for_anew():
    grid = StepGrid(360000, 1)
    grid.set_rate(1296)
    grid.next_slice(1)
    grid.forget_part()
    grid.set_rate(1296)
    _, steps = step_ticks(grid, 5000000)
    assert steps == [5000000]

"""Regimens on the delivery task, against a stepper that makes the steps in the time of a clock: how much, and when."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core.therapy.regimen import continuous
from pump.core.therapy.therapy import Therapy
from pump.tasks import delivery as module
from pump.tasks.delivery import Delivery
from tests.fake_stepper import FakeCounter, FakeStepper, FakeTime

STEP = (349930, 1)  # pL, a 50 mL syringe: 1 mL/h is 0.794 Hz
MECHANICS = {"step_pl": STEP, "start_hz": 400, "accel_hz_s": 4000}
LEAD_S = 0.35  # what is granted ahead


class Rig:
    def __init__(self, mechanics=MECHANICS):
        self.time = FakeTime()
        module.time = self.time
        self.mechanics = mechanics
        self.stepper = FakeStepper(self.time)
        self.counter = FakeCounter(self.stepper)
        self.ended = []
        self.late = []
        self.delivery = Delivery(
            mechanics,
            self.stepper,
            self.counter,
            lambda done, ms: self.ended.append(done),
            lambda us, ms: self.late.append(us),
        )

    def start(self, regimen, kvo_ul_h=0):
        self.therapy = Therapy(regimen, *self.mechanics["step_pl"], kvo_ul_h)
        self.delivery.begin(self.therapy)
        self.delivery.go()
        return self.therapy

    def run(self, seconds):
        end_us = self.time.us + round(seconds * 1e6)
        while self.time.us < end_us:
            self.time.us += min(self.delivery.run(0) * 1000, end_us - self.time.us)

    @property
    def steps(self):
        return [tick / 5e6 for tick in self.stepper.steps if tick <= self.stepper.now_ticks()]

    def made(self, begin_s=0.0, end_s=1e12):
        return sum(begin_s <= t < end_s for t in self.steps)


def steps_of(volume_nl):
    """Exact, with the part of a step."""
    return Fraction(volume_nl * 1000 * STEP[1], STEP[0])


def plain(*segments, **more):
    return {"kind": "steps", "segments": [list(segment) for segment in segments], **more}


def test_segments_by_time_change_their_rate_to_the_tick():
    rig = Rig()
    # 100 mL/h for 36 s are 1 mL, 10 mL/h for 360 s another one.
    rig.start(plain((100_000, 100_000, 36, 0), (10_000, 10_000, 360, 0)))
    rig.run(400)
    assert rig.ended == [True]
    assert len(rig.steps) == int(steps_of(2_000_000))
    # 1 mL is 2857.7 steps: the part of the one that is paid for stays paid, so the first of the second segment comes
    # after the rest of it, 0.3 steps of 10 mL/h.
    assert rig.made(0, 36) == int(steps_of(1_000_000))
    rest = 1 - steps_of(1_000_000) % 1
    first_s = 36 + float(rest * STEP[0] * Fraction(36, 10_000 * 10_000))
    assert rig.steps[rig.made(0, 36)] == pytest.approx(first_s, abs=1e-6)


def test_segments_by_volume_are_exact_to_the_step_and_never_above():
    rig = Rig()
    rig.start(plain((70_000, 70_000, 0, 123_456), (10_000, 10_000, 0, 77_777), (33_000, 33_000, 0, 55_555)))
    rig.run(60)
    assert rig.ended == [True]
    assert len(rig.steps) == int(steps_of(123_456 + 77_777 + 55_555))
    seconds = 123_456 * 3.6 / 70_000
    assert rig.made(0, seconds) == int(steps_of(123_456))


def test_a_rate_that_needs_a_ramp_gives_the_volume_all_the_same():
    rig = Rig()
    # 1200 mL/h is 952 Hz, the motor starts at 400: it is 0.14 s late on the way up, and down before the end.
    rig.start(plain((1_200_000, 1_200_000, 10, 0), (5_000, 5_000, 100, 0), (900_000, 900_000, 10, 0)))
    rig.run(125)
    assert rig.ended == [True]
    due = Fraction(1_200_000 * 10 + 5_000 * 100 + 900_000 * 10, 3600) * 1000
    assert len(rig.steps) == int(due * 1000 / STEP[0])


def test_a_ramp_follows_the_line_in_volume():
    rig = Rig()
    # 10 to 50 mL/h in 10 min: at t the line has given 10 t + 40 t^2 / 2T.
    rig.start(plain((10_000, 50_000, 600, 0), (50_000, 50_000, 10, 0)))
    for minute in range(1, 11):
        rig.run(60)
        t = Fraction(minute * 60)
        due_nl = (10_000 * t + 40_000 * t * t / 1200) / 3600 * 1000
        # Stairs of 9.4 s: half a stair of the slope, and one step.
        assert abs(rig.made() - due_nl * 1000 / STEP[0]) <= 1 + float(40_000 / 600 * 9.4**2 / 8 / 3600 * 1e6 / STEP[0])
    rig.run(11)
    assert len(rig.steps) == int((Fraction(30_000 * 600 + 50_000 * 10, 3600) * 1000) * 1000 / STEP[0])


def test_a_taper_ends_at_its_low_rate():
    rig = Rig()
    rig.start(plain((50_000, 10, 600, 0)))
    rig.run(700)
    assert rig.ended == [True]
    assert len(rig.steps) == int(Fraction(50_010 * 600, 7200) * 10**6 / STEP[0])


def test_a_segment_of_no_rate_is_a_pause_of_its_length():
    rig = Rig()
    rig.start(plain((100_000, 100_000, 10, 0), (0, 0, 50, 0), repeat=3))
    rig.run(200)
    assert rig.ended == [True]
    assert len(rig.steps) == int(Fraction(100_000 * 30, 3600) * 10**6 / STEP[0])
    for cycle in range(3):
        assert rig.made(60 * cycle + 10, 60 * cycle + 60) == 0


def test_the_vtbi_ends_a_regimen_to_the_step():
    rig = Rig()
    rig.start(plain((100_000, 100_000, 10, 0), (10_000, 10_000, 0, 0), vtbi_nl=300_000))
    rig.run(30)
    assert rig.ended == [True]
    assert len(rig.steps) == int(steps_of(300_000))


def test_kvo_follows_at_the_profiles_rate_and_never_above_the_regimens_own():
    for own_ul_h, kvo_ul_h in ((100_000, 1_000), (500, 500)):
        rig = Rig()
        rig.start(continuous(own_ul_h, 400_000) | {"kvo": 1}, kvo_ul_h=1_000)
        seconds = 400_000 * 3.6 / own_ul_h
        rig.run(seconds + 3600)
        assert rig.therapy.kvo
        assert rig.ended == []
        # The KVO of an hour, and what was granted ahead.
        assert rig.made(seconds + 0.01) == pytest.approx(float(steps_of(kvo_ul_h * 1000)), abs=2)


def test_a_bolus_comes_on_top_of_the_basal_rate_and_does_not_alter_it():
    rig = Rig()
    therapy = rig.start(continuous(5_000))
    rig.run(60)
    therapy.give(therapy.patient, 1_000_000, 100_000)
    rig.run(120)
    # 36 s of bolus; the basal goes on for 180 s.
    basal_nl = Fraction(5_000 * 180, 3600) * 1000
    due = (1_000_000 + basal_nl) * 1000 / STEP[0]
    assert 0 <= due - rig.made() < 2
    assert not therapy.patient.left_ticks


def test_the_patients_bolus_goes_before_the_clinicians_which_then_goes_on():
    rig = Rig()
    therapy = rig.start(plain((0, 0, 0, 0)))
    therapy.give(therapy.square, 2_000_000, 20_000)  # 360 s
    rig.run(100)
    therapy.give(therapy.patient, 500_000, 100_000)  # 18 s
    rig.run(100)
    assert therapy.bolus_left_nl() == pytest.approx(2_000_000 * (360 - 182) / 360, abs=3000)
    rig.run(250)
    assert rig.made() == int(steps_of(2_500_000))
    # While the patient's ran the other one stood: 18 s with 100 mL/h, the rest with 20.
    assert rig.made(101, 117) == pytest.approx(16 * 100_000 / 3600 * 1e6 / STEP[0], abs=2)
    assert rig.made(120, 130) == pytest.approx(10 * 20_000 / 3600 * 1e6 / STEP[0], abs=2)
    assert rig.steps[-1] == pytest.approx(378, abs=1)


@pytest.mark.parametrize("rate_ul_h", [20_000, 1_000_000])
def test_a_bolus_that_is_cut_is_over_and_what_it_lacked_is_not_owed(rate_ul_h):
    rig = Rig()
    therapy = rig.start(plain((5_000, 5_000, 300, 0), (10_000, 10_000, 300, 0)))
    rig.run(60)
    therapy.give(therapy.square, 2_000_000, rate_ul_h)
    rig.run(3)
    therapy.cancel_bolus()
    therapy.apply_pending(rig.delivery.ramp.stopping_steps(rig.delivery.grid.rate_ul_h))
    rig.run(0.7)
    given = rig.made()
    rig.run(600)
    assert rig.ended == [True]
    basal_nl = Fraction(5_000 * 300 + 10_000 * 300, 3600) * 1000
    bolus = len(rig.steps) - int(basal_nl * 1000 / STEP[0])
    # 3 s of it and what was granted ahead, the motor's ramps added or less.
    assert bolus <= (3 + LEAD_S + 0.2) * rate_ul_h / 3600 * 1e6 / STEP[0] + 1
    assert bolus >= 2.8 * rate_ul_h / 3600 * 1e6 / STEP[0] - 1
    assert given <= bolus + (60 + 4) * 5_000 / 3600 * 1e6 / STEP[0] + 1


def test_a_halt_in_a_bolus_gives_back_what_was_not_made_and_owes_none_of_it():
    rig = Rig()
    therapy = rig.start(plain((5_000, 5_000, 300, 0)))
    rig.run(30)
    therapy.give(therapy.patient, 1_000_000, 100_000)
    rig.run(10)
    rig.delivery.halt()
    therapy.cancel_bolus()
    therapy.apply_pending()
    made = rig.made()
    rig.run(5)
    assert rig.made() == made
    therapy.on_motion_start()
    rig.delivery.go()
    rig.run(300)
    assert rig.ended == [True]
    bolus = len(rig.steps) - int(Fraction(5_000 * 300, 3600) * 10**6 / STEP[0])
    assert bolus == pytest.approx(10 * 100_000 / 3600 * 1e6 / STEP[0], abs=0.25 * 100_000 / 3600 * 1e6 / STEP[0])
    assert bolus <= 10 * 100_000 / 3600 * 1e6 / STEP[0] + 1


def test_what_is_drawn_back_of_a_bolus_that_was_cut_is_not_owed_and_of_the_basal_is():
    rig = Rig()
    therapy = rig.start(plain((50_000, 50_000, 100, 0)))
    rig.run(20)
    therapy.give(therapy.patient, 100_000, 100_000)  # 285.8 steps, 3.6 s
    rig.run(2)
    rig.delivery.halt()
    therapy.cancel_bolus()
    therapy.apply_pending()
    bolus = 2 * 100_000 / 3600 * 1e6 / STEP[0]  # 158.8
    therapy.granted(-400, 0)
    basal = int(Fraction(50_000 * 100, 3600) * 10**6 / STEP[0])
    therapy.on_motion_start()
    made = rig.made()
    rig.delivery.go()
    rig.run(200)
    assert rig.ended == [True]
    # 400 back: the bolus's first, the rest is given again.
    net = rig.made() - 400
    assert basal - 2 <= net <= basal + 2, (made, bolus)


def test_steps_that_were_taken_back_at_the_very_end_make_it_incomplete():
    rig = Rig()
    therapy = rig.start(continuous(100_000, 100_000))
    rig.run(100_000 * 3.6 / 100_000 - 0.1)  # all is granted, the last steps are not made
    assert therapy.ended
    rig.delivery.halt()
    assert not therapy.done()
    therapy.on_motion_start()
    rig.delivery.go()
    rig.run(2)
    assert rig.ended == [True]
    assert len(rig.steps) == int(steps_of(100_000))


def test_held_at_kvo_the_regimen_stands_still_and_then_goes_on():
    rig = Rig()
    therapy = rig.start(plain((100_000, 100_000, 60, 0)), kvo_ul_h=1_000)
    rig.run(20)
    therapy.hold_at_kvo(True)
    rig.run(600)
    therapy.hold_at_kvo(False)
    rig.run(60)
    assert rig.ended == [True]
    # The KVO is its own: 600 s of 1 mL/h on top.
    due = Fraction(100_000 * 60 + 1_000 * 600, 3600) * 10**6 / STEP[0]
    assert abs(len(rig.steps) - due) <= 2
    assert rig.made(22, 612) == pytest.approx(590 * 1_000 / 3600 * 1e6 / STEP[0], abs=2)


def test_a_pause_stands_still_in_the_regimen():
    rig = Rig()
    rig.start(plain((100_000, 100_000, 20, 0), (10_000, 10_000, 20, 0)))
    for _ in range(8):
        rig.run(4.37)
        rig.delivery.stop()
        rig.run(7)
        rig.delivery.go()
    rig.run(40)
    assert rig.ended[-1] is True
    assert len(rig.steps) == int(Fraction(110_000 * 20, 3600) * 10**6 / STEP[0])


SEGMENT = st.one_of(
    st.tuples(st.integers(10, 1_200_000), st.integers(1, 120)).map(lambda s: (s[0], s[0], s[1], 0)),
    st.tuples(st.integers(10, 1_200_000), st.integers(10, 1_200_000), st.integers(1, 120)).map(lambda s: (*s, 0)),
    st.tuples(st.integers(1_000, 1_200_000), st.integers(400, 100_000)).map(lambda s: (s[0], s[0], 0, s[1])),
    st.integers(1, 60).map(lambda s: (0, 0, s, 0)),
)


def volume_of(segment):
    """Exact, in nL."""
    begin_ul_h, end_ul_h, seconds, volume_nl = segment
    return Fraction(volume_nl) if volume_nl else Fraction((begin_ul_h + end_ul_h) * seconds * 1000, 7200)


@settings(max_examples=60)
@given(
    st.lists(SEGMENT, min_size=1, max_size=5), st.integers(1, 2), st.sampled_from([STEP, (13033, 1), (44790997, 128)])
)
def test_any_regimen_gives_its_volume_to_the_step(segments, repeat, step):
    rig = Rig({"step_pl": step, "start_hz": 400, "accel_hz_s": 40_000})
    rig.start(plain(*segments, repeat=repeat))
    due = sum(map(volume_of, segments)) * repeat
    rig.run(1)
    for _ in range(400):
        if rig.ended:
            break
        rig.run(60)
    assert rig.ended == [True]
    assert rig.late == []
    # A ramp's volumes are cut to the grid's unit, 1/18000 pL; nothing is ever made that is not due.
    assert len(rig.steps) <= due * 1000 * step[1] / step[0]
    assert len(rig.steps) >= due * 1000 * step[1] / step[0] - 1 - Fraction(1, 1000)

"""A hundred thousand things that happen to one pump, in any order, and what must hold after each.

The real supervisor, alarm manager, restarts, therapy and delivery task with its grid, on a fake stepper that makes the
steps in the time of a clock. Around them only the wiring of app.py: an alarm that stops is obeyed at once, the motor
follows the state. Things that happen: a person's commands, a patient's requests, alarms that come and go, time.
"""

import random
from fractions import Fraction

import pytest

from pump import delivery as module
from pump.core import supervisor as sv
from pump.core.alarm_manager import AlarmManager
from pump.core.alarms import ALARMS, UNTIL_RESET
from pump.core.regimen import check, continuous
from pump.core.restarts import Restarts
from pump.core.therapy import Therapy
from pump.delivery import Delivery
from pump.treatment import Treatment
from tests.fake_stepper import FakeCounter, FakeStepper, FakeTime

MECHANICS = {
    "step_pl": (349930, 1), "start_hz": 400, "accel_hz_s": 4000, "min_rate_ul_h": 10, "max_rate_ul_h": 1_200_000,
    "resonance_hz": (0, 0),
}  # fmt: skip
LOCKOUT_S = 60
BOLUS = {"volume_nl": 500_000, "rate_ul_h": 90_000, "lockout_s": LOCKOUT_S}
BOLUS.update(max_1h_nl=4_000_000, max_4h_nl=9_000_000)
NAMES = [row[0] for row in ALARMS if row[3] != UNTIL_RESET and row[0] != "dose_limit"]


class Pump:
    """What app.py wires, without what is not about dose."""

    def __init__(self, chance):
        self.chance = chance
        self.time = FakeTime()
        self.time.us = 1_000_000
        module.time = self.time
        self.stepper = FakeStepper(self.time)
        self.counter = FakeCounter(self.stepper)
        self.delivery = Delivery(MECHANICS, self.stepper, self.counter, self._on_end, lambda us, ms: None)
        self.alarms = AlarmManager(lambda *what: None)
        self.supervisor = sv.Supervisor(self._on_state)
        self.restarts = Restarts(9)
        self.treatment = Treatment(self, MECHANICS["step_pl"])
        self.given_at_s = []  # patient's boluses of this therapy
        self.started_s = 0.0
        self.supervisor.handle(sv.TEST_PASSED, 0)

    @property
    def now_ms(self):
        return self.time.us // 1000 & 0x3FFFFFFF

    def infusion(self):
        return self.delivery.therapy

    def report(self, name, active, now_ms):
        if active:
            self.alarms.raise_alarm(name, now_ms)
            self._obey()
        else:
            self.alarms.condition_gone(name, now_ms)

    def tell_of(self, name, now_ms):
        self.report(name, True, now_ms)
        self.report(name, False, now_ms)

    def _obey(self):
        if self.alarms.stops_delivery():
            self.supervisor.handle(sv.ALARM_STOP, self.now_ms)

    def _on_state(self, old, new, event, now_ms):
        delivery = self.delivery
        if self.supervisor.permits_motor:
            delivery.therapy.going()
            delivery.go()
        elif new in (sv.PAUSED, sv.IDLE):
            delivery.stop()
            if new == sv.IDLE:
                delivery.release()
        else:
            delivery.halt()
        if not self.supervisor.permits_motor and delivery.therapy is not None:
            delivery.therapy.cut()
        self._obey()

    def _on_end(self, completed, now_ms):
        if completed and self.supervisor.handle(sv.COMPLETED, self.now_ms):
            therapy = self.delivery.therapy
            assert therapy.ended, "complete, and it was not"
            assert self.delivery.net_steps() >= therapy.given_steps
            self.tell_of("infusion_complete", self.now_ms)
        if self.supervisor.state == sv.IDLE:
            self.delivery.release()

    def pass_time(self, seconds):
        end_us = self.time.us + round(seconds * 1e6)
        look_us = self.time.us
        while self.time.us < end_us:
            if self.time.us >= look_us:
                self.treatment.run(self.now_ms)
                look_us = self.time.us + 1_000_000
            step_us = min(self.delivery.run(self.now_ms) * 1000, end_us - self.time.us, look_us - self.time.us)
            self.time.us += max(1000, step_us)

    # ---- what happens ----

    def start(self):
        if self.supervisor.state != sv.IDLE or self.delivery.moving or self.alarms.stops_delivery():
            if self.supervisor.state != sv.IDLE:
                assert not self.supervisor.handle(sv.START, self.now_ms), "a second start"
            return
        rates = [10, 5_000, 100_000, 600_000, 1_100_000]
        chance = self.chance
        kind = chance.randrange(5)
        if kind == 0:
            regimen = continuous(chance.choice(rates), chance.choice([None, 1_000, 200_000, 3_000_000]))
        elif kind in (1, 2):
            regimen = {"kind": "pca", "segments": [[chance.choice([0, 10, 5_000])] * 2 + [0, 0]], "bolus": dict(BOLUS)}
        else:
            regimen = {"kind": "steps", "segments": [self._segment(rates) for _ in range(chance.randint(1, 4))]}
            regimen.update(repeat=chance.randint(1, 3), kvo=chance.randint(0, 1))
            if not any(segment[0] for segment in regimen["segments"]):
                return
        check(regimen, MECHANICS)
        self.stepper.steps.clear()
        self.stepper.words.clear()
        self.stepper.feed.abort()
        self.treatment.begin(Therapy(regimen, *MECHANICS["step_pl"], 1_000), self.now_ms)
        self.given_at_s = []
        self.started_s = self.time.us / 1e6
        assert self.supervisor.handle(sv.START, self.now_ms)

    def _segment(self, rates):
        chance = self.chance
        rate = chance.choice([0, *rates])
        if rate and chance.random() < 0.3:
            return [rate, chance.choice(rates), chance.randint(1, 60), 0]
        if rate and chance.random() < 0.4:
            return [rate, rate, 0, chance.randint(400, 400_000)]
        return [rate, rate, chance.randint(1, 60), 0]

    def request(self):
        if self.treatment.request_bolus(self.now_ms) is None:
            self.given_at_s.append(self.time.us / 1e6)

    def square(self):
        if self.treatment.refusal_of_square() is None:
            self.treatment.give_square(self.chance.choice([1_000, 300_000]), self.chance.choice([2_000, 90_000]))

    def come(self):
        self.report(self.chance.choice(NAMES), True, self.now_ms)

    def go(self):
        for alarm in self.alarms.active():
            if alarm.present and alarm.name != "dose_limit":
                self.report(alarm.name, False, self.now_ms)

    def clear(self):
        self.alarms.clear(self.now_ms)
        if not self.alarms.stops_delivery():
            self.supervisor.handle(sv.CLEAR_ALARMS, self.now_ms)

    def restart(self):
        if self.supervisor.state == sv.ALARM_STOPPED and self.delivery.therapy is not None:
            if self.alarms.stops_beside(("occlusion",)) or not self.restarts.may_restart():
                return
            self.restarts.restarted(self.now_ms)
            self.alarms.retire("occlusion", self.now_ms)
            self.supervisor.handle(sv.AUTO_RESTART, self.now_ms)

    def retract(self):
        """The account of a plunger that was drawn back: relief.py's own tests have the motor."""
        therapy = self.delivery.therapy
        if self.supervisor.state == sv.ALARM_STOPPED and therapy is not None and not self.delivery.moving:
            back = min(self.counter.net_steps, self.chance.randint(0, 50))
            therapy.granted(-back, 0)
            self.counter.net_steps -= back


def command(event):
    return lambda pump: pump.supervisor.handle(event, pump.now_ms)


def wait(seconds):
    return lambda pump: pump.pass_time(seconds)


def occlude(pump):
    pump.report("occlusion", True, pump.now_ms)


EVENTS = [
    *[Pump.start] * 4, *[Pump.request] * 6, Pump.square, Pump.come, *[Pump.go] * 4, *[Pump.clear] * 3,
    *[Pump.restart] * 2, Pump.retract, command(sv.PAUSE), *[command(sv.RESUME)] * 3, command(sv.STOP),
    *[wait(0.05)] * 3, *[wait(0.4)] * 4, *[wait(3)] * 2, *[wait(31)] * 4,
]  # fmt: skip


def assert_invariants(pump):
    delivery, therapy, stepper = pump.delivery, pump.delivery.therapy, pump.stepper
    state = pump.supervisor.state
    # Never a motor without permission: enabled only where it is, or while a stop runs out what was granted.
    assert pump.supervisor.permits_motor == (state == sv.INFUSING)
    if state not in (sv.INFUSING, sv.PAUSED, sv.IDLE):
        assert not stepper.enabled
        assert not delivery.moving
    if not pump.supervisor.permits_motor:
        assert delivery.stopping or not delivery.moving
    if therapy is None:
        return
    # Never two boluses in a lockout, the start included.
    looked = [pump.started_s, *pump.given_at_s]
    for before, after in zip(looked, looked[1:]):  # noqa: B905, RUF007
        assert after - before >= LOCKOUT_S - 1
    # Never past what was ordered: the account is never above the end of a run by more than nothing at all.
    if therapy.vtbi_nl is not None and not therapy.kvo:
        assert therapy.given_steps * 349930 <= therapy.vtbi_nl * 1000
    # Volume is conserved: what was granted is what was made and what is still in the queue.
    pump.counter.read()
    assert delivery.commanded_steps == len(stepper.steps)
    assert pump.counter.steps <= delivery.commanded_steps


def walk(seed, events):
    chance = random.Random(seed)
    pump = Pump(chance)
    boluses = 0
    for _ in range(events):
        before = pump.given_at_s[:]
        chance.choice(EVENTS)(pump)
        boluses += len(pump.given_at_s) > len(before)
        assert_invariants(pump)
    return boluses


def test_what_must_hold_holds_after_each_of_a_few_thousand_events():
    assert walk(1, 3_000) > 5, "a walk without boluses shows little"


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(2, 6))
def test_what_must_hold_holds_after_each_of_a_hundred_thousand_events(seed):
    walk(seed, 100_000)


def test_a_volume_that_is_given_whole_is_what_was_ordered_whatever_came_between():
    """Pauses, alarms and restarts on the way of a regimen without boluses: the volume to the step."""
    for seed in range(20):
        chance = random.Random(seed)
        pump = Pump(chance)
        regimen = {"kind": "steps", "segments": [[60_000, 90_000, 20, 0], [300_000, 300_000, 0, 500_000]], "repeat": 2}
        pump.treatment.begin(Therapy(regimen, *MECHANICS["step_pl"]), pump.now_ms)
        pump.supervisor.handle(sv.START, pump.now_ms)
        for _ in range(300):
            pump.pass_time(chance.choice([0.05, 0.7, 2]))
            chance.choice([command(sv.PAUSE), *[command(sv.RESUME)] * 3, occlude, *[Pump.restart] * 4])(pump)
            assert_invariants(pump)
            if pump.supervisor.state == sv.IDLE:
                break
            pump.restarts = Restarts(9)
        assert pump.supervisor.state == sv.IDLE
        due = 2 * (Fraction(150_000 * 20 * 1000, 7200) + 500_000) * 1000 / 349930
        assert len(pump.stepper.steps) == int(due)

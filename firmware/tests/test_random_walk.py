"""A hundred thousand things that happen to one pump, in any order, and what must hold after each.

What happens: a person's commands, a patient's requests, lines that close and open, sensors that lie, alarms that come
and go, a reset, time. The pump is that of walked_pump.py. What must hold while time passes (a motor without permission,
a full queue, a step on a stepper that is not enabled) its stepper asserts at each word that it gets.

    PICOINFUSE_WALK=SEED:EVENTS pytest firmware/tests/test_random_walk.py

walks that walk instead of the long ones; a failure prints it.
"""

import os
import random
from fractions import Fraction

import pytest

from pump.core import supervisor as sv
from pump.core.alarms.table import ALARMS, UNTIL_RESET
from pump.core.occlusion.retraction import FIRST_UL
from pump.core.therapy.regimen import check, continuous
from tests.walked_pump import MECHANICS, OCCLUSION, STEP_PL, WalkedPump

LOCKOUT_S = 60
BOLUS = {"volume_nl": 500_000, "rate_ul_h": 90_000, "lockout_s": LOCKOUT_S}
BOLUS.update(max_1h_nl=4_000_000, max_4h_nl=9_000_000)
NAMES = [row[0] for row in ALARMS if row[3] != UNTIL_RESET and row[0] not in ("dose_limit", "occlusion")]
RATES = [10, 5_000, 100_000, 600_000, 1_100_000]
WALKS = os.environ.get("PICOINFUSE_WALK", " ".join("%d:100000" % seed for seed in range(2, 10))).split()
# Drawn back are, beyond a bound of volume, what is granted ahead of the look: 0.3 s, and half a second when it slows
# down (core/occlusion/retraction.py).
AHEAD = OCCLUSION["retract_ul_h"] * 1_000_000 // 7200 // STEP_PL + 1


# ---- what happens ----


def start(pump, chance):
    if pump.supervisor.state != sv.IDLE:
        assert not pump.supervisor.handle(sv.START, pump.now_ms), "a second start"
        return
    if pump.delivery.moving or pump.alarms.stops_delivery():
        return
    kind = chance.randrange(5)
    if kind == 0:
        regimen = continuous(chance.choice(RATES))
    elif kind in (1, 2):
        regimen = {"kind": "pca", "segments": [[chance.choice([0, 10, 5_000])] * 2 + [0, 0]], "bolus": dict(BOLUS)}
    else:
        regimen = {"kind": "steps", "segments": [segment(chance) for _ in range(chance.randint(1, 4))]}
        regimen.update(repeat=chance.randint(1, 3), kvo=chance.randint(0, 1))
        if not any(part[0] for part in regimen["segments"]):
            return
    if chance.random() < 0.3:
        regimen["vtbi_nl"] = chance.choice([1_000, 200_000, 3_000_000])
    check(regimen, MECHANICS)
    pump.begin(regimen)


def segment(chance):
    rate = chance.choice([0, *RATES])
    if rate and chance.random() < 0.3:
        return [rate, chance.choice(RATES), chance.randint(1, 60), 0]
    if rate and chance.random() < 0.4:
        return [rate, rate, 0, chance.randint(400, 400_000)]
    return [rate, rate, chance.randint(1, 60), 0]


def request(pump, chance):
    if pump.therapy.request_bolus(pump.now_ms) is None:
        pump.given_at_s.append(pump.time.us / 1e6)


def square(pump, chance):
    if pump.therapy.refusal_of_square() is None:
        pump.therapy.give_square(chance.choice([1_000, 300_000]), chance.choice([2_000, 90_000]))


def come(pump, chance):
    pump.report(chance.choice(NAMES), True, pump.now_ms)


def go(pump, chance):
    pump.set_sensor(None)
    for alarm in pump.alarms.active():
        if alarm.present and alarm.name not in ("dose_limit", "occlusion"):
            pump.report(alarm.name, False, pump.now_ms)


def close(pump, chance):
    """The line is at the limit from one moment to the next: the worst that it can do."""
    pump.closed_at = pump.stepper.place()
    if pump.supervisor.permits_motor:
        pump.report("occlusion", True, pump.now_ms)


def open_line(pump, chance):
    if not pump.relief.busy or chance.random() < 0.2:
        pump.closed_at = None
    if not pump.occluded:
        pump.report("occlusion", False, pump.now_ms)


def lie(pump, chance):
    """The sensor stays at the limit, or is gone, which is an alarm."""
    pump.set_sensor(chance.choice(["high", "lost"]))
    if pump.sensor == "lost":
        pump.report("sensor_open", True, pump.now_ms)
    elif pump.supervisor.permits_motor:
        pump.report("occlusion", True, pump.now_ms)


def clear(pump, chance):
    pump.alarms.clear(pump.now_ms)
    if not pump.alarms.stops_delivery():
        pump.supervisor.handle(sv.CLEAR_ALARMS, pump.now_ms)


def fail(pump, chance):
    if chance.random() < 0.1:
        pump.report("system_fault", True, pump.now_ms)
        pump.supervisor.handle(sv.FAULT_FOUND, pump.now_ms)


def command(event):
    return lambda pump, chance: pump.supervisor.handle(event, pump.now_ms)


def wait(seconds):
    return lambda pump, chance: pump.pass_time(seconds)


EVENTS = [
    *[start] * 6, *[request] * 8, square, square, come, *[go] * 6, *[clear] * 6, fail, close, *[open_line] * 6, lie,
    command(sv.PAUSE), *[command(sv.RESUME)] * 3, command(sv.STOP),
    *[wait(0.05)] * 3, *[wait(0.4)] * 4, *[wait(3)] * 2, *[wait(31)] * 10,
]  # fmt: skip


# ---- what must hold ----


def assert_motor_is_permitted(pump):
    state = pump.supervisor.state
    assert pump.supervisor.permits_motor == (state == sv.INFUSING)
    if state == sv.ALARM_STOPPED:
        assert not pump.stepper.enabled or pump.relief.busy
    elif state not in (sv.INFUSING, sv.PAUSED, sv.IDLE):
        assert not pump.stepper.enabled
        assert not pump.delivery.moving
    if not pump.supervisor.permits_motor:
        assert pump.delivery.stopping or pump.relief.busy or not pump.delivery.moving


def assert_boluses_are_apart(pump):
    """Never two in a lockout, the start included. It counts whole seconds."""
    looked = [pump.started_s, *pump.given_at_s]
    for before, after in zip(looked, looked[1:]):  # noqa: B905, RUF007
        assert after - before >= LOCKOUT_S - 1


def assert_reverse_is_bounded(pump):
    """Never more than this infusion has pushed, nor than the profile has it; with a sensor that does not follow the
    plunger no more than the first 100 µL.
    """
    most = OCCLUSION["retract_max_ul"] * 1_000_000 // STEP_PL
    for drawn, before, stuck in pump.stepper.drawn:
        assert 0 <= drawn <= min(most, before - pump.started_at)
        if stuck:
            assert drawn <= FIRST_UL * 1_000_000 // STEP_PL + AHEAD
    pump.stepper.drawn.clear()


def assert_volume_is_conserved(pump):
    """The place of the plunger, the counter, what was granted and the therapy's account are the same, to the step; and
    none of them is past what was ordered.
    """
    therapy, delivery, counter = pump.delivery.therapy, pump.delivery, pump.counter
    pushed = pump.stepper.place() - pump.started_at
    counter.read()
    waiting = delivery.commanded_steps - counter.steps
    assert pushed == counter.net_steps >= 0
    assert waiting >= 0
    assert therapy.given_steps == pushed + (-waiting if delivery.back else waiting)
    keeps_open = therapy.ended and therapy.regimen.get("kvo")
    if therapy.vtbi_nl is not None and not keeps_open:
        assert therapy.given_steps * STEP_PL <= therapy.vtbi_nl * 1000


def assert_invariants(pump):
    assert_motor_is_permitted(pump)
    if pump.delivery.therapy is not None:
        assert_boluses_are_apart(pump)
        assert_reverse_is_bounded(pump)
        assert_volume_is_conserved(pump)


def needs_reset(pump):
    names = [alarm.name for alarm in pump.alarms.active()]
    return "repeated_alarm" in names or "system_fault" in names


def walk(seed, events):
    """Returns how many boluses, retractions and completed infusions it had."""
    chance = random.Random(seed)
    pump = WalkedPump(1_000_000)
    boluses = retractions = completed = 0
    for number in range(events):
        happening = chance.choice(EVENTS)
        given = len(pump.given_at_s)
        try:
            happening(pump, chance)
            retractions += len(pump.stepper.drawn)
            assert_invariants(pump)
        except AssertionError as failed:
            failed.add_note("PICOINFUSE_WALK=%d:%d, its last event" % (seed, number + 1))
            raise
        boluses += len(pump.given_at_s) > given
        completed += pump.completed
        pump.completed = False
        if needs_reset(pump) and chance.random() < 0.1:
            pump = WalkedPump(pump.time.us)
    return boluses, retractions, completed


def test_what_must_hold_holds_after_each_of_ten_thousand_events():
    boluses, retractions, completed = walk(1, 10_000)
    assert boluses > 20, "a walk without boluses shows little"
    assert retractions > 10
    assert completed > 10


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("walked", WALKS)
def test_what_must_hold_holds_after_each_of_a_hundred_thousand_events(walked):
    seed, _, events = walked.partition(":")
    walk(int(seed), int(events))


def test_a_volume_that_is_given_whole_is_what_was_ordered_whatever_came_between():
    """Pauses, and occlusions with what is drawn back of it, on the way of a regimen without boluses: the volume to the
    step. Two occlusions, for the third in ten minutes would end it for good.
    """
    for seed in range(20):
        chance = random.Random(seed)
        pump = WalkedPump(1_000_000)
        pump.begin(
            {"kind": "steps", "segments": [[60_000, 90_000, 20, 0], [300_000, 300_000, 0, 500_000]], "repeat": 2}, 0
        )
        closed = 0
        for _ in range(300):
            pump.pass_time(chance.choice([0.05, 0.7, 2]))
            happening = chance.choice([command(sv.PAUSE), *[command(sv.RESUME)] * 3, close])
            if happening is not close or (closed < 2 and pump.supervisor.permits_motor):
                happening(pump, chance)
                closed += happening is close
            if pump.supervisor.state == sv.ALARM_STOPPED and not pump.relief.busy:
                pump.closed_at = None
            assert_invariants(pump)
            if pump.supervisor.state == sv.IDLE:
                break
        assert pump.supervisor.state == sv.IDLE
        due = 2 * (Fraction(150_000 * 20 * 1000, 7200) + 500_000) * 1000 / STEP_PL
        assert pump.stepper.place() == int(due)

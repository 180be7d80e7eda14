"""What changes a patient's flow: prepared without a change, refused by name, kept in the flash before it flows."""

import types

import pytest

from pump.commands import flow_changes as module
from pump.commands.flow_changes import FlowChanges, OcclusionLevel
from pump.core.supervisor import FAULT, IDLE, INFUSING, PAUSED, RESUME, START
from pump.core.therapy.regimen import continuous
from pump.core.therapy.therapy import Therapy
from pump.link.schema import Refused

# 350 nL a step: 100 to 200 Hz are 35 to 70 uL/s, 126,000 to 252,000 uL/h.
MECHANICS = {"step_pl": [350_000, 1], "min_rate_ul_h": 100, "max_rate_ul_h": 500_000, "resonance_hz": [100, 200]}
PROFILE = {"mechanics": MECHANICS, "therapy": {"kvo_ul_h": 500}}


class Pump:
    """Also the fake of each part that the commands act on."""

    def __init__(self):
        self.state, self.moving, self.calls, self.order = IDLE, False, [], None
        self.therapy, self.full = None, False
        self.changes = FlowChanges(PROFILE, self, self, self, self, self, self, self, self.report_once)

    def run(self, rate_ul_h, state=INFUSING):
        self.state, self.therapy = state, Therapy(continuous(rate_ul_h), 350_000, 1)

    def wrong_state(self, what):
        return Refused("wrong_state", what)

    def note_activity(self, now_ms):
        pass

    def send(self, event):
        self.calls.append(event)
        return {"sent": event}

    def begin(self, therapy, what):
        self.keep("begin")

    def before_motion(self, *what):
        self.keep("kept")

    def keep(self, name):
        if self.full:
            raise OSError(28)
        self.calls.append(name)

    def report_once(self, name, now_ms):
        self.calls.append(name)

    def refusal_of_square(self):
        return None

    def give_square(self, volume_nl, rate_ul_h):
        self.calls.append((volume_nl, rate_ul_h))

    def check_start(self, order):
        pass

    def check_order(self, order, segments, soft, *what):
        if order == "bad":
            raise Refused("hard_limit", "too much")
        soft.append(("dose", 6000, 5000))
        return types.SimpleNamespace(drug="morphine")

    def change_rate(self, now_ul_h, rate_ul_h, dose, soft):
        soft.append(("dose", rate_ul_h, 5000))
        return [now_ul_h, rate_ul_h]

    def limit_bolus(self, volume_nl, soft):
        if volume_nl > 5_000_000:
            raise Refused("hard_limit", "too much")

    def drug(self):
        return None


@pytest.fixture
def pump(monkeypatch):
    monkeypatch.setattr(module, "time", types.SimpleNamespace(ticks_ms=lambda: 0))
    return Pump()


def refusal(call, *what, **named):
    with pytest.raises(Refused) as refused:
        call(*what, **named)
    return refused.value.code


def test_a_start_shows_its_changes_and_starts_only_when_it_acts(pump):
    changes, act, soft = pump.changes.start(2000, 10_000_000, order={})
    assert changes == {
        "state": ["idle", "infusing"], "rate_ul_h": [0, 2000], "vtbi_nl": [None, 10_000_000],
        "drug": [None, "morphine"],
    }  # fmt: skip
    assert (soft, pump.calls, pump.order) == ([("dose", 6000, 5000)], [], None)
    assert act() == {"sent": START}
    assert pump.calls == ["begin", "begin", START]  # the volume in the flash, then the therapy
    assert pump.order.drug == "morphine"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "missing_parameter"),
        ({"rate_ul_h": 2000, "regimen": continuous(2000)}, "extra_parameter"),
        ({"vtbi_nl": 1, "regimen": continuous(2000)}, "extra_parameter"),
        ({"rate_ul_h": 99}, "out_of_range"),
        ({"rate_ul_h": 500_001}, "out_of_range"),
        ({"rate_ul_h": 126_000}, "out_of_range"),  # 100 Hz
        ({"rate_ul_h": 252_000}, "out_of_range"),  # 200 Hz
        ({"rate_ul_h": 2000, "vtbi_nl": 349}, "out_of_range"),  # less than a step
        ({"rate_ul_h": 2000, "order": "bad"}, "hard_limit"),
    ],
)
def test_a_start_is_refused_by_name(pump, params, code):
    assert refusal(pump.changes.start, **params) == code
    assert pump.calls == []


def test_states_that_do_not_allow_a_change_refuse_it(pump):
    pump.run(2000, FAULT)
    assert refusal(pump.changes.start, 2000) == "wrong_state"
    assert refusal(pump.changes.set_rate, 3000) == "wrong_state"
    assert refusal(pump.changes.bolus, 1_000_000, 60_000) == "wrong_state"
    assert refusal(pump.changes.resume) == "wrong_state"
    pump.state, pump.moving = IDLE, True
    assert refusal(pump.changes.start, 2000) == "wrong_state"


def test_a_new_rate_is_shown_and_then_set(pump):
    pump.run(2000)
    changes, act, soft = pump.changes.set_rate(3000)
    assert (changes, soft, pump.therapy.target_ul_h) == ({"rate_ul_h": [2000, 3000]}, [], 2000)
    assert act() == {"rate_ul_h": 3000}
    assert (pump.therapy.target_ul_h, pump.calls) == (3000, ["kept"])
    assert refusal(pump.changes.set_rate, 4000, 4000) == "extra_parameter"
    assert refusal(pump.changes.set_rate, 126_000) == "out_of_range"
    pump.order = "morphine"
    assert pump.changes.set_rate(6000)[::2] == (
        {"rate_ul_h": [3000, 6000], "dose": [3000, 6000]},
        [("dose", 6000, 5000)],
    )


def test_a_bolus_adds_to_the_rate(pump):
    pump.run(2000)
    changes, act, _ = pump.changes.bolus(1_000_000, 60_000)
    assert (changes, pump.calls) == ({"bolus_nl": [0, 1_000_000], "bolus_ul_h": [0, 60_000]}, [])
    act()
    assert pump.calls == ["kept", (1_000_000, 60_000)]
    assert refusal(pump.changes.bolus, 1_000_000, 124_000) == "out_of_range"  # + 2000 = 126,000, 100 Hz
    assert refusal(pump.changes.bolus, 349, 60_000) == "out_of_range"
    assert refusal(pump.changes.bolus, 5_000_001, 60_000) == "hard_limit"
    pump.refusal_of_square = lambda: "under_way"
    assert refusal(pump.changes.bolus, 1_000_000, 60_000) == "wrong_state"


def test_a_paused_infusion_resumes(pump):
    pump.run(2000, PAUSED)
    changes, act, _ = pump.changes.resume()
    assert (changes, pump.calls) == ({"state": ["paused", "infusing"], "rate_ul_h": [0, 2000]}, [])
    assert act() == {"sent": RESUME}


@pytest.mark.parametrize(
    ("state", "method", "params"),
    [
        (IDLE, "start", (2000,)),
        (INFUSING, "set_rate", (3000,)),
        (INFUSING, "bolus", (1_000_000, 60_000)),
        (PAUSED, "resume", ()),
    ],
)
def test_a_flash_that_fails_raises_the_alarm_and_nothing_flows(pump, state, method, params):
    pump.run(2000, state)
    _, act, _ = getattr(pump.changes, method)(*params)
    pump.full = True
    with pytest.raises(OSError, match="28"):
        act()
    assert (pump.calls, pump.therapy.target_ul_h) == (["storage_fault"], 2000)


def test_an_occlusion_level_is_in_force_when_it_acts():
    detector = types.SimpleNamespace(limit_pa=60_000)
    level = OcclusionLevel({"default": "medium", "low_pa": 30_000, "medium_pa": 60_000}, detector)
    changes, act, _ = level.change("low")
    assert (changes, detector.limit_pa) == ({"level": ["medium", "low"], "limit_pa": [60_000, 30_000]}, 60_000)
    act()
    status = {}
    level.add_status(status)
    assert status == {"occlusion_level": "low", "limit_pa": 30_000}

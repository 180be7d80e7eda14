"""What the drug library says about an order, and when a new library is taken."""

import types

import pytest

from pump.commands import drug_orders as module
from pump.commands.drug_orders import DrugOrders
from pump.core.supervisor import IDLE, INFUSING
from pump.link.schema import Refused
from pump.storage.record import RecordStore
from tests.test_library_storage import HEPARIN, MORPHINE, lines, put

# 1 mg/mL: 1 mL/h is 1 mg/h. Dose: soft 5, hard 10 mg/h. Bolus: soft 2, hard 5 mg. Hour: hard 15 mg.
ORDER = {"drug": "morphine", "unit": "mg/h", "concentration": 1000, "doses": [2000]}
RATE = [[2000, 2000, 0, 0]]


class Pump:
    def __init__(self, root, sent=None, required=False):
        self.store = RecordStore(str(root))
        if sent:
            put(self.store, sent)
        self.state, self.moving, self.therapy = IDLE, False, None
        self.alarms = {}
        nothing = lambda *what: None  # noqa: E731
        scheduler = types.SimpleNamespace(excuse_stall=nothing, feed=nothing)
        report = lambda name, active, now_ms: self.alarms.update({name: active})  # noqa: E731
        self.orders = DrugOrders(self.store, self, self, scheduler, report, nothing, required)
        self.orders.load(0)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(module, "time", types.SimpleNamespace(ticks_ms=lambda: 0))


@pytest.fixture
def pump(tmp_path):
    return Pump(tmp_path, lines(MORPHINE))


def refusal(call, *what):
    with pytest.raises(Refused) as refused:
        call(*what)
    return refused.value.code


def check(pump, rate_ul_h=2000, **changes):
    soft = []
    order = dict(ORDER, doses=[rate_ul_h], **changes)
    return pump.orders.check_order(order, [[rate_ul_h, rate_ul_h, 0, 0]], soft), soft


@pytest.mark.parametrize(
    ("rate_ul_h", "soft"), [(5000, []), (6000, [("dose", 6000, 5000)]), (10_000, [("dose", 10_000, 5000)])]
)
def test_an_order_within_the_hard_limit_is_taken_and_names_its_soft_limit(pump, rate_ul_h, soft):
    order, found = check(pump, rate_ul_h)
    assert (order.drug, found, pump.orders.order) == ("morphine", soft, None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"doses": [10_001]}, "dose_mismatch"),  # the rate is 2000
        ({"drug": "heparin"}, "not_in_library"),
        ({"unit": "ug/h"}, "not_in_library"),
        ({"concentration": 2000}, "not_in_library"),
        ({"weight_g": 70_000}, "out_of_range"),
        ({"colour": 1}, "extra_parameter"),
        ({"doses": 2000}, "wrong_type"),
        ({"doses": [-1]}, "wrong_type"),
    ],
)
def test_an_order_is_refused_by_name(pump, changes, code):
    assert refusal(pump.orders.check_order, dict(ORDER, **changes), RATE, []) == code


@pytest.mark.parametrize("name", ORDER)
def test_each_needed_member_is_asked_for(pump, name):
    order = {key: value for key, value in ORDER.items() if key != name}
    assert refusal(pump.orders.check_order, order, RATE, []) == "missing_parameter"


def test_hard_limits_refuse_a_rate_and_a_bolus(pump):
    assert refusal(check, pump, 10_001) == "hard_limit"
    pump.orders.order = check(pump)[0]
    soft = []
    assert pump.orders.change_rate(2000, 6000, 6000, soft) == [2000, 6000]
    pump.orders.limit_bolus(2_001_000, soft)  # 2.001 mL of 1 mg/mL
    assert soft == [("dose", 6000, 5000), ("bolus", 2001, 2000)]
    assert refusal(pump.orders.change_rate, 2000, 10_001, None, []) == "hard_limit"
    assert refusal(pump.orders.change_rate, 2000, 3000, 2000, []) == "dose_mismatch"
    assert refusal(pump.orders.limit_bolus, 5_001_000, []) == "hard_limit"
    with_bolus = dict(ORDER, bolus=6000)
    assert refusal(pump.orders.check_order, with_bolus, RATE, [], 1, 0, None, 6_000_000) == "hard_limit"


def test_the_worst_hour_is_limited_by_what_the_regimen_allows(tmp_path):
    pump = Pump(tmp_path, lines([*MORPHINE[:6], [None, 1500]]))
    assert refusal(check, pump) == "hard_limit"  # 2 mL of 1 mg/mL in an hour are 2 mg, above 1.5 mg
    pump.orders.check_order(ORDER, RATE, [], 1, 0, 1_500_000)  # at most 1.5 mL in all


@pytest.mark.parametrize("required", [False, True])
def test_without_a_library_an_order_is_refused_and_the_alarm_is_as_required(tmp_path, required):
    pump = Pump(tmp_path, required=required)
    assert refusal(check, pump) == "no_library"
    assert pump.alarms == {"library_fault": required}
    assert pump.orders.text() is None


def test_a_new_library_is_taken_and_put_in_force_at_rest(pump):
    new = lines(HEPARIN, MORPHINE, version=8)
    for at, line in enumerate(new):
        assert pump.orders.take_line(at, line.decode()) == {"lines": at + 1}
    crc = new[0].decode().split('"crc":"')[1][:8]
    assert refusal(pump.orders.change_library, "00000000") == "library_other"
    changes, act, soft = pump.orders.change_library(crc)
    before = pump.orders.text()
    assert before.startswith("ward 7 ")
    assert (changes, soft) == ({"library": [before, "ward 8 " + crc]}, ())
    assert act() == {"library": "ward 8 " + crc}
    pump.orders.check_drug("heparin")


@pytest.mark.parametrize(("state", "moving"), [(INFUSING, True), (INFUSING, False), (IDLE, True)])
def test_a_library_is_refused_unless_at_rest(pump, state, moving):
    pump.state, pump.moving = state, moving
    assert refusal(pump.orders.take_line, 0, lines(MORPHINE)[0].decode()) == "wrong_state"
    assert refusal(pump.orders.change_library, "00000000") == "wrong_state"


def test_an_incomplete_library_is_refused(pump):
    assert refusal(pump.orders.take_line, 0, "{}") == "bad_library"
    assert refusal(pump.orders.change_library, "00000000") == "bad_library"

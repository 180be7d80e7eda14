"""A factor is set and undone at rest only, stored, and followed by the reset that puts it in force."""

import types

import pytest

from pump.commands import calibration as module
from pump.commands.calibration import CalibrationCommands
from pump.core.supervisor import FAULT, IDLE, INFUSING, RESET_ASKED
from pump.link.schema import Refused
from pump.storage.at_boot import CalibrationFault, load_calibration
from pump.storage.calibration import Calibration
from pump.storage.record import RecordStore

NAME, STEP_PL = "syringe-50ml", [350_000, 1]
ENTRY = {"num": 103, "den": 100, "date": "2026-11-22", "operator": "A"}


class Pump:
    def __init__(self, root, fault=None, name=NAME):
        self.store = RecordStore(str(root))
        self.state, self.moving, self.asked = IDLE, False, []
        calibration = None if fault else Calibration(NAME, STEP_PL)
        shutdown = types.SimpleNamespace(ask=lambda note, now_ms: self.asked.append("shutdown"))
        self.commands = CalibrationCommands(name, STEP_PL, calibration, fault, self.store, self, self, shutdown)

    def handle(self, event, now_ms):
        """As the supervisor; the store comes before the reset."""
        self.asked.append((event, self.stored()))

    def stored(self):
        return load_calibration(NAME, STEP_PL, RecordStore(self.store.root)).num


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(module, "time", types.SimpleNamespace(ticks_ms=lambda: 0))


@pytest.fixture
def pump(tmp_path):
    return Pump(tmp_path)


def refusal(call, **params):
    with pytest.raises(Refused) as refused:
        call(**params)
    return refused.value.code, refused.value.data


def test_a_factor_is_stored_before_the_reset_is_asked(pump):
    assert pump.commands.calibrate(**ENTRY) == {"factor": "103/100"}
    assert pump.asked == [(RESET_ASKED, 103), "shutdown"]
    # 350,000 pL * 1.03 = 360,500 pL = 92,288,000/256 pL
    reply = pump.commands.to_dict()
    assert (reply["step_pl"], reply["entries"], reply["fault"]) == ("92288000/256", [ENTRY], None)


def test_undo_returns_to_the_factor_before(pump):
    pump.commands.calibrate(**ENTRY)
    pump.commands.calibrate(**dict(ENTRY, num=98))
    assert [entry["num"] for entry in pump.commands.to_dict()["entries"]] == [98, 103]  # newest first
    assert pump.commands.undo() == {"factor": "103/100"}
    assert pump.stored() == 103
    assert pump.commands.undo() == {"factor": "1/1"}
    assert refusal(pump.commands.undo) == ("wrong_state", {"state": "not_calibrated"})


@pytest.mark.parametrize(("state", "moving"), [(INFUSING, True), (IDLE, True), (FAULT, False)])
def test_a_pump_that_is_not_at_rest_refuses(pump, state, moving):
    pump.commands.calibrate(**ENTRY)
    pump.asked.clear()
    pump.state, pump.moving = state, moving
    assert refusal(pump.commands.calibrate, **dict(ENTRY, num=98))[0] == "wrong_state"
    assert refusal(pump.commands.undo)[0] == "wrong_state"
    assert (pump.asked, pump.stored()) == ([], 103)


@pytest.mark.parametrize(
    ("name", "value", "parameter"),
    [
        ("num", 111, "num"),  # 1.11: above 10 %
        ("num", 89, "num"),  # 0.89: below -10 %
        ("den", 1001, "num"),
        ("date", "2026-13-01", "date"),
        ("operator", "", "operator"),
        ("operator", "a\tb", "operator"),
    ],
)
def test_a_bad_entry_is_refused_by_its_parameter_and_not_stored(pump, name, value, parameter):
    refused = refusal(pump.commands.calibrate, **dict(ENTRY, **{name: value}))
    assert refused == ("out_of_range", {"parameter": parameter})
    assert (pump.asked, pump.stored(), pump.commands.factor_text()) == ([], 1, "1/1")


def test_a_calibration_fault_is_left_by_a_new_factor_in_the_fault_state(tmp_path):
    pump = Pump(tmp_path, CalibrationFault("corrupt", "no copy is whole"))
    pump.state = FAULT
    status = {}
    pump.commands.add_status(status)
    assert status == {"calibration": None}
    assert "corrupt" in pump.commands.to_dict()["fault"]
    assert refusal(pump.commands.undo)[0] == "wrong_state"
    assert pump.commands.calibrate(**ENTRY) == {"factor": "103/100"}
    assert pump.asked == [(RESET_ASKED, 103), "shutdown"]


def test_a_pump_without_a_profile_refuses(tmp_path):
    assert refusal(Pump(tmp_path, name=None).commands.calibrate, **ENTRY)[0] == "wrong_state"

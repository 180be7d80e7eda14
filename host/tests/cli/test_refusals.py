"""Quantities that are refused, by the command line or by the pump: in the person's units, with what to do next."""

from collections.abc import Callable

import pytest

from picoinfuse.cli.refusals import refusal_text
from picoinfuse.common import units
from picoinfuse.common.errors import BadQuantity, PumpError
from tests.fake_pump import STATUS, FakePump

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("parse", "text", "mistake"),
    [
        (units.rate_ul_h, "-5", "is negative"),
        (units.rate_ul_h, "5,5", "has a decimal comma"),
        (units.rate_ul_h, "5mL", "is a volume, not a rate"),
        (units.rate_ul_h, "30 ug/kg/min", "is a dose: it needs a drug of the library"),
        (units.rate_ul_h, "fast", "is not a rate"),
        (units.volume_nl, "5 mL/h", "is a rate, not a volume"),
        (units.volume_nl, "-1mL", "is negative"),
    ],
)
def test_a_wrong_quantity_is_named_for_what_it_is(parse: Callable[[str], int], text: str, mistake: str) -> None:
    with pytest.raises(BadQuantity) as caught:
        parse(text)
    assert f"{text!r} {mistake}; give a number of mL" in str(caught.value)


@pytest.mark.parametrize(
    "arguments", [("infuse", "-5"), ("bolus", "1", "-30"), ("refill", "-0.5"), ("set-rate", "-.5")]
)
def test_a_negative_number_is_not_taken_for_an_option(run: Run, pump: FakePump, arguments: tuple[str, ...]) -> None:
    code, _, err = run(*arguments, "-p", "x")
    assert code == 2
    assert "is negative; give a number above 0" in err
    assert "No such option" not in err


def test_an_unknown_option_is_still_named_as_such(run: Run) -> None:
    code, _, err = run("infuse", "5", "--fast")
    assert code == 2
    assert "No such option" in err


def out_of_range(message: str, parameter: str) -> PumpError:
    return PumpError("out_of_range", message, {"parameter": parameter, "limit": 0})


@pytest.mark.parametrize(
    ("message", "parameter", "text"),
    [
        ("rate_ul_h is 99999000, at most 1200000", "rate_ul_h", "rate is 99999 mL/h, at most 1200 mL/h"),
        ("volume_nl is 0, at least 1000", "volume_nl", "volume is 0.000 mL, at least 0.001 mL"),
        (
            "rate_ul_h is 60500, in the motor's resonance from 60000 to 61000; the nearest that can be held is 59999",
            "rate_ul_h",
            "rate is 60.5 mL/h, in the motor's resonance from 60 mL/h to 61 mL/h; the nearest that can be held is "
            "59.999 mL/h",
        ),
        ("level must be one of low, medium, high", "level", "level must be one of low, medium, high"),
    ],
)  # fmt: skip
def test_a_limit_of_the_pump_is_shown_in_units_that_people_read(message: str, parameter: str, text: str) -> None:
    assert refusal_text(out_of_range(message, parameter)) == f"the pump refused (out_of_range): {text}"


def test_a_rate_beyond_the_mechanics_is_refused_in_ml_h(run: Run, pump: FakePump) -> None:
    message, data = "rate_ul_h is 99999000, at most 1200000", {"parameter": "rate_ul_h", "limit": 1200000}
    pump.refusals["start"] = {"code": "out_of_range", "message": message, "data": data}
    code, _, err = run("infuse", "99999", "--yes", "-p", "x")
    assert code == 1
    assert err == "picoinfuse: the pump refused (out_of_range): rate is 99999 mL/h, at most 1200 mL/h\n"


def test_a_refusal_by_state_says_what_to_do_next(run: Run, pump: FakePump) -> None:
    message, data = "start is refused while alarm_stopped", {"state": "alarm_stopped"}
    pump.refusals["start"] = {"code": "wrong_state", "message": message, "data": data}
    code, _, err = run("infuse", "5", "--yes", "-p", "x")
    assert code == 1
    assert "start is refused while alarm stopped; remove the cause of the alarm, then `picoinfuse clear`" in err


def test_infuse_waits_for_a_running_self_test(run: Run, pump: FakePump, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            pump.results["status"] = {**STATUS, "state": "idle"}

    pump.results["status"] = {**STATUS, "state": "self_test"}
    monkeypatch.setattr("picoinfuse.client.readiness.time.sleep", sleep)
    code, out, _ = run("infuse", "5", "--yes", "--detach", "-p", "x")
    assert (code, len(waits)) == (0, 3)
    assert out.startswith("infusing 5 mL/h")


def test_infuse_names_the_tests_that_failed(run: Run, pump: FakePump) -> None:
    pump.results["status"] = {**STATUS, "state": "fault"}
    parts = [{"name": "memory", "result": "passed"}, {"name": "pressure_sensor", "result": "failed"}]
    pump.results["test_report"] = {"failed": "pressure_sensor", "parts": parts, "periodic": 0}
    code, _, err = run("infuse", "5", "--yes", "-p", "x")
    assert code == 1
    assert "its self-test failed at pressure sensor" in err
    assert pump.proposed == []

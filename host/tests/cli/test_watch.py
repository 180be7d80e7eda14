"""Commands that stay with the pump: `infuse`, `monitor`, `self-test`; what they show and how they end."""

import json
from collections.abc import Callable

import pytest

from tests.fake_pump import STATUS, FakePump, line

REPORT = {"seq": 1, "t_ms": 0, "rate_ul_h": 5000, "delivered_nl": 10**6, "pressure_pa": 2000, "dropped": 0}
Run = Callable[..., tuple[int, str, str]]


def reports(pump: FakePump, *states: str) -> bytes:
    """Reports with these states, sent once they are asked for."""
    return b"".join(line({"method": "telemetry", "params": {**REPORT, "state": state}}) for state in states)


def test_infuse_ends_with_the_infusion(run: Run, pump: FakePump) -> None:
    pump.after["telemetry"] = reports(pump, "infusing", "infusing", "idle")
    code, out, _ = run("infuse", "5", "--volume", "1", "-p", "x", "--yes")
    assert code == 0
    assert "idle after 1.000 mL; alarms: none" in out
    assert pump.executed[-1] == ("telemetry", {"period_ms": 0})  # telemetry is switched off


def test_an_infusion_that_an_alarm_stopped_is_exit_status_1(run: Run, pump: FakePump) -> None:
    pump.after["telemetry"] = reports(pump, "infusing", "alarm_stopped")
    code, out, _ = run("infuse", "5", "-p", "x", "--yes")
    assert code == 1
    assert "alarm stopped after 1.000 mL" in out


def test_infuse_as_json_is_a_line_for_each_event(run: Run, pump: FakePump) -> None:
    pump.after["telemetry"] = reports(pump, "infusing", "idle")
    code, out, _ = run("infuse", "5", "-p", "x", "--json", "--yes")
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    assert [(event["event"], event["state"]) for event in events] == [("telemetry", "infusing"), ("telemetry", "idle")]


def interrupt(*arguments: object) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_leaves_the_pump_running_and_says_so(run: Run, pump: FakePump, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picoinfuse.cli.watch._messages", interrupt)
    code, _, err = run("infuse", "5", "-p", "x", "--yes")
    assert code == 130
    assert err == "the pump continues at 5 mL/h; `picoinfuse stop` ends it\n"
    assert "stop" not in [method for method, _ in pump.executed]


def test_monitor_ends_when_the_port_vanishes(run: Run, pump: FakePump) -> None:
    pump.after["telemetry"] = reports(pump, "infusing")
    answer = pump.answer

    def vanish_after_reports(data: bytes) -> bytes:
        reply = answer(data)
        if b'"telemetry"' in data:
            pump.say(reply)
            pump.vanish()
            return b""
        return reply

    pump.answer = vanish_after_reports
    code, out, err = run("monitor", "-p", "x", "--json")
    assert code == 1
    assert json.loads(out)["state"] == "infusing"
    assert "has gone" in err


def test_a_self_test_is_waited_for(run: Run, pump: FakePump) -> None:
    answers = iter(["self_test", "self_test", "idle"])
    answer = pump.answer

    def answer_in_turn(data: bytes) -> bytes:
        if b'"status"' in data:
            pump.results["status"] = {**STATUS, "state": next(answers)}
        return answer(data)

    pump.answer = answer_in_turn
    code, out, err = run("self-test", "-p", "x")
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["memory", "passed"],
        ["lamp", "this", "pump", "lacks", "the", "hardware"],
        ["self-test", "passed"],
    ]


def test_a_self_test_that_fails_is_exit_status_1(run: Run, pump: FakePump) -> None:
    pump.results["status"] = {**STATUS, "state": "fault", "alarms": ["self_test_failed"]}
    parts = [{"name": "memory", "result": "failed"}]
    pump.results["test_report"] = {"failed": "memory", "parts": parts, "periodic": 0}
    code, out, _ = run("self-test", "-p", "x", "--json")
    assert code == 1
    assert json.loads(out) == {
        "passed": False,
        "state": "fault",
        "alarms": ["self_test_failed"],
        "failed": "memory",
        "parts": {"memory": "failed"},
    }

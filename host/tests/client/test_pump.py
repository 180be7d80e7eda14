"""The client: every method as the protocol has it, events, resets, and what it says when there is no pump."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from picoinfuse import Pump
from picoinfuse.client.methods.alarms import Alarm, AlarmTest, Cleared, OcclusionLevel
from picoinfuse.client.methods.maintenance import SelfTest
from picoinfuse.client.methods.status import Task
from picoinfuse.client.notifications import AlarmEvent, Lost, Ready, StateEvent, Telemetry
from picoinfuse.common.errors import (
    BadReply,
    CalibrationNotInForce,
    LinkClosed,
    NoAlarm,
    NoAnswer,
    NotAPump,
    OtherProtocol,
    PortVanished,
    PumpError,
    ReplAnswers,
)
from tests.fake_pump import STATUS, FakePump, ScriptedPort

OCCLUSION = {"name": "occlusion", "priority": "high", "active": True, "seq": 1, "t_ms": 900}
REPORT = {
    "seq": 3,
    "t_ms": 1500,
    "state": "infusing",
    "rate_ul_h": 5000,
    "delivered_nl": 700,
    "pressure_pa": None,
    "dropped": 0,
}


@pytest.fixture
def board() -> FakePump:
    return FakePump()


@pytest.fixture
def pump(board: FakePump) -> Iterator[Pump]:
    with Pump(board, timeout_s=0.1) as pump:
        yield pump


def wait_until(condition: Callable[[], bool]) -> None:
    """The reader thread needs a moment; 5 s is far more than it takes."""
    pause = threading.Event()
    for _ in range(500):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen within 5 s")


COMMANDS: list[tuple[Callable[[Pump], Any], str, dict[str, Any], Any]] = [
    (lambda p: p.telemetry(hz=2), "telemetry", {"period_ms": 500}, 500),
    (lambda p: p.start(5000), "start", {"rate_ul_h": 5000}, "infusing"),
    (lambda p: p.start(5000, vtbi_nl=9), "start", {"rate_ul_h": 5000, "vtbi_nl": 9}, "infusing"),
    (lambda p: p.set_rate(7000), "set_rate", {"rate_ul_h": 7000}, 7000),
    (lambda p: p.pause(), "pause", {}, "paused"),
    (lambda p: p.resume(), "resume", {}, "infusing"),
    (lambda p: p.stop(), "stop", {}, "idle"),
    (lambda p: p.acknowledge(), "acknowledge", {}, 1),
    (lambda p: p.silence(), "silence", {}, 120_000),
    (lambda p: p.clear_alarms(), "clear_alarms", {}, Cleared("alarm_stopped", ("occlusion",))),
    (lambda p: p.alarm_test("low"), "alarm_test", {"priority": "low"}, AlarmTest("low", 450)),
    (lambda p: p.occlusion_level("high"), "occlusion_level", {"level": "high"}, OcclusionLevel("high", 103_325)),
    (lambda p: p.self_test(), "self_test", {}, SelfTest("self_test", None)),
    (lambda p: p.service(), "service", {}, "service"),
]


@pytest.mark.parametrize(("call", "method", "params", "result"), COMMANDS, ids=[c[1] for c in COMMANDS])
def test_a_command_carries_its_parameters_and_returns_its_result(
    pump: Pump,
    board: FakePump,
    call: Callable[[Pump], Any],
    method: str,
    params: dict[str, Any],
    result: Any,
) -> None:
    assert call(pump) == result
    assert board.executed == [(method, params)]  # the fake executes only what carries its boot number


def test_no_reports_is_a_period_of_0(pump: Pump, board: FakePump) -> None:
    pump.telemetry(hz=0)
    assert board.executed == [("telemetry", {"period_ms": 0})]


def test_queries_are_typed(pump: Pump) -> None:
    assert pump.hello().boot == 41
    status = pump.status()
    assert (status.delivered_nl, status.vtbi_nl, status.alarms) == (1_234_567, None, ())
    assert pump.alarms().active == (Alarm("occlusion", "high", True, False, False),)
    assert pump.tasks().tasks == (Task("feed", 9, 1, 12),)


def test_a_status_that_lacks_a_field_is_not_shown(pump: Pump, board: FakePump) -> None:
    board.results["status"] = {k: v for k, v in STATUS.items() if k != "pressure_pa"}
    with pytest.raises(BadReply, match="pressure_pa must be this field, and it is missing"):
        pump.status()


@pytest.mark.parametrize("wrong", ["12", 1.5, True, None])
def test_a_field_of_the_wrong_type_is_not_shown(pump: Pump, board: FakePump, wrong: Any) -> None:
    board.results["status"] = {**STATUS, "delivered_nl": wrong}
    with pytest.raises(BadReply, match="delivered_nl"):
        pump.status()


def test_a_newer_pump_may_report_more(pump: Pump, board: FakePump) -> None:
    board.results["status"] = {**STATUS, "battery_mv": 3700}
    assert pump.status().state == "infusing"


def test_a_refusal_has_the_protocols_code(pump: Pump, board: FakePump) -> None:
    board.refusals["start"] = {"code": "wrong_state", "message": "is infusing", "data": {"state": "infusing"}}
    with pytest.raises(PumpError) as error:
        pump.start(5000)
    assert (error.value.code, error.value.data) == ("wrong_state", {"state": "infusing"})


def test_a_command_whose_reply_was_lost_is_executed_once(pump: Pump, board: FakePump) -> None:
    board.lose_replies = 2
    assert pump.start(5000) == "infusing"
    assert board.executed == [("start", {"rate_ul_h": 5000})]


def test_a_command_after_a_reset_is_refused_until_reconnect(pump: Pump, board: FakePump) -> None:
    board.restart(boot=42)
    with pytest.raises(PumpError) as error:
        pump.start(5000)
    assert error.value.code == "other_boot"
    assert board.executed == []
    assert pump.reconnect().boot == 42
    assert pump.start(5000) == "infusing"


def test_reset_waits_for_another_boot(pump: Pump, board: FakePump) -> None:
    timer = threading.Timer(0.2, board.restart, (77,))
    timer.start()
    assert pump.reset(timeout_s=10).boot == 77
    assert board.executed[0] == ("reset", {})


def test_a_pump_that_does_not_reset_is_distinguished_from_one_that_did(pump: Pump) -> None:
    with pytest.raises(NoAnswer, match="was not reset"):
        pump.reset(timeout_s=0.2)


@pytest.mark.parametrize(("in_force", "stored"), [("103/100", True), ("1/1", False)])
def test_a_calibration_counts_when_the_pump_has_restarted_with_it(
    pump: Pump, board: FakePump, in_force: str, stored: bool
) -> None:
    board.results["hello"] = {**board.results["hello"], "calibration": in_force}
    threading.Timer(0.2, board.restart, (77,)).start()
    if stored:
        assert pump.calibrate(103, 100, "2026-11-22", "A") == "103/100"
    else:
        with pytest.raises(CalibrationNotInForce, match="uses the factor 1/1, not 103/100"):
            pump.calibrate(103, 100, "2026-11-22", "A")
    sent = {"num": 103, "den": 100, "date": "2026-11-22", "operator": "A"}
    assert board.executed == [("calibrate", sent)]


def test_events_come_typed_and_in_order(pump: Pump, board: FakePump) -> None:
    board.notify("ready", boot=41, version="0.1.0", reset_cause="power_on")
    board.notify("state", state="infusing", event="start", t_ms=10)
    board.notify("alarm", **OCCLUSION)
    wait_until(lambda: len(pump.events) == 3)
    assert list(pump.events) == [
        Ready(41, "0.1.0", "power_on"),
        StateEvent("infusing", "start", 10),
        AlarmEvent("occlusion", "high", True, 1, 900),
    ]


def test_callbacks_are_called(pump: Pump, board: FakePump) -> None:
    told: list[Any] = []
    pump.on_telemetry = pump.on_alarm = pump.on_state = told.append
    board.notify("telemetry", **REPORT)
    board.notify("alarm", **OCCLUSION)
    board.notify("state", state="idle", event="stop", t_ms=10)
    wait_until(lambda: len(told) == 3)
    assert [type(message) for message in told] == [Telemetry, AlarmEvent, StateEvent]
    assert pump.last_telemetry == told[0]


def test_events_are_bounded(pump: Pump, board: FakePump) -> None:
    for n in range(1200):
        board.notify("state", state="idle", event="stop", t_ms=n)
    wait_until(lambda: bool(pump.events) and pump.events[-1] == StateEvent("idle", "stop", 1199))
    assert len(pump.events) == 1000


def test_waiting_for_an_alarm_that_is_active_returns_at_once(pump: Pump, board: FakePump) -> None:
    board.notify("alarm", **OCCLUSION)
    wait_until(lambda: bool(pump.active_alarms))
    assert pump.wait_for_alarm("occlusion", timeout_s=0).seq == 1


def test_waiting_for_an_alarm_sees_one_that_comes_and_goes(pump: Pump, board: FakePump) -> None:
    def come_and_go() -> None:
        board.notify("alarm", **OCCLUSION)
        board.notify("alarm", **{**OCCLUSION, "active": False, "seq": 2})

    threading.Timer(0.1, come_and_go).start()
    assert pump.wait_for_alarm("occlusion", timeout_s=5).seq == 1


def test_an_alarm_of_yesterday_is_not_waited_for(pump: Pump, board: FakePump) -> None:
    board.notify("alarm", **OCCLUSION)
    board.notify("alarm", **{**OCCLUSION, "active": False, "seq": 2})
    wait_until(lambda: len(pump.events) == 2)
    with pytest.raises(NoAlarm):
        pump.wait_for_alarm("occlusion", timeout_s=0.05)


def test_alarms_of_the_boot_before_are_over(pump: Pump, board: FakePump) -> None:
    board.notify("alarm", **OCCLUSION)
    wait_until(lambda: bool(pump.active_alarms))
    board.boot = 42  # its `ready` got lost
    pump.reconnect(after_reset=True)
    assert pump.active_alarms == {}


def test_an_alarm_reported_after_ready_stays_when_hello_comes(pump: Pump, board: FakePump) -> None:
    board.restart(boot=42)
    board.notify("alarm", **OCCLUSION)
    pump.reconnect(after_reset=True)
    assert "occlusion" in pump.active_alarms


def test_a_port_that_vanishes_is_an_event(pump: Pump, board: FakePump) -> None:
    told: list[Lost] = []
    pump.on_lost = told.append
    board.vanish()
    wait_until(lambda: bool(told))
    assert list(pump.events) == told
    with pytest.raises(PortVanished):
        pump.wait_for_alarm("occlusion", timeout_s=5)
    with pytest.raises(PortVanished):
        pump.check_port()


def test_a_vanished_port_is_opened_again_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    boards = [FakePump(boot=1), FakePump(boot=2)]
    left = list(boards)
    monkeypatch.setattr("picoinfuse.client.session.open_port", lambda url: left.pop(0))
    with Pump("/dev/test", timeout_s=0.1) as pump:
        boards[0].vanish()
        wait_until(lambda: pump.link.lost is not None)
        assert pump.reconnect().boot == 2
        assert pump.stop() == "idle"
    assert boards[0].executed == []


def test_a_given_port_that_vanished_cannot_be_opened_again(pump: Pump, board: FakePump) -> None:
    board.vanish()
    with pytest.raises(PortVanished):
        pump.reconnect(timeout_s=0.1)


def test_before_connect_there_is_no_link(board: FakePump) -> None:
    with pytest.raises(LinkClosed, match="call connect"):
        Pump(board).status()


def repl(data: bytes) -> bytes:
    """MicroPython's friendly REPL: echoes, takes Enter for the end of a line, ignores newline."""
    return b"".join(b"\r\n>>> " if byte == 13 else bytes([byte]) for byte in data if byte not in (2, 10))


def raw_repl(data: bytes) -> bytes:
    """Says nothing until Ctrl-B."""
    return b"\r\nMicroPython v1.25.0 on 2025-04-15; Raspberry Pi Pico with RP2040\r\n>>> " if b"\x02" in data else b""


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (repl, ReplAnswers, "shows a MicroPython prompt; deploy the firmware first"),
        (raw_repl, ReplAnswers, "shows a MicroPython prompt; deploy the firmware first"),
        (lambda data: b"", NoAnswer, "nothing answers"),
        (lambda data: b"login: \n", NotAPump, "is no pump; it said 'login:"),
        (lambda data: data, NotAPump, "is no pump"),
    ],
    ids=["REPL", "raw REPL", "nothing", "something else", "loopback"],
)
def test_what_is_no_pump_is_named(
    answer: Callable[[bytes], bytes], error: type[Exception], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("picoinfuse.client.session.PROMPT_TIMEOUT_S", 0.05)
    port = ScriptedPort(answer)
    with pytest.raises(error, match=sentence):
        Pump(port, timeout_s=0.05).connect()
    assert port.closed


def test_a_pump_of_another_protocol_is_refused(board: FakePump) -> None:
    board.results["hello"] = {**board.results["hello"], "protocol": 2}
    with pytest.raises(OtherProtocol, match="version 2 of the protocol"):
        Pump(board).connect()
    assert board.closed

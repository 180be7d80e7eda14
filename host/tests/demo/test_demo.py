"""The demo runs on any bench: commands come in the right order, and a failing pump ends it with an error."""

import io
from types import SimpleNamespace
from typing import cast

import pytest
from rich.console import Console

from picoinfuse.bench.base import Bench
from picoinfuse.client.hello import Hello
from picoinfuse.client.notifications import AlarmEvent, StateEvent, Telemetry
from picoinfuse.client.wire import State
from picoinfuse.demo import run
from picoinfuse.demo.run import DemoFailed, play
from picoinfuse.report.summary import summary
from picoinfuse.trace.trace import Trace

NL_PER_S = 1000  # 3600 µL/h; the pump of this bench knows only that rate
ALARM_NL = 30_000


class FakePump:
    """A pump and its line: gives 1000 nL/s, keeps it in the line while that is closed, alarms at 30 µL."""

    def __init__(self, bench):
        self.bench, self.commands = bench, []
        self.events, self.active_alarms, self.last_telemetry = [], {}, None
        self.state: State = "idle"
        self.delivered_nl, self.patient_nl, self.given_nl = 0, 0, 0
        self.closed, self.deaf = False, False

    def hello(self):
        return Hello("picoinfuse", "0.1.0", "abc", "1.28.0", "fake", "syringe-50ml", "01", "1/1", None, 7, 1)

    def status(self):
        return SimpleNamespace(
            state=self.state,
            uptime_ms=round((self.bench.now() - 2.0) * 1000),  # booted at 2 s
            limit_pa=ALARM_NL,  # 1 Pa/nL
            pressure_pa=self.delivered_nl - self.patient_nl,
            delivered_nl=self.given_nl,
        )

    def telemetry(self, hz):
        self.commands.append("telemetry")

    def start(self, rate_ul_h):
        self.commands.append("start")
        self.given_nl = 0
        self._become("infusing")

    def silence(self):
        self.commands.append("silence")

    def clear_alarms(self):
        self.commands.append("clear_alarms")
        self._alarm(False)
        self._become("idle")

    def stop(self):
        self.commands.append("stop")
        self._become("idle")

    def second_passes(self):
        if self.state == "infusing":
            self.delivered_nl += NL_PER_S
            self.given_nl += NL_PER_S
        if not self.closed:
            self.patient_nl = self.delivered_nl
        if self.delivered_nl - self.patient_nl >= ALARM_NL and not self.active_alarms and not self.deaf:
            self._alarm(True)
            self._become("alarm_stopped")
        status = self.status()
        self.last_telemetry = Telemetry(1, status.uptime_ms, self.state, 3600, self.given_nl, status.pressure_pa, 0)

    def _become(self, state: State):
        self.state = state
        self.events.append(StateEvent(state, "test", self.status().uptime_ms))

    def _alarm(self, active):
        event = AlarmEvent("occlusion", "high", active, 1, self.status().uptime_ms)
        self.events.append(event)
        self.active_alarms = {"occlusion": event} if active else {}


class FakeBench:
    name, seed, capabilities = "fake", 5, frozenset({"occlude"})

    def __init__(self):
        self.trace, self.t_s = Trace(), 10.0
        self.pump = FakePump(self)

    def now(self):
        return self.t_s

    def sleep(self, seconds):
        for _ in range(round(seconds)):
            self.t_s += 1.0
            self.pump.second_passes()
            t_ns = round(self.t_s * 1e9)
            self.trace.real("delivered_nl", t_ns, float(self.pump.delivered_nl))
            self.trace.real("patient_nl", t_ns, float(self.pump.patient_nl))
            self.trace.real("pressure_pa", t_ns, float(self.pump.status().pressure_pa))

    def occlude(self, closed=True):
        self.pump.closed = closed


@pytest.fixture
def out():
    return Console(file=io.StringIO(), width=120)


@pytest.fixture(autouse=True)
def slow_rate(monkeypatch):
    monkeypatch.setattr(run, "RATE_UL_H", 3600)


def test_the_run_is_played_in_order(out):
    bench = FakeBench()
    run = play(cast(Bench, bench), out)
    assert bench.pump.commands == ["telemetry", "start", "silence", "clear_alarms", "start", "stop"]
    assert [marker.text for marker in run.commands] == [
        "infuse 3.6 mL/h",
        "line closed",
        "silence",
        "line opened",
        "clear alarms",
        "infuse 3.6 mL/h again",
        "stop",
    ]
    assert "OCCLUSION" in out.file.getvalue()


def test_the_report_of_the_run_adds_up(out):
    run = play(cast(Bench, FakeBench()), out)
    values = {item.label: item.value for item in summary(run)}
    # 600 s, 30 s until the alarm, 120 s again: 750 s · 1000 nL/s = 750 µL.
    assert values["Ordered"] == "0.750 mL"
    assert values["Delivered"] == "0.750 mL"
    assert values["Counted by the pump"] == "0.750 mL"  # both infusions, though the pump counts each from 0
    assert values["Occlusion: alarm after"] == "30.0 s"
    assert [span.state for span in run.states] == [
        "idle",
        "infusing",
        "alarm_stopped",
        "idle",
        "infusing",
        "idle",
    ]


def test_the_calibration_is_among_the_facts(out):
    assert play(cast(Bench, FakeBench()), out).facts["Calibration"] == "none, factor 1/1"


def test_a_pump_that_does_not_alarm_fails_the_demo(out):
    bench = FakeBench()
    bench.pump.deaf = True
    with pytest.raises(DemoFailed, match="no occlusion alarm within 20 min"):
        play(cast(Bench, bench), out)

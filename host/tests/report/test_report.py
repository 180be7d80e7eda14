"""A report: its numbers are those of the trace, the page is self-contained, and the output is reproducible."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from picoinfuse.client.notifications import AlarmEvent, StateEvent
from picoinfuse.common.units import duration
from picoinfuse.report import series
from picoinfuse.report.events import events
from picoinfuse.report.figure import png
from picoinfuse.report.model import AlarmSpan, ClosedSpan, Marker, OrderedSpan, Run, StateSpan
from picoinfuse.report.page import render, write_run_report
from picoinfuse.report.recorder import alarm_spans, state_spans
from picoinfuse.report.summary import summary
from picoinfuse.report.timeline import grouped
from picoinfuse.trace.trace import Trace

SECOND_NS = 10**9


@pytest.fixture
def run():
    """10 s to 130 s. 3600 µL/h is 1000 nL/s: ordered from 10 to 110 s, line closed at 60, alarm at 110.5."""
    trace = Trace()
    for second in range(11, 131):
        pushed, patient = min(second, 110) - 10, min(second, 60) - 10
        trace.real("delivered_nl", second * SECOND_NS, 1000.0 * pushed)
        trace.real("patient_nl", second * SECOND_NS, 1000.0 * patient)
        trace.real("pressure_pa", second * SECOND_NS, 1333.22 * (pushed - patient))  # 10 mmHg a second
    trace.pulses("step", 10 * SECOND_NS + 1, SECOND_NS // 4, 5000, 400)  # the last at 109.75 s
    return Run(
        title="A <run>",
        facts={"Bench": "none & nowhere"},
        trace=trace,
        alarms=[AlarmSpan("occlusion", "high", 110.5)],
        commands=[Marker(10, "start"), Marker(60, "line closed"), Marker(61, "wait")],
        states=[
            StateSpan("idle", 0, 10),
            StateSpan("infusing", 10, 110.5),
            StateSpan("alarm_stopped", 110.5),
        ],
        ordered=[OrderedSpan(3600, 10, 110)],
        closed=[ClosedSpan(60)],
        limit_pa=66_661,  # 500 mmHg
        counted_nl=99_000,
        notes=["made by hand"],
        start_s=10.0,
    )


def values(run):
    return {item.label: item.value for item in summary(run)}


def test_the_summary_has_the_numbers_of_the_trace(run):
    assert values(run) == {
        "Ordered": "0.100 mL",  # 3600 µL/h for 100 s = 100 µL
        "Delivered": "0.100 mL",
        "Counted by the pump": "0.099 mL",
        "Into the patient": "0.050 mL",
        "Highest pressure": "500 mmHg",  # 50 s · 10 mmHg/s
        "Occlusion: alarm after": "50.5 s",
        "Occlusion: motor stopped after": "49.8 s",
        "Occlusion: stored in the line": "0.050 mL",
    }
    remarks = {item.label: item.remark for item in summary(run)}
    assert "error 0.00 %" in remarks["Delivered"]
    assert "−1.00 %" in remarks["Counted by the pump"]
    # 500 mmHg were reached at 110 s, the alarm came at 110.5 s.
    assert remarks["Occlusion: alarm after"].endswith("0.5 s after the limit was reached")


def test_what_is_drawn_back_has_a_row_and_is_no_error_of_the_delivery():
    trace = Trace()
    # 360 mL/h are 100 µL/s: 10 s of it, then 200 µL back in 2 s.
    for second, given_ul in enumerate([*range(0, 1001, 100), 900, 800, 800]):
        trace.real("delivered_nl", second * SECOND_NS, 1000.0 * given_ul)
    drawn = Run("an occlusion", {}, trace, ordered=[OrderedSpan(360_000, 0.0, 10.0)], counted_nl=800_000, end_s=13.0)
    rows = {item.label: (item.value, item.remark) for item in summary(drawn)}
    assert rows["Ordered"][0] == "1.000 mL"
    assert rows["Pushed"] == ("1.000 mL", "by the plunger; error 0.00 %")
    assert rows["Drawn back"][0] == "0.200 mL"
    assert rows["Delivered"][0] == "0.800 mL"
    assert rows["Counted by the pump"] == ("0.800 mL", "from its step counter; error 0.00 %")


def test_what_was_not_recorded_has_no_row():
    assert summary(Run("nothing", {}, Trace())) == []


def test_an_occlusion_without_an_alarm_says_so(run):
    assert values(replace(run, alarms=[]))["Occlusion: alarm after"] == "–"
    # An alarm from before the line was closed belongs to something else.
    early = [AlarmSpan("occlusion", "high", 20.0, 30.0)]
    assert values(replace(run, alarms=early))["Occlusion: alarm after"] == "–"


def test_two_occlusions_are_distinguished(run):
    labels = values(replace(run, closed=[ClosedSpan(60, 80), ClosedSpan(90)]))
    assert "Occlusion 1: alarm after" in labels
    assert "Occlusion 2: alarm after" in labels


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (60, "1 min 00 s"),
        (725.6, "12 min 06 s"),
        (3900, "1 h 05 min"),
        (None, "–"),
    ],
)
def test_durations_are_read_easily(seconds, text):
    assert duration(seconds) == text


def test_events_come_in_time_order_and_since_the_start(run):
    told = [(event.clock, event.text) for event in events(run)]
    assert told == [
        ("0:00:00.0", "start"),
        ("0:00:00.0", "state: infusing"),  # the idle from before the run is left out
        ("0:00:50.0", "line closed"),
        ("0:00:51.0", "wait"),
        ("0:01:40.5", "alarm: occlusion (high)"),
        ("0:01:40.5", "state: alarm stopped"),
    ]


def test_marks_that_lie_close_share_a_label(run):
    assert grouped(run.commands, close_s=3.0) == [(0, 0), (1, 2)]
    assert grouped([], close_s=3.0) == []


def test_curves_stay_small_and_keep_the_extremes():
    trace = Trace()
    for k in range(50_000):
        trace.real("pressure_pa", k * SECOND_NS, 13_332.2 if k == 31_415 else float(k % 7))
    t, pressure = series.pressure_mmhg(Run("long", {}, trace))
    assert len(t) == len(pressure) <= 2 * (series.POINTS + 1)
    assert pressure.max() == pytest.approx(100.0)  # the one sample of 13 332.2 Pa
    assert series.rate_window_s(Run("long", {}, trace)) == 900  # 50 000 s / 900 s = 56 windows


def test_the_rate_is_that_of_the_volume(run):
    curve = series.rate(run)
    # 120 s in windows of 2 s: 60. 1000 nL/s while it runs; the first sample (at 11 s) is spread back to 9 s.
    assert len(curve.rate_ul_h) == 60
    assert curve.rate_ul_h[1:50] == pytest.approx(3600)
    assert curve.rate_ul_h[51:] == pytest.approx(0)


class Links(HTMLParser):
    """Collects whatever a page would load."""

    def __init__(self):
        super().__init__()
        self.loaded = []

    def handle_starttag(self, tag, attrs):
        self.loaded += [v for k, v in attrs if k in ("src", "href", "xlink:href") and not str(v).startswith("#")]


def test_the_page_loads_nothing_and_escapes_its_texts(run):
    page = render(run)
    links = Links()
    links.feed(page)
    assert links.loaded == []
    assert not re.search(r"url\((?!#)|@import|<script", page)
    assert "A &lt;run&gt;" in page
    assert "none &amp; nowhere" in page


def test_every_colour_of_the_picture_follows_the_readers_setting(run):
    picture = render(run).split("<svg")[1]
    assert not re.search(r"#[0-9a-f]{6}(?![0-9a-z_])", picture.replace("#000000", ""))
    assert "var(--pressure)" in picture


def test_the_same_run_gives_the_same_bytes(run, tmp_path):
    for name in ("one.html", "two.html"):
        write_run_report(tmp_path / "new" / name, **vars(run))
    assert (tmp_path / "new" / "one.html").read_bytes() == (tmp_path / "new" / "two.html").read_bytes()


@pytest.mark.parametrize("seconds", [0, 5, 200, 20_000])
def test_an_empty_run_of_any_length_has_a_page(seconds):
    trace = Trace()
    trace.extend_to(seconds * SECOND_NS)
    page = render(Run("empty", {}, trace))
    for text in ("no delivery recorded", "no pressure recorded", "no volume recorded", "No commands"):
        assert text in page


def test_the_picture_can_be_had_alone(run, tmp_path):
    png(run, tmp_path / "run.png")
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_the_pumps_events_become_spans():
    told = [
        StateEvent("infusing", "start", 1000),
        AlarmEvent("occlusion", "high", True, 1, 500),  # before the run
        AlarmEvent("occlusion", "high", True, 2, 4000),
        StateEvent("alarm_stopped", "alarm_stop", 4100),
        AlarmEvent("occlusion", "high", False, 3, 6000),
        AlarmEvent("occlusion", "high", True, 4, 7000),
    ]
    # The pump booted at 100 s of the bench, the run began at 100.8 s.
    assert state_spans(told, 100.0, StateSpan("idle", 100.8)) == [
        StateSpan("idle", 100.8, 101.0),
        StateSpan("infusing", 101.0, 104.1),
        StateSpan("alarm_stopped", 104.1),
    ]
    assert alarm_spans(told, 100.0, 100.8) == [
        AlarmSpan("occlusion", "high", 104.0, 106.0),
        AlarmSpan("occlusion", "high", 107.0),
    ]


def test_a_pressure_that_does_not_change_is_drawn_flat():
    trace = Trace()
    trace.real("pressure_pa", 10 * SECOND_NS, 13_332.2)  # 100 mmHg, held for 90 s
    trace.real("pressure_pa", 100 * SECOND_NS, 0.0)
    t, pressure = series.pressure_mmhg(Run("held", {}, trace))
    held = pressure[(t > 10) & (t < 100)]
    assert len(held) > 1000
    assert held == pytest.approx(100.0)

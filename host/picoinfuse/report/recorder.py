"""Collects, while a bench runs, what a report needs beside the trace: what was done and what the pump told.

The pump is connected before, and whoever drives the bench says what he does:

    recorder = Recorder(bench)
    recorder.starts(5000, "infuse 5 mL/h")
    bench.pump.start(5000)
    bench.sleep(600)
    write_run_report(path, **vars(recorder.run("ten minutes", {})))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from picoinfuse.bench.base import Bench
from picoinfuse.calibration.factor import describe
from picoinfuse.client.notifications import AlarmEvent, Event, StateEvent
from picoinfuse.report.model import AlarmSpan, ClosedSpan, Marker, OrderedSpan, Run, StateSpan


class Recorder:
    """One run of one bench, from now on. The pump must not be reset meanwhile: its clock begins at boot."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._start_s = bench.now()
        status = bench.pump.status()
        self._boot_s = self._start_s - status.uptime_ms / 1000
        self._limit_pa = status.limit_pa
        self._first_state = status.state
        self._markers: list[Marker] = []
        self._ordered: list[OrderedSpan] = []
        self._closed: list[ClosedSpan] = []
        self._counted_nl = 0  # of the infusions before the current one

    def does(self, text: str) -> None:
        """Somebody does something, now. This and the next three are called before the deed."""
        self._markers.append(Marker(self._bench.now(), text))

    def starts(self, rate_ul_h: int, text: str) -> None:
        """An infusion is going to be started, now. The pump's account begins at 0 with each."""
        if self._ordered:
            self._counted_nl += self._bench.pump.status().delivered_nl
        self._end_order()
        self.does(text)
        self._ordered.append(OrderedSpan(rate_ul_h, self._bench.now()))

    def stops(self, text: str) -> None:
        """The infusion is going to be stopped, now."""
        self.does(text)
        self._end_order()

    def line(self, closed: bool) -> None:
        """The valve in the line is going to be moved, now."""
        now_s = self._bench.now()
        self.does("line closed" if closed else "line opened")
        if closed:
            self._closed.append(ClosedSpan(now_s))
        else:
            self._closed[-1] = replace(self._closed[-1], end_s=now_s)

    def run(self, title: str, facts: Mapping[str, str], notes: Sequence[str] = ()) -> Run:
        """All that was collected, up to now. An order ends where an alarm stopped the pump. The calibration is among
        the facts of every run: without it nobody can tell what a step was taken for.
        """
        events = list(self._bench.pump.events)
        states = state_spans(events, self._boot_s, StateSpan(self._first_state, self._start_s))
        return Run(
            title=title,
            facts={**facts, "Calibration": describe(self._bench.pump.hello().calibration)},
            trace=self._bench.trace,
            alarms=alarm_spans(events, self._boot_s, self._start_s),
            commands=self._markers,
            states=states,
            ordered=[_until_stopped(span, states) for span in self._ordered],
            closed=self._closed,
            limit_pa=self._limit_pa,
            counted_nl=self._counted(),
            notes=notes,
            start_s=self._start_s,
            end_s=self._bench.now(),
        )

    def _counted(self) -> int | None:
        return self._counted_nl + self._bench.pump.status().delivered_nl if self._ordered else None

    def _end_order(self) -> None:
        if self._ordered and self._ordered[-1].end_s is None:
            self._ordered[-1] = replace(self._ordered[-1], end_s=self._bench.now())


def state_spans(events: Iterable[Event], boot_s: float, first: StateSpan) -> list[StateSpan]:
    """The states that the pump told, each until the next. `first` is the state when the run began."""
    spans = [first]
    for event in events:
        t_s = boot_s + event.t_ms / 1000 if isinstance(event, StateEvent) else first.start_s
        if isinstance(event, StateEvent) and t_s >= first.start_s and event.state != spans[-1].state:
            spans[-1] = replace(spans[-1], end_s=t_s)
            spans.append(StateSpan(event.state, t_s))
    return spans


def alarm_spans(events: Iterable[Event], boot_s: float, start_s: float) -> list[AlarmSpan]:
    """The alarms that the pump told since start_s, each from coming to going."""
    spans: list[AlarmSpan] = []
    open_ones: dict[str, int] = {}
    for event in events:
        if not isinstance(event, AlarmEvent) or boot_s + event.t_ms / 1000 < start_s:
            continue
        t_s = boot_s + event.t_ms / 1000
        if event.active and event.name not in open_ones:
            open_ones[event.name] = len(spans)
            spans.append(AlarmSpan(event.name, event.priority, t_s))
        elif not event.active and event.name in open_ones:
            k = open_ones.pop(event.name)
            spans[k] = replace(spans[k], end_s=t_s)
    return spans


def _until_stopped(span: OrderedSpan, states: Sequence[StateSpan]) -> OrderedSpan:
    stops = [s.start_s for s in states if s.state in ("alarm_stopped", "fault") and s.start_s > span.start_s]
    if not stops or (span.end_s is not None and span.end_s < min(stops)):
        return span
    return replace(span, end_s=min(stops))

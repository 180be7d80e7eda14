"""The numbers of a run, as the table at the top of its report shows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from picoinfuse.analysis.occlusion import ALARMS, OcclusionTiming, measure
from picoinfuse.common.units import NL_PER_ML, PA_PER_MMHG, duration
from picoinfuse.report.model import AlarmSpan, Run

SECONDS_PER_HOUR = 3600
MISSING = "–"
LEAST_DRAWN_NL = 1.0  # less is rounding


@dataclass(frozen=True)
class Item:
    """One line: what, how much, and what to know about it."""

    label: str
    value: str
    remark: str = ""


def summary(run: Run) -> list[Item]:
    """Volumes first, then pressure, then each occlusion."""
    return [*_volumes(run), *_pressure(run), *_occlusions(run)]


def ordered_nl(run: Run, until_s: float) -> float:
    """The volume that had been ordered by until_s."""
    total = 0.0
    for span in run.ordered:
        end_s = min(run.until_s if span.end_s is None else span.end_s, until_s)
        total += span.rate_ul_h * 1000 * max(0.0, end_s - max(span.start_s, run.start_s)) / SECONDS_PER_HOUR
    return total


def has_volume(run: Run, signal: str) -> bool:
    """A bench without a model of the line records no volume."""
    return len(run.trace.values(signal)[0]) > 0


def mmhg(pressure_pa: float) -> float:
    return pressure_pa / float(PA_PER_MMHG)


def drawn_back_nl(run: Run) -> float:
    """What the plunger took back, all times together: the order says nothing of it."""
    _, volumes = run.trace.values("delivered_nl", _ns(run.start_s), _ns(run.until_s) + 1)
    changes = np.diff(volumes)
    return float(-changes[changes < 0].sum())


def _volumes(run: Run) -> list[Item]:
    """What was pushed is held against the order, which ends with each stop; the pump's count is of what is left after
    the plunger was drawn back.
    """
    items = []
    ordered = ordered_nl(run, run.until_s)
    expected = ordered
    if run.ordered:
        items.append(Item("Ordered", _ml(ordered), "rate × time, while the order held"))
    if has_volume(run, "delivered_nl"):
        delivered, drawn = _gained_nl(run, "delivered_nl"), drawn_back_nl(run)
        if drawn >= LEAST_DRAWN_NL:
            items.append(_volume("Pushed", delivered + drawn, ordered, "by the plunger"))
            items.append(Item("Drawn back", _ml(drawn), "after an occlusion, so that the line gives no bolus"))
            items.append(Item("Delivered", _ml(delivered), "out of the syringe: pushed less drawn back"))
            expected = delivered
        else:
            items.append(_volume("Delivered", delivered, ordered, "out of the syringe"))
    if run.counted_nl is not None:
        items.append(_volume("Counted by the pump", run.counted_nl, expected, "from its step counter"))
    if has_volume(run, "patient_nl"):
        patient = _ml(_gained_nl(run, "patient_nl"))
        items.append(Item("Into the patient", patient, "without what is still under pressure in the line"))
    return items


def _gained_nl(run: Run, signal: str) -> float:
    at_start, at_end = run.trace.values_at(signal, [_ns(run.start_s), _ns(run.until_s)])
    return float(at_end - at_start)


def _volume(label: str, volume_nl: float, expected_nl: float, remark: str) -> Item:
    if expected_nl == 0:
        return Item(label, _ml(volume_nl), remark)
    error = 100 * (volume_nl - expected_nl) / expected_nl
    return Item(label, _ml(volume_nl), f"{remark}; error {_signed(error)} %")


def _pressure(run: Run) -> list[Item]:
    start_ns, end_ns = _ns(run.start_s), _ns(run.until_s)
    pressures = run.trace.values("pressure_pa", start_ns, end_ns + 1)[1]
    if not len(pressures):
        return []
    limit = "" if run.limit_pa is None else f"alarm limit {mmhg(run.limit_pa):.0f} mmHg"
    return [Item("Highest pressure", f"{mmhg(float(pressures.max())):.0f} mmHg", limit)]


def _occlusions(run: Run) -> list[Item]:
    items = []
    for number, timing in enumerate(occlusions(run), start=1):
        name = f"Occlusion {number}" if len(run.closed) > 1 else "Occlusion"
        stopped = duration(timing.closed_to_stop_s)
        items += [
            Item(f"{name}: alarm after", duration(timing.closed_to_alarm_s), _crossing(timing)),
            Item(f"{name}: motor stopped after", stopped, "from closing the line to the last step"),
            Item(f"{name}: stored in the line", _ml(timing.stored_nl), "when the line was opened again"),
        ]
    return items


def occlusions(run: Run) -> list[OcclusionTiming]:
    """Each time that the line was closed, measured against the limit."""
    if run.limit_pa is None:
        return []
    timings = []
    for span in run.closed:
        alarm = _first_occlusion(run, span.start_s)
        alarm_s = None if alarm is None else alarm.start_s
        timings.append(measure(run.trace, span.start_s, alarm_s, run.limit_pa, span.end_s))
    return timings


def _first_occlusion(run: Run, after_s: float) -> AlarmSpan | None:
    raised = [alarm for alarm in run.alarms if alarm.name in ALARMS and alarm.start_s >= after_s]
    return min(raised, key=lambda alarm: alarm.start_s, default=None)


def _crossing(timing: OcclusionTiming) -> str:
    if timing.closed_to_alarm_s is None:
        return "no alarm"
    if timing.crossed_to_alarm_s is None:
        return "from closing the line; the limit was not reached"
    return f"from closing the line; {timing.crossed_to_alarm_s:.1f} s after the limit was reached"


def _ml(volume_nl: float) -> str:
    return f"{volume_nl / NL_PER_ML:.3f} mL"


def _signed(percent: float) -> str:
    """With a true minus; what rounds to nothing has no sign."""
    text = f"{abs(percent):.2f}"
    return text if float(text) == 0 else ("+" if percent > 0 else "−") + text


def _ns(t_s: float) -> int:
    return round(t_s * 1e9)

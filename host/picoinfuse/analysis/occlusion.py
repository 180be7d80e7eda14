"""How an occlusion went: when the line closed, pressure crossed the limit, the pump said so and stopped.

The trace holds neither the valve nor the alarm's name: the bench knows when it closed the line (`closed_s`),
the host when the alarm came (`alarm_s`). Times in seconds of the trace.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from picoinfuse.trace.trace import Trace

ALARMS = ("occlusion", "occlusion_early")  # by the limit, and by the rise of pressure


@dataclass(frozen=True)
class OcclusionTiming:
    """None stands for what did not happen."""

    closed_s: float
    crossed_s: float | None  # pressure first at or above the limit
    alarm_s: float | None
    last_step_s: float | None  # the last that pushed, before the line opened again
    peak_pa: float
    stored_nl: float  # in the line when it opened, or at the end: what a sudden opening would give

    @property
    def closed_to_alarm_s(self) -> float | None:
        return _from_to(self.closed_s, self.alarm_s)

    @property
    def crossed_to_alarm_s(self) -> float | None:
        return _from_to(self.crossed_s, self.alarm_s)

    @property
    def closed_to_stop_s(self) -> float | None:
        return _from_to(self.closed_s, self.last_step_s)

    @property
    def crossed_to_stop_s(self) -> float | None:
        """Negative when the pump stopped before the limit was reached."""
        return _from_to(self.crossed_s, self.last_step_s)


def measure(
    trace: Trace, closed_s: float, alarm_s: float | None, limit_pa: float, opened_s: float | None = None
) -> OcclusionTiming:
    """One occlusion, from the closing of the line to its opening (or the end of the trace)."""
    closed_ns = round(closed_s * 1e9)
    opened_ns = trace.end_ns + 1 if opened_s is None else round(opened_s * 1e9)
    t, pressure_pa = trace.values("pressure_pa", closed_ns, opened_ns)
    t = np.concatenate(([closed_ns], t))
    pressure_pa = np.concatenate(([trace.value_at("pressure_pa", closed_ns)], pressure_pa))
    above = np.flatnonzero(pressure_pa >= limit_pa)
    # The motor stops when its enable goes; what comes after draws the plunger back.
    stops = trace.edges("enable", True, closed_ns, opened_ns)
    steps = trace.edges("step", True, closed_ns, int(stops[0]) if len(stops) else opened_ns)
    return OcclusionTiming(
        closed_s=closed_s,
        crossed_s=float(t[above[0]]) / 1e9 if len(above) else None,
        alarm_s=alarm_s,
        last_step_s=float(steps[-1]) / 1e9 if len(steps) else None,
        peak_pa=float(pressure_pa.max()),
        stored_nl=_in_line_nl(trace, opened_ns - 1) - _in_line_nl(trace, closed_ns),
    )


def _in_line_nl(trace: Trace, t_ns: int) -> float:
    return trace.value_at("delivered_nl", t_ns) - trace.value_at("patient_nl", t_ns)


def _from_to(start_s: float | None, end_s: float | None) -> float | None:
    return None if end_s is None or start_s is None else end_s - start_s

"""The volume of an infusion out of a trace, for the trumpet curve: since its start, as a function of time.

What left the syringe (`delivered_nl`) counts where it was recorded, otherwise the steps times the volume of one. The
infusion starts when the motor's enable is taken low for the first time: the self-test makes its steps with the enable
away. A trace that shows no enable starts at 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picoinfuse.analysis.rate import volume_at
from picoinfuse.analysis.trumpet import TrumpetError
from picoinfuse.trace.trace import Trace

RECORDED_S = 0.25  # how often a board records the volume; between two records it grows evenly


class NothingDelivered(TrumpetError):
    """The trace has neither steps nor a volume."""


class StepMissing(TrumpetError):
    """The volume of a step is not known, and the trace has only steps."""


@dataclass(frozen=True)
class TraceDelivery:
    """One infusion of a trace. `step_nl` is None where a volume was recorded."""

    trace: Trace
    start_s: float
    step_nl: float | None

    @property
    def lasted_s(self) -> float:
        return self.trace.end_ns / 1e9 - self.start_s

    def volume(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        from_start_s = np.concatenate(([0.0], t_s)) + self.start_s
        if self.step_nl is None:
            total_nl = volume_at(self.trace, from_start_s, RECORDED_S)
        else:
            total_nl = self.trace.count_before("step", np.rint(from_start_s * 1e9)) * self.step_nl
        return total_nl[1:] - total_nl[0]


def from_trace(trace: Trace, step_nl: float | None, start_s: float | None = None) -> TraceDelivery:
    """`step_nl` is used where no volume was recorded; `start_s` where the trace does not show the start."""
    begin_s = infusion_start_s(trace) if start_s is None else start_s
    if len(trace.values("delivered_nl")[0]):
        return TraceDelivery(trace, begin_s, None)
    if not trace.count("step"):
        raise NothingDelivered("the trace has neither steps nor a delivered volume")
    if step_nl is None:
        raise StepMissing("the trace has steps but no volume: name the pump's profile, which has the volume of a step")
    return TraceDelivery(trace, begin_s, step_nl)


def infusion_start_s(trace: Trace) -> float:
    """When the enable, active low, was first taken low by somebody."""
    falls = trace.edges("enable", False)
    return float(falls[0]) / 1e9 if len(falls) else 0.0

"""The accuracy of a delivery over two hours: the curves show only what the mechanics do."""

from __future__ import annotations

import pytest

from picoinfuse.analysis.deliveries import from_trace
from picoinfuse.analysis.trumpet import STANDARD, trumpet
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("RATE-2")]

TENTH_ML_H = 100  # µL/h


@pytest.mark.timeout(180)
@pytest.mark.needs("capture", "pressure", "virtual_time")
def test_at_a_tenth_of_a_millilitre_an_hour_the_trumpet_is_that_of_perfectly_even_steps(
    bench: Bench, measure: Measure
) -> None:
    bench.pump.start(TENTH_ML_H)
    bench.sleep(STANDARD.seconds + 1)
    step_nl = bench.profile.world()["step_nl"]
    delivery = from_trace(bench.trace, step_nl)
    curves = trumpet(delivery.volume, delivery.lasted_s, TENTH_ML_H, step_nl=step_nl)
    for window, limit in zip(curves.windows, curves.limit, strict=True):
        # 0.01 %: the volume is recorded every 250 ms, and a step at the edge of a window is split.
        measure("highest error of the window", window.highest_percent, at_most=limit.highest_percent + 0.01)
        measure("lowest error of the window", window.lowest_percent, at_least=limit.lowest_percent - 0.01)
    # The hour holds one step more or less than 100 µL / step: 0.35 % for the 50 mL syringe.
    measure("mean error", abs(curves.mean_error_percent), unit="%", at_most=100 * step_nl / 100_000)

"""Step rates at which the motor resonates: refused as a target, crossed by a ramp."""

from __future__ import annotations

import numpy as np
import pytest

from hil_tests.expect import motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("RATE-3")]

# 1600 to 3200 steps/s of 31.25 nL: 1600 * 31250 pL * 3600 / 10^6 = 180000 µL/h.
LOW_UL_H, HIGH_UL_H = 180_000, 360_000


@pytest.mark.profile("peristaltic")
@pytest.mark.parametrize(
    ("rate_ul_h", "nearest_ul_h"),
    [(LOW_UL_H, LOW_UL_H - 1), (250_000, LOW_UL_H - 1), (300_000, HIGH_UL_H + 1), (HIGH_UL_H, HIGH_UL_H + 1)],
)
def test_a_target_in_the_band_is_refused_with_the_nearest_rate(
    bench: Bench, measure: Measure, rate_ul_h: int, nearest_ul_h: int
) -> None:
    with pytest.raises(PumpError) as refused:
        bench.pump.start(rate_ul_h)
    measure("refused with", refused.value.code, equal="out_of_range")
    measure("data of the refusal", refused.value.data, equal={"parameter": "rate_ul_h", "limit": nearest_ul_h})
    measure("state", bench.pump.status().state, equal="idle")
    bench.pump.start(nearest_ul_h)
    with pytest.raises(PumpError, match="resonance"):
        bench.pump.set_rate(rate_ul_h)
    measure("target rate", bench.pump.status().target_ul_h, unit="µL/h", equal=nearest_ul_h)


@pytest.mark.profile("peristaltic")
@pytest.mark.needs("capture")
def test_a_ramp_passes_through_the_band(bench: Bench, measure: Measure) -> None:
    start_ns = now_ns(bench)
    bench.pump.start(1_000_000)  # 8889 steps/s
    bench.sleep(1)
    bench.pump.set_rate(100_000)
    bench.sleep(1)
    bench.pump.stop()
    bench.sleep(1)
    hz = 1e9 / np.diff(motor_steps(bench, start_ns))
    inside = (hz > 1600) & (hz < 3200)
    assert inside.any()
    # Up and down with 20000 Hz/s: 1600 Hz in 80 ms, and a stair of 20 ms at each end.
    edges = np.flatnonzero(np.diff(np.concatenate(([0], inside.astype(int), [0]))))
    passages_s = [(1 / hz[begin:end]).sum() for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    measure("passages", len(passages_s), equal=2)
    measure("longest passage", max(passages_s), unit="s", at_most=0.08 + 2 * 0.02)

"""Where there is no MicroPython VM the same firmware and the same models run on CPython."""

from picoinfuse.bench.stub import StubBench
from picoinfuse.profile import load_profile
from picoinfuse.stub.engine import find_engine


def test_it_infuses_and_sees_an_occlusion() -> None:
    with StubBench(load_profile("syringe-50ml"), engine=find_engine("cpython")) as bench:
        bench.pump.start(rate_ul_h=100_000)
        bench.sleep(18.0)
        # 100 mL/h for 18 s are 500 µL; the ramp, and 50 ms to begin, cost less than 1 % of it.
        assert abs(bench.pump.status().delivered_nl - 500_000) < 5_000
        bench.occlude()
        # 517 mmHg are 68.9 kPa, at 14.37 nL/Pa 990 µL, at 27.8 µL/s 36 s.
        bench.sleep(45.0)
        assert "occlusion" in bench.pump.active_alarms


def test_both_vms_make_the_same_steps() -> None:
    profile = load_profile("syringe-50ml")
    edges = []
    for engine in ("cpython", "vm"):
        with StubBench(profile, engine=find_engine(engine)) as bench:
            bench.pump.start(rate_ul_h=20_000)
            bench.sleep(5.0)
            steps = bench.trace.edges("step")
            # Where there is no flash the start does not wait for it; the first ten edges are the self-test's.
            edges.append((list(steps[:10]), list(steps[10:] - steps[10])))
    assert len(edges[0][1]) > 50
    assert edges[0] == edges[1]

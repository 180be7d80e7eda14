"""Speed of the stub's engines in a steady infusion: `python -m picoinfuse.benchmark.engines ENGINE SECONDS…`.

Prints, for consecutive spans of virtual time in one infusion, virtual seconds per CPU second of the board's process.
"""

from __future__ import annotations

import sys

from picoinfuse.bench.stub import StubBench
from picoinfuse.benchmark.stub_speed import PROFILE, RATE_UL_H, cpu_s
from picoinfuse.profile import load_profile
from picoinfuse.stub.engine import Engine, find_engine

_SETTLE_S = 5.0


def speeds(engine: Engine, spans_s: list[float]) -> list[float]:
    """Virtual s per CPU s in each of the spans. Needs /proc, so Linux."""
    found = []
    with StubBench(load_profile(PROFILE), engine=engine) as bench:
        bench.pump.start(RATE_UL_H)
        bench.sleep(_SETTLE_S)
        for span_s in spans_s:
            before_s = cpu_s(bench.board.pid)
            bench.sleep(span_s)
            after_s = cpu_s(bench.board.pid)
            if before_s is None or after_s is None:
                raise SystemExit("CPU times of a process are read from /proc, which this system does not have")
            found.append(span_s / (after_s - before_s))
    return found


if __name__ == "__main__":
    name, *spans = sys.argv[1:]
    for span, speed in zip(spans, speeds(find_engine(name), [float(span) for span in spans]), strict=True):
        print(f"{name}: {span} virtual s at {speed:.0f} virtual s per CPU s")

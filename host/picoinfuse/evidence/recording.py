"""What is kept of one test, on the machine or in the worker that ran it: plain data that travels with its report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from picoinfuse.bench.base import Bench
from picoinfuse.client.serial_log import Traffic
from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.evidence.facts import board_facts
from picoinfuse.evidence.measuring import Measure, asked, shown
from picoinfuse.evidence.waveform import waveform_svg
from picoinfuse.report.figure import svg
from picoinfuse.report.model import AlarmSpan, Run, StateSpan
from picoinfuse.trace.vcd import write_vcd

LOG_OF_PASSED = (20, 40)  # lines from its beginning and its end
LOG_OF_FAILED = (100, 1000)
MOST_VCD_EDGES = 200_000  # of the last part of a long trace


def measurements(measure: Measure | None) -> dict[str, Any]:
    taken = [] if measure is None else measure.taken
    return {"measurements": [asdict(one) for one in taken], "left_out": 0 if measure is None else measure.left_out}


def properties(taken: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    """For JUnit's file: `measurement: time to alarm` is `0.31 s, asked ≤ 0.6, OCC-3`."""
    told = []
    for one in taken:
        req = f", {' '.join(one['req'])}" if one["req"] else ""
        text = f"{shown(one['value'])} {one['unit']}".rstrip() + f", asked {asked(one['limits'])}{req}"
        told.append((f"measurement: {one['name']}", text))
    return told


def log_lines(traffic: Traffic, failed: bool) -> list[str]:
    """The serial log for a reader; the middle of a long one is left out, and said to be."""
    lines = [str(line) for line in traffic.lines()]
    head, tail = LOG_OF_FAILED if failed else LOG_OF_PASSED
    if traffic.dropped:
        lines.insert(0, f"... {traffic.dropped} older lines were not kept")
    left_out = len(lines) - head - tail
    if left_out > 0:
        lines[head:-tail] = [f"... {left_out} lines left out"]
    return lines


def of_bench(bench: Bench, failed: bool, pictured: bool, vcd: Path | None) -> dict[str, Any]:
    """Serial log, board, and where asked for the pictures; `vcd`: where to write the waveform."""
    pump = getattr(bench, "pump", None)  # none yet when the board did not even start
    kept: dict[str, Any] = {"log": [], "board": None, "waveform": None, "course": None, "vcd": None}
    if pump is not None:
        kept["log"] = log_lines(pump.traffic, failed)
        kept["board"] = None if pump.last_hello is None else board_facts(pump.last_hello)
    if pictured and bench.trace.end_ns:
        kept["bench_s"] = bench.trace.end_ns / 1e9
        kept["waveform"] = waveform_svg(bench.trace)
        kept["course"] = _course(bench)
        if vcd is not None:
            vcd.parent.mkdir(parents=True, exist_ok=True)
            write_vcd(bench.trace, vcd, _vcd_start_ns(bench))
            kept["vcd"] = f"{vcd.parent.name}/{vcd.name}"
    return kept


def file_name(test: str) -> str:
    """A test's id as the name of a file."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", test.rpartition("/")[2])[:150]


def _course(bench: Bench) -> str | None:
    """Rate, pressure, volume, states and alarms, as a run report draws them; None where no delivery was recorded."""
    if not len(bench.trace.values("delivered_nl")[0]) and not len(bench.trace.values("pressure_pa")[0]):
        return None
    states, alarms = told(bench.pump.traffic)
    try:
        return svg(Run("", {}, bench.trace, alarms=alarms, states=states))
    except PicoinfuseError:
        return None


def told(traffic: Traffic) -> tuple[list[StateSpan], list[AlarmSpan]]:
    """States and alarms as the pump told them, at the times at which they arrived."""
    states: list[StateSpan] = []
    alarms: list[AlarmSpan] = []
    for line in traffic.lines():
        message = _notification(line.text)
        params = message.get("params")
        if line.sent or not isinstance(params, dict):
            continue
        if message["method"] == "state":
            if states:
                states[-1] = StateSpan(states[-1].state, states[-1].start_s, line.t_s)
            states.append(StateSpan(str(params.get("state")), line.t_s))
        elif message["method"] == "alarm" and params.get("active"):
            alarms.append(AlarmSpan(str(params.get("name")), str(params.get("priority")), line.t_s))
        elif message["method"] == "alarm":
            going = (k for k, span in enumerate(alarms) if span.name == params.get("name") and span.end_s is None)
            for k in going:
                alarms[k] = AlarmSpan(alarms[k].name, alarms[k].priority, alarms[k].start_s, line.t_s)
    return states, alarms


def _notification(text: str) -> dict[str, Any]:
    """The object in a line, without a look at its CRC; {} when it is none."""
    try:
        message = json.loads(text.rpartition("#")[0])
    except ValueError:
        return {}
    return message if isinstance(message, dict) and "method" in message and "id" not in message else {}


def _vcd_start_ns(bench: Bench) -> int:
    """From where on the trace has no more edges than a viewer takes easily."""
    first_ns, end_ns = 0, bench.trace.end_ns
    while 2 * sum(bench.trace.count(name, first_ns) for name in ("step", "piezo")) > MOST_VCD_EDGES:
        first_ns = (first_ns + end_ns) // 2
    return first_ns

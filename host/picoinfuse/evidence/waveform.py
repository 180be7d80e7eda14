"""The pins and the line of a trace as a small SVG, cheap enough for every test: no more than a few thousand strokes.

Where a wire changes more often than the picture has columns, it is a filled bar; everywhere else each edge is drawn.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from picoinfuse.common.units import PA_PER_MMHG
from picoinfuse.trace.trace import REALS, WIRES, Trace

COLUMNS = 760
LEFT, RIGHT, TOP = 118, 82, 6
ROW, HIGH = 26, 16
REAL_ROW = 52
INK = {"pressure_pa": "pressure", "delivered_nl": "delivered", "patient_nl": "patient"}
UNITS = {
    "pressure_pa": ("pressure, mmHg", float(PA_PER_MMHG)),
    "delivered_nl": ("delivered, mL", 1e6),
    "patient_nl": ("patient, mL", 1e6),
}


def waveform_svg(trace: Trace, start_ns: int = 0, end_ns: int | None = None) -> str:
    """An <svg> element whose colours are the CSS variables of `report.inks`. Signals that never change are left out."""
    end_ns = max(trace.end_ns if end_ns is None else end_ns, start_ns + 1)
    bounds = np.linspace(start_ns, end_ns, COLUMNS + 1).astype(np.int64)
    parts: list[str] = []
    y = TOP
    for name in WIRES:
        parts.append(_label(name.replace("_", " "), y + HIGH) + _wire(trace, name, bounds, y))
        y += ROW
    for name in REALS:
        if len(trace.values(name)[0]):
            parts.append(_real(trace, name, bounds, y))
            y += REAL_ROW
    parts.append(_axis(start_ns, end_ns, y))
    width, height = LEFT + COLUMNS + RIGHT, y + 26
    head = f'<svg class="wave" role="img" aria-label="pins against time" viewBox="0 0 {width} {height}">'
    return head + "".join(parts) + "</svg>"


def _wire(trace: Trace, name: str, bounds: NDArray[np.int64], y: int) -> str:
    rises = np.diff(trace.count_before(name, bounds))
    parts, path, column = [], [], 0
    for busy, run in groupby(rises > 1):
        width = len(list(run))
        if busy:
            parts.append(f'<rect class="busy" x="{LEFT + column}" y="{y}" width="{width}" height="{HIGH}"/>')
        else:
            path.append(_edges(trace, name, bounds, column, column + width, y))
        column += width
    return "".join(parts) + f'<path class="line" d="{"".join(path)}"/>'


def _edges(trace: Trace, name: str, bounds: NDArray[np.int64], first: int, last: int, y: int) -> str:
    """A stroke from column `first` to `last` that goes up and down where the wire does."""
    start_ns, end_ns = int(bounds[first]), int(bounds[last])
    per_ns = (last - first) / max(1, end_ns - start_ns)
    level = trace.level_at(name, start_ns)
    path = [f"M{LEFT + first} {y + HIGH * (1 - level)}"]
    for t_ns, now in zip(*trace.transitions(name, start_ns + 1, end_ns), strict=True):
        path.append(f"H{LEFT + first + (int(t_ns) - start_ns) * per_ns:.1f}V{y + HIGH * (1 - int(now))}")
    return "".join(path) + f"H{LEFT + last}"


def _real(trace: Trace, name: str, bounds: NDArray[np.int64], y: int) -> str:
    title, per_unit = UNITS[name]
    values = trace.values_at(name, bounds) / per_unit
    low, high = float(values.min()), float(values.max())
    floor, height = y + REAL_ROW - 12, REAL_ROW - 16
    at = floor - height * (values - low) / ((high - low) or 1)
    kept = [0, *(k for k in range(1, COLUMNS) if not at[k - 1] == at[k] == at[k + 1]), COLUMNS]
    points = " ".join(f"{LEFT + k},{at[k]:.1f}" for k in kept)
    side = LEFT + COLUMNS + 6
    return (
        _label(title, y + REAL_ROW // 2)
        + f'<polyline style="stroke: var(--{INK[name]})" points="{points}"/>'
        + f'<text x="{side}" y="{y + 10}">{high:.4g}</text><text x="{side}" y="{floor}">{low:.4g}</text>'
    )


def _axis(start_ns: int, end_ns: int, y: int) -> str:
    parts = [f'<path class="axis" d="M{LEFT} {y}H{LEFT + COLUMNS}"/>']
    for k in range(6):
        x, t_s = LEFT + COLUMNS * k / 5, (start_ns + (end_ns - start_ns) * k / 5) / 1e9
        parts.append(f'<text x="{x:.0f}" y="{y + 16}" text-anchor="middle">{t_s:.4g} s</text>')
    return "".join(parts)


def _label(text: str, y: int) -> str:
    return f'<text x="{LEFT - 8}" y="{y - 3}" text-anchor="end">{text}</text>'

"""What the pictures of this project share: style, how a panel is dressed, a file that is the same each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from picoinfuse.report.colors import LIGHT

DASHES = (0, (4, 2))
STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "svg.fonttype": "none",  # text stays text: it can be searched, and takes the page's font
    "svg.hashsalt": "picoinfuse",
}


def save(draw: Callable[[], Figure], path: Path) -> None:
    """As SVG or PNG, by the name of the file, in light colours. The same figure gives the same bytes."""
    metadata: Any = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
    with mpl.rc_context(STYLE):
        draw().savefig(path, dpi=160, facecolor=LIGHT["paper"], metadata=metadata)


def dress(panel: Axes, ink: Mapping[str, str]) -> None:
    panel.set_facecolor("none")
    panel.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    panel.grid(color=ink["grid"], linewidth=0.8)
    panel.set_axisbelow(True)
    panel.tick_params(colors=ink["quiet"], length=0)
    panel.spines[:].set_visible(False)
    panel.spines["bottom"].set(visible=True, color=ink["quiet"], linewidth=0.8)


def head(panel: Axes, title: str, ink: Mapping[str, str]) -> None:
    """The quantity and its unit on the left above the panel, what the lines are on the right."""
    panel.set_title(title, loc="left", color=ink["ink"], fontsize=10, fontweight="bold", pad=5)
    lines, labels = panel.get_legend_handles_labels()
    if lines:
        panel.legend(
            lines,
            labels,
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=len(lines),
            frameon=False,
            labelcolor=ink["quiet"],
            borderpad=0,
            borderaxespad=0.3,
            handlelength=1.6,
            columnspacing=1.4,
        )

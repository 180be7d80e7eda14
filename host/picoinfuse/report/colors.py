"""The colours of a report, by what they stand for.

A picture takes the light ones as they are. A page draws with stand-in colours, one for each name, and swaps
them for CSS variables, so that the reader's light or dark setting decides.
"""

from __future__ import annotations

from types import MappingProxyType

# name: (light, dark)
INKS = MappingProxyType(
    {
        "ink": ("#1f2328", "#e3e6e8"),
        "quiet": ("#5d666f", "#9aa4ad"),
        "grid": ("#e3e6e8", "#2d333a"),
        "paper": ("#ffffff", "#15191d"),
        "ordered": ("#8a939b", "#7d8790"),
        "delivered": ("#1f6fb2", "#5aa9e6"),
        "patient": ("#1b8a6b", "#4cc3a0"),
        "pressure": ("#6c4fa3", "#ac93e0"),
        "high": ("#c8322b", "#f0685f"),
        "medium": ("#b27c00", "#e0b040"),
        "low": ("#0f8a9d", "#4fc3d5"),
        "working": ("#b9d5ec", "#28506f"),
        "resting": ("#dfe3e6", "#3a424a"),
        "stopped": ("#f3c6c3", "#6f2f2c"),
    }
)

LIGHT = MappingProxyType({name: light for name, (light, _) in INKS.items()})
STAND_IN = MappingProxyType({name: f"#00fa{k:02x}" for k, name in enumerate(INKS)})


def to_variables(svg: str) -> str:
    """Stand-in colours become `var(--name)`."""
    for name, colour in STAND_IN.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg


def css_variables(dark: bool) -> str:
    """The declarations for one of the two settings."""
    return " ".join(f"--{name}: {colours[dark]};" for name, colours in INKS.items())

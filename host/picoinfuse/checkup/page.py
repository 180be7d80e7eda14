"""The page of a check-up: one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from picoinfuse.checkup.run import CheckUp
from picoinfuse.report.colors import css_variables


def render(found: CheckUp) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        found=found, light=Markup(css_variables(dark=False)), dark=Markup(css_variables(dark=True))
    )


def write(found: CheckUp, path: Path) -> None:
    """Write the page, and make its folder. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(found), encoding="utf-8", newline="\n")

"""The README's picture: plays the demo and draws its run to docs/images/report.png.

.venv/bin/python -m picoinfuse.report.picture
"""

from __future__ import annotations

from rich.console import Console

from picoinfuse import paths
from picoinfuse.demo import run_demo
from picoinfuse.report.figure import png


def main() -> None:
    run = run_demo(paths.build() / "demo", Console())
    picture = paths.root() / "docs" / "images" / "report.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    png(run, picture)


if __name__ == "__main__":
    main()

"""Draws the images in README and docs: a demo run, a trumpet curve of two hours, and the wiring of a rig.

Run it with `.venv/bin/python -m picoinfuse.demo.picture`.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from picoinfuse.analysis.deliveries import from_trace
from picoinfuse.analysis.trumpet import STANDARD, trumpet
from picoinfuse.bench.stub import StubBench
from picoinfuse.common import paths
from picoinfuse.common.units import ml_h
from picoinfuse.demo.run import run_demo
from picoinfuse.profile import load_profile
from picoinfuse.report import trumpet_figure
from picoinfuse.report.figure import png
from picoinfuse.rig.diagram import diagram
from picoinfuse.rig.file import load_rig

TRUMPET_PROFILE, TRUMPET_UL_H = "syringe-50ml", 100
RIG, RIG_PROFILE = "ft232h", "ambulatory-10ml"


def main() -> None:
    images = paths.root() / "docs" / "images"
    images.mkdir(parents=True, exist_ok=True)
    png(run_demo(paths.build() / "demo", Console()), images / "report.png")
    draw_trumpet(images / "trumpet.png")
    draw_rig(images / "rig.svg")


def draw_trumpet(picture: Path) -> None:
    """A trumpet curve of two hours at a low rate, where single steps are visible."""
    profile = load_profile(TRUMPET_PROFILE)
    with StubBench(profile) as bench:
        bench.pump.start(TRUMPET_UL_H)
        bench.sleep(STANDARD.seconds + 1)
    step_nl = profile.world()["step_nl"]
    delivery = from_trace(bench.trace, step_nl)
    curves = trumpet(delivery.volume, delivery.lasted_s, TRUMPET_UL_H, step_nl=step_nl)
    every_s = step_nl / TRUMPET_UL_H * 3.6
    title = f"{profile.name}, {ml_h(TRUMPET_UL_H)}: a step of {step_nl:.0f} nL every {every_s:.1f} s"
    trumpet_figure.save(curves, picture, title)


def draw_rig(picture: Path) -> None:
    """The wiring of the example rig that uses every signal."""
    rig = load_rig(paths.boards() / "rigs" / f"{RIG}.toml")
    picture.write_text(diagram(rig, load_profile(RIG_PROFILE)), "utf-8")


if __name__ == "__main__":
    main()

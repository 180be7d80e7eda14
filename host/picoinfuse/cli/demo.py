"""`picoinfuse demo`: the run of picoinfuse.demo.run, written to build/demo."""

from rich.console import Console

from picoinfuse.common import paths


def demo() -> None:
    """Deploy to a Pico in software, infuse, occlude, and write a report to build/demo."""
    from picoinfuse.demo.run import (
        run_demo,
    )  # late: matplotlib takes half a second, and no other command needs it

    run_demo(paths.build() / "demo", Console())

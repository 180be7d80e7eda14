"""What the firmware costs on a Pico, and the emulated Pico here:
`python -m picoinfuse.benchmark.emulator [IMAGE]`, where IMAGE is a production image, for the frozen firmware.

The board's own numbers (ready, heap, CPU share, lateness, round trip) are in virtual time: they repeat, whatever else
this computer does. The speed is that of one CPU here, in CPU seconds.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from picoinfuse.bench.wire import Wire
from picoinfuse.client.pump import Pump
from picoinfuse.deploy import files_list
from picoinfuse.deploy.bytecode import compile_folder
from picoinfuse.deploy.staging import PROFILE, staged
from picoinfuse.emulator.board import EmulatedBoard
from picoinfuse.emulator.deployed import filesystem
from picoinfuse.emulator.image import find_image
from picoinfuse.image import uf2
from picoinfuse.profile import Profile, load_profile
from picoinfuse.trace.trace import Trace

_ASKS = 20
_START_MS = 20_000
_RECORDS_S = 2.0  # after the first start, which makes the pump's records
_FORM_ROWS = (
    "reset to ready",
    "heap free, infusing",
    "CPU share, idle",
    "CPU share, 5 mL/h",
    "latest task",
    "request round trip",
    "speed here, idle",
    "speed here, 5 mL/h",
)
_INFUSE_S = 20.0

# Runs the pump with each task's run() timed, then tells, and leaves the board in the REPL.
_TIMED = """
import gc, time
gc.threshold(16384)
import pump.scheduler as s
from pump.drivers.chip import Scratch
from pump.storage.reset_note import ResetNote
tasks = []
class Over(Exception):
    pass
class Timed:
    def __init__(self, task):
        self.name, self.run_task = task.name, task.run
        self.us = self.longest_us = 0
        tasks.append(self)
    def run(self, now_ms):
        began_us = time.ticks_us()
        next_ms = self.run_task(now_ms)
        took_us = time.ticks_diff(time.ticks_us(), began_us)
        self.us += took_us
        self.longest_us = max(self.longest_us, took_us)
        if now_ms > end_ms:
            raise Over
        return next_ms
class Slot(s.Slot):
    def __init__(self, task, place):
        super().__init__(task, place)
        task.run = Timed(task).run
s.Slot = Slot
from pump.run import run
end_ms = time.ticks_ms() + {run_ms}
try:
    run(ResetNote(Scratch()), 0)
except Over:
    print("TASKS", [(task.name, task.us, task.longest_us) for task in tasks])
"""


@dataclass
class Board:
    """An emulated pump with a client."""

    board: EmulatedBoard
    pump: Pump
    trace: Trace
    said: bytearray = field(default_factory=bytearray)

    def share_and_speed(self, seconds: float) -> tuple[float, float]:
        """How much of the time the Pico's CPU did not sleep, and how many of its seconds a CPU second here makes."""
        busy_ns, began_s = self.board.pico.busy_ns, time.process_time()
        self.board.sleep(seconds)
        return (self.board.pico.busy_ns - busy_ns) / (seconds * 1e9), seconds / (time.process_time() - began_s)

    def connect(self) -> None:
        """And wait for the end of the self-test."""
        self.pump.connect()
        while self.pump.status().state == "self_test":
            self.board.sleep(0.5)

    def comes_up(self) -> bool:
        return self.board.run_until(lambda: b'"ready"' in self.said, _START_MS)

    def round_trip_ms(self) -> float:
        """From the request's last byte to the reply's, the median."""
        took: list[float] = []
        for _ in range(_ASKS):
            began_ns = self.board.now_ns
            self.pump.call("tasks")
            took.append((self.board.now_ns - began_ns) / 1e6)
            self.board.sleep(0.0137)  # not in step with the loop
        return statistics.median(took)


@contextmanager
def running(profile: Profile, image: uf2.Uf2, form: str, program: str | None = None) -> Iterator[Board]:
    """Powered on at this moment; nothing has run yet. `form`: py, mpy, or frozen, which is in the image.
    `program` runs in the place of main.py.
    """
    with staged(profile) as folder, tempfile.TemporaryDirectory() as name:
        if program:
            (folder / "main.py").write_text(program)
        if form == "mpy":
            compile_folder(folder)
        if form != "frozen":
            files_list.write(folder)
        else:
            for path in folder.iterdir():
                if path.name != PROFILE:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        flash = Path(name) / "flash.img"
        flash.write_bytes(filesystem(folder))
        trace, said = Trace(), bytearray()
        wire = Wire(lambda data: board.write_serial(data))

        def take(data: bytes) -> None:
            said.extend(data)
            wire.arrive(data)

        board = EmulatedBoard(profile.world(), image, flash, take, trace=trace)
        opened = Board(board, Pump(wire), trace, said)
        try:
            yield opened
        finally:
            opened.pump.close()
            board.close()


def measure_form(profile: Profile, image: uf2.Uf2, form: str) -> dict[str, str]:
    with running(profile, image, form) as pump:
        if not pump.comes_up():
            return dict.fromkeys(_FORM_ROWS, "does not start")
        pump.board.sleep(_RECORDS_S)
        pump.said.clear()
        pump.board.reset()
        began_ns = pump.board.now_ns
        pump.comes_up()
        ready_s = (pump.board.now_ns - began_ns) / 1e9
        pump.board.sleep(1.0)
        pump.connect()
        pump.board.sleep(1.0)
        idle, idle_speed = pump.share_and_speed(_INFUSE_S)
        pump.pump.start(5_000)
        pump.board.sleep(1.0)
        infusing, speed = pump.share_and_speed(_INFUSE_S)
        late_ms = max(task.late_ms for task in pump.pump.tasks().tasks)
        values = (
            f"{ready_s:.2f} s",
            f"{pump.pump.status().heap_free:,} bytes",
            f"{idle:.1%}",
            f"{infusing:.1%}",
            f"{late_ms} ms",
            f"{pump.round_trip_ms():.0f} ms",
            f"{idle_speed:.1f} × real time",
            f"{speed:.1f} × real time",
        )
        return dict(zip(_FORM_ROWS, values, strict=True))


def measure_tasks(profile: Profile, image: uf2.Uf2, rate_ul_h: int) -> dict[str, tuple[float, float]]:
    """CPU share, and longest run in ms, of each task while it infuses, from .mpy."""
    run_ms = round(_INFUSE_S * 1000)
    with running(profile, image, "mpy", _TIMED.format(run_ms=run_ms)) as pump:
        pump.comes_up()
        pump.board.sleep(1.0)
        pump.connect()
        pump.pump.start(rate_ul_h)
        pump.board.run_until(lambda: pump.said.endswith(b">>> "), run_ms + 5000)
        rows = eval(bytes(pump.said).split(b"TASKS")[1].split(b"\r\n")[0])  # our own script printed it
        return {name: (us / run_ms / 1000, longest / 1000) for name, us, longest in rows}


def told(tasks: dict[str, tuple[float, float]]) -> dict[str, str]:
    return {name: f"{share:.2%}, longest {longest_ms:.1f} ms" for name, (share, longest_ms) in tasks.items()}


def measure_delivery(image: uf2.Uf2) -> dict[str, str]:
    """What the delivery task costs at 10 Hz and at 100 kHz: at most 1.5 times as much is the aim."""
    profile = load_profile("fine-steps")
    slow, fast = (measure_tasks(profile, image, rate_ul_h)["delivery"] for rate_ul_h in (60, 600_000))
    return {
        "10 Hz": told({"": slow})[""],
        "100 kHz": told({"": fast})[""],
        "100 kHz to 10 Hz": f"{fast[0] / slow[0]:.2f}",
    }


def measure_steps(image: uf2.Uf2, rate_ul_h: int) -> dict[str, str]:
    """Steps of the geared syringe, whose rates reach 10 kHz."""
    profile = load_profile("syringe-50ml-geared")
    with running(profile, image, "mpy") as pump:
        pump.comes_up()
        pump.board.sleep(1.0)
        pump.connect()
        pump.pump.start(rate_ul_h)
        pump.board.sleep(2.0)
        began_ns = pump.board.now_ns
        _, speed = pump.share_and_speed(4.0)
        intervals = np.diff(pump.trace.edges("step", start_ns=began_ns, end_ns=pump.board.now_ns))
        exact_ns = profile.world()["step_nl"] * 3.6e9 / rate_ul_h
        drops = sum(pio.backlog_drops for pio in pump.board.pico._chip.pio)
        return {
            "steps a second": f"{1e9 / intervals.mean():.0f}",
            "interval, largest error": f"{np.abs(intervals - exact_ns).max():.0f} ns",
            "mean": f"{(intervals.mean() / exact_ns - 1) * 1e6:+.2f} ppm",
            "dropped instructions": str(drops),
            "speed here": f"{speed:.1f} × real time",
        }


def table(title: str, columns: dict[str, dict[str, str]]) -> str:
    rows = list(next(iter(columns.values())))
    lines = [f"| {title} | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    lines += [f"| {row} | {' | '.join(column[row] for column in columns.values())} |" for row in rows]
    return "\n".join(lines)


def main(production: Path | None, out: Callable[[str], None] = print) -> None:
    """`production`: the image of `make image`, to measure the frozen firmware too."""
    image = uf2.read(find_image())
    profile = load_profile("syringe-50ml")
    forms = {f"from .{form}": measure_form(profile, image, form) for form in ("py", "mpy")}
    if production:
        forms["frozen"] = measure_form(profile, uf2.read(production), "frozen")
    out(table("firmware", forms))
    out("")
    out(table("task", {"CPU share, 5 mL/h, from .mpy": told(measure_tasks(profile, image, 5_000))}))
    out("")
    out(table("delivery task, `fine-steps`", {"CPU share": measure_delivery(image)}))
    out("")
    rates = {"100 Hz": 4_700, "1 kHz": 47_000, "10 kHz": 470_000}
    out(table("steps", {name: measure_steps(image, rate) for name, rate in rates.items()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

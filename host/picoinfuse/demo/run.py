"""`make demo`: deploys to an empty board, infuses, closes the line, and writes a report of the run.

`run_demo` starts a software board with an empty flash and deploys the firmware; `play` is the run itself, on any bench
with a valve in the line. It runs in bench time: half an hour takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn

from picoinfuse.analysis.occlusion import ALARMS
from picoinfuse.bench.base import Bench
from picoinfuse.client.hello import Hello
from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.common.units import duration, ml, ml_h, mmhg
from picoinfuse.profile import load_profile
from picoinfuse.report.model import Run
from picoinfuse.report.page import write_run_report
from picoinfuse.report.recorder import Recorder
from picoinfuse.report.summary import summary
from picoinfuse.trace.vcd import write_vcd

PROFILE = "syringe-50ml"
RATE_UL_H = 5000
INFUSE_S, AGAIN_S = 600, 120
ALARM_TIMEOUT_S = 20 * 60  # the pressure limit takes 12 min at 5 mL/h, the early detector under 2
SLICE_S = 1.0
BOOT_S = 3.0  # from a reset until the pump answers


class DemoFailed(PicoinfuseError):
    """The pump did not do what the demo shows."""


def run_demo(build_dir: Path, out: Console) -> Run:
    """Deploy to an empty software board, play the run, write report.html and trace.vcd."""
    from picoinfuse.bench.stub import StubBench
    from picoinfuse.deploy import deploy

    build_dir.mkdir(parents=True, exist_ok=True)
    profile = load_profile(PROFILE)
    with StubBench(profile, deployed=False) as bench:
        out.print(f"\n[bold]An empty board[/]: a Pico in software, nothing on its flash, serial port {bench.port}")
        with out.status("putting the firmware on it") as status:
            deploy(bench.port, profile, progress=lambda step: status.update(step))
        bench.grant_time()
        bench.sleep(BOOT_S)
        bench.pump.connect()
        run = play(bench, out)
    write_run_report(build_dir / "report.html", **vars(run))
    write_vcd(run.trace, build_dir / "trace.vcd")
    _print_summary(run, build_dir, out)
    return run


def play(bench: Bench, out: Console) -> Run:
    """Infuse, close the line, wait for the alarm, open the line, infuse again. Raises DemoFailed."""
    pump, hello = bench.pump, bench.pump.hello()
    out.print(f"[bold]A pump[/]: picoinfuse {hello.version} on {hello.machine}, profile {hello.profile}")
    pump.telemetry(hz=1)
    recorder = Recorder(bench)
    bench.sleep(5)

    recorder.starts(RATE_UL_H, f"infuse {ml_h(RATE_UL_H)}")
    pump.start(RATE_UL_H)
    _pass(bench, out, f"infusing {ml_h(RATE_UL_H)}", INFUSE_S)

    recorder.line(closed=True)
    bench.occlude(True)
    closed_s = bench.now()

    def occluded() -> bool:
        return any(name in pump.active_alarms for name in ALARMS)

    if not _pass(bench, out, "line closed", ALARM_TIMEOUT_S, occluded):
        alarms = ", ".join(pump.active_alarms) or "none"
        raise DemoFailed(
            f"no occlusion alarm within {duration(ALARM_TIMEOUT_S)} of closing the line; "
            f"the pump is in state {pump.status().state}, its alarms: {alarms}"
        )
    out.print(_alarm_panel(bench, closed_s))
    bench.sleep(10)
    recorder.does("silence")
    pump.silence()
    bench.sleep(20)

    recorder.line(closed=False)
    bench.occlude(False)
    bench.sleep(15)
    recorder.does("clear alarms")
    pump.clear_alarms()
    bench.sleep(5)
    # An alarm that stops the pump ends the infusion: it cannot be resumed, so start it again.
    recorder.starts(RATE_UL_H, f"infuse {ml_h(RATE_UL_H)} again")
    pump.start(RATE_UL_H)
    _pass(bench, out, "line open again", AGAIN_S)
    recorder.stops("stop")
    pump.stop()
    bench.sleep(5)
    return recorder.run("An occlusion at 5 mL/h", _facts(bench, hello), _notes(bench))


def _pass(bench: Bench, out: Console, what: str, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
    """Let bench time pass and show the pump's telemetry. True when `until` became true."""
    columns = TextColumn("{task.description:<22}"), BarColumn(24), TextColumn("{task.fields[telemetry]}")
    with Progress(*columns, console=out) as progress:
        task = progress.add_task(what, total=seconds, telemetry="")
        start_s = bench.now()
        while bench.now() - start_s < seconds:
            bench.sleep(SLICE_S)
            passed_s = bench.now() - start_s
            progress.update(task, completed=passed_s, telemetry=_telemetry(bench, passed_s))
            if until():
                progress.update(task, completed=seconds)
                return True
    return False


def _telemetry(bench: Bench, passed_s: float) -> str:
    now = bench.pump.last_telemetry
    if now is None:
        return ""
    pressure = "no pressure" if now.pressure_pa is None else f"{mmhg(now.pressure_pa):>8}"
    return f"{duration(passed_s):>12}  {ml(now.delivered_nl)}  {ml_h(now.rate_ul_h):>10}  {pressure}"


def _alarm_panel(bench: Bench, closed_s: float) -> Panel:
    status = bench.pump.status()
    pressure, limit = ("unknown" if pa is None else mmhg(pa) for pa in (status.pressure_pa, status.limit_pa))
    after = duration(bench.now() - closed_s)
    text = (
        f"{after} after the line was closed; pressure {pressure}, limit {limit}\n"
        f"the pump is in state {status.state.replace('_', ' ')}"
    )
    return Panel(text, title="ALARM: OCCLUSION, high priority", style="bold red", expand=False)


def _facts(bench: Bench, hello: Hello) -> dict[str, str]:
    return {
        "Bench": f"{bench.name}, seed {bench.seed}",
        "Profile": hello.profile or "none",
        "Firmware": f"{hello.version} ({hello.commit})",
        "MicroPython": f"{hello.micropython} on {hello.machine}",
    }


def _notes(bench: Bench) -> list[str]:
    if bench.name != "stub":
        return []
    return ["Fluid path, motor and sensor are models; the firmware is the one that runs on a Pico."]


def _print_summary(run: Run, build_dir: Path, out: Console) -> None:
    out.print()
    for item in summary(run):
        out.print(f"  {item.label:<32}[bold]{item.value:>12}[/]  [dim]{item.remark}[/]", highlight=False)
    out.print(
        f"""
[bold]Results[/]
  {build_dir / "report.html"}   open it in a browser
  gtkwave {build_dir / "trace.vcd"}   every edge on the pins, pressure and volumes

[bold]Next steps[/]
  make hil                                          the whole test suite, on this board in software
  .venv/bin/picoinfuse stub --link /tmp/pump        a pump to talk to; then, in another terminal:
  .venv/bin/picoinfuse infuse 5 -p /tmp/pump
  README.md, "A real Pico"                         the same firmware on a real board
""",
        highlight=False,
    )

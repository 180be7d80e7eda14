"""`picoinfuse infuse` and `picoinfuse monitor`: commands that stay connected and show notifications.

Notifications arrive in the link's thread and wait in a bounded queue; the command's own thread shows them.
"""

import dataclasses
import queue
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from picoinfuse.cli.asking import OverrideSoftLimitsOption, YesOption, confirmed
from picoinfuse.cli.common import alarm_text, console, grid, open_pump, pressure_text, print_json, quantity, tell
from picoinfuse.cli.dosing import ConcentrationOption, DrugOption, WeightOption, dosed
from picoinfuse.cli.limits import in_drug_units, limits_of
from picoinfuse.cli.options import JsonOption, PortOption
from picoinfuse.client.notifications import AlarmEvent, StateEvent, Telemetry
from picoinfuse.client.pump import Pump
from picoinfuse.client.readiness import wait_until_ready
from picoinfuse.common import units
from picoinfuse.common.errors import PicoinfuseError

REPORTS_HZ = 2
QUEUED = 200  # notifications kept while the terminal is slow; more are dropped
POLL_S = 0.2
RUNNING = ("infusing", "paused")

Notification = Telemetry | AlarmEvent | StateEvent


def infuse(
    rate: Annotated[
        str | None, typer.Argument(help="Rate in mL/h, such as 5; with --drug a dose, such as 5ug/kg/min.")
    ] = None,
    regimen: Annotated[Path | None, typer.Option(help="Regimen file (.toml), instead of a rate.")] = None,
    volume: Annotated[str | None, typer.Option(help="Volume to be infused (VTBI), in mL.", show_default=False)] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Start and exit, without showing the progress.")] = False,
    drug: DrugOption = None,
    concentration: ConcentrationOption = None,
    weight: WeightOption = None,
    override_soft_limits: OverrideSoftLimitsOption = None,
    yes: YesOption = False,
    port: PortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start an infusion after confirmation and show its progress. Ctrl-C leaves the pump running."""
    if (rate is None) == (regimen is None):
        raise typer.BadParameter("give either a rate or --regimen FILE", param_hint="RATE")
    if regimen is not None:
        _refuse_beside_regimen(volume=volume, drug=drug, concentration=concentration, weight=weight)
        _infuse_regimen(regimen, yes, override_soft_limits, port, as_json)
        return
    assert rate is not None
    wanted = dosed(rate, drug, concentration, weight)
    rate_ul_h = quantity(units.rate_ul_h, rate, "RATE") if wanted is None else 0
    vtbi_nl = None if volume is None else quantity(units.volume_nl, volume, "--volume")
    with open_pump(port) as pump:
        wait_until_ready(pump)
        order = None if wanted is None else wanted.order(pump)
        if order is not None:
            rate_ul_h = order.dosing.rate_ul_h(order.doses_milli[0])
        limits = limits_of(order)
        with in_drug_units(limits):
            result = confirmed(pump, pump.propose_start(rate_ul_h, vtbi_nl, order), yes, override_soft_limits, limits)
        if detach:
            tell(as_json, result, f"infusing {units.ml_h(rate_ul_h)}; `picoinfuse stop` ends it")
            return
        queued = _listen(pump)  # after the start: an older report would say that the infusion has ended
        try:
            last = _watch(pump, queued, as_json, until_ended=True)
        except KeyboardInterrupt:
            _stop_reports(pump)
            typer.echo(f"the pump continues at {units.ml_h(rate_ul_h)}; `picoinfuse stop` ends it", err=True)
            raise
        _stop_reports(pump)
        alarms = tuple(pump.active_alarms)
    if not as_json:
        given = units.ml(last.delivered_nl)
        console().print(f"{last.state.replace('_', ' ')} after {given}; alarms: {alarm_text(alarms)}")
    if last.state != "idle":
        raise typer.Exit(1)


def _refuse_beside_regimen(**given: str | None) -> None:
    """A regimen file holds these values itself. Raises typer.BadParameter."""
    for name, value in given.items():
        if value is not None:
            key = "vtbi" if name == "volume" else f"[drug] {name.replace('drug', 'name')}"
            raise typer.BadParameter(f"not with --regimen: set {key} in the file", param_hint=f"--{name}")


def _infuse_regimen(
    file: Path, yes: bool, override_soft_limits: list[float] | None, port: str | None, as_json: bool
) -> None:
    """Start the regimen and exit; `picoinfuse monitor` shows its progress."""
    from picoinfuse.library import on_pump
    from picoinfuse.profile import load_profile
    from picoinfuse.regimen import load_regimen
    from picoinfuse.regimen.order import order_of

    with open_pump(port) as pump:
        wait_until_ready(pump)
        profile = pump.hello().profile
        if profile is None:
            raise typer.BadParameter("the pump has no valid profile", param_hint="--regimen")
        loaded = load_regimen(file, load_profile(profile))
        name = loaded.drug_name
        order = None if name is None else order_of(loaded, on_pump.drug_of(pump, name))
        for line in loaded.shown:
            typer.echo(line if name is None else f"{name}: {line}", err=True)
        limits = limits_of(order)
        with in_drug_units(limits):
            result = confirmed(pump, pump.propose_regimen(loaded.compiled, order), yes, override_soft_limits, limits)
    tell(as_json, result, f"{loaded.name} is running; `picoinfuse monitor` shows it, `picoinfuse stop` ends it")


def monitor(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Show the pump's state and events until Ctrl-C."""
    with open_pump(port) as pump:
        queued = _listen(pump)
        try:
            _watch(pump, queued, as_json, until_ended=False)
        finally:
            _stop_reports(pump)


def _listen(pump: Pump) -> "queue.Queue[Notification]":
    queued: queue.Queue[Notification] = queue.Queue(QUEUED)

    def take(message: Notification) -> None:
        with suppress(queue.Full):
            queued.put_nowait(message)

    pump.on_telemetry = pump.on_alarm = pump.on_state = take
    return queued


def _stop_reports(pump: Pump) -> None:
    """Turn telemetry off. If the port is gone, there is none to turn off."""
    with suppress(PicoinfuseError):
        pump.telemetry(hz=0)


def _watch(pump: Pump, queued: "queue.Queue[Notification]", as_json: bool, until_ended: bool) -> Telemetry:
    """Show notifications; return the report that shows that the infusion has ended."""
    pump.telemetry(hz=REPORTS_HZ)
    with Live(console=console(), refresh_per_second=4, transient=True) as live:
        if as_json:
            live.stop()
        for message in _messages(pump, queued):
            if as_json:
                print_json({"event": _name(message), **dataclasses.asdict(message)})
            elif isinstance(message, Telemetry):
                live.update(_table(message, tuple(pump.active_alarms)))
            else:
                live.console.print(_event_text(message))
            if until_ended and isinstance(message, Telemetry) and message.state not in RUNNING:
                return message
    raise AssertionError("messages only end with an exception")


def _messages(pump: Pump, queued: "queue.Queue[Notification]") -> Iterator[Notification]:
    """Endless; raises PortVanished when the port is gone."""
    while True:
        try:
            yield queued.get(timeout=POLL_S)
        except queue.Empty:
            pump.check_port()


def _name(message: Notification) -> str:
    return {Telemetry: "telemetry", AlarmEvent: "alarm", StateEvent: "state"}[type(message)]


def _event_text(message: AlarmEvent | StateEvent) -> str:
    time_text = f"[dim]{message.t_ms / 1000:9.1f} s[/]"
    if isinstance(message, StateEvent):
        return f"{time_text}  {message.state.replace('_', ' ')} ({message.event.replace('_', ' ')})"
    style = {"high": "bold red", "medium": "bold yellow"}.get(message.priority, "cyan")
    what = "ALARM" if message.active else "alarm ended:"
    return f"{time_text}  [{style}]{what} {message.name}[/] ({message.priority} priority)"


def _table(report: Telemetry, alarms: tuple[str, ...]) -> Table:
    table = grid()
    table.add_row("State", report.state.replace("_", " "))
    table.add_row("Rate", units.ml_h(report.rate_ul_h))
    table.add_row("Delivered", units.ml(report.delivered_nl))
    table.add_row("Pressure", pressure_text(report.pressure_pa))
    table.add_row("Alarms", alarm_text(alarms))
    if report.dropped:
        table.add_row("Reports lost", str(report.dropped))
    return table

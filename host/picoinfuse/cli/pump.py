"""Commands of one exchange with the pump: a query, or a change of one thing."""

import dataclasses
from typing import Annotated

import typer
from rich.table import Table

from picoinfuse.calibration.factor import describe
from picoinfuse.cli.asking import OverrideSoftLimitsOption, YesOption, confirmed
from picoinfuse.cli.common import alarm_text, console, grid, open_pump, pressure_text, print_json, quantity, tell
from picoinfuse.cli.dosing import dose_of_infusion
from picoinfuse.cli.limits import in_drug_units, limits_of
from picoinfuse.cli.options import JsonOption, PortOption
from picoinfuse.client.hello import Hello
from picoinfuse.client.methods.flow import LastTherapy, Therapy
from picoinfuse.client.methods.status import Status
from picoinfuse.client.readiness import wait_for_self_test
from picoinfuse.common import units
from picoinfuse.common.units import duration

_RESULTS = {
    "passed": "passed",
    "failed": "failed",
    "not_run": "not run",
    "absent": "this pump lacks the hardware",
}

Priority = Annotated[str, typer.Argument(help="Priority: high, medium or low.")]
Level = Annotated[str, typer.Argument(help="Level: low, medium or high.")]


def status(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Show what the pump is doing."""
    with open_pump(port) as pump:
        hello, now, therapy, last = pump.hello(), pump.status(), pump.therapy(), pump.last_therapy()
    if as_json:
        regimen = None if last.regimen is None else last.regimen.to_dict()
        print_json({**dataclasses.asdict(now), "last_therapy": {**dataclasses.asdict(last), "regimen": regimen}})
    else:
        console().print(_status_table(hello, now, therapy, last))


def refill(
    volume: Annotated[str, typer.Argument(help="mL now in the reservoir, such as 50.")],
    drug: Annotated[str | None, typer.Option(help="Drug now in it, a name of the library.", show_default=False)] = None,
    yes: YesOption = False,
    port: PortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set the volume, and the drug, now in the reservoir."""
    volume_nl = quantity(units.volume_nl, volume, "VOLUME")
    with open_pump(port) as pump:
        result = confirmed(pump, pump.propose_refill(volume_nl, drug), yes)
    tell(as_json, result, f"{units.ml(result.reservoir_nl)} are in the reservoir")


def pause(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Pause the infusion; resume continues it."""
    with open_pump(port) as pump:
        _tell_state(as_json, pump.pause())


def resume(yes: YesOption = False, port: PortOption = None, as_json: JsonOption = False) -> None:
    """Continue a paused infusion."""
    with open_pump(port) as pump:
        result = confirmed(pump, pump.propose_resume(), yes)
    tell(as_json, result, _words(result.state))


def set_rate(
    rate: Annotated[str, typer.Argument(help="Rate in mL/h, such as 5, or a dose, such as 5ug/kg/min.")],
    override_soft_limits: OverrideSoftLimitsOption = None,
    yes: YesOption = False,
    port: PortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change the rate of the running infusion."""
    is_dose = "/" in rate and "ml/h" not in rate.lower()
    rate_ul_h = 0 if is_dose else quantity(units.rate_ul_h, rate, "RATE")
    with open_pump(port) as pump:
        dose = None
        if is_dose:
            rate_ul_h, dose = dose_of_infusion(pump, rate)
        limits = limits_of(pump.order())
        with in_drug_units(limits):
            proposal = pump.propose_rate(rate_ul_h, None if dose is None else dose.milli)
            result = confirmed(pump, proposal, yes, override_soft_limits, limits)
    tell(as_json, result, f"the rate is {units.ml_h(result.rate_ul_h)}")


def stop(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Stop the motor and end the therapy."""
    with open_pump(port) as pump:
        _tell_state(as_json, pump.stop())


def acknowledge(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Acknowledge the active alarms, so that they do not escalate; their sound continues."""
    with open_pump(port) as pump:
        count = pump.acknowledge()
    tell(as_json, {"acknowledged": count}, f"{count} acknowledged" if count else "no alarm is active")


def silence(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Pause the sound of the alarms; it returns by itself."""
    with open_pump(port) as pump:
        silenced_ms = pump.silence()
    text = f"silent for {silenced_ms / 1000:.0f} s" if silenced_ms else "no alarm is sounding"
    tell(as_json, {"silenced_ms": silenced_ms}, text)


def clear(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Clear the alarms whose cause is removed."""
    with open_pump(port) as pump:
        cleared = pump.clear_alarms()
    tell(as_json, cleared, f"{_words(cleared.state)}; alarms still active: {alarm_text(cleared.alarms)}")


def alarm_test(priority: Priority, port: PortOption = None, as_json: JsonOption = False) -> None:
    """Play the sound and light of an alarm priority, to check them."""
    _check_word("PRIORITY", priority)
    with open_pump(port) as pump:
        test = pump.alarm_test(priority)
    tell(
        as_json,
        test,
        f"{test.priority} priority for {test.duration_ms / 1000:.1f} s: check the sound and the lamps",
    )


def self_test(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Run the self-test; exit status 1 if it fails."""
    with open_pump(port) as pump:
        pump.self_test()
        now = wait_for_self_test(pump)
        report = pump.test_report()
    passed = now.state == "idle"
    verdict = "passed" if passed else f"[bold red]failed[/]; alarms: {alarm_text(now.alarms)}"
    parts = {part.name: part.result for part in report.parts}
    result = {"passed": passed, "state": now.state, "alarms": now.alarms, "failed": report.failed, "parts": parts}
    if not as_json:
        console().print(_parts_table(parts))
    tell(as_json, result, f"self-test {verdict}")
    if not passed:
        raise typer.Exit(1)


def occlusion_level(level: Level, yes: YesOption = False, port: PortOption = None, as_json: JsonOption = False) -> None:
    """Set the occlusion level, the pressure at which the pump stops."""
    _check_word("LEVEL", level)
    with open_pump(port) as pump:
        result = confirmed(pump, pump.propose_occlusion_level(level), yes)
    tell(as_json, result, f"occlusion level {result.level}: {units.mmhg(result.limit_pa)}")


def _tell_state(as_json: bool, state: str) -> None:
    tell(as_json, {"state": state}, _words(state))


def _words(state: str) -> str:
    return state.replace("_", " ")


def _check_word(what: str, word: str) -> None:
    if word not in ("low", "medium", "high"):
        raise typer.BadParameter(f"{word!r} is not one of low, medium, high", param_hint=what)


def _reservoir_text(now: Status) -> str:
    if now.reservoir_nl is None:
        return "unknown; set it with `picoinfuse refill`"
    text = f"{units.ml(now.reservoir_nl)} left"
    return text if now.empty_s is None else f"{text}, empty in {now.empty_s // 60} min"


def _parts_table(parts: dict[str, str]) -> Table:
    table = grid()
    for name, result in parts.items():
        colour = {"passed": "green", "failed": "bold red"}.get(result, "dim")
        table.add_row(name.replace("_", " "), f"[{colour}]{_RESULTS[result]}[/]")
    return table


def _therapy_text(therapy: Therapy) -> str:
    """`pca, running, segment 2; 3 of 5 boluses given, the next in 4 min 10 s`"""
    text = f"{therapy.kind}, {therapy.phase}, segment {therapy.segment + 1}"
    if therapy.left_s:
        text += f", {duration(therapy.left_s)} left"
    if therapy.lockout_s is not None:
        text += f"; {therapy.given} of {therapy.requests} boluses given"
        text += f", the next in {duration(therapy.lockout_s)}" if therapy.lockout_s else ""
    return text + (f"; a {therapy.bolus}'s bolus is running" if therapy.bolus else "")


def _last_text(last: LastTherapy) -> str:
    """How the last therapy ended, and the volume given."""
    drug = f", {last.drug}" if last.drug else ""
    ordered = "" if last.rate_ul_h is None else f" at {units.ml_h(last.rate_ul_h)}{drug}"
    limit = "" if last.vtbi_nl is None else f" of {units.ml(last.vtbi_nl)}"
    if last.delivered_nl is None:
        given = "the volume given is unknown"
    elif last.unsure_nl:
        given = f"{units.ml(last.delivered_nl)} to {units.ml(last.delivered_nl + last.unsure_nl)}{limit} given{ordered}"
    else:
        given = f"{units.ml(last.delivered_nl)}{limit} given{ordered}"
    return f"{_words(last.outcome)}: {given}"


def _status_table(hello: Hello, now: Status, therapy: Therapy | None, last: LastTherapy):
    table = grid()
    table.add_row("State", _words(now.state))
    table.add_row("Rate", f"{units.ml_h(now.rate_ul_h)}, set to {units.ml_h(now.target_ul_h)}")
    limit = f" of {units.ml(now.vtbi_nl)}" if now.vtbi_nl is not None else ""
    table.add_row("Delivered", units.ml(now.delivered_nl) + limit)
    if therapy is not None:
        table.add_row("Therapy", _therapy_text(therapy))
    if now.state not in ("infusing", "paused") and last.outcome != "none":
        table.add_row("Last therapy", _last_text(last))
    table.add_row("Pressure", pressure_text(now.pressure_pa))
    if now.limit_pa is not None:
        table.add_row("Occlusion", f"{now.occlusion_level}, above {units.mmhg(now.limit_pa)}")
    table.add_row("Alarms", alarm_text(now.alarms))
    table.add_row("Calibration", describe(now.calibration))
    table.add_row("Reservoir", _reservoir_text(now))
    table.add_row("Library", f"{now.library or 'none'}{f', {now.drug}' if now.drug else ''}")
    table.add_row("Steps", f"{now.steps_commanded} commanded, {now.steps_counted} counted")
    table.add_row("Loop", f"{now.overruns} overruns, {now.heap_free} bytes free, up {now.uptime_ms / 1000:.0f} s")
    table.add_row("Pump", f"{hello.version} ({hello.commit}), profile {hello.profile}, {hello.machine}")
    return table

"""`picoinfuse check-up`: lead a person through a check-up and write its page."""

import datetime
import time
from pathlib import Path
from typing import Annotated

import typer

from picoinfuse.calibration.gravimetry import ml_per_gram, water_g_ml
from picoinfuse.checkup.model import Plan, Visit
from picoinfuse.checkup.run import check_up as run
from picoinfuse.cli.common import check_writable, open_pump, quantity, tell
from picoinfuse.cli.options import JsonOption, PortOption
from picoinfuse.common import units
from picoinfuse.profile import Profile, load_profile, profile_names

_NO = ("n", "no")


class Asker:
    """Asks on the terminal. `--answer KEY=VALUE` answers beforehand; `--yes` leaves all other questions unanswered."""

    def __init__(self, answers: dict[str, str], yes: bool) -> None:
        self._answers = answers
        self._yes = yes

    def confirms(self, key: str, question: str) -> bool | None:
        if key in self._answers:
            return self._answers[key].lower() not in _NO
        if self._yes:
            return None
        return typer.confirm(question, default=True, err=True)

    def weighs(self, key: str, request: str) -> float | None:
        text: str = self._answers.get(key, "")
        if not text and not self._yes:
            text = typer.prompt(request, default="", show_default=False, err=True)
        while text:
            try:
                return float(text)
            except ValueError:
                text = typer.prompt(f"{text!r} is not a weight in g; again", default="", show_default=False, err=True)
        return None


def check_up(
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML page to write.")] = Path("check-up.html"),
    operator: Annotated[str | None, typer.Option(help="Name of the operator.", show_default=False)] = None,
    fast: Annotated[str, typer.Option(help="Rate of the first delivery, mL/h.")] = "300",
    fast_volume: Annotated[str, typer.Option(help="Its volume, mL; 5 or more to weigh it exactly.")] = "2",
    slow: Annotated[str, typer.Option(help="Rate of the second delivery, mL/h.")] = "60",
    slow_volume: Annotated[str, typer.Option(help="Its volume, mL.")] = "0.5",
    temperature: Annotated[float, typer.Option(help="Temperature of the weighed water, °C.")] = 20.0,
    answer: Annotated[
        list[str] | None, typer.Option(help="Answer KEY=VALUE beforehand: alarm_high=no, weight_fast=1.98, zero=yes, …")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: checks that need a person are skipped.")] = False,
    port: PortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check self-test, sensor, alarms, delivery, battery and button; exit status 1 if one fails."""
    rates_ul_h = quantity(units.rate_ul_h, fast, "--fast"), quantity(units.rate_ul_h, slow, "--slow")
    fast_nl = quantity(units.volume_nl, fast_volume, "--fast-volume")
    slow_nl = quantity(units.volume_nl, slow_volume, "--slow-volume")
    plan = Plan(rates_ul_h, (fast_nl, slow_nl), ml_per_gram(water_g_ml(temperature)))
    answers = _answers(answer or [])
    check_writable(output)
    name = operator if operator is not None else _name(yes)
    with open_pump(port) as pump:
        profile = _profile(pump.hello().profile)
        say = _quiet if as_json else _say
        visit = Visit(pump, Asker(answers, yes), plan, profile, time.sleep, time.monotonic, say)
        found = run(visit, name, datetime.date.today().isoformat())
    from picoinfuse.checkup.page import write  # jinja2

    write(found, output)
    verdict = "passed" if found.passed else "failed"
    steps = {step.title: step.outcome for step in found.steps}
    left_out = [step.title for step in found.steps if not step.is_complete]
    sentence = f"check-up {verdict}: {output}" + (f"; not fully checked: {', '.join(left_out)}" if left_out else "")
    result = {"verdict": verdict, "steps": steps, "not_fully_checked": left_out, "page": str(output)}
    tell(as_json, result, sentence)
    if not found.passed:
        raise typer.Exit(1)


def _answers(texts: list[str]) -> dict[str, str]:
    answers: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--answer")
        answers[key.strip()] = value.strip()
    return answers


def _name(yes: bool) -> str:
    return "a script" if yes else typer.prompt("Your name", err=True)


def _profile(name: str | None) -> Profile | None:
    return load_profile(name) if name in profile_names() else None


def _say(step: str) -> None:
    typer.echo(f"{step} …", err=True)


def _quiet(step: str) -> None:
    pass

"""`picoinfuse campaign`: random scenarios on a pump in software, checked against safety invariants."""

from pathlib import Path
from typing import Annotated, Any

import typer

from picoinfuse.campaign.play import play
from picoinfuse.campaign.run import Played
from picoinfuse.campaign.run import campaign as run_campaign
from picoinfuse.campaign.scenario import load
from picoinfuse.cli.common import console, print_json
from picoinfuse.cli.options import JsonOption

_LINE = "{seed:>6}  {acts:>5}  {hours:>6}  {digest:<16}  {result}"


def campaign(
    seeds: Annotated[int, typer.Option(min=1, help="Number of scenarios.")] = 10,
    first: Annotated[int, typer.Option(help="First seed.")] = 1,
    hours: Annotated[float, typer.Option(min=0.01, help="Length of each scenario in bench time, h.")] = 2.0,
    profile: Annotated[str, typer.Option(help="Board profile.")] = "syringe-50ml",
    folder: Annotated[Path, typer.Option(help="Folder for the scenarios that failed.")] = Path("build/campaign"),
    jobs: Annotated[int | None, typer.Option(min=1, help="Scenarios at a time. Default: the number of cores.")] = None,
    replay: Annotated[Path | None, typer.Option(help="Replay this scenario file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run random scenarios and check safety invariants; exit status 1 if any fails."""
    if replay is not None:
        _replay(replay, as_json)
        return
    rows, broken, pace = [], 0, None
    if not as_json:
        _tell({name: name for name in ("seed", "acts", "hours", "digest", "result")})
    for played, rate in run_campaign(range(first, first + seeds), hours, profile, folder, jobs):
        pace = rate
        broken += played.outcome.broken is not None
        rows.append(_row(played))
        if not as_json:
            _tell(rows[-1])
    assert pace is not None  # there is one scenario at least
    if as_json:
        print_json({"hours_a_minute": pace.hours_a_minute, "runs": rows})
    else:
        console().print(
            f"{seeds} scenarios, {pace.hours:.1f} pump-hours, {pace.hours_a_minute:.1f} a minute; {broken} broke"
        )
    if broken:
        raise typer.Exit(1)


def _row(played: Played) -> dict[str, Any]:
    outcome = played.outcome
    result = "holds" if outcome.broken is None else f"{outcome.broken}; written to {played.written}"
    hours = round(outcome.hours, 2)
    return {"seed": played.seed, "acts": played.acts, "hours": hours, "digest": outcome.digest, "result": result}


def _tell(row: dict[str, Any]) -> None:
    """At once, also into a file or a pipe: a scenario takes minutes."""
    print(_LINE.format(**row), flush=True)


def _replay(file: Path, as_json: bool) -> None:
    outcome = play(load(file))
    if as_json:
        broken = None if outcome.broken is None else str(outcome.broken)
        print_json({"hours": outcome.hours, "digest": outcome.digest, "broken": broken})
    else:
        verdict = outcome.broken or "every invariant holds"
        console().print(f"{outcome.hours:.2f} hours, digest {outcome.digest}: {verdict}")
    if outcome.broken is not None:
        raise typer.Exit(1)

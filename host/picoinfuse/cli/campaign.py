"""`picoinfuse campaign`: random days of a pump in software, against the invariants."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from picoinfuse.campaign.history import load
from picoinfuse.campaign.play import play
from picoinfuse.campaign.run import campaign as run_campaign
from picoinfuse.cli.common import JsonOption, console, print_json


def campaign(
    seeds: Annotated[int, typer.Option(min=1, help="how many histories")] = 10,
    first: Annotated[int, typer.Option(help="the first seed")] = 1,
    hours: Annotated[float, typer.Option(min=0.01, help="bench time of each")] = 2.0,
    profile: Annotated[str, typer.Option(help="a profile in boards/")] = "syringe-50ml",
    folder: Annotated[Path, typer.Option(help="where what broke is written")] = Path("build/campaign"),
    jobs: Annotated[int | None, typer.Option(min=1, help="at once; all cores without it")] = None,
    replay: Annotated[Path | None, typer.Option(help="play this history again instead", exists=True)] = None,
    as_json: JsonOption = False,
) -> None:
    """Plays random days: commands, faults, resets, cuts of power. Exit status 1 when an invariant broke."""
    if replay is not None:
        _replay(replay, as_json)
        return
    table = Table("seed", "acts", "hours", "digest", "result", box=None)
    rows, broken, pace = [], 0, None
    for played, rate in run_campaign(range(first, first + seeds), hours, profile, folder, jobs):
        pace = rate
        result = "holds"
        if played.outcome.broken is not None:
            broken += 1
            result = f"{played.outcome.broken}; written to {played.written}"
        row = (played.seed, played.acts, round(played.outcome.hours, 2), played.outcome.digest, result)
        rows.append(row)
        table.add_row(*(str(cell) for cell in row))
    assert pace is not None  # there is one history at least
    if as_json:
        names = ("seed", "acts", "hours", "digest", "result")
        runs = [dict(zip(names, row, strict=True)) for row in rows]
        print_json({"hours_a_minute": pace.hours_a_minute, "runs": runs})
    else:
        console().print(table)
        console().print(
            f"{seeds} histories, {pace.hours:.1f} pump-hours, {pace.hours_a_minute:.1f} a minute; {broken} broke"
        )
    if broken:
        raise typer.Exit(1)


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

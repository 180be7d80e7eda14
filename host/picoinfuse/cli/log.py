"""`picoinfuse log` shows and exports the pump's journal; `picoinfuse clock` sets the clock that it uses."""

import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from picoinfuse.cli.common import console, open_pump, tell
from picoinfuse.cli.options import JsonOption, PortOption
from picoinfuse.journal.entry import KINDS, Entry
from picoinfuse.journal.export import write_csv, write_json
from picoinfuse.journal.fetch import Fetched, fetch
from picoinfuse.journal.store import Gap, History, default_path

FOLLOW_S = 1.0

Database = Annotated[Path | None, typer.Option("--db", help="SQLite file of the history.", show_default=False)]
Since = Annotated[str | None, typer.Option(help="Only entries since this UTC time, such as 2026-11-23T08:00.")]
Kind = Annotated[list[str] | None, typer.Option(help=f"Only entries of this kind: {', '.join(KINDS[2:])}. Repeatable.")]
Export = Annotated[str | None, typer.Option(help="Print the entries as json or csv.")]


def log(
    port: PortOption = None,
    since: Since = None,
    kind: Kind = None,
    alarms: Annotated[bool, typer.Option("--alarms", help="Only alarms, faults and lost entries.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show new entries until Ctrl-C.")] = False,
    export: Export = None,
    db: Database = None,
    kept: Annotated[
        str | None,
        typer.Option("--pump", help="Show the history of this pump (unique id) without connecting."),
    ] = None,
) -> None:
    """Fetch the pump's journal into the history on this computer and show it."""
    wanted = _filter(since, kind, alarms)
    if export not in (None, "json", "csv"):
        raise typer.BadParameter(f"{export!r} is neither json nor csv", param_hint="--export")
    if follow and (export is not None or kept is not None):
        raise typer.BadParameter("cannot be combined with --export or --pump", param_hint="--follow")
    if kept is not None:
        with History(db or default_path()) as history:
            if kept not in history.pumps():
                known = ", ".join(history.pumps()) or "none"
                raise typer.BadParameter(f"no pump {kept} in the history; known: {known}", param_hint="--pump")
            _print_or_export(history, kept, [entry for entry in history.entries(kept) if wanted(entry)], export, None)
        return
    with open_pump(port) as pump, History(db or default_path()) as history:
        name = pump.hello().unique_id
        done = fetch(pump, name, history, _progress if sys.stderr.isatty() else None)
        entries = [entry for entry in history.entries(name) if wanted(entry)]
        _print_or_export(history, name, entries, export, done)
        shown = {(entry.ring, entry.position, entry.seq) for entry in entries}
        while follow:
            time.sleep(FOLLOW_S)
            if fetch(pump, name, history).entries:
                fresh = [entry for entry in history.entries(name) if wanted(entry)]
                _print(entry for entry in fresh if (entry.ring, entry.position, entry.seq) not in shown)
                shown |= {(entry.ring, entry.position, entry.seq) for entry in fresh}


def clock(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Set the pump's clock from this computer; the journal uses it until the next reset."""
    with open_pump(port) as pump:
        changed_s = pump.set_clock(time.time_ns() // 1_000_000)
    tell(as_json, {"changed_s": changed_s}, f"clock set, by {changed_s} s" if changed_s else "clock set")


def _filter(since: str | None, kinds: list[str] | None, alarms: bool) -> Callable[[Entry], bool]:
    for kind in kinds or ():
        if kind not in KINDS[2:]:
            raise typer.BadParameter(f"{kind!r} is not one of {', '.join(KINDS[2:])}", param_hint="--kind")
    begin = None
    if since is not None:
        try:
            begin = datetime.fromisoformat(since)
        except ValueError as error:
            raise typer.BadParameter(f"{since!r} is not a time like 2026-11-23T08:00", param_hint="--since") from error
        begin = begin.replace(tzinfo=begin.tzinfo or UTC)

    def wanted(entry: Entry) -> bool:
        if begin is not None and (entry.time is None or entry.time < begin):
            return False
        return (not kinds or entry.kind in kinds) and (not alarms or entry.is_alarm)

    return wanted


def _progress(ring: str, position: int, end: int) -> None:
    print(f"\r{ring} {position} of {end}   ", end="", file=sys.stderr, flush=True)


def _print_or_export(
    history: History, name: str, entries: list[Entry], export: str | None, done: Fetched | None
) -> None:
    if export is None:
        _show(entries, history.gaps(name), done)
    else:
        (write_json if export == "json" else write_csv)(entries, sys.stdout)


def _show(entries: list[Entry], gaps: list[Gap], done: Fetched | None) -> None:
    _print(entries)
    for gap in gaps:
        console().print(f"[yellow]{gap.slots} entries of {gap.ring} were overwritten before they were fetched")
    if done is None:
        console().print(f"{len(entries)} shown")
        return
    damaged = f", {done.damaged} damaged" if done.damaged else ""
    console().print(f"{done.entries} new{damaged}; {len(entries)} shown")


def _print(entries: Iterable[Entry]) -> None:
    for entry in entries:
        when = "time unknown       " if entry.time is None else entry.time.isoformat(" ", "milliseconds")[:-7]
        text = entry.text() if entry.whole else "[red]does not continue the entry before it: one was changed or lost"
        console().print(f"{entry.seq:>7} {when} {entry.pump_s:>12.2f} s  {text}", soft_wrap=True)

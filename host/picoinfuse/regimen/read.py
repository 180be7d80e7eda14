"""Reads a regimen's TOML file, and compiles it to the pump's integers.

kind = "intermittent"          continuous, intermittent, pca or steps
kvo = true                     keep the vein open at the end
[dose]                         a table for each part; docs/reference/regimen.md has them all
volume = "50 mL"
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picoinfuse.client.frame import TO_PUMP_BYTES, encode
from picoinfuse.common import toml
from picoinfuse.common.errors import Mistake, RegimenError, RegimenNotFound
from picoinfuse.common.file_kinds import refuse_other_kinds
from picoinfuse.common.toml import Document, KeyPath
from picoinfuse.common.words import one_of, shown
from picoinfuse.profile import Profile
from picoinfuse.regimen.limits import Limit, check_mechanics
from picoinfuse.regimen.quantities import Drug

if TYPE_CHECKING:
    from picoinfuse.regimen import schema


@dataclass(frozen=True)
class Regimen:
    """A regimen that is valid for a profile.

    `compiled` is the parameter `regimen` of `start` (docs/protocol.md), `drug_name` the library's name of the drug,
    `square` the volume (nL) and rate (µL/h) of a clinician's bolus. `shown` has each conversion of a dose both ways.
    """

    name: str
    file: Path
    compiled: dict[str, Any]
    shown: tuple[str, ...]
    drug: Drug
    drug_name: str | None
    square: tuple[int, int] | None


def load_regimen(file: Path, profile: Profile, now: datetime | None = None) -> Regimen:
    """The regimen of a file, for the mechanics of a profile.

    Raises RegimenNotFound, or RegimenError with every mistake and its line: keys, units, contradictions, what these
    mechanics cannot do, an end that is in the past at `now`.
    """
    document = toml.read(file, RegimenError, RegimenNotFound)
    refuse_other_kinds("regimen", document, RegimenError)
    regimen, drug = _validated(document)
    body = regimen.body(profile.compiled()["therapy"]["kvo_ul_h"])
    places = [("loading",)] if regimen.loading else []
    places += [place for place, _ in body.segments]
    compiled = _compiled(regimen, body)
    square = None if regimen.square is None else regimen.square.rate_and_volume()
    limits = [
        *check_mechanics(compiled, profile, None if square is None else square[0]),
        *_check_frame(compiled),
        *_check_end(regimen.start, compiled, now or datetime.now()),
    ]
    if limits:
        raise RegimenError(file, [_mistake(limit, places, document) for limit in limits])
    return Regimen(
        regimen.name or file.stem,
        file,
        compiled,
        tuple(dict.fromkeys(drug.shown)),
        drug,
        regimen.drug.name,
        None if square is None else (square[1], square[0]),
    )


def _validated(document: Document) -> tuple[schema.Regimen, Drug]:
    from pydantic import ValidationError

    from picoinfuse.common.schema import validate
    from picoinfuse.regimen.schema import KINDS
    from picoinfuse.regimen.tables import DrugTable
    from picoinfuse.regimen.types import Context

    kind = document.values.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        said = "kind is missing" if kind is None else f"kind is {shown(kind)}"
        text = f"{said}, must be {one_of(list(KINDS))}"
        raise RegimenError(document.file, [Mistake("kind", document.line(("kind",)), text)])
    try:
        table = DrugTable.model_validate(document.values.get("drug", {}))
        drug = Drug(table.concentration, table.weight)
    except ValidationError:
        drug = None  # its mistakes are found below, with all others
    regimen = validate(KINDS[kind], document, RegimenError, Context(drug))
    assert drug is not None
    return regimen, drug


def _compiled(regimen: schema.Regimen, body: schema.Body) -> dict[str, Any]:
    """The parameter `regimen` of `start`."""
    segments = [segment for _, segment in body.segments]
    compiled: dict[str, Any] = {"kind": getattr(regimen, "kind"), "segments": segments}  # noqa: B009
    if regimen.loading is not None:
        compiled["segments"] = [regimen.loading.segment(), *segments]
    if body.repeat is not None:
        compiled["repeat"] = body.repeat
        if regimen.loading is not None:
            compiled["repeat_from"] = 1
    if body.bolus is not None:
        compiled["bolus"] = body.bolus
    compiled |= {key: 1 for key in ("kvo", "harmful_stop") if getattr(regimen, key)}
    if regimen.vtbi is not None:
        compiled["vtbi_nl"] = regimen.vtbi
    return compiled


def _check_frame(compiled: dict[str, Any]) -> list[Limit]:
    line = {"id": 2**30, "method": "start", "params": {"regimen": compiled}, "boot": 2**24}
    if len(encode(line, 10 * TO_PUMP_BYTES)) <= TO_PUMP_BYTES:
        return []
    return [Limit("too_long", ("kind",), "it does not fit into a line to the pump: use fewer steps")]


def _check_end(start: datetime | None, compiled: dict[str, Any], now: datetime) -> list[Limit]:
    segments = compiled["segments"]
    if start is None or any(not s and not nl for _, _, s, nl in segments):
        return []
    lasts_s = sum(s or -(-nl * 18 // (begin * 5)) for begin, _, s, nl in segments if s or (nl and begin))
    ends = start.replace(tzinfo=None) + timedelta(seconds=lasts_s * compiled.get("repeat", 1))
    if ends > now:
        return []
    return [Limit("ends_in_the_past", ("start",), f"start: it would have ended at {ends:%Y-%m-%d %H:%M}")]


def _mistake(limit: Limit, places: list[KeyPath], document: Document) -> Mistake:
    """With the line of the segment's rate, or of its table for a ramp."""
    first = limit.path[0]
    path = (*places[first], "rate") if isinstance(first, int) else limit.path
    return Mistake(limit.name, document.line(path), limit.message)

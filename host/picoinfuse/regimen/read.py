"""Reads a regimen's TOML, and collects every mistake with its line; what is right is compiled to the pump's integers.

kind = "intermittent"          continuous, intermittent, pca or steps
kvo = true                     keep the vein open at the end
[dose]                         a table for each part; docs/regimens.md has them all
volume = "50 mL"
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from picoinfuse.client.frame import TO_PUMP_BYTES, encode
from picoinfuse.common.errors import BadQuantity, Mistake, RegimenError, RegimenNotFound
from picoinfuse.common.toml import KeyLines, syntax_mistake
from picoinfuse.dosing.dose import parse_concentration, parse_weight_g
from picoinfuse.profile import Profile
from picoinfuse.regimen.limits import check_mechanics
from picoinfuse.regimen.quantities import Drug, rate_of, seconds

Segment = list[int]  # µL/h, µL/h, seconds, nL, as docs/protocol.md has it

TOP = ("name", "kind", "kvo", "harmful_stop", "start", "vtbi", "drug", "loading", "square")
TABLES = {
    "drug": ("name", "concentration", "weight"),
    "loading": ("volume", "rate", "duration"),
    "square": ("volume", "rate", "duration"),
    "continuous": ("rate", "volume", "duration"),
    "dose": ("volume", "rate", "duration", "period", "doses"),
    "between": ("rate",),
    "basal": ("rate",),
    "bolus": ("volume", "rate", "lockout", "max_1h", "max_4h"),
}
STEP = ("rate", "from", "to", "duration", "volume")
KINDS = {
    "continuous": ("continuous",),
    "intermittent": ("dose", "between"),
    "pca": ("basal", "bolus"),
    "steps": ("step",),
}


@dataclass(frozen=True)
class Regimen:
    """`compiled` is what `start` takes, `drug_name` the library's name of what is in it, `square` the volume and rate
    of a clinician's bolus, which is asked for while it runs. `shown` tells each conversion of a dose both ways.
    """

    name: str
    file: Path
    compiled: dict[str, Any]
    shown: tuple[str, ...]
    drug: Drug
    drug_name: str | None
    square: tuple[int, int] | None  # nL, µL/h


def load_regimen(file: Path, profile: Profile, now: datetime | None = None) -> Regimen:
    """Raises RegimenError with every mistake: syntax, contradictions, what these mechanics cannot do, an end that is
    in the past at `now`."""
    reading = _Reading(file)
    compiled = reading.compiled(profile.compiled()["therapy"]["kvo_ul_h"])
    if not reading.mistakes and compiled is not None:
        square = reading.square
        for where, name, message in check_mechanics(compiled, profile, None if square is None else square[1]):
            reading.mistake(name, *reading.place(where), message)
        reading.check_frame(compiled)
        reading.check_end(compiled, now or datetime.now())
    if reading.mistakes or compiled is None:
        raise RegimenError(file, reading.mistakes)
    name, shown = reading.values.get("name", file.stem), tuple(dict.fromkeys(reading.drug.shown))
    return Regimen(name, file, compiled, shown, reading.drug, reading.drug_name, reading.square)


class _Reading:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []
        self.drug = Drug()
        self.drug_name: str | None = None
        self.square: tuple[int, int] | None = None
        self._places: list[str] = []  # the table that each segment came from
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise RegimenNotFound(f"{file} cannot be read: {why}") from error
        try:
            self.values: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise RegimenError(file, [syntax_mistake(error, text)]) from error
        self.lines = KeyLines(text)

    def mistake(self, name: str, table: str, key: str, message: str) -> None:
        self.mistakes.append(Mistake(name, self.lines.of(table, key), message))

    def place(self, where: str) -> tuple[str, str]:
        """The table and key that a part of the compiled regimen came from."""
        match = re.fullmatch(r"segments\[(\d+)\]", where)
        if match:
            return self._places[int(match[1])], "rate"
        return (where, "rate") if where in ("bolus", "square") else ("", where)

    def compiled(self, kvo_ul_h: int) -> dict[str, Any] | None:
        kind = self.values.get("kind")
        if kind not in KINDS:
            self.mistake("kind", "", "kind", f"kind must be one of {', '.join(KINDS)}")
            return None
        self._check_keys(kind)
        table = self._table("drug")
        self.drug = Drug(
            self._get("drug", "concentration", parse_concentration) if "concentration" in table else None,
            self._get("drug", "weight", parse_weight_g) if "weight" in table else None,
        )
        if "name" in table:
            self.drug_name = self._get("drug", "name", str)
        out: dict[str, Any] = {"kind": kind, "segments": []}
        if "loading" in self.values:
            rate_ul_h, volume_nl = self._volume_at_rate("loading")
            self._add(out, "loading", [rate_ul_h, rate_ul_h, 0, volume_nl])
        getattr(self, "_" + kind)(out, kvo_ul_h)
        if "square" in self.values:
            rate_ul_h, volume_nl = self._volume_at_rate("square")
            self.square = volume_nl, rate_ul_h
        for key in ("kvo", "harmful_stop"):
            value = self.values.get(key, False)
            if not isinstance(value, bool):
                self.mistake("wrong_type", "", key, f"{key} must be true or false")
            elif value:
                out[key] = 1
        if "vtbi" in self.values:
            out["vtbi_nl"] = self._get("", "vtbi", self.drug.volume_nl)
        return out

    # ---- the kinds ----

    def _continuous(self, out: dict[str, Any], kvo_ul_h: int) -> None:
        table = self._table("continuous")
        if "volume" not in table and "duration" not in table:
            rate_ul_h = self._get("continuous", "rate", self.drug.rate_ul_h)
            self._add(out, "continuous", [rate_ul_h, rate_ul_h, 0, 0])
            return
        if "volume" in table:
            rate_ul_h, volume_nl = self._volume_at_rate("continuous")
            self._add(out, "continuous", [rate_ul_h, rate_ul_h, 0, volume_nl])
        else:
            rate_ul_h = self._get("continuous", "rate", self.drug.rate_ul_h)
            self._add(out, "continuous", [rate_ul_h, rate_ul_h, self._get("continuous", "duration", seconds), 0])

    def _intermittent(self, out: dict[str, Any], kvo_ul_h: int) -> None:
        first = len(out["segments"])
        rate_ul_h, volume_nl = self._volume_at_rate("dose")
        self._add(out, "dose", [rate_ul_h, rate_ul_h, 0, volume_nl])
        period_s, doses = self._get("dose", "period", seconds), self._table("dose").get("doses")
        if not isinstance(doses, int) or isinstance(doses, bool) or not 1 <= doses <= 10_000:
            self.mistake("doses", "dose", "doses", "doses must be a whole number from 1 to 10000")
            doses = 1
        dose_s = -(-volume_nl * 18 // (rate_ul_h * 5)) if rate_ul_h else 0
        if period_s <= dose_s:
            message = f"a dose takes {dose_s} s, more than the period of {period_s} s"
            self.mistake("contradiction", "dose", "period", message)
        between_ul_h = min(kvo_ul_h, rate_ul_h)
        if self._table("between").get("rate", "kvo") != "kvo":
            between_ul_h = self._get("between", "rate", self.drug.rate_ul_h)
        self._add(out, "between", [between_ul_h, between_ul_h, max(1, period_s - dose_s), 0])
        out["repeat"] = doses
        if first:
            out["repeat_from"] = first

    def _pca(self, out: dict[str, Any], kvo_ul_h: int) -> None:
        rate_ul_h = self._get("basal", "rate", self.drug.rate_ul_h)
        self._add(out, "basal", [rate_ul_h, rate_ul_h, 0, 0])
        out["bolus"] = {
            "volume_nl": self._get("bolus", "volume", self.drug.volume_nl),
            "rate_ul_h": self._get("bolus", "rate", self.drug.rate_ul_h),
            "lockout_s": self._get("bolus", "lockout", seconds),
            "max_1h_nl": self._get("bolus", "max_1h", self.drug.volume_nl),
            "max_4h_nl": self._get("bolus", "max_4h", self.drug.volume_nl),
        }
        bolus = out["bolus"]
        if bolus["max_1h_nl"] < bolus["volume_nl"] + rate_ul_h * 1000:
            message = "max_1h is less than an hour of basal rate and one bolus"
            self.mistake("contradiction", "bolus", "max_1h", message)
        if bolus["max_4h_nl"] < bolus["max_1h_nl"]:
            self.mistake("contradiction", "bolus", "max_4h", "max_4h is below max_1h")

    def _steps(self, out: dict[str, Any], kvo_ul_h: int) -> None:
        steps = self._table("step")
        if not steps:
            self.mistake("missing_key", "step", "", "steps need tables [step.1], [step.2] and so on")
        for number in sorted(steps, key=lambda key: int(key) if key.isdigit() else 0):
            table, values = f"step.{number}", steps[number]
            if not number.isdigit() or not isinstance(values, dict):
                self.mistake("unknown_key", table, "", "steps are tables [step.1], [step.2] and so on")
                continue
            for key in set(values) - set(STEP):
                self.mistake("unknown_key", table, key, f"unknown key {key} in [{table}]")
            if "from" in values or "to" in values:
                begin, end = (self._get(table, key, self.drug.rate_ul_h) for key in ("from", "to"))
                self._add(out, table, [begin, end, self._get(table, "duration", seconds), 0])
            elif "volume" in values:
                rate_ul_h, volume_nl = self._volume_at_rate(table)
                self._add(out, table, [rate_ul_h, rate_ul_h, 0, volume_nl])
            else:
                rate_ul_h = self._get(table, "rate", self.drug.rate_ul_h)
                duration_s = self._get(table, "duration", seconds) if "duration" in values else 0
                self._add(out, table, [rate_ul_h, rate_ul_h, duration_s, 0])

    # ---- parts ----

    def _add(self, out: dict[str, Any], table: str, segment: Segment) -> None:
        out["segments"].append(segment)
        self._places.append(table)

    def _volume_at_rate(self, table: str) -> tuple[int, int]:
        """Any two of rate, volume and duration give the third; all three must agree."""
        values = self._table(table)
        if "volume" not in values:
            rate_ul_h = self._get(table, "rate", self.drug.rate_ul_h)
            return rate_ul_h, rate_ul_h * self._get(table, "duration", seconds) * 5 // 18
        volume_nl = self._get(table, "volume", self.drug.volume_nl)
        if "duration" not in values:
            return self._get(table, "rate", self.drug.rate_ul_h), volume_nl
        duration_s = self._get(table, "duration", seconds)
        rate_ul_h = self._try(table, "duration", lambda: rate_of(volume_nl, duration_s)) if volume_nl else 0
        if "rate" in values and (told := self._get(table, "rate", self.drug.rate_ul_h)) != rate_ul_h:
            message = f"volume in duration is {rate_ul_h} µL/h, rate is {told}: give two of the three"
            self.mistake("contradiction", table, "rate", message)
        return rate_ul_h, volume_nl

    def check_end(self, compiled: dict[str, Any], now: datetime) -> None:
        start = self.values.get("start")
        if start is None:
            return
        if not isinstance(start, datetime):
            self.mistake("wrong_type", "", "start", "start must be a date and a time, such as 2026-11-22T20:00:00")
            return
        lasts_s = sum(s or -(-nl * 18 // (begin * 5)) for begin, _, s, nl in compiled["segments"] if s or nl)
        ends = start.replace(tzinfo=None) + timedelta(seconds=lasts_s * compiled.get("repeat", 1))
        if ends <= now and not any(not s and not nl for _, _, s, nl in compiled["segments"]):
            self.mistake("ends_in_the_past", "", "start", f"it would have ended at {ends:%Y-%m-%d %H:%M}")

    def check_frame(self, compiled: dict[str, Any]) -> None:
        line = {"id": 2**30, "method": "start", "params": {"regimen": compiled}, "boot": 2**24}
        if len(encode(line, 10 * TO_PUMP_BYTES)) > TO_PUMP_BYTES:
            self.mistake("too_long", "", "kind", "it does not fit into a line to the pump: use fewer steps")

    def _table(self, name: str) -> dict[str, Any]:
        value: Any = self.values
        for part in name.split(".") if name else ():
            value = value.get(part, {}) if isinstance(value, dict) else {}
        return value if isinstance(value, dict) else {}

    def _get(self, table: str, key: str, parse: Callable[[str], Any]) -> Any:
        value = self._table(table).get(key)
        if value is None:
            self.mistake("missing_key", table, key, f"{key} is missing" + (f" in [{table}]" if table else ""))
            return 0
        if not isinstance(value, str):
            self.mistake("wrong_type", table, key, f'{key} must be a text with its unit, such as "5 mL/h"')
            return 0
        return self._try(table, key, lambda: parse(value))

    def _try(self, table: str, key: str, parse: Callable[[], Any]) -> Any:
        try:
            return parse()
        except BadQuantity as error:
            self.mistake("quantity", table, key, f"{key}: {error}")
            return 0

    def _check_keys(self, kind: str) -> None:
        for key, value in self.values.items():
            if key not in TOP and key not in KINDS[kind]:
                self.mistake("unknown_key", "", key, f"unknown {key} in a regimen of kind {kind}")
            elif key in TABLES and isinstance(value, dict):
                for inner in set(value) - set(TABLES[key]):
                    self.mistake("unknown_key", key, inner, f"unknown key {inner} in [{key}]")

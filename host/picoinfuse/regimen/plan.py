"""What a regimen gives and when: the rate over time in straight parts, and the volume, for pictures and tables.

`Plan.at_most_nl` adds the boluses: as many as lockout and limits allow, each taken as early as possible.
"""

from dataclasses import dataclass
from typing import Any

from picoinfuse.common.units import NL_PER_ML

SHOWN_WITHOUT_END_S = 8 * 3600  # of a regimen that goes on until it is stopped
_LONGEST_S = 4000 * 86_400


@dataclass(frozen=True)
class Part:
    """One run of a segment: from begin_s to end_s the rate goes along a line."""

    begin_s: float
    end_s: float
    begin_ul_h: int
    end_ul_h: int
    segment: int
    cycle: int

    @property
    def volume_nl(self) -> float:
        """Of this part, without boluses."""
        return (self.begin_ul_h + self.end_ul_h) * (self.end_s - self.begin_s) * 1000 / 7200


@dataclass(frozen=True)
class Plan:
    """The parts of a regimen in order. `bolus` is the patient's, as docs/protocol.md has it."""

    parts: tuple[Part, ...]
    ends: bool  # by itself, not only when it is stopped
    vtbi_nl: int | None
    bolus: dict[str, int] | None

    @property
    def lasts_s(self) -> float:
        """Until its end, or until SHOWN_WITHOUT_END_S of a last part without end."""
        return self.parts[-1].end_s

    @property
    def volume_nl(self) -> float:
        """Of all parts, without boluses."""
        return sum(part.volume_nl for part in self.parts)

    def at_most_nl(self, seconds: float) -> float | None:
        """The volume up to a time with every bolus that the limits allow; None for a regimen without boluses."""
        if self.bolus is None:
            return None
        given, boluses = self.given_nl(seconds), 0.0
        taken: list[float] = []
        at = float(self.bolus["lockout_s"])
        while at <= seconds:
            for span_s, limit in ((3600, "max_1h_nl"), (4 * 3600, "max_4h_nl")):
                since = max(0.0, at - span_s)
                flowed = (
                    self.given_nl(at) - self.given_nl(since) + self.bolus["volume_nl"] * sum(t > since for t in taken)
                )
                if flowed + self.bolus["volume_nl"] > self.bolus[limit]:
                    break
            else:
                taken.append(at)
                boluses += self.bolus["volume_nl"]
            at += self.bolus["lockout_s"] if taken and taken[-1] == at else 60
        return given + boluses

    def given_nl(self, seconds: float) -> float:
        """The volume up to a time, without boluses."""
        total = 0.0
        for part in self.parts:
            if seconds <= part.begin_s:
                break
            share = min(1.0, (seconds - part.begin_s) / (part.end_s - part.begin_s))
            end_ul_h = part.begin_ul_h + (part.end_ul_h - part.begin_ul_h) * share
            total += (part.begin_ul_h + end_ul_h) * share * (part.end_s - part.begin_s) * 1000 / 7200
        return total


def plan(compiled: dict[str, Any]) -> Plan:
    """The plan of `Regimen.compiled`."""
    segments = compiled["segments"]
    first = compiled.get("repeat_from", 0)
    order = [(at, 0) for at in range(first)]
    order += [(at, cycle) for cycle in range(compiled.get("repeat", 1)) for at in range(first, len(segments))]
    parts: list[Part] = []
    begin_s, given_nl, ends = 0.0, 0.0, True
    vtbi_nl = compiled.get("vtbi_nl")
    for at, cycle in order:
        begin_ul_h, end_ul_h, seconds, volume_nl = segments[at]
        lasts_s = volume_nl * 3.6 / begin_ul_h if volume_nl else float(seconds)
        if not lasts_s:
            left_nl = None if vtbi_nl is None else vtbi_nl - given_nl
            ends = left_nl is not None and begin_ul_h > 0
            lasts_s = left_nl * 3.6 / begin_ul_h if left_nl is not None and begin_ul_h else SHOWN_WITHOUT_END_S
        part = Part(begin_s, begin_s + min(lasts_s, _LONGEST_S), begin_ul_h, end_ul_h, at, cycle)
        parts.append(part)
        begin_s, given_nl = part.end_s, given_nl + part.volume_nl
    return Plan(tuple(parts), ends, vtbi_nl, compiled.get("bolus"))


def rows(planned: Plan) -> list[dict[str, Any]]:
    """One row a segment, a repeated one once: segment, times, begins_s, lasts_s, begin_ul_h, end_ul_h, volume_ml."""
    seen: dict[int, list[Part]] = {}
    for part in planned.parts:
        seen.setdefault(part.segment, []).append(part)
    return [
        {
            "segment": segment,
            "times": len(parts),
            "begins_s": round(parts[0].begin_s),
            "lasts_s": round(parts[0].end_s - parts[0].begin_s),
            "begin_ul_h": parts[0].begin_ul_h,
            "end_ul_h": parts[0].end_ul_h,
            "volume_ml": round(sum(part.volume_nl for part in parts) / NL_PER_ML, 6),
        }
        for segment, parts in sorted(seen.items())
    ]

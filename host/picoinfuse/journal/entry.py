"""An entry of the journal, as in firmware/pump/storage/ring.py, and the chain that ties it to the one before."""

from __future__ import annotations

import struct
from binascii import crc32
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from picoinfuse.alarms.texts import TEXTS

ENTRY_BYTES = 32
BODY_BYTES = 28
RINGS = ("events", "faults", "volume")
_BODY = struct.Struct("<IIIBBBBHHii")
_DAY_0 = datetime(2020, 1, 1, tzinfo=UTC)

KINDS = (
    "none", "sector", "boot", "state", "alarm", "alarm_changed", "command", "fault", "volume", "given", "therapy",
    "clock", "lost",
)  # fmt: skip
# What the firmware keeps as a code; host/tests/test_journal.py compares them with its tables.
STATES = ("self_test", "idle", "infusing", "paused", "alarm_stopped", "fault", "service")
WORDS = (
    *TEXTS, *STATES,
    "test_passed", "test_failed", "start", "pause", "resume", "stop", "completed", "alarm_stop", "clear_alarms",
    "fault_found", "service", "reset", "auto_restart", "power_on", "crash", "watchdog", "internal_error",
    "library_line", "library_change", "set_rate", "confirm", "acknowledge", "silence", "alarm_test", "occlusion_level",
    "calibrate", "uncalibrate", "bolus", "request_bolus", "refill", "low", "medium", "high",
)  # fmt: skip
OUTCOMES = ("none", "infusing", "paused", "stopped", "complete", "alarm_stopped", "interrupted", "unknown")
_NO_BOUND = 0xFFFFFF  # of an entry of the volume
PRIORITIES = ("none", "low", "medium", "high")


def code(name: str) -> int:
    return crc32(name.encode()) & 0xFFFF


_NAMES = {code(name): name for name in WORDS}


@dataclass(frozen=True)
class Entry:
    ring: str
    position: int
    seq: int
    boot: int  # counts boots, 0 to 255
    pump_s: float  # since that boot
    time: datetime | None  # of the day, UTC; None: nobody had told the pump
    kind: str
    number: int  # as kept: the code of the name, or what the kind makes of it
    name: str  # of alarm, state, command or fault; its code where this version does not know it
    a: int
    b: int
    whole: bool  # it fits the entry before it

    @property
    def is_alarm(self) -> bool:
        return self.kind in ("alarm", "alarm_changed", "fault", "lost")

    def text(self) -> str:
        """What a person reads."""
        if self.kind == "alarm":
            return f"alarm {self.name} ({PRIORITIES[self.a & 3]})"
        if self.kind == "alarm_changed":
            return f"alarm {self.name} {PRIORITIES[self.a & 3] if self.a else 'ended'}"
        if self.kind == "state":
            return f"{self.name.replace('_', ' ')}, by {name_of(self.a)}"
        if self.kind == "boot":
            return f"the pump started: {self.name}, boot {self.a}"
        if self.kind == "command":
            return f"command {self.name}" + (f" {self.a}" if self.a else "") + (f" {self.b}" if self.b else "")
        if self.kind == "volume":
            return self._volume_text()
        if self.kind == "clock":
            return f"clock set, by {self.a} s" if self.a else "clock set"
        if self.kind == "lost":
            return f"{self.a} entries lost: the pump could not write them in time"
        return f"{self.kind} {self.name} {self.a} {self.b}"

    def _volume_text(self) -> str:
        more = self.b & _NO_BOUND
        unsure = "nobody knows how many more" if more == _NO_BOUND else f"at most {more} more"
        told = f"therapy {self.number >> 8} {OUTCOMES[self.number & 7]}: {self.a} steps"
        return f"{told}, {unsure}" if more else told


def name_of(number: int) -> str:
    return _NAMES.get(number & 0xFFFF, f"0x{number & 0xFFFF:04x}")


def chain_of(raw: bytes) -> int:
    return int.from_bytes(raw[BODY_BYTES:ENTRY_BYTES], "little")


def continues(raw: bytes, chain: int) -> bool:
    return crc32(raw[:BODY_BYTES], chain) == chain_of(raw)


def decode(ring: str, position: int, raw: bytes, whole: bool) -> Entry:
    """`whole`: it continues the chain."""
    seq, s, day_s, cs, day_cs, kind, boot, number, b_low, b_high, a = _BODY.unpack(raw[:BODY_BYTES])
    return Entry(
        ring=ring,
        position=position,
        seq=seq,
        boot=boot,
        pump_s=s + cs / 100,
        time=_DAY_0 + timedelta(seconds=day_s, milliseconds=10 * day_cs) if day_s else None,
        kind=KINDS[kind] if kind < len(KINDS) else str(kind),
        number=number,
        name=name_of(number),
        a=a,
        b=b_high << 16 | b_low,
        whole=whole,
    )

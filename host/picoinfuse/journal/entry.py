"""An entry of the journal, laid out as in firmware/pump/storage/ring.py, and the CRC chain to the entry before it."""

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
    "none", "sector", "boot", "state", "alarm", "alarm_changed", "command", "fault", "volume", "last_therapy",
    "therapy", "clock", "lost",
)  # fmt: skip
# The firmware stores these names as codes; host/tests/journal/test_journal.py compares them with its tables.
STATES = ("self_test", "idle", "infusing", "paused", "alarm_stopped", "fault", "service")
WORDS = (
    *TEXTS, *STATES,
    "test_passed", "test_failed", "start", "pause", "resume", "stop", "completed", "alarm_stop", "clear_alarms",
    "fault_found", "service", "reset", "auto_restart", "power_on", "crash", "watchdog", "internal_error",
    "library_line", "library_change", "set_rate", "confirm", "acknowledge", "silence", "alarm_test", "occlusion_level",
    "calibrate", "uncalibrate", "bolus", "request_bolus", "refill", "low", "medium", "high",
)  # fmt: skip
OUTCOMES = ("none", "infusing", "paused", "stopped", "complete", "alarm_stopped", "interrupted", "unknown")
_NO_BOUND = 0xFFFFFF  # in a volume entry: the firmware cannot bound the steps that followed
PRIORITIES = ("none", "low", "medium", "high")


def code(name: str) -> int:
    """The code that stands for a name in an entry: the lower 16 bits of its CRC-32."""
    return crc32(name.encode()) & 0xFFFF


_NAMES = {code(name): name for name in WORDS}


@dataclass(frozen=True)
class Entry:
    """One entry. `a` and `b` are signed integers whose meaning depends on `kind`: see `text`."""

    ring: str
    position: int
    seq: int
    boot: int  # boot number modulo 256
    pump_s: float  # since that boot
    time: datetime | None  # UTC; None while the pump's clock was not set
    kind: str
    number: int  # as stored: the code of the name, or a value that depends on the kind
    name: str  # of the alarm, state, command or fault; its code in hexadecimal if it is unknown here
    a: int
    b: int
    whole: bool  # its CRC continues the chain of the entry before it

    @property
    def is_alarm(self) -> bool:
        """Whether the entry is about an alarm, a fault or lost entries."""
        return self.kind in ("alarm", "alarm_changed", "fault", "lost")

    def text(self) -> str:
        """The entry as one line for a person."""
        if self.kind == "alarm":
            return f"alarm {self.name} ({PRIORITIES[self.a & 3]})"
        if self.kind == "alarm_changed":
            return f"alarm {self.name} {PRIORITIES[self.a & 3] if self.a else 'ended'}"
        if self.kind == "state":
            return f"state {self.name.replace('_', ' ')}, by {name_of(self.a)}"
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
        unsure = "an unknown number more" if more == _NO_BOUND else f"at most {more} more"
        text = f"therapy {self.number >> 8} {OUTCOMES[self.number & 7]}: {self.a} steps"
        return f"{text}, {unsure}" if more else text


def name_of(number: int) -> str:
    """The name of a code, or the code in hexadecimal if this version does not know it."""
    return _NAMES.get(number & 0xFFFF, f"0x{number & 0xFFFF:04x}")


def chain_of(raw: bytes) -> int:
    """The CRC that an entry ends with; the next entry continues it."""
    return int.from_bytes(raw[BODY_BYTES:ENTRY_BYTES], "little")


def continues(raw: bytes, chain: int) -> bool:
    """Whether the CRC of an entry follows from `chain`, the CRC of the entry before."""
    return crc32(raw[:BODY_BYTES], chain) == chain_of(raw)


def decode(ring: str, position: int, raw: bytes, whole: bool) -> Entry:
    """Decode the 32 bytes of an entry. `whole`: whether it continues the chain."""
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

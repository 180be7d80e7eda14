"""Maintenance: self-test, battery, event log, clock, service, reset."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Literal

from picoinfuse.client.caller import Caller
from picoinfuse.client.hello import Hello
from picoinfuse.client.method import Command, Query
from picoinfuse.client.wire import Base64, Count, Index, Millivolts, Name, Range, State, StateReply
from picoinfuse.common.errors import PortVanished


@dataclass(frozen=True)
class SelfTest:
    """A self-test that has begun. `state` of `status` says when it is over."""

    state: State
    """`self_test`."""
    failed: Name | None
    """Check that failed in the test before; null when it passed."""


@dataclass(frozen=True)
class SelfTestPart:
    """A check of the self-test."""

    name: Name
    """Name of the check."""
    result: Literal["passed", "failed", "not_run", "absent"]
    """`not_run`: an earlier check failed, or this boot did not try it; `absent`: this board cannot tell."""


@dataclass(frozen=True)
class SelfTestReport:
    """The last self-test."""

    failed: Name | None
    """Check that failed; null when none did."""
    parts: tuple[SelfTestPart, ...]
    """Every check, in the order in which they run."""
    periodic: Count
    """How often the periodic self-test has passed since boot."""


@dataclass(frozen=True)
class Battery:
    """The battery. Voltages are averages over 10 s; null: not measured yet, or not known."""

    state: Literal["ok", "low", "depleted", "unknown"]
    """`low`: less than 15 min of infusion are left; `depleted`: less than 5 min."""
    millivolts: Millivolts | None
    """Voltage, as last measured."""
    rest_mv: Millivolts | None
    """Voltage, as last measured without the motor's current."""
    loaded_mv: Millivolts | None
    """Voltage, as last measured with the motor's current."""
    percent: Annotated[int, Range(0, 100)] | None
    """Charge."""
    minutes_left: Index | None
    """Time of infusion left."""
    capacity_mah: Index
    """Capacity, as learned."""


@dataclass(frozen=True)
class LogPage:
    """Slots of one of the journal's rings; see [storage.md](storage.md)."""

    position: Index
    """Position of the first slot: the one asked for, or the oldest there is."""
    end: Index
    """Position after the newest slot."""
    chain: Annotated[int, Range(0, 2**32 - 1)] | None
    """CRC that the first slot continues, where the pump knows it."""
    entries: Base64
    """Up to 16 slots of 32 bytes; empty at the end."""


@dataclass(frozen=True)
class ClockChange:
    """The change of the time of day."""

    changed_s: Annotated[int, Range(-(10**10), 10**10)]
    """By how much it changed; 0 when it was not known."""


SELF_TEST = Command("self_test", SelfTest)
TEST_REPORT = Query("test_report", SelfTestReport)
BATTERY = Query("battery", Battery)
LOG = Query("log", LogPage, {"ring": "Ring to read", "position": "First slot to report"})
SET_CLOCK = Command("set_clock", ClockChange, {"unix_ms": "Time of day, from 2020 to 2053"})
SERVICE = Command("service", StateReply)
RESET = Command("reset", StateReply)


class MaintenanceMethods(Caller):
    """Self-test, battery, log, clock, service, reset."""

    def self_test(self) -> SelfTest:
        """Begins a self-test; it is over when the state is no longer `self_test`."""
        return self.command(SELF_TEST)

    def test_report(self) -> SelfTestReport:
        """Reports the last self-test, check by check."""
        return self.query(TEST_REPORT)

    def battery(self) -> Battery:
        """Reports the battery. Refused (`wrong_state`) where the profile has none."""
        return self.query(BATTERY)

    def log(self, ring: str, position: int) -> LogPage:
        """Reads the event log: slots of a ring from a position on."""
        return self.query(LOG, ring=ring, position=position)

    def set_clock(self, unix_ms: int) -> int:
        """Sets the time of day; it is kept until the next reset.

        Returns by how many seconds it changed, 0 when it was not known.
        """
        return self.command(SET_CLOCK, unix_ms=unix_ms).changed_s

    def service(self) -> str:
        """Resets the pump into the REPL with every output safe, and back when no byte comes within 15 min.

        Refused while infusing or paused.

        Returns the state.
        """
        return self.command(SERVICE).state

    def reset(self, timeout_s: float = 10.0) -> Hello:
        """Resets the pump. Refused while infusing.

        Waits until it answers again; raises NoAnswer when it does not within `timeout_s`.
        """
        with suppress(PortVanished):  # the port may go before the reply has come
            self.command(RESET)
        return self.reconnect(timeout_s, after_reset=True)

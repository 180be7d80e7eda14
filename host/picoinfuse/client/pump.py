"""The client: one method for each of the pump's, typed results; events and the connection are in `session`.

    with Pump("/dev/ttyACM0") as pump:
        pump.start(rate_ul_h=5000)
        print(pump.status())

A command carries the boot number of the last `hello`. When the pump has been reset since, it refuses
(`other_boot`) until `reconnect()` has said hello again: nobody's command from before a reset is carried out
after it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from picoinfuse.client.messages import (
    Alarms,
    AlarmTest,
    Battery,
    Calibration,
    Cleared,
    Hello,
    LastTherapy,
    LibraryTold,
    LogPage,
    OcclusionLevel,
    OrderTold,
    Proposal,
    Requested,
    Reservoir,
    SelfTest,
    SelfTestReport,
    Status,
    Tasks,
    Therapy,
    parse,
)
from picoinfuse.client.session import Session
from picoinfuse.common.errors import BadAnswer, PortVanished, PumpError
from picoinfuse.dosing.dose import Order


class Pump(Session):
    """`port` is what pyserial opens, or an open Port. Rates are in µL/h, volumes in nL."""

    # Queries

    def hello(self) -> Hello:
        return self._hello(self.timeout_s)

    def status(self) -> Status:
        return parse(Status, self.request("status"))

    def alarms(self) -> Alarms:
        return parse(Alarms, self._pages("alarms", "active"))

    def tasks(self) -> Tasks:
        return parse(Tasks, self._pages("tasks", "tasks"))

    def order(self) -> OrderTold | None:
        told = self.request("order").get("order")
        return None if told is None else parse(OrderTold, told)

    def reservoir(self) -> Reservoir:
        return parse(Reservoir, self.request("reservoir"))

    def library(self) -> LibraryTold:
        return parse(LibraryTold, self.request("library"))

    def library_drug(self, name: str) -> list[Any]:
        """The row of a drug, as picoinfuse.library.on_pump reads it."""
        row = self.request("library", drug=name).get("drug")
        if not isinstance(row, list):
            raise BadAnswer("the pump's reply lacks the drug")
        return row

    def calibration(self) -> Calibration:
        return parse(Calibration, self.request("calibration"))

    def last_therapy(self) -> LastTherapy:
        """The one that runs, or ran last; a reset or a power cut does not make it forgotten."""
        return parse(LastTherapy, self.request("last_therapy"))

    def log(self, ring: str, position: int) -> LogPage:
        return parse(LogPage, self.request("log", ring=ring, position=position))

    def test_report(self) -> SelfTestReport:
        return parse(SelfTestReport, self.request("test_report"))

    def battery(self) -> Battery:
        """Refused (`wrong_state`) where the profile has none."""
        return parse(Battery, self.request("battery"))

    def therapy(self) -> Therapy | None:
        """What of the regimen is under way and what is left; None when there is none."""
        told = self.request("therapy").get("therapy")
        return None if told is None else parse(Therapy, told)

    # Commands

    def telemetry(self, hz: float) -> int:
        """Reports `hz` times a second, 0 for none. Returns the period in ms."""
        return self._int("period_ms", self.command("telemetry", period_ms=round(1000 / hz) if hz else 0))

    # Two steps: what changes the flow into a patient is proposed, then confirmed. These do both.

    def start(
        self,
        rate_ul_h: int,
        vtbi_nl: int | None = None,
        order: Order | None = None,
        override_soft_limits: Sequence[int] = (),
    ) -> str:
        """Returns the state, as pause, resume, stop and service do. `override_soft_limits` as in `confirm`."""
        return self._state(self.confirm(self.propose_start(rate_ul_h, vtbi_nl, order), override_soft_limits))

    def start_regimen(
        self, regimen: dict[str, Any], order: Order | None = None, override_soft_limits: Sequence[int] = ()
    ) -> str:
        """A compiled one: `picoinfuse.regimen`."""
        return self._state(self.confirm(self.propose_regimen(regimen, order), override_soft_limits))

    def bolus(self, volume_nl: int, rate_ul_h: int) -> dict[str, Any]:
        """A clinician's, on top of what flows."""
        return self.confirm(self.propose("bolus", volume_nl=volume_nl, rate_ul_h=rate_ul_h))

    def set_rate(self, rate_ul_h: int, dose_milli: int | None = None, override_soft_limits: Sequence[int] = ()) -> int:
        """`dose_milli`: what the rate is to be, for the pump to check, when the infusion has a drug."""
        return self._int("rate_ul_h", self.confirm(self.propose_rate(rate_ul_h, dose_milli), override_soft_limits))

    def resume(self) -> str:
        return self._state(self.confirm(self.propose("resume")))

    def refill(self, volume_nl: int, drug: str | None = None) -> int:
        """So much is in the reservoir now, of this drug if it is said. Returns the volume."""
        return self._int("reservoir_nl", self.confirm(self.propose_refill(volume_nl, drug)))

    def occlusion_level(self, level: str) -> OcclusionLevel:
        return parse(OcclusionLevel, self.confirm(self.propose("occlusion_level", level=level)))

    # For a person in between, who is shown what will change

    def propose(self, method: str, **params: Any) -> Proposal:
        """Asks for a change by name. Nothing changes until `confirm`."""
        return parse(Proposal, self.command(method, **params))

    def propose_start(self, rate_ul_h: int, vtbi_nl: int | None = None, order: Order | None = None) -> Proposal:
        more: dict[str, Any] = {} if vtbi_nl is None else {"vtbi_nl": vtbi_nl}
        if order is not None:
            more["order"] = order.params()
        return self.propose("start", rate_ul_h=rate_ul_h, **more)

    def propose_regimen(self, regimen: dict[str, Any], order: Order | None = None) -> Proposal:
        more = {} if order is None else {"order": order.params()}
        return self.propose("start", regimen=regimen, **more)

    def propose_refill(self, volume_nl: int, drug: str | None = None) -> Proposal:
        more = {} if drug is None else {"drug": drug}
        return self.propose("refill", volume_nl=volume_nl, **more)

    def propose_rate(self, rate_ul_h: int, dose_milli: int | None = None) -> Proposal:
        more = {} if dose_milli is None else {"dose": dose_milli}
        return self.propose("set_rate", rate_ul_h=rate_ul_h, **more)

    def confirm(self, proposal: Proposal, override_soft_limits: Sequence[int] = ()) -> dict[str, Any]:
        """Makes the proposed change; returns the result of the method that proposed it.

        `override_soft_limits` names each value that passes a soft limit, in the order of the proposal. Raises PumpError
        `soft_limit`, with the limit that was not named.
        """
        for value in override_soft_limits[:-1]:  # the pump asks for the next one by refusing
            with _refused("soft_limit"):
                self.command("confirm", token=proposal.token, override_soft_limits=value)
        named = {"override_soft_limits": override_soft_limits[-1]} if override_soft_limits else {}
        return self.command("confirm", token=proposal.token, **named)

    # Commands that are done at once

    def request_bolus(self) -> Requested:
        """As the patient's button does."""
        return parse(Requested, self.command("request_bolus"))

    def set_clock(self, unix_ms: int) -> int:
        """Returns by how many seconds the pump's time of day changed, 0 when it knew none."""
        return self._int("changed_s", self.command("set_clock", unix_ms=unix_ms))

    def pause(self) -> str:
        return self._state(self.command("pause"))

    def library_line(self, at: int, line: bytes) -> int:
        """Sends a line of a new drug library; returns how many the pump has."""
        return self._int("lines", self.command("library_line", at=at, line=line.decode("ascii")))

    def stop(self) -> str:
        return self._state(self.command("stop"))

    def acknowledge(self) -> int:
        """Returns how many alarms are marked as seen. They will not escalate; their sound goes on."""
        return self._int("acknowledged", self.command("acknowledge"))

    def silence(self) -> int:
        """Returns how long the audio pause lasts, in ms."""
        return self._int("silenced_ms", self.command("silence"))

    def clear_alarms(self) -> Cleared:
        return parse(Cleared, self.command("clear_alarms"))

    def alarm_test(self, priority: str) -> AlarmTest:
        return parse(AlarmTest, self.command("alarm_test", priority=priority))

    def calibrate(self, num: int, den: int, date: str, operator: str, timeout_s: float = 10.0) -> str:
        """Puts the factor num/den in force. The pump resets; returns the factor when it answers again."""
        told = self._recalibrated(timeout_s, "calibrate", num=num, den=den, date=date, operator=operator)
        if told != f"{num}/{den}":
            raise BadAnswer(f"the pump has the factor {told} in force, not {num}/{den}; try again")
        return told

    def uncalibrate(self, timeout_s: float = 10.0) -> str:
        """Goes back to the factor before. The pump resets; returns the factor when it answers again."""
        return self._recalibrated(timeout_s, "uncalibrate")

    def self_test(self) -> SelfTest:
        """Begins it; it is over when the state is no longer `self_test`."""
        return parse(SelfTest, self.command("self_test"))

    def service(self) -> str:
        """Then the pump resets into the REPL."""
        return self._state(self.command("service"))

    def reset(self, timeout_s: float = 10.0) -> Hello:
        """Resets the pump and waits until it answers again."""
        with suppress(PortVanished):  # the port may go before the reply has come
            self.command("reset")
        return self.reconnect(timeout_s, after_reset=True)

    def _recalibrated(self, timeout_s: float, method: str, **params: Any) -> str:
        with suppress(PortVanished):  # the port may go before the reply has come
            self.command(method, **params)
        factor = self.reconnect(timeout_s, after_reset=True).calibration
        if factor is None:
            raise BadAnswer("the pump knows no calibration after it was calibrated; `picoinfuse status` says why")
        return factor

    def _pages(self, method: str, key: str) -> dict[str, Any]:
        """The reply to a query whose list `key` comes in pieces: `count` says how long it is."""
        page = whole = self.request(method)
        rows = page.get(key)
        while isinstance(rows, list) and isinstance(count := whole.get("count"), int) and len(rows) < min(count, 256):
            page = self.request(method, first=len(rows))
            piece = page.get(key)
            if not isinstance(piece, list) or not piece:
                raise BadAnswer(f"the pump's {method} end after {len(rows)} of {count}")
            rows = [*rows, *piece]
        return {**whole, key: rows}

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        """A query by name."""
        return self.link.request(method, params, None, self.timeout_s)

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """A command by name: a request that carries the boot number."""
        return self.link.request(method, params, self.boot, self.timeout_s)

    @staticmethod
    def _state(result: dict[str, Any]) -> str:
        if not isinstance(result.get("state"), str):
            raise BadAnswer("the pump's reply lacks the state")
        return result["state"]

    @staticmethod
    def _int(name: str, result: dict[str, Any]) -> int:
        if not isinstance(result.get(name), int):
            raise BadAnswer(f"the pump's reply lacks {name}")
        return result[name]


@contextmanager
def _refused(code: str) -> Iterator[None]:
    try:
        yield
    except PumpError as error:
        if error.code != code:
            raise

"""The calibration factor: what is in force, a new one, and back to the one before."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from picoinfuse.client.caller import Caller
from picoinfuse.client.method import Command, Query
from picoinfuse.client.wire import Date, FreeText, Range, Ratio, Text
from picoinfuse.common.errors import CalibrationNotInForce, PortVanished


@dataclass(frozen=True)
class CalibrationEntry:
    """A factor that was put in force."""

    num: Annotated[int, Range(1, 1100)]
    """Numerator of the factor."""
    den: Annotated[int, Range(1, 1000)]
    """Denominator of the factor."""
    date: Date
    """When it was measured."""
    operator: Annotated[str, Text(32)]
    """Who measured it."""


@dataclass(frozen=True)
class Calibration:
    """The calibration factor and the ones before it."""

    factor: Ratio | None
    """The factor in force; null when it is not known."""
    step_pl: Ratio | None
    """Calibrated volume of a motor step, in pL."""
    entries: tuple[CalibrationEntry, ...]
    """The factor in force and those before it, newest first."""
    fault: FreeText | None
    """Why there is no factor; null when there is one."""


@dataclass(frozen=True)
class Factor:
    """The factor that the next boot puts in force."""

    factor: Ratio
    """The factor."""


CALIBRATION = Query("calibration", Calibration)
CALIBRATE = Command(
    "calibrate",
    Factor,
    {
        "num": "Numerator of the factor, 1 to 1100; the factor must be within ±10 % of 1",
        "den": "Denominator of the factor, 1 to 1000",
        "date": 'When it was measured, as `"2026-11-22"`',
        "operator": "Who measured it, 1 to 32 bytes",
    },
)
UNCALIBRATE = Command("uncalibrate", Factor)


class CalibrationMethods(Caller):
    """Calibration."""

    def calibration(self) -> Calibration:
        """Reports the calibration factor and the ones before it."""
        return self.query(CALIBRATION)

    def calibrate(self, num: int, den: int, date: str, operator: str, timeout_s: float = 10.0) -> str:
        """Stores a new calibration factor; then the pump resets, and the next boot uses it. Refused unless the pump is
        idle and the motor at rest. Also ends a `calibration_fault`.

        Waits for the reset; returns the factor in force, such as `1031/1000`.
        """
        factor = self._recalibrated(timeout_s, CALIBRATE, num=num, den=den, date=date, operator=operator)
        if factor != f"{num}/{den}":
            raise CalibrationNotInForce(f"the pump uses the factor {factor}, not {num}/{den}; calibrate again")
        return factor

    def uncalibrate(self, timeout_s: float = 10.0) -> str:
        """Returns to the calibration factor before, as far as it is kept (4); then the pump resets. Refused like
        `calibrate`, and when there is none before.

        Waits for the reset; returns the factor in force.
        """
        return self._recalibrated(timeout_s, UNCALIBRATE)

    def _recalibrated(self, timeout_s: float, method: Command[Factor], **params: int | str) -> str:
        with suppress(PortVanished):  # the port may go before the reply has come
            self.command(method, **params)
        factor = self.reconnect(timeout_s, after_reset=True).calibration
        if factor is None:
            raise CalibrationNotInForce("the pump has no calibration after its reset; `picoinfuse status` says why")
        return factor

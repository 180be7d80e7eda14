"""The schema of a regimen: each kind with its tables, and what it becomes for the pump.

To add a kind: a class here with `kind` and `body`, in KINDS too, and its tables in common/file_kinds.py. The pump's
part is KINDS in firmware/pump/core/therapy/regimen.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from picoinfuse.common.errors import BadQuantity
from picoinfuse.common.schema import Finding, Table, refused
from picoinfuse.common.toml import KeyPath
from picoinfuse.regimen.quantities import duration_text
from picoinfuse.regimen.tables import DrugTable, VolumeAtRate, check_two_of_three, rate_and_volume
from picoinfuse.regimen.types import RATE_TEXT, Duration, Rate, Segment, Volume, rate_ul_h

MAX_DOSES = 10_000


@dataclass(frozen=True)
class Body:
    """What a kind gives the pump: segments, each with the table it came from; repeats; the patient's bolus."""

    segments: list[tuple[KeyPath, Segment]]
    repeat: int | None = None
    bolus: dict[str, int] | None = None  # as docs/protocol.md has it


class Regimen(Table):
    """What every kind of regimen has."""

    name: str | None = Field(None, description="For people; the file's name where it is missing.")
    kvo: bool = Field(False, description="true: keep the vein open at the end, at the profile's `kvo_ul_h`.")
    harmful_stop: bool = Field(False, description="true: an interruption would harm.")
    start: datetime | None = Field(None, description="When it is to begin. Refused when it would have ended already.")
    vtbi: Volume | None = Field(None, description="Bounds all that is given, boluses included.")
    drug: DrugTable = Field(default_factory=lambda: DrugTable.model_validate({}), description="The drug.")
    loading: VolumeAtRate | None = Field(None, description="A loading dose, before all.")
    square: VolumeAtRate | None = Field(
        None, description="A clinician's bolus, given while it runs by `picoinfuse bolus --regimen FILE`."
    )

    def body(self, kvo_ul_h: int) -> Body:
        """The kind's own part; `kvo_ul_h` is the profile's rate."""
        raise NotImplementedError


# ---- continuous ----


def check_continuous(rate: int | None, volume: int | None, duration: int | None) -> Iterator[Finding]:
    """A rate alone, a rate for a time, or any two of the three."""
    if rate is None or volume is not None:
        yield from check_two_of_three(rate, volume, duration)


class ContinuousTable(VolumeAtRate):
    """Any two of rate, volume and duration; or a rate alone, which goes on until it is stopped."""

    checks = (check_continuous,)

    def segment(self) -> Segment:
        """A rate, for as long as the table says."""
        rate = self.rate or 0
        if self.volume is None:
            return [rate, rate, self.duration or 0, 0]
        return super().segment()


class Continuous(Regimen):
    """One rate."""

    place = " in a regimen of kind continuous"

    kind: Literal["continuous"] = Field(description="One rate.")
    continuous: ContinuousTable = Field(description="The rate.")

    def body(self, kvo_ul_h: int) -> Body:
        """One segment."""
        return Body([(("continuous",), self.continuous.segment())])


# ---- intermittent ----


def _dose_s(rate_ul_h: int, volume_nl: int) -> int:
    return -(-volume_nl * 18 // (rate_ul_h * 5)) if rate_ul_h else 0


def check_period(rate: int | None, volume: int | None, duration: int | None, period: int) -> Iterator[Finding]:
    """A dose is over before the next."""
    try:
        found = rate_and_volume(rate, volume, duration)
    except BadQuantity:
        return
    if found and period <= (dose_s := _dose_s(*found)):
        text = f"period: a dose takes {duration_text(dose_s)}, the period is {duration_text(period)}: make it longer"
        yield Finding("contradiction", ("period",), text)


def _rate_or_kvo(value: Any, info: ValidationInfo) -> int | None:
    return None if value == "kvo" else rate_ul_h(value, info)


class DoseTable(VolumeAtRate):
    """The dose of each period. Any two of rate, volume and duration."""

    period: Duration = Field(description="From the beginning of a dose to that of the next.")
    doses: int = Field(ge=1, le=MAX_DOSES, description="How many.")

    checks = (*VolumeAtRate.checks, check_period)


class BetweenTable(Table):
    """What flows between doses."""

    rate: Annotated[
        int | None,
        BeforeValidator(_rate_or_kvo),
        WithJsonSchema({"anyOf": [{"type": "string", "const": "kvo"}, RATE_TEXT]}),
    ] = Field(None, description='`"kvo"` for the profile\'s KVO rate, which is the default, or a rate.')


class Intermittent(Regimen):
    """A dose each period."""

    place = " in a regimen of kind intermittent"

    kind: Literal["intermittent"] = Field(description="A dose each period.")
    dose: DoseTable = Field(description="The dose.")
    between: BetweenTable = Field(
        default_factory=lambda: BetweenTable.model_validate({}), description="What flows between doses."
    )

    def body(self, kvo_ul_h: int) -> Body:
        """A dose and the rate between doses, repeated."""
        dose_ul_h, volume_nl = self.dose.rate_and_volume()
        between_ul_h = min(kvo_ul_h, dose_ul_h) if self.between.rate is None else self.between.rate
        between_s = self.dose.period - _dose_s(dose_ul_h, volume_nl)
        segments: list[tuple[KeyPath, Segment]] = [
            (("dose",), self.dose.segment()),
            (("between",), [between_ul_h, between_ul_h, between_s, 0]),
        ]
        return Body(segments, repeat=self.dose.doses)


# ---- pca ----


class BasalTable(Table):
    """What flows all the time."""

    rate: Rate = Field(description='The basal rate; `"0"` for none.')


def check_four_hours(max_1h: int, max_4h: int) -> Iterator[Finding]:
    """Four hours allow no less than one."""
    if max_4h < max_1h:
        yield Finding("contradiction", ("max_4h",), "max_4h is below max_1h: four hours must allow what one allows")


class BolusTable(Table):
    """The bolus that the patient may ask for."""

    volume: Volume = Field(description="Of one bolus.")
    rate: Rate = Field(description="How fast, on top of the basal rate.")
    lockout: Duration = Field(description="From one bolus to the next, 1 min to 24 h.")
    max_1h: Volume = Field(description="The most in any hour, basal rate included.")
    max_4h: Volume = Field(description="The most in any four hours, basal rate included.")

    checks = (check_four_hours,)


def check_one_hour(basal: BasalTable, bolus: BolusTable) -> Iterator[Finding]:
    """An hour has room for the basal rate and one bolus."""
    if bolus.max_1h < bolus.volume + basal.rate * 1000:
        text = "max_1h is less than an hour of basal rate and one bolus: no bolus could be given"
        yield Finding("contradiction", ("bolus", "max_1h"), text)


class Pca(Regimen):
    """A basal rate, and boluses that the patient asks for."""

    place = " in a regimen of kind pca"

    kind: Literal["pca"] = Field(description="A basal rate, and boluses that the patient asks for.")
    basal: BasalTable = Field(description="The basal rate.")
    bolus: BolusTable = Field(description="The patient's bolus.")

    checks = (check_one_hour,)

    def body(self, kvo_ul_h: int) -> Body:
        """The basal rate without end, and the bolus."""
        bolus = {
            "volume_nl": self.bolus.volume,
            "rate_ul_h": self.bolus.rate,
            "lockout_s": self.bolus.lockout,
            "max_1h_nl": self.bolus.max_1h,
            "max_4h_nl": self.bolus.max_4h,
        }
        return Body([(("basal",), [self.basal.rate, self.basal.rate, 0, 0])], bolus=bolus)


# ---- steps ----


def check_step(
    rate: int | None, from_: int | None, to: int | None, volume: int | None, duration: int | None
) -> Iterator[Finding]:
    """A ramp has from, to and duration; another step a rate, with a duration or a volume or neither."""
    if from_ is None and to is None:
        yield from check_continuous(rate, volume, duration)
        return
    for name, value in {"from": from_, "to": to, "duration": duration}.items():
        if value is None:
            yield Finding("missing_key", (name,), f"{name} is missing{{where}}: a ramp has from, to and duration")
    for name, value in {"rate": rate, "volume": volume}.items():
        if value is not None:
            yield Finding("contradiction", (name,), f"{name} does not go with from and to: leave it out")


class Step(VolumeAtRate):
    """A rate with a duration or a volume; or a ramp: from, to and duration. The last may go on until it is stopped."""

    from_: Rate | None = Field(None, alias="from", description="The rate at the beginning of a ramp.")
    to: Rate | None = Field(None, description="The rate at its end.")

    checks = (check_step,)

    def segment(self) -> Segment:
        """A ramp, a volume or a time at a rate."""
        if self.from_ is not None and self.to is not None:
            return [self.from_, self.to, self.duration or 0, 0]
        if self.volume is not None:
            return super().segment()
        return [self.rate or 0, self.rate or 0, self.duration or 0, 0]


def _step_number(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        raise refused("unknown_key", "steps are tables [step.1], [step.2] and so on")
    return text


StepNumber = Annotated[str, AfterValidator(_step_number), WithJsonSchema({"type": "string", "pattern": "^[0-9]+$"})]


class Steps(Regimen):
    """Multi-step, ramp and taper."""

    place = " in a regimen of kind steps"

    kind: Literal["steps"] = Field(description="Multi-step, ramp and taper.")
    step: dict[StepNumber, Step] = Field(
        min_length=1, description="Tables `[step.1]`, `[step.2]` and so on, 12 at most."
    )

    def body(self, kvo_ul_h: int) -> Body:
        """A segment for each step, in the order of their numbers."""
        return Body([(("step", number), self.step[number].segment()) for number in sorted(self.step, key=int)])


KINDS: dict[str, type[Regimen]] = {
    "continuous": Continuous,
    "intermittent": Intermittent,
    "pca": Pca,
    "steps": Steps,
}
RegimenFile = Annotated[Continuous | Intermittent | Pca | Steps, Field(discriminator="kind")]

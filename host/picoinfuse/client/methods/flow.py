"""What flows into the patient: starting, changing and ending a therapy, and what is known of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from picoinfuse.client.caller import Caller, Proposal
from picoinfuse.client.method import Command, Query, TwoStep
from picoinfuse.client.wire import (
    Count,
    DrugName,
    Length,
    Range,
    RateUlH,
    SignedVolumeNl,
    StateReply,
    TotalNl,
    TotalS,
    VolumeNl,
)
from picoinfuse.dosing.dose import Order

RegimenKind = Literal["continuous", "intermittent", "pca", "steps"]
Outcome = Literal[
    "none", "infusing", "paused", "stopped", "complete", "alarm_stopped", "interrupted", "unknown"
]  # fmt: skip
BolusRefusal = Literal["not_infusing", "no_bolus", "alarm", "running", "lockout", "limit", "ended"]
Flag = Annotated[int, Range(0, 1)]
SegmentSeconds = Annotated[int, Range(0, 31_622_400)]  # 366 days
LockoutSeconds = Annotated[int, Range(0, 86_400)]


@dataclass(frozen=True)
class PatientBolus:
    """The bolus that a patient may request."""

    volume_nl: VolumeNl
    """Volume of one bolus."""
    rate_ul_h: RateUlH
    """Its rate."""
    lockout_s: LockoutSeconds
    """Time from one bolus to the next."""
    max_1h_nl: VolumeNl
    """Limit of the volume in any hour, basal rate included."""
    max_4h_nl: VolumeNl
    """Limit of the volume in any four hours, basal rate included."""


@dataclass(frozen=True)
class PumpRegimen:
    """A regimen as the pump has it; see [Regimens](#regimens)."""

    kind: RegimenKind
    """What kind of therapy."""
    segments: Annotated[tuple[tuple[RateUlH, RateUlH, SegmentSeconds, VolumeNl], ...], Length(1, 12)]
    """[µL/h at its beginning, µL/h at its end, seconds, nL] of each segment."""
    repeat: Annotated[int, Range(1, 10_000)] | None = None
    """How often the segments from `repeat_from` on are given."""
    repeat_from: Annotated[int, Range(0, 11)] | None = None
    """First segment that is repeated."""
    vtbi_nl: VolumeNl | None = None
    """Limit of all that is given."""
    kvo: Flag | None = None
    """1: the KVO rate flows after the end."""
    harmful_stop: Flag | None = None
    """1: an interruption would harm."""
    bolus: PatientBolus | None = None
    """What a patient may request."""

    def to_dict(self) -> dict[str, Any]:
        """As the parameter `regimen` of `start`: without the members that the pump did not report."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Therapy:
    """A regimen in progress. Times and volumes are null where there is no end."""

    kind: RegimenKind
    """Kind of the regimen."""
    phase: Literal["running", "held", "complete"]
    """`held`: an alarm holds it at KVO."""
    kvo: bool
    """The KVO rate flows."""
    segment: Annotated[int, Range(0, 12)]
    """Segment that runs, from 0."""
    cycle: Annotated[int, Range(0, 10_000)]
    """Repetition that runs, from 0."""
    segment_left_s: TotalS | None
    """Time left of the segment; of a ramp, of the current stair."""
    left_s: TotalS | None
    """Time left of all."""
    left_nl: TotalNl | None
    """Volume left of all."""
    bolus: Literal["patient", "clinician"] | None
    """Whose bolus flows."""
    bolus_left_nl: VolumeNl
    """Volume left of boluses that flow or wait."""
    lockout_s: LockoutSeconds | None
    """Time left of the lockout; null when the patient may not request a bolus."""
    requests: Count
    """How often the patient has requested a bolus."""
    given: Count
    """How many of them were given."""
    harmful_stop: Flag
    """1: an interruption would harm."""


@dataclass(frozen=True)
class TherapyReply:
    """The therapy in progress."""

    therapy: Therapy | None
    """Null when there is none."""


@dataclass(frozen=True)
class LastTherapy:
    """The therapy that runs or ran last, whatever ended the firmware since. Null: not known, or there was none. See
    [storage.md](storage.md#volume-delivered).
    """

    outcome: Outcome
    """How it stands, or how it ended; `interrupted`: by a reset or a power cut; `unknown`: its record is damaged."""
    number: Count
    """Counts therapies."""
    seen: bool
    """A person ended it, or cleared the alarm that reported its end."""
    rate_ul_h: RateUlH | None
    """Basal rate, as set last."""
    vtbi_nl: VolumeNl | None
    """Volume to be infused."""
    drug: DrugName | None
    """Drug."""
    regimen: PumpRegimen | None
    """Regimen."""
    delivered_nl: SignedVolumeNl | None
    """Volume delivered, at least."""
    unsure_nl: VolumeNl | None
    """By how much more may have been delivered."""


@dataclass(frozen=True)
class Bolus:
    """A clinician's bolus."""

    volume_nl: VolumeNl
    """Its volume."""
    rate_ul_h: RateUlH
    """Its rate, on top of what flows."""


@dataclass(frozen=True)
class BolusRequest:
    """The answer to a patient's request."""

    given: bool
    """The bolus begins."""
    why: BolusRefusal | None
    """Why it is not given; null when it is."""


@dataclass(frozen=True)
class Rate:
    """The rate in force."""

    rate_ul_h: RateUlH
    """Basal rate."""


THERAPY = Query("therapy", TherapyReply)
LAST_THERAPY = Query("last_therapy", LastTherapy)
START = TwoStep(
    "start",
    StateReply,
    {
        "rate_ul_h": "Rate of a continuous infusion; or `regimen`",
        "vtbi_nl": "Volume to be infused, with `rate_ul_h`",
        "regimen": "See [Regimens](#regimens); or `rate_ul_h`",
        "order": "Drug, concentration and dose; see [library.md](library.md)",
    },
)
BOLUS = TwoStep("bolus", Bolus, {"volume_nl": "Volume", "rate_ul_h": "Rate of the bolus alone"})
REQUEST_BOLUS = Command("request_bolus", BolusRequest)
SET_RATE = TwoStep(
    "set_rate",
    Rate,
    {"rate_ul_h": "New basal rate", "dose": "Dose that the rate should give, where the infusion has a drug"},
)
PAUSE = Command("pause", StateReply)
RESUME = TwoStep("resume", StateReply)
STOP = Command("stop", StateReply)


class FlowMethods(Caller):
    """Therapies. Rates are in µL/h, volumes in nL. A change of the flow is proposed and confirmed: `start` does both,
    `propose_start` only the first, so that a person can decide in between.
    """

    def therapy(self) -> Therapy | None:
        """Reports the therapy in progress and what is left of it."""
        return self.query(THERAPY).therapy

    def last_therapy(self) -> LastTherapy:
        """Reports the therapy that runs or ran last; it outlives a reset or a power cut."""
        return self.query(LAST_THERAPY)

    def start(
        self,
        rate_ul_h: int,
        vtbi_nl: int | None = None,
        order: Order | None = None,
        override_soft_limits: Sequence[int] = (),
    ) -> str:
        """Starts a continuous infusion or a regimen.

        Returns the state, as pause, resume and stop do. `override_soft_limits` as in `confirm`.
        """
        return self.confirm(self.propose_start(rate_ul_h, vtbi_nl, order), override_soft_limits).state

    def propose_start(
        self, rate_ul_h: int, vtbi_nl: int | None = None, order: Order | None = None
    ) -> Proposal[StateReply]:
        """The first step of `start`."""
        more: dict[str, Any] = {} if vtbi_nl is None else {"vtbi_nl": vtbi_nl}
        if order is not None:
            more["order"] = order.params()
        return self.propose(START, rate_ul_h=rate_ul_h, **more)

    def start_regimen(
        self, regimen: dict[str, Any], order: Order | None = None, override_soft_limits: Sequence[int] = ()
    ) -> str:
        """Starts a compiled regimen (`picoinfuse.regimen`). Returns the state."""
        return self.confirm(self.propose_regimen(regimen, order), override_soft_limits).state

    def propose_regimen(self, regimen: dict[str, Any], order: Order | None = None) -> Proposal[StateReply]:
        """The first step of `start_regimen`."""
        more = {} if order is None else {"order": order.params()}
        return self.propose(START, regimen=regimen, **more)

    def bolus(self, volume_nl: int, rate_ul_h: int) -> Bolus:
        """Gives a clinician's bolus, on top of what flows."""
        return self.confirm(self.propose_bolus(volume_nl, rate_ul_h))

    def propose_bolus(self, volume_nl: int, rate_ul_h: int) -> Proposal[Bolus]:
        """The first step of `bolus`."""
        return self.propose(BOLUS, volume_nl=volume_nl, rate_ul_h=rate_ul_h)

    def request_bolus(self) -> BolusRequest:
        """Requests a bolus as the patient's button does. A bolus that is not given is no error: see `why`."""
        return self.command(REQUEST_BOLUS)

    def set_rate(self, rate_ul_h: int, dose_milli: int | None = None, override_soft_limits: Sequence[int] = ()) -> int:
        """Changes the basal rate of the therapy.

        `dose_milli`: the dose that the rate should give, in thousandths of its unit; the pump checks it when the
        infusion has a drug. Returns the rate.
        """
        return self.confirm(self.propose_rate(rate_ul_h, dose_milli), override_soft_limits).rate_ul_h

    def propose_rate(self, rate_ul_h: int, dose_milli: int | None = None) -> Proposal[Rate]:
        """The first step of `set_rate`."""
        more = {} if dose_milli is None else {"dose": dose_milli}
        return self.propose(SET_RATE, rate_ul_h=rate_ul_h, **more)

    def pause(self) -> str:
        """Stops the motor and keeps the therapy. Returns the state."""
        return self.command(PAUSE).state

    def resume(self) -> str:
        """Continues after a pause. Returns the state."""
        return self.confirm(self.propose_resume()).state

    def propose_resume(self) -> Proposal[StateReply]:
        """The first step of `resume`."""
        return self.propose(RESUME)

    def stop(self) -> str:
        """Ends the therapy. Accepted in every state. Returns the state."""
        return self.command(STOP).state

"""What the pump tells, typed: results of requests and notifications, field for field as in docs/protocol.md.

`parse` refuses a message that lacks a field or has one of another type, so that nothing wrong is shown as a
measurement. Fields that are not known here are ignored: a newer pump may tell more.
"""

from dataclasses import dataclass, fields
from types import GenericAlias
from typing import Any, TypeVar, get_type_hints

from picoinfuse.common.errors import BadAnswer


@dataclass(frozen=True)
class Hello:
    name: str
    version: str
    commit: str
    micropython: str
    machine: str
    profile: str | None  # None: the pump has no valid one
    unique_id: str
    calibration: str | None  # the factor, as "1031/1000"; None: the pump knows none
    library: str | None  # name, version and CRC of the drug library
    boot: int
    protocol: int


@dataclass(frozen=True)
class Status:
    state: str
    rate_ul_h: int
    target_ul_h: int
    delivered_nl: int
    vtbi_nl: int | None
    kvo: bool  # only what keeps the vein open, or nothing more: the regimen is over, or an alarm holds it
    pressure_pa: int | None
    occlusion_level: str | None
    limit_pa: int | None
    alarms: tuple[str, ...]
    silenced_ms: int
    calibration: str | None
    library: str | None
    drug: str | None  # of the infusion
    reservoir_nl: int | None  # None: nobody has said what is in it
    empty_s: int | None  # None: unknown, or the therapy ends before
    steps_commanded: int
    steps_counted: int
    recovery: str | None  # after an occlusion: "relieving" or "checking"
    overruns: int
    heap_free: int
    uptime_ms: int
    telemetry_dropped: int


@dataclass(frozen=True)
class Therapy:
    """A regimen under way. None where there is no end."""

    kind: str
    phase: str  # running, held (at KVO, by an alarm) or complete
    kvo: bool  # what keeps the vein open flows
    segment: int
    cycle: int
    segment_left_s: int | None
    left_s: int | None
    left_nl: int | None
    bolus: str | None  # patient or clinician
    bolus_left_nl: int
    lockout_s: int | None
    requests: int
    given: int
    harmful_stop: int


@dataclass(frozen=True)
class Requested:
    """`why` a patient's bolus is not given: not_infusing, no_bolus, alarm, running, lockout, limit or ended."""

    given: bool
    why: str | None


@dataclass(frozen=True)
class Alarm:
    name: str
    priority: str
    latched: bool
    acknowledged: bool
    escalated: bool  # HIGH because nobody came


@dataclass(frozen=True)
class Alarms:
    active: tuple[Alarm, ...]  # highest first
    silenced_ms: int


@dataclass(frozen=True)
class Task:
    name: str
    runs: int
    overruns: int
    late_ms: int


@dataclass(frozen=True)
class Tasks:
    loops: int
    overruns: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class CalibrationEntry:
    """A factor num/den that was put in force, when and by whom."""

    num: int
    den: int
    date: str
    operator: str


@dataclass(frozen=True)
class Calibration:
    """The factor in force and those before it, newest first. `fault`: why there is none."""

    factor: str | None
    step_pl: str | None  # the calibrated volume of a step, a ratio too
    entries: tuple[CalibrationEntry, ...]
    fault: str | None


@dataclass(frozen=True)
class Battery:
    state: str  # ok, low, depleted or unknown
    millivolts: int | None  # as last measured, averaged over 10 s; None: it cannot be read
    rest_mv: int | None  # as last measured without the motor's current, and
    loaded_mv: int | None  # with it
    percent: int | None
    minutes_left: int | None  # of infusion
    capacity_mah: int  # as learned


@dataclass(frozen=True)
class Cleared:
    state: str
    alarms: tuple[str, ...]  # still active


@dataclass(frozen=True)
class AlarmTest:
    priority: str
    duration_ms: int


@dataclass(frozen=True)
class OcclusionLevel:
    level: str
    limit_pa: int


@dataclass(frozen=True)
class SelfTest:
    state: str
    failed: str | None  # of the test before; this one goes on until the state changes


@dataclass(frozen=True)
class SoftLimit:
    """A limit of the drug library that a proposal passes: dose, bolus or hour. In thousandths of the drug's unit."""

    limit: str
    value: int
    bound: int


@dataclass(frozen=True)
class OrderTold:
    """What the infusion is of: the drug's units, thousandths of them, and the dose that flows now."""

    drug: str
    unit: str
    amount: str
    concentration: int
    weight_g: int | None
    dose: int


@dataclass(frozen=True)
class Reservoir:
    """What is left, None when nobody knows; seconds until the pump stops for it; the drug that is said to be in it."""

    left_nl: int | None
    empty_s: int | None
    drug: str | None
    capacity_nl: int


@dataclass(frozen=True)
class LibraryTold:
    """Name, version and CRC of the drug library that is in force; `fault`: why there is none."""

    library: str | None
    fault: str | None


@dataclass(frozen=True)
class Proposal:
    """What would change, [now, then] by name, and the token that confirms it."""

    token: int
    changes: dict[str, list[Any]]
    soft_limits: tuple[SoftLimit, ...]  # each wants a confirmation that names its value, in this order
    expires_ms: int


@dataclass(frozen=True)
class LastTherapy:
    """The therapy that runs, or ran last, whatever ended the firmware since. None: not known, or there was none."""

    outcome: str  # none, infusing, paused, stopped, complete, alarm_stopped, interrupted or unknown
    number: int
    seen: bool  # a person ended it, or has cleared the alarm that told of its end
    rate_ul_h: int | None  # the basal rate, as set last
    vtbi_nl: int | None
    drug: str | None
    regimen: dict[str, Any] | None
    delivered_nl: int | None
    unsure_nl: int | None  # so much more may have been given


@dataclass(frozen=True)
class LogPage:
    """Slots of one of the journal's rings, in base64; `position` is that of the first, `end` behind the newest."""

    position: int
    end: int
    chain: int | None  # what the first slot continues, where the pump knows it
    entries: str


@dataclass(frozen=True)
class SelfTestPart:
    """`result`: passed, failed, not_run (an earlier one failed, or this boot did not try it) or absent (this bench has
    nothing to tell it by).
    """

    name: str
    result: str


@dataclass(frozen=True)
class SelfTestReport:
    """Of the last self-test."""

    failed: str | None
    parts: tuple[SelfTestPart, ...]
    periodic: int  # how often the repeated parts have passed since boot


@dataclass(frozen=True)
class Telemetry:
    seq: int
    t_ms: int
    state: str
    rate_ul_h: int
    delivered_nl: int
    pressure_pa: int | None
    dropped: int


@dataclass(frozen=True)
class AlarmEvent:
    name: str
    priority: str
    active: bool
    seq: int
    t_ms: int


@dataclass(frozen=True)
class StateEvent:
    state: str
    event: str
    t_ms: int


@dataclass(frozen=True)
class Ready:
    boot: int
    version: str
    reset_cause: str | int


@dataclass(frozen=True)
class Lost:
    """Not from the pump: the port vanished."""

    reason: str


Event = AlarmEvent | StateEvent | Ready | Lost

T = TypeVar("T")


def parse(cls: type[T], message: dict[str, Any]) -> T:
    """An object of the dataclass `cls` out of a JSON object."""
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for field in fields(cls):  # pyright: ignore[reportArgumentType]
        if field.name not in message:
            raise BadAnswer(f"the pump's {cls.__name__} lacks {field.name}")
        values[field.name] = _value(cls, field.name, hints[field.name], message[field.name])
    return cls(**values)


def _value(cls: type[Any], name: str, hint: Any, value: Any) -> Any:
    if hint == dict[str, Any] | None:
        if value is not None and not isinstance(value, dict):
            raise _wrong(cls, name, value)
        return value
    if hint == dict[str, list[Any]]:
        if not isinstance(value, dict) or not all(_is_change(change) for change in value.values()):
            raise _wrong(cls, name, value)
        return value
    if isinstance(hint, GenericAlias):  # tuple[X, ...] comes as a list
        element = hint.__args__[0]
        if not isinstance(value, list):
            raise _wrong(cls, name, value)
        if element in (Alarm, Task, CalibrationEntry, SelfTestPart, SoftLimit):
            return tuple(parse(element, item if isinstance(item, dict) else {}) for item in value)
        return tuple(_value(cls, name, element, item) for item in value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise _wrong(cls, name, value)
    return value


def _is_change(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _wrong(cls: type[Any], name: str, value: Any) -> BadAnswer:
    return BadAnswer(f"the pump's {cls.__name__} has a {name} of the wrong type: {value!r}")

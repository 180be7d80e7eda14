"""The tables of a profile, boards/NAME.toml: each key with its type, its range and what it means.

A value that goes to the pump as it is has its range from the firmware's table (firmware/pump/storage/profile_table.py);
a value that is converted has the same range in the unit that a person writes. To add a key, add it to that table and
here; `compile.py` copies what has the same name in both.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from picoinfuse.common.firmware_tables import pure_module
from picoinfuse.common.schema import Table, refused
from picoinfuse.common.units import PA_PER_MMHG
from picoinfuse.common.words import shown
from picoinfuse.profile import checks

PUMP = pure_module("pump.storage.profile_table")
ML_PER_BAR = 10_000  # 1 mL/bar is 10,000 pL/Pa
NAME = r"[a-z0-9][a-z0-9-]{0,31}"
SIGNALS = ("step", "dir", "enable", "piezo", "lamp_red", "lamp_yellow", "pressure", "strap")


def _of_pump(section: str, key: str, description: str, unit: Decimal | int = 1, low: int = 0, **more: Any) -> Any:
    """A field with the firmware's range of `key`, where one of the person's units is `unit` of the pump's."""
    _, least, most = PUMP.SECTIONS[section][key]
    ge, le = max(low, -(-least // unit)), most // unit
    return Field(ge=int(ge), le=int(le), description=description, **more)


def _check_name(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise refused("out_of_range", f"{shown(name)} is not 1 to 32 of a-z, 0-9 and -, with no - first")
    return name


def _number(value: Any) -> Any:
    """TOML's numbers with a point come as Decimals."""
    return float(value) if isinstance(value, Decimal) else value


Name = Annotated[str, AfterValidator(_check_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME}$"})]
Number = Annotated[float, BeforeValidator(_number)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Pin = Annotated[int, Field(ge=0, le=29)]
StepRate = Annotated[int, Field(ge=1, le=PUMP.MAX_STEP_HZ)]
Part = Annotated[int, Field(ge=1, le=PUMP.SECTIONS["battery"]["divider"][2])]


def _pair(description: str, **more: Any) -> Any:
    return Field(min_length=2, max_length=2, description=description, **more)


class Wiring(Table):
    """GPIO numbers, as soldered. `firmware/pump/wiring.py` must have the same."""

    step: Pin = Field(description="STEP of the motor driver.")
    dir: Pin = Field(description="DIR of the motor driver.")
    enable: Pin = Field(description="ENABLE of the motor driver, active low.")
    piezo: Pin = Field(description="The sounder; GPIO 0-7 or 16-22, whose tone a soft reset stops.")
    lamp_red: Pin = Field(description="The red lamp.")
    lamp_yellow: Pin = Field(description="The yellow lamp.")
    pressure: Pin = Field(description="The pressure sensor, on an ADC pin.")
    strap: Pin = Field(description="Low at reset: stay in the REPL.")
    upstream: Pin | None = Field(None, description="A pressure sensor before the pump, on an ADC pin.")
    air: Pin | None = Field(None, description="The air-in-line sensor.")
    piezo_feedback: Pin | None = Field(None, description="Reads back the sounder's current.")
    lamp_feedback: Pin | None = Field(None, description="Reads back the lamps' current.")
    button_request: Pin | None = Field(None, description="The patient's button, to ground.")
    button_stop: Pin | None = Field(None, description="The stop button, to ground.")
    battery: Pin | None = Field(None, description="The battery's voltage, by a divider, on an ADC pin.")

    def pins(self) -> dict[str, int]:
        """The signals that are wired, by name."""
        return self.model_dump(exclude_none=True)


class Mechanics(Table):
    """What the motor drives. Which other keys there are depends on `kind`."""

    full_steps: int = Field(ge=4, le=2000, description="Full steps of the motor for one turn.")
    microsteps: int = Field(ge=1, le=256, description="Microsteps of the driver for one full step.")
    gear: list[Count] = _pair("Motor turns, screw or rotor turns.")
    min_rate_ul_h: int = _of_pump("mechanics", "min_rate_ul_h", "Lowest rate, µL/h.")
    max_rate_ul_h: int = _of_pump("mechanics", "max_rate_ul_h", "Highest rate, µL/h.")
    start_hz: int = _of_pump("mechanics", "start_hz", "Step rate that needs no ramp, Hz.")
    accel_hz_s: int = _of_pump("mechanics", "accel_hz_s", "Acceleration of the step rate, Hz/s.")
    resonance_hz: list[StepRate] | None = _pair(
        "Lowest and highest step rate at which the motor resonates.", default=None
    )
    reverse: bool = Field(description="true when DIR low pushes.")

    checks = (checks.check_rates, checks.check_resonance)


class Syringe(Mechanics):
    """A syringe on a lead screw."""

    kind: Literal["syringe"] = Field(description="A syringe on a lead screw.")
    diameter_mm: Number = Field(ge=1, le=100, description="Inner diameter of the barrel, mm.")
    lead_mm: Number = Field(ge=0.1, le=50, description="Travel of the nut for one turn of the screw, mm.")


class Peristaltic(Mechanics):
    """A peristaltic head."""

    kind: Literal["peristaltic"] = Field(description="A peristaltic head.")
    ul_per_turn: Number = Field(ge=0.1, le=100_000, description="Volume for one turn of the rotor, µL.")


class Sensor(Table):
    """The pressure sensor downstream."""

    offset_mv: int = _of_pump("sensor", "offset_mv", "Output at no pressure, mV.")
    pa_per_mv: Number = Field(ge=0.1, le=1000, description="Pressure for one mV of output, Pa.")
    open_mv: int = _of_pump("sensor", "open_mv", "From here up the wire is open, mV.")
    short_mv: int = _of_pump("sensor", "short_mv", "Down to here the wire is shorted, mV.")

    checks = (checks.check_sensor,)


class Occlusion(Table):
    """Which pressure is an occlusion, and how the pump reacts to it."""

    low_mmhg: int = _of_pump("occlusion", "low_pa", "Limit of level `low`, mmHg.", PA_PER_MMHG)
    medium_mmhg: int = _of_pump("occlusion", "medium_pa", "Limit of level `medium`, mmHg.", PA_PER_MMHG)
    high_mmhg: int = _of_pump("occlusion", "high_pa", "Limit of level `high`, mmHg; below 20 psi.", PA_PER_MMHG)
    persistence_ms: int = _of_pump("occlusion", "persistence_ms", "A shorter spike is no occlusion, ms.")
    default: Literal["low", "medium", "high"] = Field(description="The level after a reset.")
    compliance_ml_per_bar: Number = Field(
        ge=PUMP.SECTIONS["occlusion"]["compliance_pl_per_pa"][1] / ML_PER_BAR,
        le=PUMP.SECTIONS["occlusion"]["compliance_pl_per_pa"][2] / ML_PER_BAR,
        description="Of syringe and line: the volume that a closed line stores, for early detection, mL/bar.",
    )
    retract_max_ul: int = _of_pump("occlusion", "retract_max_ul", "Most drawn back after an occlusion, µL; 0: nothing.")
    retract_ul_h: int = _of_pump("occlusion", "retract_ul_h", "Rate of drawing back, µL/h.")
    retract_to_mmhg: int = _of_pump(
        "occlusion", "retract_to_pa", "Drawing back ends at this pressure, mmHg.", PA_PER_MMHG
    )
    auto_restarts: int = _of_pump("occlusion", "auto_restarts", "Restarts by itself in any ten minutes.")
    upstream_mmhg: int | None = _of_pump(
        "occlusion", "upstream_pa", "Limit of suction before the pump, mmHg; with `upstream` in [wiring].",
        PA_PER_MMHG, low=1, default=None,
    )  # fmt: skip

    checks = (checks.check_limits, checks.check_retract_to)


class Therapy(Table):
    """What the pump does beside the regimen."""

    kvo_ul_h: int = _of_pump(
        "therapy", "kvo_ul_h", "Rate that keeps the vein open at the end of a regimen, µL/h; 0: none."
    )


class Alarms(Table):
    """How alarms behave."""

    escalate_s: int = _of_pump(
        "alarms", "escalate_ms", "A MEDIUM alarm that is not acknowledged becomes HIGH, s.", 1000
    )


class Battery(Table):
    """The battery; with `battery` in [wiring]."""

    divider: list[Part] = _pair("Battery mV, mV at the pin.")
    full_mv: int = _of_pump("battery", "full_mv", "Voltage when full, at rest, mV.")
    empty_mv: int = _of_pump("battery", "empty_mv", "Voltage when empty, mV.")
    capacity_mah: int = _of_pump("battery", "capacity_mah", "Capacity, mAh.")
    resistance_mohm: int = _of_pump("battery", "resistance_mohm", "Of the cell and its wires, mΩ.")
    idle_ma: int = _of_pump("battery", "idle_ma", "Load with the motor off, sound and lamps on average included, mA.")
    motor_ma: int = _of_pump("battery", "motor_ma", "Load of the motor's current beside it, mA.")

    checks = (checks.check_battery_span, checks.check_divider)


class Reservoir(Table):
    """When the reservoir is low and empty."""

    capacity_ul: int = _of_pump("reservoir", "capacity_ul", "Largest refill, µL.")
    low_ul: int = _of_pump("reservoir", "low_ul", "Volume below which `reservoir_low` alarms, µL.")
    empty_ul: int = _of_pump("reservoir", "empty_ul", "Volume below which the infusion stops, µL.")
    near_empty_min: int = _of_pump("reservoir", "near_empty_min", "Warning before it is empty, min.")
    harmful_near_empty_min: int = _of_pump(
        "reservoir", "harmful_near_empty_min", "The same for a regimen with `harmful_stop`, min."
    )
    must_be_told: bool = Field(description="true: no start before a refill has been entered.")

    checks = (checks.check_reservoir_order, checks.check_warnings)


class Library(Table):
    """The drug library."""

    required: bool = Field(description="true: a pump without its drug library alarms.")


class World(Table):
    """What a board in software plays. The pump does not get it."""

    compliance_ml_per_bar: Number = Field(ge=0.001, le=1000, description="Of syringe and line, mL/bar.")
    resistance_kpa_per_ml_h: Number = Field(ge=0, le=1000, description="Of line and needle, kPa for 1 mL/h.")
    stall_kpa: Number = Field(ge=1, le=10_000, description="Pressure beyond which the motor loses steps, kPa.")
    sensor_noise_mv: Number = Field(ge=0, le=1000, description="Noise of the pressure sensor, standard deviation, mV.")


OPTIONAL_SIGNALS = tuple(name for name, field in Wiring.model_fields.items() if not field.is_required())

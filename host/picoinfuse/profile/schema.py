"""What a profile may hold: each key with its type and its range. One table, read by `profile_read`.

A range is what the hardware or the firmware's integers can do, not what is sensible for one bench.
"""

from dataclasses import dataclass

MAX_RATE_UL_H = 1_200_000  # 1200 mL/h
MAX_MMHG = 1034  # 20 psi, exclusive: the Generic Infusion Pump's bound for a downstream occlusion


@dataclass(frozen=True)
class Key:
    """`kind` is int, number (int or float), bool, text or ratio (two positive integers, also for a range)."""

    kind: str
    low: float = 0
    high: float = 0
    words: tuple[str, ...] = ()  # for a text: those allowed, or any name when empty
    required: bool = True


PIN = Key("int", 0, 29)

SIGNALS = ("step", "dir", "enable", "piezo", "lamp_red", "lamp_yellow", "pressure", "strap")
# What not every bench has.
OPTIONAL_SIGNALS = ("upstream", "air", "piezo_feedback", "lamp_feedback", "battery", "button_request", "button_stop")
WIRING = {**dict.fromkeys(SIGNALS, PIN), **dict.fromkeys(OPTIONAL_SIGNALS, Key("int", 0, 29, required=False))}

# Mechanics of each kind of pump, and what all have in common.
SYRINGE = {
    "diameter_mm": Key("number", 1, 100),  # inner diameter of the barrel
    "lead_mm": Key("number", 0.1, 50),  # travel of the nut for one turn of the screw
}
PERISTALTIC = {
    "ul_per_turn": Key("number", 0.1, 100_000),  # of the rotor
}
KINDS = {"syringe": SYRINGE, "peristaltic": PERISTALTIC}

MECHANICS = {
    "kind": Key("text", words=tuple(KINDS)),
    "full_steps": Key("int", 4, 2000),  # of the motor, for one turn
    "microsteps": Key("int", 1, 256),
    "gear": Key("ratio", 1, 1_000_000),  # motor turns, screw or rotor turns
    "min_rate_ul_h": Key("int", 1, MAX_RATE_UL_H),
    "max_rate_ul_h": Key("int", 1, MAX_RATE_UL_H),
    "start_hz": Key("int", 1, 20_000),
    "accel_hz_s": Key("int", 1, 1_000_000),
    "resonance_hz": Key("ratio", 1, 200_000, required=False),  # lowest and highest step rate that is not held
    "reverse": Key("bool"),
}

SENSOR = {
    "offset_mv": Key("int", 0, 3300),  # output at no pressure
    "pa_per_mv": Key("number", 0.1, 1000),
    "open_mv": Key("int", 1, 3300),  # from here up the wire is open
    "short_mv": Key("int", 0, 3299),  # down to here it is shorted
}

OCCLUSION = {
    "low_mmhg": Key("int", 1, 10_000),
    "medium_mmhg": Key("int", 1, 10_000),
    "high_mmhg": Key("int", 1, 10_000),
    "persistence_ms": Key("int", 100, 2000),
    "default": Key("text", words=("low", "medium", "high")),
    "compliance_ml_per_bar": Key("number", 0.01, 20),  # of syringe and line: how fast pressure rises in a closed one
    "retract_max_ul": Key("int", 0, 5000),  # what may be drawn back after an occlusion; 0: nothing is
    "retract_ul_h": Key("int", 1, MAX_RATE_UL_H),
    "retract_to_mmhg": Key("int", 1, 50),  # it ends there
    "auto_restarts": Key("int", 0, 9),  # in any ten minutes
    "upstream_mmhg": Key("int", 1, 300, required=False),  # of suction before the pump, where the bench has the sensor
}

ALARMS = {
    "escalate_s": Key("int", 30, 900),  # a MEDIUM alarm that nobody attends to becomes HIGH
}

THERAPY = {
    "kvo_ul_h": Key(
        "int", 0, 20_000
    ),  # keeps the vein open at the end of a regimen, 0 for none; Alaris: 0.1 to 20 mL/h
}

BATTERY = {  # where [wiring] has a battery
    "divider": Key("ratio", 1, 1000),  # battery mV, mV at the pin
    "full_mv": Key("int", 1000, 30_000),  # at rest
    "empty_mv": Key("int", 1000, 30_000),
    "capacity_mah": Key("int", 50, 50_000),
    "resistance_mohm": Key("int", 0, 5000),  # of the cell and its wires
    "idle_ma": Key("int", 1, 5000),  # load of the pump with its motor off, sound and lamps on average included
    "motor_ma": Key("int", 0, 10_000),  # beside it, while the motor has current, whether it turns or not
}

RESERVOIR = {
    "capacity_ul": Key("int", 100, 10_000_000),
    "low_ul": Key("int", 1, 1_000_000),
    "empty_ul": Key("int", 0, 1_000_000),
    "near_empty_min": Key("int", 5, 1440),
    "harmful_near_empty_min": Key("int", 5, 1440),  # for a regimen whose interruption would harm
    "must_be_told": Key("bool"),  # without a refill no start
}

LIBRARY = {
    "required": Key("bool"),  # the pump is to have a drug library, and says so when it has none
}

WORLD = {
    "compliance_ml_per_bar": Key("number", 0.001, 1000),
    "resistance_kpa_per_ml_h": Key("number", 0, 1000),
    "stall_kpa": Key("number", 1, 10_000),
    "sensor_noise_mv": Key("number", 0, 1000),
}

TOP = {
    "name": Key("text"),
    "description": Key("text", required=False),
}

TABLES = {
    "wiring": WIRING,
    "mechanics": MECHANICS,
    "sensor": SENSOR,
    "occlusion": OCCLUSION,
    "alarms": ALARMS,
    "therapy": THERAPY,
    "battery": BATTERY,
    "reservoir": RESERVOIR,
    "library": LIBRARY,
    "world": WORLD,
}

OPTIONAL_TABLES = ("battery",)

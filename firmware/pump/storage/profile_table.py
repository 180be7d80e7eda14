"""What a compiled profile may hold: each section's keys with type and range. Data only.

`profile.py` checks the pump's profile against this table; the host tool executes this file and checks boards/NAME.toml
against the same numbers. A range is what the hardware, the firmware's integers or a standard allow, not what is
sensible for one bench.
"""

from micropython import const

FORMAT = const(1)  # of the object
MAX_BYTES = const(2048)  # of the file, frame included
MAX_NAME = const(64)  # characters of the profile's name

MAX_SMALL_INT = const(0x3FFFFFFF)  # on the Pico: a larger integer allocates memory
MAX_RATE_UL_H = const(1200000)  # 1200 mL/h; an Alaris ends at 999 mL/h
MAX_STEP_HZ = const(200000)  # what the stepper's PIO program and the step grid make
MAX_OCCLUSION_PA = const(137894)  # below 20 psi = 137 895.1 Pa, the bound of the Generic Infusion Pump requirements

# section: {key: (type, ...)}
#   ("int", low, high)
#   ("flag",)                                          0 or 1
#   ("ratio", low, high, low, high)                    a list of two integers, each with its own range
#   ("choice", word, word, ...)
SECTIONS = {
    "mechanics": {
        "step_pl": ("ratio", 1, MAX_SMALL_INT, 1, 256),  # pL of one microstep: numerator, denominator
        "min_rate_ul_h": ("int", 1, MAX_RATE_UL_H),
        "max_rate_ul_h": ("int", 1, MAX_RATE_UL_H),
        "start_hz": ("int", 1, 20000),
        "accel_hz_s": ("int", 1, 1000000),
        "resonance_hz": ("ratio", 0, MAX_STEP_HZ, 0, MAX_STEP_HZ),  # step rates not to hold, from, to; [0, 0]: none
        "reverse": ("flag",),
    },
    "sensor": {
        "offset_mv": ("int", 0, 3300),
        "gain_pa_per_mv": ("ratio", 1, 1000000, 1, 1000000),
        "open_mv": ("int", 1, 3300),
        "short_mv": ("int", 0, 3299),
    },
    "occlusion": {
        "low_pa": ("int", 1, MAX_OCCLUSION_PA),
        "medium_pa": ("int", 1, MAX_OCCLUSION_PA),
        "high_pa": ("int", 1, MAX_OCCLUSION_PA),
        "persistence_ms": ("int", 100, 2000),
        "default": ("choice", "low", "medium", "high"),
        "compliance_pl_per_pa": ("int", 100, 200000),  # of syringe and line; 0.01 to 20 mL/bar
        "retract_max_ul": ("int", 0, 5000),  # 0: no retraction
        "retract_ul_h": ("int", 1, MAX_RATE_UL_H),
        "retract_to_pa": ("int", 1, 6667),  # to 50 mmHg
        "auto_restarts": ("int", 0, 9),
        "upstream_pa": ("int", 0, 50000),  # of suction; 0 where there is no sensor upstream
    },
    "alarms": {"escalate_ms": ("int", 30000, 900000)},
    "reservoir": {
        "capacity_ul": ("int", 100, 10000000),
        "low_ul": ("int", 1, 1000000),
        "empty_ul": ("int", 0, 1000000),
        "near_empty_min": ("int", 5, 1440),
        "harmful_near_empty_min": ("int", 5, 1440),
        "must_be_told": ("flag",),
    },
    "library": {"required": ("flag",)},
    "therapy": {"kvo_ul_h": ("int", 0, 20000)},  # 0: none. Alaris: 0.1 to 20 mL/h
    "battery": {
        "divider": ("ratio", 1, 1000, 1, 1000),  # battery mV, mV at the pin
        "full_mv": ("int", 1000, 30000),
        "empty_mv": ("int", 1000, 30000),
        "capacity_mah": ("int", 50, 50000),
        "resistance_mohm": ("int", 0, 5000),
        "idle_ma": ("int", 1, 5000),
        "motor_ma": ("int", 0, 10000),
    },
}
OPTIONAL_SECTIONS = ("battery",)  # present when the wiring has the signal of this name

# (section, smaller, larger): the smaller value must be below the larger.
BELOW = (
    ("sensor", "short_mv", "offset_mv"),  # no pressure must not look like a short circuit
    ("sensor", "offset_mv", "open_mv"),
    ("occlusion", "low_pa", "medium_pa"),
    ("occlusion", "medium_pa", "high_pa"),
    ("reservoir", "empty_ul", "low_ul"),
    ("reservoir", "low_ul", "capacity_ul"),
    ("battery", "empty_mv", "full_mv"),
)

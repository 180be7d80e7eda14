"""The profile: what this pump's mechanics, sensor and limits are, from one frame line in a file.

It is written by the host tool and read once at boot. Everything in it is checked: that it is whole (CRC), of
a format that is known, complete, within ranges that make sense for any pump, and made for this wiring. What
is missing or wrong is a fault. Nothing is replaced by a default, because a pump that guesses its syringe
gives a wrong dose.

This module is not kept after the boot (app.py): it takes 12 KB of the Pico's heap.
"""

from micropython import const

from pump import wiring
from pump.core.motion.ramp import resonance_ul_h
from pump.link import frame
from pump.selftest.settings_crc import PATH

MAX_BYTES = const(2048)
FORMAT = const(1)
MAX_STEP_HZ = const(200000)
MAX_OCCLUSION_PA = const(137000)  # below 20 psi (137.9 kPa), which an infusion pump must stay under

_NUMBER = const(0x3FFFFFFF)  # the largest small int on the Pico
_LEVELS = ("low", "medium", "high")

# section: {key: (low, high)}; a list of two ranges is a ratio [numerator, denominator]; strings are choices.
_TABLE = {
    "mechanics": {
        "step_pl": [(1, _NUMBER), (1, 256)],
        "min_rate_ul_h": (1, 2000000),
        "max_rate_ul_h": (1, 2000000),
        "start_hz": (1, 20000),
        "accel_hz_s": (1, 1000000),
        "resonance_hz": [(0, MAX_STEP_HZ), (0, MAX_STEP_HZ)],  # step rates that are not held; [0, 0]: there are none
        "reverse": (0, 1),
    },
    "sensor": {
        "offset_mv": (0, 3300),
        "gain_pa_per_mv": [(1, 1000000), (1, 1000000)],
        "open_mv": (1, 3300),
        "short_mv": (0, 3299),
    },
    "occlusion": {
        "low_pa": (1, MAX_OCCLUSION_PA),
        "medium_pa": (1, MAX_OCCLUSION_PA),
        "high_pa": (1, MAX_OCCLUSION_PA),
        "persistence_ms": (100, 2000),
        "default": _LEVELS,
        "compliance_pl_per_pa": (100, 200000),
        "retract_max_ul": (0, 5000),
        "retract_ul_h": (1, 2000000),
        "retract_to_pa": (1, 6667),
        "auto_restarts": (0, 9),
        "upstream_pa": (0, 50000),  # of suction; 0 where there is no sensor upstream
    },
    "alarms": {"escalate_ms": (30000, 900000)},
    "reservoir": {
        "capacity_ul": (100, 10000000),
        "low_ul": (1, 1000000),
        "empty_ul": (0, 1000000),
        "near_empty_min": (5, 1440),
        "harmful_near_empty_min": (5, 1440),
        "must_be_told": (0, 1),
    },
    "library": {"required": (0, 1)},
    "therapy": {"kvo_ul_h": (0, 20000)},  # 0: none. Alaris: 0.1 to 20 mL/h
    "battery": {
        "divider": [(1, 1000), (1, 1000)],
        "full_mv": (1000, 30000),
        "empty_mv": (1000, 30000),
        "capacity_mah": (50, 50000),
        "resistance_mohm": (0, 5000),
        "idle_ma": (1, 5000),
        "motor_ma": (0, 10000),
    },
}
_OPTIONAL = "battery"  # a section for what its wire measures
_SECTIONS = (
    "format", "name", "wiring", "mechanics", "sensor", "occlusion", "alarms", "reservoir", "library", "therapy"
)  # fmt: skip

# section, smaller, larger: the smaller must be below the larger.
_BELOW = (
    ("sensor", "short_mv", "offset_mv"),  # no pressure must not look like a short circuit
    ("sensor", "offset_mv", "open_mv"),
    ("occlusion", "low_pa", "medium_pa"),
    ("occlusion", "medium_pa", "high_pa"),
    ("reservoir", "empty_ul", "low_ul"),
    ("reservoir", "low_ul", "capacity_ul"),
)


class ProfileFault(Exception):
    """`reason` is missing, corrupt, wrong_format, out_of_range or wiring_mismatch; `detail` says what."""

    def __init__(self, reason, detail):
        super().__init__("%s: %s" % (reason, detail))
        self.reason = reason
        self.detail = detail


def load_profile(path=PATH):
    """The profile as a dict. Raises ProfileFault."""
    profile = _parse(_read(path))
    if not isinstance(profile, dict) or type(profile.get("format")) is not int or profile["format"] != FORMAT:
        raise ProfileFault("wrong_format", "format is not %d" % FORMAT)
    has_optional = _OPTIONAL in profile
    _check_keys("the profile", profile, _SECTIONS + ((_OPTIONAL,) if has_optional else ()))
    _check_name(profile["name"])
    for section in _TABLE:
        if section in profile:
            _check_section(section, profile[section])
    _check_wiring(profile["wiring"])
    _check_order(profile)
    return profile


def _read(path):
    data = None
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        pass  # the file is not there, or the filesystem cannot find it any more
    if data is None:
        raise ProfileFault("missing", path)
    return data


def _parse(data):
    if len(data) > MAX_BYTES:
        raise ProfileFault("corrupt", "more than %d bytes" % MAX_BYTES)
    if data.find(b"\n") != len(data) - 1:
        raise ProfileFault("corrupt", "not one line")
    problem = None
    try:
        profile, has_crc, _ = frame.decode(data[:-1])
        if not has_crc:
            problem = "no CRC"
    except frame.BadFrame as bad:
        problem = bad.message
    if problem is not None:
        raise ProfileFault("corrupt", problem)
    return profile


def _check_keys(where, value, keys):
    if not isinstance(value, dict):
        raise ProfileFault("wrong_format", where + " is not an object")
    for key in keys:
        if key not in value:
            raise ProfileFault("wrong_format", "%s lacks %s" % (where, key))
    for key in value:
        if key not in keys:
            raise ProfileFault("wrong_format", "%s has an unknown %s" % (where, key))


def _check_name(name):
    if type(name) is not str:
        raise ProfileFault("wrong_format", "name is not a string")
    if not 1 <= len(name) <= 64:
        raise ProfileFault("out_of_range", "name has %d characters, 1 to 64 are allowed" % len(name))


def _check_section(section, values):
    limits = _TABLE[section]
    _check_keys(section, values, limits)
    for key in limits:
        where = "%s.%s" % (section, key)
        limit = limits[key]
        value = values[key]
        if isinstance(limit, list):
            if not isinstance(value, list) or len(value) != 2:
                raise ProfileFault("wrong_format", where + " is not a list of two")
            _check_int(where, value[0], limit[0])
            _check_int(where, value[1], limit[1])
        elif limit is _LEVELS:
            if value not in limit:
                raise ProfileFault("out_of_range", "%s is none of %s" % (where, ", ".join(limit)))
        else:
            _check_int(where, value, limit)


def _check_int(where, value, limit):
    if type(value) is not int:
        raise ProfileFault("wrong_format", where + " is not an integer")
    if not limit[0] <= value <= limit[1]:
        detail = "%s is %d, %d to %d are allowed" % (where, value, limit[0], limit[1])
        raise ProfileFault("out_of_range", detail)


def _check_order(profile):
    for section, smaller, larger in _BELOW:
        if not profile[section][smaller] < profile[section][larger]:
            raise ProfileFault("out_of_range", "%s.%s is not below %s" % (section, smaller, larger))
    mechanics = profile["mechanics"]
    if mechanics["min_rate_ul_h"] > mechanics["max_rate_ul_h"]:
        raise ProfileFault("out_of_range", "mechanics.min_rate_ul_h is above max_rate_ul_h")
    low_hz, high_hz = mechanics["resonance_hz"]
    if low_hz > high_hz or low_hz <= mechanics["start_hz"] <= high_hz:  # the start rate is held at the end of a volume
        raise ProfileFault("out_of_range", "mechanics.resonance_hz is upside down, or holds start_hz")
    low_ul_h, high_ul_h = resonance_ul_h(mechanics)
    kvo_ul_h = profile["therapy"]["kvo_ul_h"]
    if kvo_ul_h and (not mechanics["min_rate_ul_h"] <= kvo_ul_h <= mechanics["max_rate_ul_h"]):
        raise ProfileFault("out_of_range", "therapy.kvo_ul_h is not a rate of these mechanics")
    if low_ul_h <= kvo_ul_h <= high_ul_h and kvo_ul_h:
        raise ProfileFault("out_of_range", "therapy.kvo_ul_h is in mechanics.resonance_hz")
    occlusion = profile["occlusion"]
    if not mechanics["min_rate_ul_h"] <= occlusion["retract_ul_h"] <= mechanics["max_rate_ul_h"]:
        raise ProfileFault("out_of_range", "occlusion.retract_ul_h is not a rate of these mechanics")
    if low_ul_h <= occlusion["retract_ul_h"] <= high_ul_h:
        raise ProfileFault("out_of_range", "occlusion.retract_ul_h is in mechanics.resonance_hz")
    if (occlusion["upstream_pa"] > 0) != ("upstream" in profile["wiring"]):
        raise ProfileFault("out_of_range", "occlusion.upstream_pa does not fit wiring.upstream")
    if ("battery" in profile) != ("battery" in profile["wiring"]):
        raise ProfileFault("out_of_range", "the battery section does not fit wiring.battery")
    if "battery" in profile and profile["battery"]["empty_mv"] >= profile["battery"]["full_mv"]:
        raise ProfileFault("out_of_range", "battery.empty_mv is not below full_mv")
    if occlusion["retract_to_pa"] * 2 >= occlusion["low_pa"]:  # half the limit is what an automatic restart asks for
        raise ProfileFault("out_of_range", "occlusion.retract_to_pa is not below half of low_pa")
    # The highest limit must be within what the sensor can show, or an occlusion looks like a broken sensor.
    sensor = profile["sensor"]
    numerator, denominator = sensor["gain_pa_per_mv"]
    span_pa = (sensor["open_mv"] - sensor["offset_mv"]) * numerator // denominator
    if profile["occlusion"]["high_pa"] >= span_pa:
        detail = "occlusion.high_pa is beyond the sensor, which ends at %d Pa" % span_pa
        raise ProfileFault("out_of_range", detail)


def _check_wiring(value):
    if not isinstance(value, dict):
        raise ProfileFault("wrong_format", "wiring is not an object")
    for pin in list(wiring.TABLE) + list(value):
        number = value.get(pin)
        if type(number) is not int or number != wiring.TABLE.get(pin, wiring.OPTIONAL.get(pin)):
            raise ProfileFault("wiring_mismatch", "%s of the profile is not where this pump has it" % pin)

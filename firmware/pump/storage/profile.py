"""The profile: mechanics, sensor and limits of this pump, from one frame line in a file.

The host tool writes it, the pump reads it once at boot and checks everything: the CRC, the format, that it is complete,
the ranges (profile_table.py) and the wiring. A missing or wrong value is a fault. No default replaces it: a pump that
guesses its syringe gives a wrong dose.

Neither this module nor its table is kept after the boot (boot/startup.py): they take 12 KB of the Pico's heap.
"""

from pump import wiring
from pump.core.motion.ramp import resonance_ul_h
from pump.link import frame
from pump.selftest.settings_crc import PATH
from pump.storage.profile_table import BELOW, FORMAT, MAX_BYTES, MAX_NAME, OPTIONAL_SECTIONS, SECTIONS


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
    _check_keys("the profile", profile, _expected_sections(profile))
    _check_name(profile["name"])
    for section in SECTIONS:
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
    profile = problem = None
    try:
        profile, has_crc, _ = frame.decode(data[:-1])
        if not has_crc:
            problem = "no CRC"
    except frame.BadFrame as bad:
        problem = bad.message
    if problem is not None:
        raise ProfileFault("corrupt", problem)
    return profile


def _expected_sections(profile):
    absent = [name for name in OPTIONAL_SECTIONS if name not in profile]
    return ["format", "name", "wiring"] + [name for name in SECTIONS if name not in absent]


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
    if not 1 <= len(name) <= MAX_NAME:
        raise ProfileFault("out_of_range", "name has %d characters, 1 to %d are allowed" % (len(name), MAX_NAME))


def _check_section(section, values):
    keys = SECTIONS[section]
    _check_keys(section, values, keys)
    for key in keys:
        _check_value("%s.%s" % (section, key), values[key], keys[key])


def _check_value(where, value, allowed):
    """`allowed`: the key's entry in the table."""
    kind = allowed[0]
    if kind == "ratio":
        if not isinstance(value, list) or len(value) != 2:
            raise ProfileFault("wrong_format", where + " is not a list of two")
        _check_int(where, value[0], allowed[1], allowed[2])
        _check_int(where, value[1], allowed[3], allowed[4])
    elif kind == "choice":
        if value not in allowed[1:]:
            raise ProfileFault("out_of_range", "%s is none of %s" % (where, ", ".join(allowed[1:])))
    elif kind == "flag":
        _check_int(where, value, 0, 1)
    else:
        _check_int(where, value, allowed[1], allowed[2])


def _check_int(where, value, low, high):
    if type(value) is not int:
        raise ProfileFault("wrong_format", where + " is not an integer")
    if not low <= value <= high:
        raise ProfileFault("out_of_range", "%s is %d, %d to %d are allowed" % (where, value, low, high))


def _check_order(profile):
    for section, smaller, larger in BELOW:
        if section in profile and not profile[section][smaller] < profile[section][larger]:
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

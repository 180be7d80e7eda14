"""A regimen as the pump takes it: a small program of whole numbers, checked before anything of it runs.

    {"kind": "pca", "segments": [[500, 500, 0, 0]], "kvo": 1,
     "bolus": {"volume_nl": 1000000, "rate_ul_h": 150000, "lockout_s": 600, "max_1h_nl": 5000000,
               "max_4h_nl": 15000000}}

A segment is [µL/h at its beginning, µL/h at its end, seconds, nL]: either seconds or a volume, and only the last may
have neither: it goes on until it is stopped. Rates that differ are a ramp or a taper, along a line. The segments
from `repeat_from` on are given `repeat` times. `vtbi_nl` bounds all that is given, boluses included; `kvo` 1 keeps
the vein open at the end; `harmful_stop` 1 says that an interruption would harm. `bolus` is the one that a patient may
ask for: one in `lockout_s`, and so much at most in any hour and any four, basal included.
"""

from micropython import const

from pump.core.motion.ramp import resonance_ul_h
from pump.core.units import steps_of

KINDS = ("continuous", "intermittent", "pca", "steps")
MAX_SEGMENTS = const(12)  # what fits into a line of 512 bytes
_MAX_SECONDS = const(31_622_400)  # 366 days
MAX_NL = 10_000_000_000_000  # 10 000 L; no const: it is no small int on the Pico

# key: (needed, low, high) of a whole number
_NUMBERS = {
    "repeat": (False, 1, 10_000),
    "repeat_from": (False, 0, MAX_SEGMENTS - 1),
    "vtbi_nl": (False, 1, MAX_NL),
    "kvo": (False, 0, 1),
    "harmful_stop": (False, 0, 1),
}
_BOLUS = {
    "volume_nl": (True, 1, MAX_NL),
    "rate_ul_h": (True, 1, 0x3FFFFFFF),  # a small int; the range of the mechanics is checked after
    "lockout_s": (True, 60, 86_400),
    "max_1h_nl": (True, 1, MAX_NL),
    "max_4h_nl": (True, 1, MAX_NL),
}
_OTHERS = ("kind", "segments", "bolus")


class BadRegimen(Exception):
    """`code` is one of docs/protocol.md, `parameter` says where, `limit` is the bound that is passed, or None."""

    def __init__(self, code, parameter, message, limit=None):
        super().__init__(message)
        self.code = code
        self.parameter = parameter
        self.message = message
        self.limit = limit


def continuous(rate_ul_h, vtbi_nl=None):
    """One rate, until the volume to be infused is given; without one, until stopped. It ends without KVO."""
    regimen = {"kind": "continuous", "segments": [[rate_ul_h, rate_ul_h, 0, 0]]}
    if vtbi_nl is not None:
        regimen["vtbi_nl"] = vtbi_nl
    return regimen


def check(regimen, mechanics):
    """Raises BadRegimen unless `regimen` (a dict) is one that these mechanics (the profile's section) can do."""
    _check_members("regimen", regimen, _NUMBERS, _OTHERS)
    if regimen.get("kind") not in KINDS:
        raise BadRegimen("out_of_range", "kind", "kind is none of " + ", ".join(KINDS))
    segments = regimen.get("segments")
    if not isinstance(segments, list) or not 1 <= len(segments) <= MAX_SEGMENTS:
        raise BadRegimen("out_of_range", "segments", "there must be 1 to %d segments" % MAX_SEGMENTS, MAX_SEGMENTS)
    for at in range(len(segments)):
        _check_segment("segments[%d]" % at, segments[at], mechanics)
    repeated = regimen.get("repeat", 1) > 1
    for at in range(len(segments)):
        if not segments[at][2] and not segments[at][3] and (repeated or at < len(segments) - 1):
            raise BadRegimen("out_of_range", "segments[%d]" % at, "only the last segment of all can have no end")
    if regimen.get("repeat_from", 0) >= len(segments):
        raise BadRegimen("out_of_range", "repeat_from", "there is no such segment", len(segments) - 1)
    if "bolus" in regimen:
        _check_bolus(regimen["bolus"], segments, mechanics)
    elif not any(segment[0] for segment in segments):
        raise BadRegimen("out_of_range", "segments", "nothing would be given")
    if "vtbi_nl" in regimen and not steps_of(regimen["vtbi_nl"], mechanics["step_pl"]):
        raise BadRegimen("out_of_range", "vtbi_nl", "vtbi_nl is %d, less than one step" % regimen["vtbi_nl"])


def check_rate(where, rate_ul_h, mechanics, to_ul_h=None):
    """Raises BadRegimen unless every rate from the one to the other can be held."""
    low = rate_ul_h if to_ul_h is None else min(rate_ul_h, to_ul_h)
    high = rate_ul_h if to_ul_h is None else max(rate_ul_h, to_ul_h)
    least, most = mechanics["min_rate_ul_h"], mechanics["max_rate_ul_h"]
    if low < least:
        raise BadRegimen("out_of_range", where, "%s is %d µL/h, at least %d" % (where, low, least), least)
    if high > most:
        raise BadRegimen("out_of_range", where, "%s is %d µL/h, at most %d" % (where, high, most), most)
    least, most = resonance_ul_h(mechanics)
    if most and low <= most and least <= high:
        limit = least - 1 if low - least < most - high else most + 1
        message = "%s is %d µL/h, in the motor's resonance from %d to %d" % (where, low, least, most)
        raise BadRegimen("out_of_range", where, message, limit)


def check_bolus(volume_nl, rate_ul_h, segments, mechanics):
    """Of a patient or a clinician: its rate comes on top of each segment's."""
    if not steps_of(volume_nl, mechanics["step_pl"]):
        raise BadRegimen("out_of_range", "volume_nl", "volume_nl is %d, less than one step" % volume_nl)
    check_rate("rate_ul_h", rate_ul_h, mechanics)
    for segment in segments:
        check_rate("rate_ul_h", segment[0] + rate_ul_h, mechanics, segment[1] + rate_ul_h)


def _check_bolus(bolus, segments, mechanics):
    _check_members("bolus", bolus, _BOLUS, ())
    check_bolus(bolus["volume_nl"], bolus["rate_ul_h"], segments, mechanics)
    if bolus["max_1h_nl"] < bolus["volume_nl"]:
        raise BadRegimen("out_of_range", "max_1h_nl", "max_1h_nl allows no bolus", bolus["volume_nl"])
    if bolus["max_4h_nl"] < bolus["max_1h_nl"]:
        raise BadRegimen("out_of_range", "max_4h_nl", "max_4h_nl is below max_1h_nl", bolus["max_1h_nl"])


def _check_segment(where, segment, mechanics):
    if not isinstance(segment, list) or len(segment) != 4 or not all(type(value) is int for value in segment):
        raise BadRegimen("wrong_type", where, where + " must be four integers")
    begin_ul_h, end_ul_h, seconds, volume_nl = segment
    if begin_ul_h or end_ul_h:
        check_rate(where, begin_ul_h, mechanics, end_ul_h)
    if not 0 <= seconds <= _MAX_SECONDS:
        message = "%s lasts %d s, at most %d" % (where, seconds, _MAX_SECONDS)
        raise BadRegimen("out_of_range", where, message, _MAX_SECONDS)
    if not 0 <= volume_nl <= MAX_NL:
        raise BadRegimen("out_of_range", where, "%s gives %d nL, at most %d" % (where, volume_nl, MAX_NL), MAX_NL)
    if seconds and volume_nl:
        raise BadRegimen("out_of_range", where, where + " has both seconds and a volume")
    if begin_ul_h != end_ul_h and not seconds:
        raise BadRegimen("out_of_range", where, where + " is a ramp, which needs seconds")
    if volume_nl and (not begin_ul_h or not steps_of(volume_nl, mechanics["step_pl"])):
        raise BadRegimen("out_of_range", where, where + " gives less than one step")


def _check_members(where, value, numbers, others):
    if not isinstance(value, dict):
        raise BadRegimen("wrong_type", where, where + " must be an object")
    for name in value:
        if name not in numbers and name not in others:
            raise BadRegimen("extra_parameter", name[:32], "%s has no %s" % (where, name[:32]))
    for name in numbers:
        needed, low, high = numbers[name]
        if name not in value:
            if needed:
                raise BadRegimen("missing_parameter", name, "%s needs %s" % (where, name))
        elif type(value[name]) is not int:
            raise BadRegimen("wrong_type", name, name + " must be an integer")
        elif not low <= value[name] <= high:
            limit, side = (low, "least") if value[name] < low else (high, "most")
            raise BadRegimen("out_of_range", name, "%s is %d, at %s %d" % (name, value[name], side, limit), limit)

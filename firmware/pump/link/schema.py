"""The methods of the link: the kind of each and its parameters, and the check of a request against them.

This is the one table of methods. What the pump does for each is in `commands/`; what only the host needs (the shape
of the replies, the texts of docs/protocol.md) is in host/picoinfuse/client/methods/. A test compares the two.

Limits that depend on the profile are not here: the commands know them and raise `out_of_range`, which has the same
shape.
"""

from micropython import const

QUERY = const(0)
COMMAND = const(1)  # changes something: must carry CRC and boot, and is done at most once
TWO_STEP = const(2)  # a command that only proposes: `confirm` does it

MAX_VTBI_NL = 10_000_000_000_000  # 10 000 L; no const: it is no small int on the Pico

_TYPES = {int: "an integer", str: "a string", dict: "an object"}
_LEVELS = ("low", "medium", "high")
_NAME_SHOWN = const(32)  # characters of a name that the host sent, in a message: replies are bounded

# method: (kind, parameters). A parameter: (name, type, required, limits).
# Limits: (low, high), or (low, high, also allowed), or the choices, or None when the commands know them.
METHODS = {
    "hello": (QUERY, ()),
    "status": (QUERY, ()),
    "alarms": (QUERY, (("first", int, False, (0, 255)),)),
    "tasks": (QUERY, (("first", int, False, (0, 255)),)),
    "calibration": (QUERY, ()),
    "battery": (QUERY, ()),
    "last_therapy": (QUERY, ()),
    "log": (QUERY, (("ring", str, True, ("events", "faults", "volume")), ("position", int, True, (0, 0x3FFFFFFF)))),
    "test_report": (QUERY, ()),
    "telemetry": (COMMAND, (("period_ms", int, True, (50, 10000, 0)),)),
    "order": (QUERY, ()),
    "library": (QUERY, (("drug", str, False, None),)),
    "reservoir": (QUERY, ()),
    "refill": (TWO_STEP, (("volume_nl", int, True, None), ("drug", str, False, None))),
    "library_line": (COMMAND, (("at", int, True, (0, 200)), ("line", str, True, None))),
    "library_change": (TWO_STEP, (("crc", str, True, None),)),
    "therapy": (QUERY, ()),
    "start": (
        TWO_STEP,
        (
            ("rate_ul_h", int, False, None),
            ("vtbi_nl", int, False, (1, MAX_VTBI_NL)),
            ("regimen", dict, False, None),
            ("order", dict, False, None),
        ),
    ),
    "bolus": (TWO_STEP, (("volume_nl", int, True, (1, MAX_VTBI_NL)), ("rate_ul_h", int, True, None))),
    "request_bolus": (COMMAND, ()),
    "set_rate": (TWO_STEP, (("rate_ul_h", int, True, None), ("dose", int, False, None))),
    "confirm": (COMMAND, (("token", int, True, (1, 0xFFFFFF)), ("override_soft_limits", int, False, None))),
    "pause": (COMMAND, ()),
    "resume": (TWO_STEP, ()),
    "stop": (COMMAND, ()),
    "acknowledge": (COMMAND, ()),
    "silence": (COMMAND, ()),
    "clear_alarms": (COMMAND, ()),
    "alarm_test": (COMMAND, (("priority", str, True, _LEVELS),)),
    "occlusion_level": (TWO_STEP, (("level", str, True, _LEVELS),)),
    "calibrate": (
        COMMAND,
        # Their limits are those of what is stored, in storage/calibration.py.
        (("num", int, True, None), ("den", int, True, None), ("date", str, True, None), ("operator", str, True, None)),
    ),
    "uncalibrate": (COMMAND, ()),
    "set_clock": (COMMAND, (("unix_ms", int, True, (1_577_836_800_000, 2_650_000_000_000)),)),  # 2020 to 2053
    "self_test": (COMMAND, ()),
    "service": (COMMAND, ()),
    "reset": (COMMAND, ()),
}


class Refused(Exception):
    """A request that is refused. `code` is one of docs/protocol.md, `data` a dict or None."""

    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


def kind(method):
    """QUERY, COMMAND or TWO_STEP. Raises Refused for an unknown method."""
    entry = METHODS.get(method)
    if entry is None:
        raise Refused("unknown_method", "no such method: " + method[:_NAME_SHOWN])
    return entry[0]


def check(method, params):
    """Raises Refused unless `params` (a dict) is what `method` takes. Limits that None stands for are not checked."""
    parameters = METHODS[method][1]
    for name in params:
        if not any(name == parameter[0] for parameter in parameters):
            name = name[:_NAME_SHOWN]
            raise Refused("extra_parameter", "%s takes no %s" % (method, name), {"parameter": name})
    for name, wanted, required, limits in parameters:
        if name in params:
            _check_value(name, params[name], wanted, limits)
        elif required:
            raise Refused("missing_parameter", "%s needs %s" % (method, name), {"parameter": name})


def out_of_range(parameter, value, low, high):
    """The Refused for a number below `low` or above `high`, naming the limit that it passes."""
    limit, side = (low, "least") if value < low else (high, "most")
    message = "%s is %d, at %s %d" % (parameter, value, side, limit)
    return Refused("out_of_range", message, {"parameter": parameter, "limit": limit})


def in_resonance(parameter, value, low, high):
    """The Refused for a rate between `low` and `high`; `limit` is the nearest one that the mechanics can hold."""
    limit = low - 1 if value - low < high - value else high + 1
    message = "%s is %d, in the motor's resonance from %d to %d; the nearest that can be held is %d"
    message = message % (parameter, value, low, high, limit)
    return Refused("out_of_range", message, {"parameter": parameter, "limit": limit})


def _check_value(name, value, wanted, limits):
    if type(value) is not wanted:  # not isinstance: on CPython true is an int
        message = "%s must be %s" % (name, _TYPES[wanted])
        raise Refused("wrong_type", message, {"parameter": name})
    if limits is None:
        return
    if wanted is str:
        if value not in limits:
            message = "%s must be one of %s" % (name, ", ".join(limits))
            raise Refused("out_of_range", message, {"parameter": name, "choices": limits})
    elif not limits[0] <= value <= limits[1] and value not in limits[2:]:
        raise out_of_range(name, value, limits[0], limits[1])

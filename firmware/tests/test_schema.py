"""The table of methods against docs/protocol.md, and every way in which parameters can be refused."""

import pytest

from pump.link import schema
from pump.link.schema import COMMAND, QUERY, TWO_STEP, Refused

QUERIES = {
    "hello", "status", "alarms", "tasks", "calibration", "battery", "log", "order", "library", "reservoir", "therapy",
    "test_report", "last_therapy",
}  # fmt: skip
COMMANDS = {
    "telemetry", "confirm", "pause", "stop", "acknowledge", "silence", "clear_alarms", "alarm_test", "library_line",
    "calibrate", "uncalibrate", "set_clock", "self_test", "service", "reset", "request_bolus",
}  # fmt: skip
TWO_STEPS = {"start", "set_rate", "resume", "bolus", "occlusion_level", "refill", "library_change"}


def refusal(method, params):
    with pytest.raises(Refused) as caught:
        schema.check(method, params)
    return caught.value


def test_the_methods_are_those_of_the_protocol():
    assert {name for name in schema.METHODS if schema.kind(name) == QUERY} == QUERIES
    assert {name for name in schema.METHODS if schema.kind(name) == COMMAND} == COMMANDS
    assert {name for name in schema.METHODS if schema.kind(name) == TWO_STEP} == TWO_STEPS


def test_an_unknown_method_is_named_but_not_at_length():
    with pytest.raises(Refused) as caught:
        schema.kind("x" * 400)
    assert caught.value.code == "unknown_method"
    assert len(caught.value.message) < 64


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("hello", {}),
        ("stop", {}),
        ("telemetry", {"period_ms": 0}),
        ("telemetry", {"period_ms": 50}),
        ("telemetry", {"period_ms": 10000}),
        ("start", {"rate_ul_h": 5000}),
        ("start", {"rate_ul_h": 5000, "vtbi_nl": 1}),
        ("start", {"rate_ul_h": 5000, "vtbi_nl": 10**13}),
        ("start", {"rate_ul_h": -1}),  # the application knows the limits of the rate
        ("set_rate", {"rate_ul_h": 1}),
        ("alarm_test", {"priority": "high"}),
        ("alarm_test", {"priority": "low"}),
        ("occlusion_level", {"level": "medium"}),
    ],
)
def test_what_the_protocol_allows_is_accepted(method, params):
    schema.check(method, params)


@pytest.mark.parametrize(
    ("method", "params", "code", "data"),
    [
        ("set_rate", {}, "missing_parameter", {"parameter": "rate_ul_h"}),
        ("telemetry", {}, "missing_parameter", {"parameter": "period_ms"}),
        ("occlusion_level", {}, "missing_parameter", {"parameter": "level"}),
        ("hello", {"x": 1}, "extra_parameter", {"parameter": "x"}),
        ("stop", {"rate_ul_h": 1}, "extra_parameter", {"parameter": "rate_ul_h"}),
        ("start", {"rate_ul_h": 1, "rate": 2}, "extra_parameter", {"parameter": "rate"}),
        ("stop", {"y" * 400: 1}, "extra_parameter", {"parameter": "y" * 32}),
        ("start", {"rate_ul_h": True}, "wrong_type", {"parameter": "rate_ul_h"}),
        ("start", {"rate_ul_h": 5000.0}, "wrong_type", {"parameter": "rate_ul_h"}),
        ("start", {"rate_ul_h": float("nan")}, "wrong_type", {"parameter": "rate_ul_h"}),
        ("start", {"rate_ul_h": float("inf")}, "wrong_type", {"parameter": "rate_ul_h"}),
        ("start", {"rate_ul_h": "5000"}, "wrong_type", {"parameter": "rate_ul_h"}),
        ("start", {"rate_ul_h": None}, "wrong_type", {"parameter": "rate_ul_h"}),
        ("start", {"rate_ul_h": [5000]}, "wrong_type", {"parameter": "rate_ul_h"}),
        ("start", {"rate_ul_h": 5000, "vtbi_nl": None}, "wrong_type", {"parameter": "vtbi_nl"}),
        ("alarm_test", {"priority": 1}, "wrong_type", {"parameter": "priority"}),
        ("alarm_test", {"priority": {}}, "wrong_type", {"parameter": "priority"}),
        ("start", {"rate_ul_h": 1, "vtbi_nl": 0}, "out_of_range", {"parameter": "vtbi_nl", "limit": 1}),
        (
            "start",
            {"rate_ul_h": 5000, "vtbi_nl": 10**13 + 1},
            "out_of_range",
            {"parameter": "vtbi_nl", "limit": 10**13},
        ),
        ("telemetry", {"period_ms": -1}, "out_of_range", {"parameter": "period_ms", "limit": 50}),
        ("telemetry", {"period_ms": 1}, "out_of_range", {"parameter": "period_ms", "limit": 50}),
        ("telemetry", {"period_ms": 49}, "out_of_range", {"parameter": "period_ms", "limit": 50}),
        ("telemetry", {"period_ms": 10001}, "out_of_range", {"parameter": "period_ms", "limit": 10000}),
    ],
)
def test_what_it_does_not_allow_is_refused_by_name(method, params, code, data):
    refused = refusal(method, params)
    assert (refused.code, refused.data) == (code, data)
    assert data["parameter"] in refused.message


@pytest.mark.parametrize(("method", "name"), [("alarm_test", "priority"), ("occlusion_level", "level")])
@pytest.mark.parametrize("value", ["", "HIGH", "med", "high "])
def test_a_choice_that_is_none_is_refused_with_the_choices(method, name, value):
    refused = refusal(method, {name: value})
    assert refused.code == "out_of_range"
    assert refused.data == {"parameter": name, "choices": ("low", "medium", "high")}


def test_out_of_range_names_the_limit_that_is_passed():
    high = schema.out_of_range("rate_ul_h", 2000000, 10, 1200000)
    assert high.message == "rate_ul_h is 2000000, at most 1200000"  # the example of docs/protocol.md
    assert high.data == {"parameter": "rate_ul_h", "limit": 1200000}
    low = schema.out_of_range("rate_ul_h", 5, 10, 1200000)
    assert low.message == "rate_ul_h is 5, at least 10"
    assert low.data == {"parameter": "rate_ul_h", "limit": 10}

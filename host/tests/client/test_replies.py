"""Replies of a pump that lies: a value that does not fit gives BadReply, and nothing else ever gets through."""

import copy
import dataclasses
import json
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest

from picoinfuse import Pump
from picoinfuse.client.caller import CONFIRM, ProposalReply
from picoinfuse.client.decode import decode
from picoinfuse.client.notifications import NOTIFICATIONS
from picoinfuse.client.pump import methods
from picoinfuse.common.errors import BadReply, PumpError
from tests.client.examples import example
from tests.fake_pump import FakePump, line

SHAPES: dict[str, Any] = {
    # `confirm` has no reply of its own, but that of the method that was proposed.
    **{name: method.reply for name, method in methods().items() if name != CONFIRM.name},
    **NOTIFICATIONS,
    "a proposal": ProposalReply,
}
# What fits nowhere, and what may fit somewhere.
NEVER: tuple[Any, ...] = (
    *(10**30, -(10**30), 0.5, float("nan"), float("inf"), "x" * 2000, "\x1b[2J", "a\nb", "\ud800"),
    *([None] * 300, {"a": {"a": {}}}),
)
LIES: tuple[Any, ...] = (*NEVER, None, True, False, -1, "", "1/0", "٣/٣", [], [[]], {})


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value within `value`, and to itself."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def with_lie(value: Any, path: tuple[Any, ...], lie: Any) -> Any:
    if not path:
        return lie
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = lie
    return value


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from (key, *texts(part))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts(part)


def error_of(name: str, message: Any) -> BadReply | None:
    """None: the message is accepted. Anything else than BadReply is a fault."""
    try:
        reply = decode(SHAPES[name], message, name)
    except BadReply as error:
        return error
    told = dataclasses.asdict(reply)
    assert all(text.isprintable() and len(text) < 1024 for text in texts(told))
    json.dumps(told, allow_nan=False)
    return None


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("full", [False, True], ids=["least", "full"])
def test_a_lie_in_any_field_is_named_or_fits(name: str, full: bool) -> None:
    honest = example(SHAPES[name], full)
    for path in places(honest):
        for lie in LIES:
            error = error_of(name, with_lie(honest, path, lie))
            assert error is not None or not any(lie is never for never in NEVER), (path, lie)
            if error is not None:
                assert error.method == name
                assert error.field.startswith(str(path[0]) if path else "")
                assert str(error).isprintable()


@pytest.mark.parametrize("name", SHAPES)
def test_a_field_that_is_missing_is_named(name: str) -> None:
    honest = example(SHAPES[name])
    for field in honest:
        with pytest.raises(BadReply) as error:
            decode(SHAPES[name], {key: value for key, value in honest.items() if key != field}, name)
        assert (error.value.method, error.value.field) == (name, field)


@pytest.mark.parametrize("name", SHAPES)
def test_what_an_honest_pump_says_is_accepted_with_more_besides(name: str) -> None:
    """A newer pump may report more."""
    for full in (False, True):
        told = {**example(SHAPES[name], full), "a_new_field": 1}
        assert "a_new_field" not in dataclasses.asdict(decode(SHAPES[name], told, name))


@pytest.mark.parametrize("result", [None, True, 3, "x", [], {}])
@pytest.mark.parametrize("name", sorted(set(methods()) - {"hello", "confirm"}))
def test_every_method_of_the_client_checks_its_reply(name: str, result: Any) -> None:
    board = FakePump()
    board.results[name] = result
    with Pump(board, timeout_s=0.2) as pump, pytest.raises(BadReply) as error:
        pump.confirm(pump.call(name, **_params(name)))  # where it takes two steps, the lie is in the second
    assert error.value.method in (name, f"confirm of {name}")


def _params(name: str) -> dict[str, Any]:
    """Some that the firmware's table accepts."""
    return {
        "log": {"ring": "events", "position": 0},
        "telemetry": {"period_ms": 0},
        "refill": {"volume_nl": 1},
        "library_line": {"at": 0, "line": ""},
        "library_change": {"crc": "0a1b2c3d"},
        "bolus": {"volume_nl": 1, "rate_ul_h": 1},
        "set_rate": {"rate_ul_h": 1},
        "alarm_test": {"priority": "low"},
        "occlusion_level": {"level": "low"},
        "calibrate": {"num": 1, "den": 1, "date": "", "operator": ""},
        "set_clock": {"unix_ms": 1_577_836_800_000},
    }.get(name, {})


@pytest.mark.parametrize(
    "changes",
    [{"rate_ul_h": [0, "fast"]}, {"dose": [None, "5"]}, {"state": [1, 2]}, {"rate_ul_h": [1]}, {"\x1b": [1, 2]}],
)
def test_a_change_that_cannot_be_shown_is_not_confirmed(changes: dict[str, Any]) -> None:
    with pytest.raises(BadReply, match="changes"):
        decode(ProposalReply, {**example(ProposalReply), "changes": changes}, "start")


@pytest.mark.parametrize(
    ("error", "field"),
    [
        (None, "error, result"),
        ({"code": 5, "message": ""}, "error, code"),
        ({"code": "wrong_state"}, "error, message"),
        ({"code": "wrong_state", "message": "", "data": {"state": {}}}, "error, data.state"),
        ({"code": "soft_limit", "message": "", "data": {"limit": "dose", "value": "x", "bound": 1}}, "error, value"),
        ({"code": "hard_limit", "message": ""}, "error, result"),
    ],
)
def test_a_refusal_that_lies_is_named(error: Any, field: str) -> None:
    board = FakePump()
    with Pump(board, timeout_s=0.2) as pump:
        board.answer = lambda data: line({"id": json.loads(data[:-10])["id"], "error": error})
        with pytest.raises(BadReply) as bad:
            pump.status()
    assert (bad.value.method, bad.value.field) == ("status", field)


def test_a_number_that_is_none_is_named() -> None:
    """Python's JSON reads NaN, which the protocol does not have."""
    board = FakePump()
    with Pump(board, timeout_s=0.2) as pump:
        board.answer = lambda data: _raw(b'{"id":%d,"result":{"state":NaN}}' % json.loads(data[:-10])["id"])
        with pytest.raises(BadReply, match="state must be one of"):
            pump.stop()


def test_a_refusal_comes_with_its_data() -> None:
    board = FakePump()
    data = {"parameter": "level", "choices": ["low", "medium", "high"], "limit": 3}
    board.refusals["stop"] = {"code": "out_of_range", "message": "\x1b[2Jno", "data": data}
    with Pump(board, timeout_s=0.2) as pump, pytest.raises(PumpError) as refused:
        pump.stop()
    assert (refused.value.code, refused.value.message, refused.value.data) == ("out_of_range", "[2Jno", data)


def _raw(body: bytes) -> bytes:
    return body + b"#%08x\n" % crc32(body)

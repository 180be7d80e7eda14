"""A pump that is broken, or is none: the client gets a result or an error with a name, in bounded time and memory, and
never a traceback.
"""

from __future__ import annotations

import json
import random
from binascii import crc32
from contextlib import suppress
from typing import Any

import pytest

from picoinfuse.client.decode import decode as decode_reply
from picoinfuse.client.frame import FROM_PUMP_BYTES, Lines, decode
from picoinfuse.client.link import NOISE_BYTES, UNMATCHED_REPLIES
from picoinfuse.client.notifications import NOTIFICATIONS
from picoinfuse.client.pump import Pump, methods
from picoinfuse.client.session import EVENTS_KEPT
from picoinfuse.common.errors import PicoinfuseError
from tests.fake_pump import RESULTS, ScriptedPort, line

SHAPES = [(name, method.reply) for name, method in methods().items()] + list(NOTIFICATIONS.items())
ODD: tuple[Any, ...] = (None, True, -1, 2**70, 1e308, "", "x" * 200, "\x1b[2J", [], {}, [None], {"a": {"a": {}}})
CALLS = ("hello", "status", "alarms", "tasks", "calibration", "pause", "stop", "silence", "clear_alarms", "self_test")


def message(rng: random.Random, request_id: int | None) -> dict[str, Any]:
    """Like a pump's, with something odd in it."""
    result: Any = dict(rng.choice(list(RESULTS.values())))
    for _ in range(rng.randrange(4)):
        if result and rng.random() < 0.5:
            result.pop(rng.choice(list(result)))
        else:
            result[rng.choice([*RESULTS["status"], "more"])] = rng.choice(ODD)
    if rng.random() < 0.1:
        result = rng.choice(ODD)
    error = rng.choice(({"code": "wrong_state", "message": "no"}, {"code": 5}, *ODD))
    kind = rng.random()
    if kind < 0.5:
        return {"id": request_id, "result": result}
    if kind < 0.65:
        return {"id": request_id, "error": error}
    if kind < 0.9:
        return {"method": rng.choice(("telemetry", "alarm", "state", "ready", "else")), "params": result}
    return {rng.choice(("id", "method", "x")): rng.choice(ODD), "result": result}


def said(rng: random.Random, request_id: int | None) -> bytes:
    """Bytes of a hostile pump: frames, torn frames, noise, a prompt, a line without end."""
    body = json.dumps(message(rng, request_id)).encode()
    whole = body + b"#%08x\n" % crc32(body)
    cut = rng.randrange(len(whole))
    return rng.choice(
        (
            whole,
            whole,
            whole,
            whole[:cut] + b"\n",
            whole[:cut] + bytes([rng.randrange(256)]) + whole[cut + 1 :],
            bytes(rng.randrange(256) for _ in range(rng.randrange(200))),
            b"\r\n>>> ",
            b"[" * rng.randrange(3000) + b"\n",
            b"",
        )
    )


def parse_many(seed: int, count: int) -> int:
    """Lines of a hostile pump through the parser of every message; how many were whole frames."""
    rng, lines, taken = random.Random(seed), Lines(), 0
    for _ in range(count):
        for whole in lines.feed(said(rng, 1)):
            try:
                parsed = decode(whole)
            except PicoinfuseError:
                continue
            taken += 1
            result = parsed.get("result")
            for name, shape in SHAPES:
                with suppress(PicoinfuseError):
                    decode_reply(shape, result, name)
        assert len(lines.rest()) < FROM_PUMP_BYTES
    return taken


def talk_to(seed: int, calls: int) -> tuple[int, int]:
    """Requests to a pump that says hello and then turns hostile: how many got a result, how many a named error."""
    rng = random.Random(seed)

    def answer(data: bytes) -> bytes:
        request = decode(data)
        if request["method"] == "hello" and rng.random() < 0.9:
            return line({"id": request["id"], "result": {**RESULTS["hello"], "boot": 41}})
        return b"".join(said(rng, request["id"]) for _ in range(rng.randrange(4)))

    results = errors = 0
    port = ScriptedPort(answer)
    with Pump(port, timeout_s=0.01) as pump:
        for _ in range(calls):
            try:
                getattr(pump, rng.choice(CALLS))()
                results += 1
            except PicoinfuseError:
                errors += 1
            assert len(pump.link._noise) <= NOISE_BYTES
            assert len(pump.link.unmatched) <= UNMATCHED_REPLIES
            assert len(pump.events) <= EVENTS_KEPT
    return results, errors


def test_what_a_hostile_pump_says_is_a_message_or_an_error_with_a_name() -> None:
    assert parse_many(seed=1, count=5_000) > 1_000


def test_requests_to_a_hostile_pump_end_with_a_result_or_an_error_with_a_name() -> None:
    results, errors = talk_to(seed=1, calls=150)
    assert results > 0
    assert errors > 0


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_quarter_of_a_million_lines_of_a_hostile_pump() -> None:
    assert parse_many(seed=2, count=250_000) > 50_000


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_thousands_of_requests_to_a_hostile_pump() -> None:
    results, errors = talk_to(seed=3, calls=6_000)
    assert min(results, errors) > 100

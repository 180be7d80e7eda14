"""Invalid lines are refused by name or ignored, as docs/protocol.md says, and the infusion continues; a command is
executed once, however often it is sent.
"""

from __future__ import annotations

import random
from binascii import crc32
from dataclasses import asdict
from typing import Any

import pytest

from hil_tests.expect import infuse, steps_are_even
from picoinfuse.alarms.table import alarm_rows
from picoinfuse.bench import Bench
from picoinfuse.client.frame import encode
from picoinfuse.common.errors import NoAnswer, PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("LINK-1", "LINK-2", "LINK-3"), pytest.mark.needs("capture")]

RATE_UL_H = 100_000
PUMP_READS_B_S = 12_800  # 128 bytes a turn of 10 ms
CODES = {"parse_error", "crc_error", "crc_required", "too_long", "invalid_request", "unknown_method"}


def framed(text: str) -> bytes:
    """A line with the right CRC around any text, JSON or not."""
    body = text.encode()
    return body + b"#%08x\n" % crc32(body)


def answers(bench: Bench, data: bytes) -> list[dict[str, Any]]:
    """Sends raw bytes and waits until they are read and answered; returns the replies in order."""
    bench.pump.link.unmatched.clear()
    bench.write_raw(data)
    # A line a turn, whose reply takes a Pico 17 ms, and every 1500 bytes of replies a collection of 40 ms.
    bench.sleep(0.1 + 1.2 * len(data) / PUMP_READS_B_S + 0.03 * data.count(b"\n"))
    return list(bench.pump.link.unmatched)


def command(bench: Bench, request_id: int, method: str, **params: Any) -> bytes:
    return encode({"id": request_id, "method": method, "params": params, "boot": bench.pump.boot})


# ---- lines that are no requests ----

# The line sent, with $ for the boot number; the error code, its id, and what `data` names.
LINES: dict[str, tuple[str, str, int | None, dict[str, Any] | None]] = {
    "no JSON": ("start 5 mL/h", "parse_error", None, None),
    "half an object": ('{"id":7,"method":"stop"', "parse_error", None, None),
    "missing colon": ('{"id" 7,"method":"stop"}', "parse_error", None, None),
    "two rates": (
        '{"id":7,"method":"set_rate","params":{"rate_ul_h":1,"rate_ul_h":2},"boot":$}',
        "parse_error",
        None,
        None,
    ),
    "rate NaN": ('{"id":7,"method":"set_rate","params":{"rate_ul_h":NaN},"boot":$}', "parse_error", None, None),
    "no object": ("[1,2,3]", "invalid_request", None, None),
    "no id": ('{"method":"stop","boot":$}', "invalid_request", None, {"member": "id"}),
    "id 0": ('{"id":0,"method":"stop","boot":$}', "invalid_request", None, {"member": "id"}),
    "id too large": ('{"id":1073741824,"method":"stop","boot":$}', "invalid_request", None, {"member": "id"}),
    "id true": ('{"id":true,"method":"stop","boot":$}', "invalid_request", None, {"member": "id"}),
    "no method": ('{"id":7,"boot":$}', "invalid_request", 7, {"member": "method"}),
    "unknown member": ('{"id":7,"method":"stop","boot":$,"now":1}', "invalid_request", 7, {"member": "now"}),
    "no boot": ('{"id":7,"method":"stop"}', "invalid_request", 7, {"member": "boot"}),
    "params a list": ('{"id":7,"method":"stop","params":[],"boot":$}', "invalid_request", 7, {"member": "params"}),
    "unknown method": ('{"id":7,"method":"purge","boot":$}', "unknown_method", 7, None),
    "missing rate": ('{"id":7,"method":"set_rate","boot":$}', "missing_parameter", 7, {"parameter": "rate_ul_h"}),
    "extra parameter": (
        '{"id":7,"method":"stop","params":{"now":1},"boot":$}',
        "extra_parameter",
        7,
        {"parameter": "now"},
    ),
    "unknown priority": (
        '{"id":7,"method":"alarm_test","params":{"priority":"loud"},"boot":$}',
        "out_of_range",
        7,
        {"parameter": "priority", "choices": ["low", "medium", "high"]},
    ),
    "period too short": (
        '{"id":7,"method":"telemetry","params":{"period_ms":49},"boot":$}',
        "out_of_range",
        7,
        {"parameter": "period_ms", "limit": 50},
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_bad_line_is_refused_by_name_while_infusing(bench: Bench, measure: Measure, name: str):
    text, code, request_id, data = LINES[name]
    since_s = infuse(bench, RATE_UL_H)
    (reply,) = answers(bench, framed(text.replace("$", str(bench.pump.boot))))
    measure("id answered", reply["id"], equal=request_id)
    measure("refused with", reply["error"]["code"], equal=code)
    measure("data of the refusal", reply["error"].get("data"), equal=data)
    steps_are_even(bench, measure, since_s)


@pytest.mark.parametrize(
    ("value", "code", "data"),
    [
        ("0", "out_of_range", {"parameter": "rate_ul_h", "limit": 10}),
        ("-5000", "out_of_range", {"parameter": "rate_ul_h", "limit": 10}),
        ("1200001", "out_of_range", {"parameter": "rate_ul_h", "limit": 1_200_000}),
        ("5000.0", "wrong_type", {"parameter": "rate_ul_h"}),
        ("5e3", "wrong_type", {"parameter": "rate_ul_h"}),
        ("true", "wrong_type", {"parameter": "rate_ul_h"}),
        ('"5000"', "wrong_type", {"parameter": "rate_ul_h"}),
        ("null", "wrong_type", {"parameter": "rate_ul_h"}),
    ],
)
def test_bad_rate_is_refused_and_the_rate_stays(
    bench: Bench, measure: Measure, value: str, code: str, data: dict[str, Any]
):
    since_s = infuse(bench, RATE_UL_H)
    text = f'{{"id":7,"method":"set_rate","params":{{"rate_ul_h":{value}}},"boot":{bench.pump.boot}}}'
    (reply,) = answers(bench, framed(text))
    measure("refused with", reply["error"]["code"], equal=code)
    measure("refused with", reply["error"]["data"], equal=data)
    measure("target rate", bench.pump.status().target_ul_h, unit="µL/h", equal=RATE_UL_H)
    steps_are_even(bench, measure, since_s)


def test_a_command_with_a_wrong_or_missing_crc_is_not_executed(bench: Bench, measure: Measure):
    since_s = infuse(bench, RATE_UL_H)
    line = command(bench, 7, "stop")
    body = line[:-10]
    flipped = body + b"#%08x\n" % (int(line[-9:-1], 16) ^ 1)
    (wrong,) = answers(bench, flipped)
    measure("refused with", wrong["id"], equal=None)
    measure("refused with", wrong["error"]["code"], equal="crc_error")
    (none,) = answers(bench, body + b"\n")
    measure("refused with", none["id"], equal=7)
    measure("refused with", none["error"]["code"], equal="crc_required")
    measure("state", bench.pump.status().state, equal="infusing")
    steps_are_even(bench, measure, since_s)


def test_query_may_be_typed_without_crc_and_with_any_line_end(bench: Bench, measure: Measure):
    replies = answers(bench, b'\n\r\n{"id":1,"method":"hello"}\r\n\n{"id":1073741823,"method":"hello"}\n')
    measure("ids answered", [reply["id"] for reply in replies], equal=[1, 1073741823])  # empty lines are ignored
    measure("names answered", {reply["result"]["name"] for reply in replies}, equal={"picoinfuse"})


def test_line_of_10_kb_is_refused_once_and_dropped(bench: Bench, measure: Measure):
    since_s = infuse(bench, RATE_UL_H)
    replies = answers(bench, b"x" * 10_000 + b'\n{"id":7,"method":"hello"}\n')
    measure(
        "answers",
        [(reply["id"], reply.get("error", {}).get("code")) for reply in replies],
        equal=[(None, "too_long"), (7, None)],
    )
    steps_are_even(bench, measure, since_s)


def test_the_longest_line_is_accepted_and_one_byte_more_is_too_long(bench: Bench, measure: Measure):
    query = b'{"id":7,"method":"hello"}'
    (fits,) = answers(bench, query.ljust(511) + b"\n")  # 512 bytes, newline included
    measure("the longest line is answered", "result" in fits, equal=True)
    (too_long,) = answers(bench, query.ljust(512) + b"\n")
    measure("refused with", too_long["error"]["code"], equal="too_long")


@pytest.mark.parametrize("seed", [1, 2])
def test_binary_noise_is_refused_by_name_and_changes_nothing(bench: Bench, measure: Measure, seed: int):
    since_s = infuse(bench, RATE_UL_H)
    noise = random.Random(seed).randbytes(4096)
    replies = answers(bench, noise + b"\n")
    # One line in 256 bytes; empty lines get no reply.
    measure("answers", len(replies), at_least=5, at_most=noise.count(b"\n") + 1)
    measure("ids answered", {reply["id"] for reply in replies}, equal={None})
    measure(
        "codes that the protocol does not have", sorted({reply["error"]["code"] for reply in replies} - CODES), equal=[]
    )
    measure("state", bench.pump.status().state, equal="infusing")
    steps_are_even(bench, measure, since_s)


def test_half_a_line_is_dropped_after_a_second_of_silence(bench: Bench, measure: Measure):
    since_s = infuse(bench, RATE_UL_H)
    measure("answers to half a line", answers(bench, b'{"id":7,"method":"sto'), equal=[])
    bench.sleep(1.1)  # 1 s of silence, and a turn of the loop
    (reply,) = answers(bench, b'{"id":8,"method":"hello"}\n')
    measure("answered", reply["id"], equal=8)
    measure("answered", "result" in reply, equal=True)
    steps_are_even(bench, measure, since_s)


def test_line_may_come_in_pieces_with_pauses_below_a_second(bench: Bench, measure: Measure):
    measure("answers to half a line", answers(bench, b'{"id":7,"meth'), equal=[])
    bench.sleep(0.7)
    (reply,) = answers(bench, b'od":"hello"}\n')
    measure("id answered", reply["id"], equal=7)


def test_a_thousand_bad_lines_take_no_memory(bench: Bench, measure: Measure):
    infuse(bench, RATE_UL_H)
    since_s = bench.now()
    bad = [framed(text.replace("$", str(bench.pump.boot))) for text, *_ in LINES.values()]
    batch = b"".join(bad) + command(bench, 7, "stop")[:-3] + b"00\n" + b"\xff" * 40 + b"\n"
    lines = len(bad) + 2
    bench.write_raw(batch * 2)  # now 16 replies are kept, and every message was written once
    bench.sleep(6.0)  # the heap is measured every 5 s
    before = bench.pump.status().heap_free
    answered = 0
    for _ in range(1000 // lines + 1):
        answered += len(answers(bench, batch))
    measure("answered", answered, at_least=1000)
    bench.sleep(6.0)
    # `heap_free` is measured after a collection. It is conservative: a word on the stack that looks like a pointer
    # keeps a line and its reply, some 2 KB. One block of 32 bytes a line would be 32 KB.
    measure("heap free", bench.pump.status().heap_free, at_least=before - 4096)
    steps_are_even(bench, measure, since_s)


# ---- at most once ----


def test_a_command_sent_three_times_is_executed_once_and_answered_three_times(bench: Bench, measure: Measure):
    since_s = infuse(bench, RATE_UL_H)
    proposal = bench.pump.call("set_rate", rate_ul_h=RATE_UL_H)
    line = command(bench, 7, "confirm", token=proposal.token)
    first = answers(bench, line)
    measure("result of the first", first[0]["result"], equal={"rate_ul_h": RATE_UL_H})
    # Between the first and its repetition the rate is halved. An executed repetition would undo that.
    bench.pump.set_rate(RATE_UL_H // 2)
    measure("answers to the repeated line", answers(bench, line + line), equal=first * 2)
    measure("target rate", bench.pump.status().target_ul_h, unit="µL/h", equal=RATE_UL_H // 2)
    bench.sleep(1.0)
    intervals_ns = bench.trace.intervals("step", round((bench.now() - 0.5) * 1e9), round(bench.now() * 1e9))
    before_ns = bench.trace.intervals("step", round((since_s - 0.5) * 1e9), round(since_s * 1e9))
    measure("interval against before", float(intervals_ns.mean() / before_ns.mean()), near=2.0, by=1e-4 * 2.0)


def test_start_sent_three_times_starts_one_therapy(bench: Bench, measure: Measure):
    began_s = bench.now()
    proposals = answers(bench, command(bench, 7, "start", rate_ul_h=1_200_000, vtbi_nl=100_000) * 3)
    token = proposals[0]["result"]["token"]
    # One proposal.
    measure("tokens of the proposals", [reply["result"]["token"] for reply in proposals], equal=[token] * 3)
    replies = answers(bench, command(bench, 8, "confirm", token=token) * 3)
    measure("answers", [reply.get("result") for reply in replies], equal=[{"state": "infusing"}] * 3)
    bench.sleep(3.0)
    status = bench.pump.status()
    measure("state", status.state, equal="idle")
    # 100 µL, given once: no step beyond it.
    measure("delivered", status.delivered_nl, unit="nL", near=100_000, by=400)
    measure("steps on the pin", bench.trace.count("step", round(began_s * 1e9)), equal=status.steps_counted)


def test_refused_command_stays_refused_when_it_is_repeated(bench: Bench, measure: Measure):
    line = command(bench, 7, "resume")
    first = answers(bench, line)
    measure("refused with", first[0]["error"]["code"], equal="wrong_state")
    infuse(bench, RATE_UL_H)
    bench.pump.pause()
    bench.sleep(1.0)
    # A late repetition does not start the motor.
    measure("answers to the repeated line", answers(bench, line), equal=first)
    measure("state", bench.pump.status().state, equal="paused")


def test_an_id_in_use_is_refused(bench: Bench, measure: Measure):
    infuse(bench, RATE_UL_H)
    answers(bench, command(bench, 7, "silence"))
    (reply,) = answers(bench, command(bench, 7, "stop"))
    measure("refused with", reply["id"], equal=7)
    measure("refused with", reply["error"]["code"], equal="id_reused")
    measure("state", bench.pump.status().state, equal="infusing")


def test_last_16_commands_are_remembered(bench: Bench, measure: Measure):
    line = command(bench, 7, "alarm_test", priority="low")
    first = answers(bench, line)
    measure("priority of the first", first[0]["result"]["priority"], equal="low")
    for request_id in range(8, 23):  # 15 more
        answers(bench, command(bench, request_id, "silence"))
    bench.sleep(3.0)  # the test has sounded
    heard = bench.trace.count("piezo")
    measure("answers to the repeated line", answers(bench, line), equal=first)
    bench.sleep(1.0)
    measure("pulses of the piezo", bench.trace.count("piezo"), equal=heard)
    answers(bench, command(bench, 23, "silence"))  # the 16th after it
    answers(bench, line)  # no longer remembered, so it is a new command
    bench.sleep(1.0)
    measure("pulses of the piezo", bench.trace.count("piezo"), above=heard)


def test_command_from_before_a_reset_is_refused(bench: Bench, measure: Measure):
    line = command(bench, 7, "start", rate_ul_h=RATE_UL_H)
    bench.pump.reset()
    bench.sleep(1.0)
    since_s = bench.now()
    (reply,) = answers(bench, line)
    measure("refused with", reply["error"]["code"], equal="other_boot")
    measure("data of the refusal", reply["error"]["data"], equal={"boot": bench.pump.boot})
    measure("steps", bench.trace.count("step", round(since_s * 1e9)), equal=0)


@pytest.mark.needs("host_reading")
def test_a_retry_after_a_lost_reply_is_executed_once(bench: Bench, measure: Measure):
    # The client gets no reply, sends the same bytes again twice and gives up.
    bench.pump.timeout_s = 0.1
    proposal = bench.pump.propose_start(RATE_UL_H)
    bench.host_reading(False)
    with pytest.raises(NoAnswer):
        bench.pump.confirm(proposal)
    bench.host_reading(True)
    bench.sleep(1.0)
    replies = [reply for reply in bench.pump.link.unmatched if "result" in reply]
    measure("answers", [reply["result"] for reply in replies], equal=[{"state": "infusing"}] * 3)
    measure("different ids", len({reply["id"] for reply in replies}), equal=1)
    since_s = bench.now()
    bench.sleep(0.5)
    steps_are_even(bench, measure, since_s)


def test_many_ids_are_each_answered_with_their_own(bench: Bench, measure: Measure):
    since_s = infuse(bench, RATE_UL_H)
    ids = random.Random(1).sample(range(1, 1 << 30), 60)
    replies = answers(bench, b"".join(encode({"id": number, "method": "alarms"}) for number in ids))
    measure("ids answered", [reply["id"] for reply in replies], equal=ids)
    steps_are_even(bench, measure, since_s)


def test_refusal_names_the_state(bench: Bench, measure: Measure):
    with pytest.raises(PumpError) as refused:
        bench.pump.resume()
    measure("refused with", refused.value.code, equal="wrong_state")
    measure("data of the refusal", refused.value.data, equal={"state": "idle"})


def test_a_list_that_does_not_fit_a_line_comes_in_pieces(bench: Bench, measure: Measure):
    first = bench.pump.call("tasks")
    names = [task.name for task in bench.pump.tasks().tasks]
    measure("tasks in the first piece", len(first.tasks), below=first.count)
    measure("tasks in all", len(names), equal=first.count)
    measure("different names", len(set(names)), equal=len(names))


def test_a_status_fits_a_line_with_the_longest_names_of_alarms(bench: Bench, measure: Measure):
    status = asdict(bench.pump.status())
    longest = sorted((row.name for row in alarm_rows()), key=len)[-8:]  # as many as `status` lists
    status.update(alarms=longest, uptime_ms=2**30, delivered_nl=10**10, vtbi_nl=10**10, steps_counted=2**30)
    status.update(steps_commanded=2**30, reservoir_nl=10**9, empty_s=10**7, pressure_pa=-100_000)
    line = encode({"id": 2**30 - 1, "result": status}, 10_000)
    measure("length of the line", len(line), unit="B", at_most=1024)

"""The order of messages to the host, and a host that does not read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.link import frame
from pump.link.outbox import Outbox, OutboxFull

ALARMS = ("occlusion", "sensor", "empty")


def send_line(outbox):
    """Takes one whole line out and decodes it; None when nothing waits."""
    chunk = outbox.next_chunk()
    if chunk is None:
        return None
    line = bytes(chunk)
    assert outbox.sent(len(chunk))
    assert line.endswith(b"\n")
    return frame.decode(line[:-1])[0]


def send_all(outbox):
    return list(iter(lambda: send_line(outbox), None))


def reply(number):
    return frame.encode({"id": number, "result": {}})


def test_an_empty_outbox_has_nothing_to_send():
    outbox = Outbox(ALARMS)
    assert outbox.next_chunk() is None
    assert not outbox.reply_waiting()


def test_the_order_is_ready_replies_alarms_state_telemetry():
    outbox = Outbox(ALARMS)
    outbox.telemetry({"state": "idle"})
    outbox.state("infusing", "start", 10)
    outbox.alarm("sensor", "high", True, 11)
    outbox.reply(reply(1))
    outbox.reply(reply(2))
    outbox.ready({"boot": 3, "version": "1", "reset_cause": "power"})
    sent = send_all(outbox)
    names = [message.get("method", message.get("id")) for message in sent]
    assert names == ["ready", 1, 2, "alarm", "state", "telemetry"]
    assert sent[0]["params"]["boot"] == 3
    assert sent[4]["params"] == {"state": "infusing", "event": "start", "t_ms": 10}


def test_eight_replies_wait_and_a_ninth_is_an_error_of_the_program():
    outbox = Outbox(ALARMS)
    for number in range(1, 9):
        assert outbox.room_for_reply()
        outbox.reply(reply(number))
    assert not outbox.room_for_reply()
    with pytest.raises(OutboxFull):
        outbox.reply(reply(9))
    assert [message["id"] for message in send_all(outbox)] == list(range(1, 9))
    assert outbox.room_for_reply()


def test_the_latest_change_of_an_alarm_is_sent_and_seq_shows_the_gap():
    outbox = Outbox(ALARMS)
    outbox.alarm("occlusion", "high", True, 100)  # seq 1, never sent
    outbox.alarm("sensor", "medium", True, 101)  # seq 2
    outbox.alarm("occlusion", "high", False, 102)  # seq 3
    assert [message["params"] for message in send_all(outbox)] == [
        {"name": "sensor", "priority": "medium", "active": True, "seq": 2, "t_ms": 101},
        {"name": "occlusion", "priority": "high", "active": False, "seq": 3, "t_ms": 102},
    ]
    assert send_all(outbox) == []


def test_an_alarm_that_changes_while_it_is_sent_is_sent_again():
    outbox = Outbox(ALARMS)
    outbox.alarm("occlusion", "high", True, 1)
    outbox.next_chunk()
    outbox.alarm("occlusion", "high", False, 2)
    assert [message["params"]["active"] for message in send_all(outbox)] == [True, False]


def test_raising_alarms_for_ever_takes_one_place_each():
    outbox = Outbox(ALARMS)
    for turn in range(1000):
        outbox.alarm(ALARMS[turn % 3], "high", turn % 2 == 0, turn)
    assert [message["params"]["seq"] for message in send_all(outbox)] == [998, 999, 1000]


def test_an_unknown_alarm_is_an_error_of_the_program():
    with pytest.raises(KeyError):
        Outbox(ALARMS).alarm("oclusion", "high", True, 0)


def test_only_the_newest_state_is_sent():
    outbox = Outbox(ALARMS)
    outbox.state("infusing", "start", 1)
    outbox.state("idle", "stop", 2)
    assert [message["params"]["state"] for message in send_all(outbox)] == ["idle"]


def test_the_oldest_telemetry_is_dropped_and_counted():
    outbox = Outbox(ALARMS)
    params = {}  # one dict for all, as the source does it
    for t_ms in range(6):
        params["t_ms"] = t_ms
        outbox.telemetry(params)
    assert outbox.dropped == 2
    # Lines 5 and 6 each pushed one out, and say so; 3 and 4 were written before that.
    assert [(m["params"]["t_ms"], m["params"]["seq"], m["params"]["dropped"]) for m in send_all(outbox)] == [
        (2, 3, 0),
        (3, 4, 0),
        (4, 5, 1),
        (5, 6, 2),
    ]


def test_a_line_that_has_begun_is_finished_before_a_more_urgent_one():
    outbox = Outbox(ALARMS)
    outbox.telemetry({"t_ms": 1})
    begun = bytes(outbox.next_chunk())
    assert not outbox.sent(5)
    outbox.reply(reply(1))
    outbox.alarm("sensor", "high", True, 2)
    assert bytes(outbox.next_chunk()) == begun[5:]
    assert outbox.sent(len(begun) - 5)
    assert [message.get("method", message.get("id")) for message in send_all(outbox)] == [1, "alarm"]


def test_a_reply_waits_until_its_last_byte_is_sent():
    outbox = Outbox(ALARMS)
    outbox.reply(reply(1))
    assert outbox.reply_waiting()
    size = len(outbox.next_chunk())
    outbox.sent(size - 1)
    assert outbox.reply_waiting()
    outbox.sent(1)
    assert not outbox.reply_waiting()


@given(st.lists(st.sampled_from(["reply", "alarm", "state", "telemetry"]) | st.integers(1, 200), max_size=60))
def test_whatever_the_pieces_the_host_gets_whole_lines_and_all_replies(steps):
    """A number sends at most so many bytes; a word puts such a message in."""
    outbox = Outbox(ALARMS)
    stream = bytearray()
    replies = 0
    for step in steps:
        if step == "reply":
            if outbox.room_for_reply():
                replies += 1
                outbox.reply(reply(replies))
        elif step == "alarm":
            outbox.alarm("sensor", "high", True, 5)
        elif step == "state":
            outbox.state("idle", "stop", 5)
        elif step == "telemetry":
            outbox.telemetry({"t_ms": 5})
        else:
            chunk = outbox.next_chunk()
            if chunk is not None:
                stream += chunk[:step]
                outbox.sent(min(step, len(chunk)))
    chunk = outbox.next_chunk()
    while chunk is not None:
        stream += chunk
        outbox.sent(len(chunk))
        chunk = outbox.next_chunk()
    messages = [frame.decode(line)[0] for line in bytes(stream).split(b"\n")[:-1]]
    assert [message["id"] for message in messages if "id" in message] == list(range(1, replies + 1))
    assert json.dumps(messages)

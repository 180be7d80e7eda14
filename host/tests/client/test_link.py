"""The link: requests find their replies, whatever the line does to them."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import serial

from picoinfuse.client.frame import decode
from picoinfuse.client.link import Link
from picoinfuse.common.errors import (
    LinkClosed,
    NoAnswer,
    NotAPump,
    PortStalled,
    PortVanished,
    PumpError,
    ReplAnswers,
)
from tests.fake_pump import ScriptedPort, line

SHORT_S = 0.05


class Client:
    """A link on a scripted port, and what it reported."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.port = ScriptedPort(answer)
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.lost: list[PortVanished] = []
        self.has_lost = threading.Event()
        self.link = Link(self.port, "test", self._take, self._take_lost)

    def ask(self, timeout_s: float = SHORT_S) -> dict[str, Any]:
        return self.link.request("status", None, None, timeout_s)

    def _take(self, method: str, params: dict[str, Any]) -> None:
        self.told.append((method, params))

    def _take_lost(self, error: PortVanished) -> None:
        self.lost.append(error)
        self.has_lost.set()


@pytest.fixture
def client_of() -> Iterator[Callable[[Callable[[bytes], bytes]], Client]]:
    clients: list[Client] = []

    def make(answer: Callable[[bytes], bytes]) -> Client:
        clients.append(Client(answer))
        return clients[-1]

    yield make
    for client in clients:
        client.link.close()


MakeClient = Callable[[Callable[[bytes], bytes]], Client]


def reply(data: bytes, **result: Any) -> bytes:
    return line({"id": decode(data)["id"], "result": result})


def in_turn(*answers: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """The first answer to the first write, and so on; the last for all that follow."""
    left = list(answers)
    return lambda data: (left.pop(0) if len(left) > 1 else left[0])(data)


def nothing(data: bytes) -> bytes:
    return b""


def test_a_request_gets_its_result(client_of: MakeClient) -> None:
    assert client_of(lambda data: reply(data, a=1)).ask() == {"a": 1}


def test_an_error_reply_is_raised_with_code_message_and_data(client_of: MakeClient) -> None:
    error = {"code": "out_of_range", "message": "at most 1200000", "data": {"limit": 1_200_000}}
    client = client_of(lambda data: line({"id": decode(data)["id"], "error": error}))
    with pytest.raises(PumpError, match="at most 1200000") as raised:
        client.ask()
    assert (raised.value.code, raised.value.data) == ("out_of_range", {"limit": 1_200_000})


def test_after_a_lost_reply_the_same_bytes_are_sent_again(client_of: MakeClient) -> None:
    client = client_of(in_turn(nothing, lambda data: reply(data, a=1)))
    assert client.ask() == {"a": 1}
    assert len(client.port.written) == 2
    assert client.port.written[0] == client.port.written[1]


def test_a_request_is_sent_three_times_at_most(client_of: MakeClient) -> None:
    client = client_of(nothing)
    with pytest.raises(NoAnswer, match="no answer to status at test"):
        client.ask()
    assert len(client.port.written) == 3


def test_a_doubled_reply_does_not_answer_the_next_request(client_of: MakeClient) -> None:
    client = client_of(in_turn(lambda d: reply(d, a=1) * 2, lambda d: reply(d, a=2)))
    assert [client.ask(), client.ask()] == [{"a": 1}, {"a": 2}]
    assert [r["result"] for r in client.link.unmatched] == [{"a": 1}]


def test_a_reply_after_the_time_out_does_not_answer_the_next_request(client_of: MakeClient) -> None:
    client = client_of(nothing)
    with pytest.raises(NoAnswer):
        client.ask()
    late = reply(client.port.written[0], a="late")
    client.port.answer = lambda data: late + reply(data, a="mine")
    assert client.ask() == {"a": "mine"}
    assert [r["result"] for r in client.link.unmatched] == [{"a": "late"}]


def test_a_reply_with_another_id_is_not_taken(client_of: MakeClient) -> None:
    client = client_of(lambda data: line({"id": decode(data)["id"] + 1, "result": {}}))
    with pytest.raises(NoAnswer):
        client.ask()


def test_ids_differ_from_request_to_request_and_from_link_to_link(client_of: MakeClient) -> None:
    """Two programs that both began at 1 would be taken for one that repeats itself."""
    clients = [client_of(lambda data: reply(data)) for _ in range(2)]
    ids = [decode(w)["id"] for c in clients for _ in range(3) if c.ask() == {} for w in c.port.written[-1:]]
    assert len(set(ids)) == 6
    assert all(0 < i < 2**30 for i in ids)


def test_garbage_around_a_reply_does_no_harm(client_of: MakeClient) -> None:
    client = client_of(lambda data: b"\xff\x00garbage\n" + reply(data, a=1) + b"half a li")
    assert client.ask() == {"a": 1}
    assert client.link.heard().startswith(b"\xff\x00garbage\n")


def test_a_reply_with_a_wrong_bit_is_asked_for_again(client_of: MakeClient) -> None:
    client = client_of(in_turn(lambda d: reply(d, a=1).replace(b'"a":1', b'"a":3'), lambda d: reply(d, a=1)))
    assert client.ask() == {"a": 1}


def test_a_line_that_the_pump_could_not_read_is_sent_again_at_once(client_of: MakeClient) -> None:
    unread = line({"id": None, "error": {"code": "crc_error", "message": "bad", "data": {}}})
    client = client_of(in_turn(lambda data: unread, lambda data: reply(data, a=1)))
    assert client.ask(timeout_s=30) == {"a": 1}  # far less than the 30 s, or the test would time out
    assert client.port.written[0] == client.port.written[1]


def test_a_line_that_the_pump_never_reads_raises_the_pumps_reason(client_of: MakeClient) -> None:
    unread = line({"id": None, "error": {"code": "crc_error", "message": "bad", "data": {}}})
    with pytest.raises(PumpError) as raised:
        client_of(lambda data: unread).ask()
    assert raised.value.code == "crc_error"


def test_every_complete_line_is_handled_before_the_next_read(client_of: MakeClient) -> None:
    client = client_of(nothing)
    three = b"".join(line({"method": "state", "params": {"n": n}}) for n in range(3))
    seen: list[int] = []
    done = threading.Event()

    def on_read() -> None:
        if not client.port.in_waiting and client.told:
            seen.append(len(client.told))
            done.set()

    client.port.on_read = on_read
    client.port.say(three + b'{"method":"sta')
    assert done.wait(5)
    assert seen[0] == 3


def test_a_fault_in_a_callback_does_not_stop_the_reader(caplog: pytest.LogCaptureFixture) -> None:
    def fail(method: str, params: dict[str, Any]) -> None:
        raise ZeroDivisionError

    port = ScriptedPort(lambda data: line({"method": "state"}) + reply(data, a=1))
    link = Link(port, "test", fail, lambda error: None)
    with caplog.at_level(logging.ERROR):
        assert link.request("status", None, None, SHORT_S) == {"a": 1}
    assert "callback" in caplog.text
    link.close()


def test_a_callback_that_sends_a_request_is_refused_instead_of_waiting_for_ever() -> None:
    caught: list[LinkClosed] = []

    def ask(method: str, params: dict[str, Any]) -> None:
        try:
            link.request("status", None, None, 1)
        except LinkClosed as error:
            caught.append(error)

    port = ScriptedPort(lambda data: line({"method": "state"}) + reply(data))
    link = Link(port, "test", ask, lambda error: None)
    link.request("status", None, None, 1)
    assert len(caught) == 1
    link.close()


def test_a_port_that_vanishes_ends_the_request_and_is_reported(client_of: MakeClient) -> None:
    client = client_of(nothing)
    client.port.answer = lambda data: client.port.vanish() or b""
    with pytest.raises(PortVanished, match="has gone"):
        client.ask(timeout_s=30)
    assert client.has_lost.wait(5)
    assert len(client.port.written) == 1  # nothing is sent again
    assert client.port.closed
    with pytest.raises(PortVanished):
        client.ask()


def test_a_port_that_takes_no_data_is_named(client_of: MakeClient) -> None:
    def stall(data: bytes) -> bytes:
        raise serial.SerialTimeoutException("Write timeout")

    with pytest.raises(PortStalled, match="takes no data"):
        client_of(stall).ask()


def test_a_closed_link_says_so(client_of: MakeClient) -> None:
    client = client_of(nothing)
    client.link.close()
    with pytest.raises(LinkClosed):
        client.ask()
    assert client.port.closed


def test_a_micropython_prompt_is_recognised_at_once(client_of: MakeClient) -> None:
    client = client_of(lambda data: data.rstrip() + b"\r\n{'method': 'status'}\r\n>>> ")
    with pytest.raises(ReplAnswers, match="MicroPython prompt"):
        client.ask(timeout_s=30)


def test_an_echo_is_no_pump(client_of: MakeClient) -> None:
    with pytest.raises(NotAPump, match="sends back"):
        client_of(lambda data: data).ask(timeout_s=30)


def test_requests_from_several_threads_each_get_their_own_reply(client_of: MakeClient) -> None:
    client = client_of(lambda data: reply(data, echo=decode(data)["params"]["n"]))
    got: dict[int, Any] = {}

    def ask(n: int) -> None:
        got[n] = client.link.request("status", {"n": n}, None, 1)["echo"]

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {n: n for n in range(8)}

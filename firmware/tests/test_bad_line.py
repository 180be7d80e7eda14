"""Between the real client and the pump's real server a line that loses, doubles, delays, reorders and cuts: no command
is done twice, and no reply answers another request than its own.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from picoinfuse.client.link import Link
from picoinfuse.common.errors import PicoinfuseError, PumpError
from pump.link.line_reader import LINE, TOO_LONG, LineReader
from pump.link.outbox import Outbox
from pump.link.server import Server
from tests.fake_pump import ScriptedPort

BOOT = 41
SHORT_S = 0.02  # an attempt; the pump behind the line answers at once


class Handlers:
    def __init__(self) -> None:
        self.done: Counter[int] = Counter()

    def start(self, rate_ul_h: int) -> dict[str, Any]:
        self.done[rate_ul_h] += 1
        return {"rate_ul_h": rate_ul_h}

    def on_error(self, exc: Exception) -> None:
        raise exc


class BadLine:
    """Both directions of it. `badness`: how many of 100 pieces something happens to."""

    def __init__(self, seed: int, badness: int) -> None:
        self.handlers = Handlers()
        self._rng = random.Random(seed)
        self._badness = badness
        self._outbox = Outbox(())
        self._server = Server({"start": self.handlers.start}, BOOT, self._outbox, self.handlers.on_error)
        self._reader = LineReader()
        self._late: dict[str, list[bytes]] = {"there": [], "back": []}
        self._now_ms = 0

    def answer(self, data: bytes) -> bytes:
        """What comes back at once for what was written."""
        said = b""
        for piece in self._suffer("there", data):
            said += b"".join(self._suffer("back", self._pump(piece)))
        return said

    def _suffer(self, way: str, data: bytes) -> list[bytes]:
        """The pieces that come out at the other end, in their order."""
        rng, late = self._rng, self._late[way]
        pieces = [data]
        if data and rng.randrange(100) < self._badness:
            cut = rng.randrange(len(data))
            pieces = rng.choice(
                (
                    lambda: [],  # lost
                    lambda: [data, data],  # doubled
                    lambda: [data[:cut]],  # its end is lost
                    lambda: [data[cut:]],  # its beginning is
                    lambda: [data[:cut], data[cut:]],  # in two pieces
                    lambda: late.append(data) or [],  # comes behind the next
                    lambda: [data[:cut] + bytes([data[cut] ^ 1 << rng.randrange(8)]) + data[cut + 1 :]],
                )
            )()
        if late and rng.random() < 0.5:
            rng.shuffle(late)
            pieces += late
            late.clear()
        return pieces

    def _pump(self, data: bytes) -> bytes:
        """The firmware's own ears and mouth."""
        chunk, at, said = bytearray(data), 0, b""
        while at < len(chunk):
            at = self._reader.feed(chunk, at, len(chunk), self._now_ms)
            if self._reader.event == LINE:
                self._server.handle_line(self._reader.line)
            elif self._reader.event == TOO_LONG:
                self._server.too_long()
            while (out := self._outbox.next_chunk()) is not None:
                said += bytes(out)
                self._outbox.sent(len(out))
        self._now_ms += 600  # two such silences, and half a line is forgotten
        self._reader.quiet(self._now_ms)
        return said


def ask_through(seed: int, badness: int, requests: int) -> Counter[str]:
    """How the requests ended."""
    line = BadLine(seed, badness)
    link = Link(ScriptedPort(line.answer), "a bad line", lambda method, params: None, lambda error: None)
    ends: Counter[str] = Counter()
    try:
        for rate_ul_h in range(1, requests + 1):
            try:
                result = link.request("start", {"rate_ul_h": rate_ul_h}, BOOT, SHORT_S)
            except PumpError as error:
                ends[error.code] += 1
            except PicoinfuseError as error:
                ends[type(error).__name__] += 1
            else:
                assert result == {"rate_ul_h": rate_ul_h}, f"seed {seed}: another request's reply"
                assert line.handlers.done[rate_ul_h] == 1, f"seed {seed}: answered and not done"
                ends["done"] += 1
    finally:
        link.close()
    twice = {rate: count for rate, count in line.handlers.done.items() if count > 1}
    assert not twice, f"seed {seed}: done more than once: {twice}"
    return ends


@pytest.mark.parametrize("badness", [10, 50])
def test_a_bad_line_does_nothing_twice_and_mixes_nothing_up(badness: int) -> None:
    ends = ask_through(seed=1, badness=badness, requests=150)
    assert ends["done"] > 20, ends


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(10, 16))
def test_bad_lines_for_long(seed: int) -> None:
    ends = ask_through(seed, badness=30, requests=3000)
    assert ends["done"] > 1000, ends

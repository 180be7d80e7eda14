"""How long the host waits for a board in software: as long as it gives signs of life."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from picoinfuse.stub import board
from picoinfuse.stub.engine import default_engine

PATIENCE_S = 1.0
BEAT_S = 0.05


class SlowProcess:
    """A board that gives `beats` signs of life, then reports the end of the granted time; or says nothing more."""

    beats = 0
    ends = True

    def __init__(self, setup: dict[str, Any], engine: object) -> None:
        self._messages = self._script()
        self._ended = False

    def _script(self) -> Iterator[tuple[bytes, bytes]]:
        for _ in range(self.beats):
            time.sleep(BEAT_S)
            yield b"p", b""
        if self.ends:
            yield b"h", json.dumps({"seq": 1, "now_ns": 12 * 3600 * 10**9}).encode()
        while not self._ended:
            time.sleep(BEAT_S)

    def receive(self) -> tuple[bytes, bytes] | None:
        return next(self._messages, None)

    def send(self, kind: bytes, payload: bytes) -> None:
        pass

    def log(self) -> str:
        return ""

    def end(self) -> None:
        self._ended = True


def _board(monkeypatch: pytest.MonkeyPatch, **script: Any) -> board.StubBoard:
    monkeypatch.setattr(board, "BoardProcess", type("Process", (SlowProcess,), script))
    return board.StubBoard(
        {}, Path("none"), engine=default_engine(), on_serial=lambda data: None, patience_s=PATIENCE_S
    )


def test_a_long_sleep_lasts_as_long_as_the_board_makes_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    beats = round(2 * PATIENCE_S / BEAT_S)
    with _board(monkeypatch, beats=beats) as slow:
        slow.sleep(12 * 3600)
        assert slow.now_ns == 12 * 3600 * 10**9


def test_a_silent_board_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    with _board(monkeypatch, ends=False) as silent, pytest.raises(board.StubFailed, match="no sign of life for 1 s"):
        silent.sleep(1)

"""The pseudo-terminal in the place of a serial port."""

import os
import time
from collections.abc import Callable

from picoinfuse.stub.pty_port import PtyPort


def until(done: Callable[[], bool]) -> bool:
    """Wall time: another thread works at it."""
    for _ in range(500):
        if done():
            return True
        time.sleep(0.01)
    return False


def test_the_board_is_notified_when_the_host_stops_and_resumes_reading() -> None:
    """Repeatedly, and the last notification is the current state: otherwise a board may wait for ever."""
    told: list[bool] = []
    port = PtyPort(lambda data: None, told.append)
    host = os.open(port.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        for turn in range(1, 6):
            port.send(bytes(20_000))  # a terminal holds 4 KiB
            assert until(lambda turn=turn: told[-1:] == [False] and len(told) == 2 * turn - 1)
            read = 0
            while read < 20_000:
                try:
                    read += len(os.read(host, 4096))
                except BlockingIOError:
                    time.sleep(0.001)
            assert until(lambda turn=turn: told[-1:] == [True] and len(told) == 2 * turn)
    finally:
        os.close(host)
        port.close()


def test_output_without_a_reader_is_lost() -> None:
    told: list[bool] = []
    port = PtyPort(lambda data: None, told.append)
    port.send(bytes(20_000))
    time.sleep(0.1)
    port.close()
    assert told == []

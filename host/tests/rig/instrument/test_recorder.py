"""Frames become edges; what is missing in them, or between them, is said by name."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picoinfuse.rig.instrument.frames import Frames, FramesLost
from picoinfuse.rig.instrument.recorder import EdgesLost, Recorder
from picoinfuse.trace.trace import Trace

NUMBERS = 1 << 29


def frame(
    number: int,
    now_us: int,
    events: tuple[tuple[int, int, int], ...] | list[tuple[int, int, int]] = (),
    *,
    group: int = 0,
    more: bool = False,
) -> bytes:
    """`events`: number, levels, µs."""
    words = [((~event % NUMBERS) << 3) | levels for event, levels, _ in events]
    times = [time_us & 0xFFFFFFFF for _, _, time_us in events]
    head = struct.pack("<2sBBHHII", b"\xa5\x5a", group, more, len(events), 0, number, now_us & 0xFFFFFFFF)
    body = head + struct.pack(f"<{len(words)}I", *words) + struct.pack(f"<{len(times)}I", *times)
    return body + zlib.crc32(body).to_bytes(4, "little")


def recorded(*frames: bytes) -> tuple[Trace, Recorder]:
    """After a first frame of each group, at 1000 µs, which is the trace's 0."""
    cut, recorder, trace = Frames(), Recorder(), Trace()
    for first in cut.feed(frame(0, 1000) + frame(0, 1000, group=1)):
        recorder.take(first)
    recorder.begin(trace)
    for data in frames:
        for one in cut.feed(data):
            recorder.take(one)
    return trace, recorder


def test_edges_stand_in_the_middle_of_their_microsecond() -> None:
    trace, _ = recorded(frame(1, 3000, [(0, 0b001, 1500), (1, 0b011, 1502), (2, 0b010, 1504)]), frame(1, 3010, group=1))
    # cut to 1 µs: 500 ns later on average, and 200 ns from the edge to the timer's reading
    assert trace.edges("step").tolist() == [500_300]
    assert trace.edges("dir").tolist() == [502_300]
    assert trace.edges("step", False).tolist() == [504_300]
    assert trace.end_ns == 2_000_000  # both groups are complete until then


def test_a_frame_with_more_to_come_is_not_all_until_now() -> None:
    _, recorder = recorded(frame(1, 3000, more=True), frame(1, 3000, group=1))
    assert recorder.complete_us == 1000


def test_an_event_after_the_frames_own_time_is_just_after_it() -> None:
    trace, _ = recorded(frame(1, 3000, [(0, 1, 3004)]))
    assert trace.edges("step").tolist() == [2_004_300]


def test_the_timer_may_wrap() -> None:
    """After 71.6 min, 2**32 µs, with at least two frames in between."""
    steps = [frame(n + 1, 1000 + n * (1 << 30)) for n in range(1, 5)]
    wrapped_us = 1000 + 4 * (1 << 30) + 500
    trace, _ = recorded(frame(1, 1000), *steps, frame(6, wrapped_us, [(0, 1, wrapped_us - 100)]))
    assert trace.edges("step").tolist() == [(4 * (1 << 30) + 400) * 1000 + 300]


def test_an_event_that_is_missing_is_counted_and_named() -> None:
    with pytest.raises(EdgesLost, match=r"lost 3 edges of piezo, lamp_red, lamp_yellow before 1\.000 s"):
        recorded(frame(1, 1_001_100, [(0, 1, 900_000), (4, 0, 1_001_000)], group=1))


def test_the_number_of_an_event_may_wrap() -> None:
    trace, recorder = recorded()
    recorder._next = [NUMBERS - 1, 0]
    for one in _cut_from(1).feed(frame(1, 9000, [(NUMBERS - 1, 1, 5000), (0, 0, 6000)])):
        recorder.take(one)
    assert trace.count("step") == 1


def _cut_from(number: int) -> Frames:
    cut = Frames()
    cut._next = [number, number]
    return cut


def test_a_frame_that_is_missing_is_named() -> None:
    with pytest.raises(FramesLost, match="frame 1 of group 0 is missing"):
        recorded(frame(2, 3000))


def test_what_is_no_frame_is_shown() -> None:
    said = b"Traceback (most recent call last):\r\nMemoryError: memory allocation failed\r\n\x04>"
    with pytest.raises(FramesLost, match="MemoryError: memory allocation failed"):
        list(Frames().feed(said))


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    """At once, or, where a length grew, when so many bytes have come."""
    whole = bytearray(frame(0, 3000, [(0, 1, 1500), (1, 0, 1600)]) + b"".join(frame(n, 4000) for n in range(1, 300)))
    at = data.draw(st.integers(0, 99))
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FramesLost):
        list(Frames().feed(bytes(whole)))


@given(st.lists(st.integers(1, 40), max_size=20))
def test_frames_may_come_in_any_pieces(sizes: list[int]) -> None:
    whole = frame(0, 3000, [(0, 1, 1500)]) + frame(1, 4000) + frame(0, 4000, group=1)
    cut, taken = Frames(), 0
    for size in [*sizes, len(whole)]:
        taken += len(list(cut.feed(whole[:size])))
        whole = whole[size:]
    assert taken == 3

"""Lines out of a stream of bytes, however the stream is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.link.line_reader import _SILENCE_MS, LINE, MAX_LINE, TOO_LONG, LineReader


def events(reader, data, now_ms=0):
    """What comes out of `data`: lines as bytes, TOO_LONG as that."""
    chunk = bytearray(data)
    at = 0
    out = []
    while at < len(chunk):
        begin = at
        at = reader.feed(chunk, at, len(chunk), now_ms)
        assert at > begin, "every call makes progress"
        if reader.event == LINE:
            out.append(reader.line)
        elif reader.event == TOO_LONG:
            out.append(TOO_LONG)
    return out


def reference(data):
    """The same by splitting the whole stream at once."""
    out = []
    *lines, rest = data.split(b"\n")
    for line in lines:
        if len(line) >= MAX_LINE:
            out.append(TOO_LONG)
            continue
        if line.endswith(b"\r"):
            line = line[:-1]
        if line:
            out.append(line)
    return [*out, TOO_LONG] if len(rest) >= MAX_LINE else out


PIECES = st.lists(
    st.sampled_from([b"\n", b"\r\n", b"\r", b"abc", b'{"id":1}\n'])
    | st.sampled_from([100, 510, 511, 512]).map(lambda n: b"x" * n)
    | st.binary(max_size=20),
    max_size=12,
)


@given(PIECES, st.data())
def test_lines_do_not_depend_on_how_the_stream_is_cut(pieces, data):
    stream = b"".join(pieces)
    reader = LineReader()
    out = []
    at = 0
    while at < len(stream):
        step = data.draw(st.sampled_from([1, 2, 7, 64, 128, 600]))
        out += events(reader, stream[at : at + step])
        at += step
    assert out == reference(stream)


def test_one_feed_stops_at_the_end_of_one_line():
    reader = LineReader()
    chunk = bytearray(b"one\ntwo\n")
    assert reader.feed(chunk, 0, len(chunk), 0) == 4
    assert (reader.event, reader.line) == (LINE, b"one")
    assert reader.feed(chunk, 4, len(chunk), 0) == 8
    assert (reader.event, reader.line) == (LINE, b"two")


def test_only_the_given_part_of_the_chunk_is_taken():
    reader = LineReader()
    chunk = bytearray(b"old\nnew")
    assert reader.feed(chunk, 0, 3, 0) == 3  # the newline behind it belongs to an earlier read
    assert events(reader, b"\n") == [b"old"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_longest_line_has_512_bytes_with_its_end(end):
    text = b"x" * (512 - len(end))
    assert events(LineReader(), text + end) == [text]
    assert events(LineReader(), b"x" + text + end) == [TOO_LONG]


def test_a_long_line_is_reported_once_and_dropped_to_its_newline():
    reader = LineReader()
    assert events(reader, b"x" * 5000) == [TOO_LONG]
    assert events(reader, b"x" * 5000 + b"\nnext\n") == [b"next"]


def test_a_long_line_stays_dropped_through_a_silence():
    # Its tail must never be taken for a request.
    reader = LineReader()
    assert events(reader, b"x" * 600) == [TOO_LONG]
    reader.quiet(_SILENCE_MS * 10)
    assert events(reader, b'{"id":1}\n', _SILENCE_MS * 10) == []


def test_empty_lines_are_ignored():
    assert events(LineReader(), b"\n\r\n\n\r\n") == []


def test_half_a_line_is_forgotten_after_a_second_of_silence():
    reader = LineReader()
    assert events(reader, b'{"id":', 100) == []
    reader.quiet(100 + _SILENCE_MS - 1)
    assert events(reader, b"1}\n", 100 + _SILENCE_MS - 1) == [b'{"id":1}']

    assert events(reader, b'{"id":', 100) == []
    reader.quiet(100 + _SILENCE_MS)
    assert events(reader, b"hello\n", 100 + _SILENCE_MS) == [b"hello"]


def test_the_silence_is_measured_across_the_wrap_of_the_ticks():
    reader = LineReader()
    events(reader, b"half", 2**30 - 500)
    reader.quiet(499)  # 999 ms later
    assert events(reader, b"-line\n", 499) == [b"half-line"]
    events(reader, b"half", 2**30 - 500)
    reader.quiet(500)  # 1000 ms later
    assert events(reader, b"whole\n", 500) == [b"whole"]


def test_the_buffer_is_allocated_once():
    reader = LineReader()
    buffer = reader._buffer
    events(reader, (b"x" * 511 + b"\n") * 3 + b"y" * 2000 + b"\nz\n")
    assert reader._buffer is buffer
    assert len(buffer) == 512

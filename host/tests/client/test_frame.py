"""Frames: what goes in comes out, damage is seen, a stream is cut into lines within bounds."""

import json
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picoinfuse.client.frame import FROM_PUMP_BYTES, TO_PUMP_BYTES, Lines, decode, encode
from picoinfuse.client.text import printable
from picoinfuse.common.errors import FrameError

numbers = st.integers(-(2**53), 2**53)
texts = st.text(max_size=20).map(printable)  # control characters: see below
leaves = st.none() | st.booleans() | numbers | texts
objects = st.dictionaries(texts, leaves | st.lists(leaves, max_size=3), max_size=5)


@given(objects)
def test_what_is_encoded_is_decoded(message: dict[str, Any]) -> None:
    line = encode(message, limit_bytes=100_000)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == message


@given(objects, st.data())
def test_a_single_wrong_bit_is_never_taken_for_a_frame(message: dict[str, Any], data: st.DataObject) -> None:
    """CRC-32 sees every single-bit error in the body; in the CRC itself the digits no longer fit."""
    line = bytearray(encode(message, limit_bytes=100_000).rstrip(b"\n"))
    bit = data.draw(st.integers(0, 8 * len(line) - 1))
    line[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FrameError):
        decode(bytes(line))


def test_a_frame_has_the_format_of_the_protocol() -> None:
    body = b'{"id":7,"method":"status"}'
    assert encode({"id": 7, "method": "status"}) == body + b"#%08x\n" % crc32(body)


def test_a_carriage_return_before_the_newline_is_ignored() -> None:
    assert decode(encode({"id": 7}).replace(b"\n", b"\r\n")) == {"id": 7}


def test_a_hash_in_a_text_is_no_crc() -> None:
    assert decode(encode({"a": "#00000000"})) == {"a": "#00000000"}


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\n", "\x7f", "\x9b", "\u202e", "\u2028", "\ud800"])
def test_no_string_of_a_pump_brings_a_control_character_to_a_terminal(char: str) -> None:
    told = decode(encode({"a" + char: [char + "[2J", {"b": "x" + char}]}))
    assert told == {"a": ["[2J", {"b": "x"}]}
    raw = "\x7f\x9b\u202e\u2028"  # JSON lets these stand as they are
    assert decode(with_crc(f'{{"a":"{raw}µ"}}'.encode())) == {"a": "µ"}


def with_crc(body: bytes) -> bytes:
    return body + b"#%08x" % crc32(body)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"id":7}', "crc_required"),
        (b'{"id":7}#12345678', "crc_error"),
        (with_crc(b'{"id":1}').upper(), "crc_required"),  # digits are lower case
        (with_crc(b"{"), "parse_error"),
        (with_crc(b"\xff"), "parse_error"),
        (with_crc('{"id":7}'.encode("utf-16")), "parse_error"),
        (with_crc(b"[" * 1000), "parse_error"),
        (with_crc(b"[1]"), "invalid_request"),
        (b"", "crc_required"),
    ],
)
def test_what_is_no_frame_is_named(line: bytes, code: str) -> None:
    # The CRC of '{"id":1}' has a letter, or upper() would change nothing.
    assert any(c in b"abcdef" for c in with_crc(b'{"id":1}')[-8:])
    with pytest.raises(FrameError) as error:
        decode(line)
    assert error.value.code == code


def test_a_line_fills_its_limit_and_not_one_byte_more() -> None:
    # {"a":""} is 8 bytes, # and CRC 9, newline 1: 494 are left of 512
    fits = {"a": "x" * (TO_PUMP_BYTES - 18)}
    assert len(encode(fits)) == TO_PUMP_BYTES
    with pytest.raises(FrameError) as error:
        encode({"a": fits["a"] + "x"})
    assert error.value.code == "too_long"


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"a": float("nan")})


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=8), st.data())
def test_lines_come_out_whole_however_they_are_cut(sent: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    lines = Lines()
    got: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += lines.feed(stream[start:end])
    assert got == sent


@given(st.integers(1, 50))
def test_a_line_without_end_is_dropped_and_the_next_one_is_read(chunk: int) -> None:
    """1023 bytes and a newline make 1024, the limit; one more is too long."""
    longest, too_long = b"x" * (FROM_PUMP_BYTES - 1), b"y" * FROM_PUMP_BYTES
    stream = longest + b"\n" + too_long + b"\n" + b"next\n"
    lines = Lines()
    got = [line for i in range(0, len(stream), chunk) for line in lines.feed(stream[i : i + chunk])]
    assert got == [longest, b"next"]
    assert lines.dropped == 1


def test_rest_is_the_beginning_of_a_line() -> None:
    lines = Lines()
    assert lines.feed(b"one\ntw") == [b"one"]
    assert lines.rest() == b"tw"


def test_the_body_is_compact_json() -> None:
    message = {"id": 1, "method": "start", "params": {"rate_ul_h": 5000}, "boot": 3}
    assert encode(message)[:-10] == json.dumps(message, separators=(",", ":")).encode()

"""Frames and the grammar in front of the parser: what is refused must not depend on the JSON parser."""

import contextlib
import json
from binascii import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.link import frame, strict_json

# To U+FFFF: CPython writes what is beyond as two surrogate escapes, which are refused.
NAMES = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(10**15) + 1, 10**15 - 1) | NAMES
# Leaves bound the depth too: hypothesis nests a value at most once for each leaf.
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


def framed(text):
    return text + b"#%08x" % crc32(text)


def is_json(text):
    """What the reference says."""
    try:
        json.loads(text.decode("utf-8"), parse_constant=int)
    except ValueError:
        return False
    return True


def code_of(line):
    with pytest.raises(frame.BadFrame) as caught:
        frame.decode(line)
    return caught.value.code


def test_the_protocols_example_has_the_crc_that_zlib_gives():
    line = frame.encode({"id": 7, "result": {"state": "infusing"}})
    text, crc = line[:-1].split(b"#")
    assert json.loads(text) == {"id": 7, "result": {"state": "infusing"}}
    assert crc == b"%08x" % crc32(text)
    assert line.endswith(b"\n")


@given(OBJECTS)
def test_what_is_encoded_decodes_to_the_same_object(obj):
    line = frame.encode(obj)
    assert frame.decode(line[:-1]) == (obj, True, crc32(line[:-10]))


@given(OBJECTS)
def test_a_line_is_whole_blocks_so_that_a_write_never_stalls(obj):
    line = frame.encode(obj)
    assert len(line) % frame.BLOCK == 0
    assert line.count(b"\n") == 1


@given(OBJECTS, st.data())
def test_any_single_byte_changed_before_the_crc_is_found(obj, data):
    line = bytearray(frame.encode(obj)[:-1])
    at = data.draw(st.integers(0, len(line) - 10))
    # A blank after the object may turn into '#' or '}', which moves the place where the CRC is looked for.
    line[at] ^= data.draw(st.integers(1, 255))
    assert code_of(bytes(line)) in ("crc_error", "parse_error")


@given(st.data())
def test_any_damaged_crc_is_found(data):
    line = bytearray(framed(b'{"id":7}'))
    at = data.draw(st.integers(len(line) - 8, len(line) - 1))
    line[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[at]))
    assert code_of(bytes(line)) in ("crc_error", "parse_error")


@pytest.mark.parametrize(
    ("line", "has_crc"),
    [
        (b'{"id":1}', False),
        (b'{"id":1}  ', False),
        (b' { "id" : 1 } ', False),
        (framed(b'{"id":1}'), True),
        (framed(b'{"id":1}   '), True),
        (b'{"a":"#12345678"}', False),  # a '#' inside a string is no trailer
        (b'{"a":"#1234567"} ', False),
        (framed(b'{"a":"#"}'), True),
    ],
)
def test_the_crc_is_what_follows_the_object(line, has_crc):
    assert frame.decode(line)[1] is has_crc


@pytest.mark.parametrize("tail", [b"#", b"#0", b"#0000000", b"#000000000", b"#zzzzzzzz", b"#00000000 "])
def test_a_trailer_that_is_not_eight_digits_is_a_crc_error(tail):
    assert code_of(b'{"id":7}' + tail) == "crc_error"


def test_upper_case_digits_are_a_crc_error():
    text = b'{"id":7}'
    line = text + (b"%08x" % crc32(text)).upper().join([b"#", b""])
    assert line != framed(text)
    assert code_of(line) == "crc_error"


def test_the_crc_is_checked_before_the_grammar():
    assert code_of(b'{"id"#00000000') == "crc_error"


# What MicroPython's parser takes and JSON does not, and what costs too much.
NOT_JSON = [
    b"",
    b" ",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"{]",
    b"[}",
    b'{"a" 1}',
    b'{"a"::1}',
    b'{"a":1:2}',
    b'{"a":1,}',
    b'{,"a":1}',
    b'{"a":1 "b":2}',
    b'{"a","b"}',
    b'["a":1]',
    b"[1,]",
    b"[,1]",
    b"[1 2]",
    b"[1,,2]",
    b":1",
    b"{1:2}",
    b"{null:2}",
    b"{a:1}",
    b"{'a':1}",
    b'{"a"}',
    b'{"a":}',
    b'{"a":1}x',
    b'{"a":1}}',
    b'{"a":1}{"a":1}',
    b'{"a":1} 2',
    b"1 2",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b'{"a":NaN}',
    b'{"a":nul}',
    b'{"a":nulll}',
    b'{"a":True}',
    b'{"a":01}',
    b'{"a":-01}',
    b'{"a":+1}',
    b'{"a":-}',
    b'{"a":--1}',
    b'{"a":1-2}',
    b'{"a":.5}',
    b'{"a":5.}',
    b'{"a":5.e1}',
    b'{"a":1e}',
    b'{"a":1e+}',
    b'{"a":0x10}',
    b'{"a":1_000}',
    b'{"a":"\\q"}',
    b'{"a":"\\u12"}',
    b'{"a":"\\u12g4"}',
    b'{"a":"\\',
    b'{"a":"\\u',
    b'{"a":"\x01"}',
    b'{"a":"\t"}',
    b'{"a":1\x00}',
    b"\xef\xbb\xbf{}",  # a byte order mark
    b'{"a":"\xff"}',
    b'{"a":"\x80"}',
    b'{"a":"\xc3("}',
    b'{"a":"\xc3',
    b'{"a":"\xc0\x80"}',  # overlong
    b'{"a":"\xe0\x80\x80"}',
    b'{"a":"\xf0\x80\x80\x80"}',
    b'{"a":"\xed\xa0\x80"}',  # a surrogate
    b'{"a":"\xf4\x90\x80\x80"}',  # beyond Unicode
    b'{"a":"\xf8\x88\x80\x80\x80"}',
]
# JSON by the letter, and refused all the same.
TOO_MUCH = [
    b"[" * 9 + b"]" * 9,
    b'{"a":' * 9 + b"1" + b"}" * 9,
    b"[" + b"1," * 95 + b"1]",  # 96 numbers and the list: 97 values
    b'{"a":1234567890123456}',
    b'{"a":-1234567890123456}',
    b'{"a":0.123456789012345}',
    b'{"a":1e123456789012345}',
    b'{"a":"\\ud83d"}',
    b'{"a":"\\ud83d\\ude00"}',
    b'{"rate_ul_h":1,"rate_ul_h":2}',
    b'{"a":{"b":1,"\\u0062":2}}',
]
TAKEN = [
    (b"{}", {}),
    (b"[]", []),
    (b"[" * 8 + b"]" * 8, [[[[[[[[]]]]]]]]),
    (b"[" + b"1," * 62 + b"1]", [1] * 63),
    (b'{"a":123456789012345}', {"a": 123456789012345}),
    (b'{"a":-123456789012345}', {"a": -123456789012345}),
    (b'{"a":-0}', {"a": 0}),
    (b'{"a":1.5e2}', {"a": 150.0}),
    (b'{"a":[true,false,null,"x",{"b":[]}]}', {"a": [True, False, None, "x", {"b": []}]}),
    (b'{"a":"\\u00e9\\n\\"\\\\\\/"}', {"a": 'é\n"\\/'}),
    ('{"a":"é€😀"}'.encode(), {"a": "é€😀"}),
    (b'{"a":{"b":1},"b":2}', {"a": {"b": 1}, "b": 2}),
    (b'\t\r {"a"\t:\r1 } ', {"a": 1}),
]


@pytest.mark.parametrize("text", NOT_JSON)
def test_what_is_not_json_is_refused(text):
    assert code_of(text) == "parse_error"
    assert not is_json(text)


@pytest.mark.parametrize("text", TOO_MUCH)
def test_what_is_too_deep_too_long_or_ambiguous_is_refused(text):
    assert is_json(text)
    assert code_of(text) == "parse_error"


@pytest.mark.parametrize(("text", "obj"), TAKEN)
def test_json_is_taken(text, obj):
    assert frame.decode(text)[0] == obj


TOKENS = [
    *[b"{", b"}", b"[", b"]", b":", b",", b'"', b'"a"', b"0", b"12", b"-", b".", b"e", b"+"],
    *[b"true", b"null", b" ", b"\\", b"\\u0041", b"\xc3\xa9", b"\xed", b"\x80", b"\n", b"#"],
]
JSON_LIKE = st.lists(st.sampled_from(TOKENS), max_size=12).map(b"".join)


@given(JSON_LIKE | st.binary(max_size=24))
def test_the_grammar_agrees_with_the_reference(text):
    """Both ways: nothing that is JSON is refused, and nothing else is taken.

    12 tokens cannot be JSON of 9 levels, which needs 18 brackets. They can have 16 digits: that is left out.
    """
    try:
        strict_json.members(text)
        taken = True
    except strict_json.NotJson as error:
        taken = False
        if "digits" in str(error):
            return
    assert taken == is_json(text)


@given(st.binary(max_size=600))
def test_no_line_raises_anything_but_bad_frame(line):
    with contextlib.suppress(frame.BadFrame):
        frame.decode(line)


def test_a_line_to_the_host_is_at_most_1024_bytes():
    # {"a":"…"} has 8 bytes around the text, the trailer 10: 1024 - 18 = 1006 characters fit.
    assert len(frame.encode({"a": "x" * 1006})) == 1024
    with pytest.raises(frame.FrameTooLong):
        frame.encode({"a": "x" * 1007})

"""The library's file: read by line, checked whole, and nothing of a bad one put in force."""

import json
from binascii import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.storage.library import Incoming, LibraryFault, load_library, read_drug, read_head

MORPHINE = ["morphine", "mg/h", "mg", [1000, 10000], [None, None, 5000, 10000], [2000, 5000], [None, 15000]]
HEPARIN = ["heparin", "units/h", "units", [100000], [1000, 500000, 2000000, 4000000], [None, None], [None, None]]


def line(value):
    body = json.dumps(value, separators=(",", ":")).encode()
    return body + b"#%08x" % crc32(body)


def lines(*rows, **head):
    drugs = [line(row) for row in rows]
    crc = crc32(b"".join(drug + b"\n" for drug in drugs))
    return [line({"format": 1, "name": "ward", "version": 7, "drugs": len(rows), "crc": "%08x" % crc, **head}), *drugs]


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "library.txt")


def write(path, lines):
    with open(path, "wb") as file:
        file.write(b"".join(line + b"\n" for line in lines))


def reason(action, *arguments):
    with pytest.raises(LibraryFault) as fault:
        action(*arguments)
    return fault.value.reason


def test_one_drug_is_looked_up(path):
    write(path, lines(HEPARIN, MORPHINE))
    library = load_library(path)
    assert library.text() == "ward 7 %s" % library.head["crc"]
    assert library.drug("morphine", path) == MORPHINE
    assert library.drug("heparin", path) == HEPARIN
    assert library.drug("morph", path) is None
    assert library.drug('morphine","', path) is None


def test_no_file_is_missing(path):
    assert reason(load_library, path) == "missing"


@given(st.data())
def test_a_flipped_bit_anywhere_is_found(tmp_path_factory, data):
    path = str(tmp_path_factory.mktemp("flash") / "library.txt")
    write(path, lines(HEPARIN, MORPHINE))
    content = bytearray(open(path, "rb").read())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    open(path, "wb").write(content)
    assert reason(load_library, path) in ("corrupt", "wrong_format")


@given(st.integers(0, 300))
def test_a_cut_anywhere_is_found(tmp_path_factory, length):
    path = str(tmp_path_factory.mktemp("flash") / "library.txt")
    write(path, lines(HEPARIN, MORPHINE))
    content = open(path, "rb").read()
    assert len(content) > 250
    open(path, "wb").write(content[: min(length, len(content) - 1)])
    assert reason(load_library, path) == "corrupt"


HEADS = [
    *[{"format": 2}, {"format": True}, {"version": 0}, {"version": "7"}, {"drugs": 0}, {"drugs": 201}],
    *[{"crc": 7}, {"crc": "12"}, {"name": ""}, {"name": "Ward"}, {"more": 1}],
]


@pytest.mark.parametrize("head", HEADS)
def test_a_head_of_another_form_is_refused(head):
    assert reason(read_head, lines(MORPHINE, **head)[0]) == "wrong_format"


def changed(place, value):
    return line([value if at == place else part for at, part in enumerate(MORPHINE)])


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        (0, "Morphine", "wrong_format"),
        (0, "", "wrong_format"),
        (1, "mg", "wrong_format"),
        (1, "units/h", "wrong_format"),
        (1, 5, "wrong_format"),
        (2, "mL", "wrong_format"),
        (3, [], "wrong_format"),
        (3, [0], "wrong_format"),
        (3, [1.5], "wrong_format"),
        (3, [1] * 9, "wrong_format"),
        (4, [None, None, 5000], "wrong_format"),
        (4, [None, None, 5000, None], "limit_order"),
        (4, [None, None, 5000, 4999], "limit_order"),
        (4, [6000, None, 5000, 7000], "limit_order"),
        (4, [None, None, -1, 5000], "wrong_format"),
        (4, [None, None, "5000", 5000], "wrong_format"),
        (5, [5000, 2000], "limit_order"),
        (6, [None], "wrong_format"),
    ],
)
def test_a_drug_that_is_wrong_is_refused_by_name(place, value, expected):
    assert reason(read_drug, changed(place, value)) == expected


def test_a_damaged_line_is_found_when_it_is_looked_up(path):
    write(path, lines(HEPARIN, MORPHINE))
    library = load_library(path)
    content = open(path, "rb").read().replace(b"[2000,5000]", b"[9000,5000]")
    open(path, "wb").write(content)
    assert reason(library.drug, "morphine", path) == "corrupt"


# ---- a new one comes ----


def take(incoming, sent):
    for at, one in enumerate(sent):
        incoming.take(at, one)


def test_a_new_one_takes_the_place_of_the_old_one_in_one_move(path):
    write(path, lines(HEPARIN))
    incoming = Incoming(path)
    take(incoming, lines(HEPARIN, MORPHINE, version=8))
    assert load_library(path).head["version"] == 7
    incoming.check()
    assert incoming.put_in_force().head["version"] == 8
    assert load_library(path).drug("morphine", path) == MORPHINE
    assert reason(incoming.check) == "missing"  # once


def test_lines_out_of_their_order_are_refused_and_can_be_sent_anew(path):
    sent = lines(HEPARIN, MORPHINE)
    incoming = Incoming(path)
    assert reason(incoming.take, 1, sent[1]) == "wrong_format"
    incoming.take(0, sent[0])
    assert reason(incoming.take, 2, sent[2]) == "wrong_format"
    incoming.take(1, sent[1])
    assert reason(incoming.take, 1, sent[1]) == "wrong_format"
    assert reason(incoming.check) == "missing"
    incoming.take(2, sent[2])
    assert reason(incoming.take, 3, sent[2]) == "wrong_format"
    take(incoming, sent)
    incoming.check()


def test_drugs_out_of_order_or_twice_are_refused(path):
    for rows in ((MORPHINE, HEPARIN), (HEPARIN, HEPARIN)):
        incoming = Incoming(path)
        sent = lines(*rows)
        take(incoming, sent[:2])
        assert reason(incoming.take, 2, sent[2]) == "wrong_format"


def test_drugs_of_another_library_are_refused(path):
    other = [*HEPARIN[:3], [500000], *HEPARIN[4:]]
    incoming = Incoming(path)
    take(incoming, [lines(HEPARIN)[0], line(other)])
    assert reason(incoming.check) == "corrupt"

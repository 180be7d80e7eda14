"""The library's copies: read by line, checked whole, mended from each other; nothing of a bad one is put in force."""

import json
import os
import pathlib
from binascii import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.storage import library as storage
from pump.storage.library import Incoming, load_library, paths
from pump.storage.library_lines import LibraryFault, find_line, read_drug, read_head
from pump.storage.record import FOLDERS, RecordStore

MORPHINE = ["morphine", "mg/h", "mg", [1000, 10000], [None, None, 5000, 10000], [2000, 5000], [None, 15000]]
HEPARIN = ["heparin", "units/h", "units", [100000], [1000, 500000, 2000000, 4000000], [None, None], [None, None]]


def line(value):
    body = json.dumps(value, separators=(",", ":")).encode()
    return body + b"#%08x" % crc32(body)


def lines(*rows, **head):
    drugs = [line(row) for row in rows]
    crc = crc32(b"".join(drug + b"\n" for drug in drugs))
    return [line({"format": 1, "name": "ward", "version": 7, "drugs": len(rows), "crc": "%08x" % crc, **head}), *drugs]


STORED = pathlib.Path(__file__).parent / "stored"  # files as earlier versions of the firmware left them


@pytest.fixture
def store(tmp_path):
    return RecordStore(str(tmp_path))


def put(store, sent):
    """A library that came and is in force."""
    try:
        in_force = load_library(store)
    except LibraryFault:
        in_force = None
    incoming = Incoming(store, lambda: None)
    take(incoming, sent, in_force)
    incoming.check()
    incoming.put_in_force()


def take(incoming, sent, in_force=None):
    for at, one in enumerate(sent):
        incoming.take(at, one, in_force)


def anew(store):
    """As the next boot has it."""
    return RecordStore(store.root)


def change(path, how):
    content = open(path, "rb").read()
    with open(path, "wb") as file:
        file.write(how(content))


def cut(path):
    change(path, lambda content: content[:-30])


def reason(action, *arguments):
    with pytest.raises(LibraryFault) as fault:
        action(*arguments)
    return fault.value.reason


def test_one_drug_is_looked_up(store):
    put(store, lines(HEPARIN, MORPHINE))
    library = load_library(store)
    assert library.text == "ward 7 " + json.loads(lines(HEPARIN, MORPHINE)[0][:-9])["crc"]
    assert library.drug("morphine") == MORPHINE
    assert library.drug("heparin") == HEPARIN
    assert library.drug("morph") is None
    assert library.drug('morphine","') is None
    assert store.restored == []


NAMES = st.text("abcz019-", min_size=1, max_size=24)


@given(names=st.sets(NAMES, min_size=1, max_size=60), others=st.sets(NAMES, max_size=10))
def test_each_drug_of_a_library_is_found_and_no_other(tmp_path_factory, names, others):
    path = tmp_path_factory.mktemp("library") / "lines"
    sent = {name: line([name, *MORPHINE[1:]]) for name in sorted(names)}
    path.write_bytes(b"".join(one + b"\n" for one in (lines()[0], *sent.values())))
    assert {name: find_line(path, name) for name in names | others} == {name: sent.get(name) for name in names | others}


def test_damage_elsewhere_does_not_matter_to_a_drug_and_on_the_way_to_it_is_noticed(tmp_path):
    """200 drugs are halved 8 times: so many lines are looked at, each of them checked."""
    sent = [line(["drug-%03d" % number, *MORPHINE[1:]]) for number in range(200)]
    path = tmp_path / "lines"
    path.write_bytes(b"".join(one + b"\n" for one in (lines()[0], *sent)))
    whole = path.read_bytes()
    reached = 0
    for at in range(0, len(whole), 50):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            assert find_line(path, "drug-077") == sent[77]
        except LibraryFault:
            reached += 1
    assert 0 < reached <= 8 * 3  # a line has 137 bytes: three of these


def test_no_record_and_no_file_is_missing(store):
    assert reason(load_library, store) == "missing"


# ---- damage ----


@given(st.data())
def test_a_flipped_bit_in_a_copy_is_found_and_mended_from_the_other(tmp_path_factory, data):
    store = RecordStore(str(tmp_path_factory.mktemp("flash")))
    put(store, lines(HEPARIN, MORPHINE))
    copies = paths(store, 0)
    whole = open(copies[0], "rb").read()
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    damaged = data.draw(st.sampled_from(copies))
    change(damaged, lambda content: bytes(b ^ (1 << bit % 8 if i == bit // 8 else 0) for i, b in enumerate(content)))
    store = anew(store)
    assert load_library(store).drug("morphine") == MORPHINE
    assert store.restored == ["library"]
    assert [open(path, "rb").read() for path in copies] == [whole, whole]
    store = anew(store)
    load_library(store)
    assert store.restored == []  # it was mended


@given(st.integers(0, 300))
def test_a_cut_anywhere_in_both_copies_is_a_fault_and_nothing_is_written(tmp_path_factory, length):
    store = RecordStore(str(tmp_path_factory.mktemp("flash")))
    put(store, lines(HEPARIN, MORPHINE))
    for path in paths(store, 0):
        change(path, lambda content: content[: min(length, len(content) - 1)])
    store = anew(store)
    assert reason(load_library, store) == "corrupt"
    assert store.restored == []
    assert all(os.path.getsize(path) <= length for path in paths(store, 0))


@pytest.mark.parametrize("gone", [0, 1])
def test_a_copy_that_is_gone_is_copied_from_the_other(store, gone):
    put(store, lines(HEPARIN, MORPHINE))
    os.remove(paths(store, 0)[gone])
    store = anew(store)
    assert load_library(store).drug("morphine") == MORPHINE
    assert store.restored == ["library"]
    assert os.path.exists(paths(store, 0)[gone])


def test_a_whole_copy_of_another_library_is_not_it(store):
    put(store, lines(HEPARIN, MORPHINE))
    other = b"".join(one + b"\n" for one in lines(MORPHINE))
    change(paths(store, 0)[0], lambda content: other)
    store = anew(store)
    assert load_library(store).drug("heparin") == HEPARIN
    assert store.restored == ["library"]


def test_a_copy_that_cannot_be_repaired_is_reported_at_each_boot(store, monkeypatch):
    put(store, lines(HEPARIN, MORPHINE))
    cut(paths(store, 0)[0])

    def refuse(source, target):
        raise OSError(28, "it is full")

    monkeypatch.setattr(storage, "_copy", refuse)
    for _ in range(2):
        store = anew(store)
        assert load_library(store).drug("morphine") == MORPHINE
        assert "library" in store.restored


def test_a_line_that_is_damaged_after_the_boot_is_read_from_the_other_copy(store):
    put(store, lines(HEPARIN, MORPHINE))
    library = load_library(store)
    change(paths(store, 0)[0], lambda content: content.replace(b"[2000,5000]", b"[9000,5000]"))
    assert library.drug("heparin") == HEPARIN
    assert store.restored == []
    assert library.drug("morphine") == MORPHINE
    assert store.restored == ["library"]
    change(paths(store, 0)[0], lambda content: content.replace(b'"morphine"', b'"morphane"'))
    assert library.drug("morphine") == MORPHINE
    change(paths(store, 0)[1], lambda content: content.replace(b"[2000,5000]", b"[9000,5000]"))
    assert reason(library.drug, "morphine") == "corrupt"


def test_a_record_that_is_damaged_in_both_copies_is_a_fault_until_one_is_sent(store):
    put(store, lines(HEPARIN, MORPHINE))
    for folder in FOLDERS:
        cut(f"{store.root}{folder}/library")
    assert reason(load_library, anew(store)) == "corrupt"
    put(store, lines(MORPHINE, version=8))
    assert load_library(anew(store)).text.startswith("ward 8 ")


def test_a_record_of_a_later_firmware_is_not_used(store):
    put(store, lines(MORPHINE))
    store.record("library", 3, 96).store(b"{}")
    assert reason(load_library, anew(store)) == "wrong_format"


# ---- version 1 ----


def test_the_file_of_version_1_becomes_two_copies_and_goes(tmp_path, store):
    old = tmp_path / "library.txt"
    old.write_bytes((STORED / "library-1.txt").read_bytes())
    for _ in range(2):
        library = load_library(store)
        assert library.text == "example-ward 1 50670c98"
        assert library.drug("morphine")[3] == [1000, 10000]
        assert not old.exists()
        store = anew(store)
    cut(paths(store, 0)[0])
    assert load_library(store).drug("morphine")[3] == [1000, 10000]


def test_a_damaged_file_of_version_1_is_a_fault_until_one_is_sent(tmp_path, store):
    old = tmp_path / "library.txt"
    old.write_bytes((STORED / "library-1.txt").read_bytes()[:-30])
    assert reason(load_library, store) == "corrupt"
    assert old.exists()
    put(store, lines(MORPHINE))
    assert not old.exists()


def test_a_file_of_version_1_that_cannot_be_stored_anew_stays_and_is_a_fault(tmp_path, store, monkeypatch):
    old = tmp_path / "library.txt"
    old.write_bytes((STORED / "library-1.txt").read_bytes())

    def refuse(source, target):
        raise OSError(28, "it is full")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "_copy", refuse)
        assert reason(load_library, store) == "corrupt"
    assert load_library(store).drug("morphine")[3] == [1000, 10000]


# ---- its lines ----


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


# ---- a new one comes ----


def test_a_new_one_takes_the_place_of_the_old_one_in_one_move(store):
    put(store, lines(HEPARIN))
    incoming = Incoming(store, lambda: None)
    take(incoming, lines(HEPARIN, MORPHINE, version=8), load_library(store))
    assert load_library(anew(store)).text.startswith("ward 7 ")
    incoming.check()
    incoming.put_in_force()
    assert load_library(anew(store)).text.startswith("ward 8 ")
    assert load_library(anew(store)).drug("morphine") == MORPHINE
    assert reason(incoming.check) == "missing"  # once


@pytest.mark.parametrize("left", range(3))
def test_a_cut_while_one_comes_into_force_leaves_the_old_or_the_new(store, monkeypatch, left):
    """The record is written and renamed twice."""
    put(store, lines(HEPARIN))
    incoming = Incoming(store, lambda: None)
    take(incoming, lines(HEPARIN, MORPHINE, version=8), load_library(store))
    real, calls = os.rename, []

    def rename(old, new):
        calls.append(new)
        if len(calls) > left:
            raise OSError(5, "it failed")
        real(old, new)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", rename)
        if left < 2:
            with pytest.raises(OSError, match="it failed"):
                incoming.put_in_force()
        else:
            incoming.put_in_force()
    store = anew(store)
    assert load_library(store).text.startswith("ward 8 " if left else "ward 7 ")
    assert load_library(store).drug("heparin") == HEPARIN
    assert store.restored == []


def test_lines_out_of_their_order_are_refused_and_can_be_sent_anew(store):
    sent = lines(HEPARIN, MORPHINE)
    incoming = Incoming(store, lambda: None)
    assert reason(incoming.take, 1, sent[1], None) == "wrong_format"
    incoming.take(0, sent[0], None)
    assert reason(incoming.take, 2, sent[2], None) == "wrong_format"
    incoming.take(1, sent[1], None)
    assert reason(incoming.take, 1, sent[1], None) == "wrong_format"
    assert reason(incoming.check) == "missing"
    incoming.take(2, sent[2], None)
    assert reason(incoming.take, 3, sent[2], None) == "wrong_format"
    take(incoming, sent)
    incoming.check()


def test_drugs_out_of_order_or_twice_are_refused(store):
    for rows in ((MORPHINE, HEPARIN), (HEPARIN, HEPARIN)):
        incoming = Incoming(store, lambda: None)
        sent = lines(*rows)
        take(incoming, sent[:2])
        assert reason(incoming.take, 2, sent[2], None) == "wrong_format"


def test_drugs_of_another_library_are_refused(store):
    other = [*HEPARIN[:3], [500000], *HEPARIN[4:]]
    incoming = Incoming(store, lambda: None)
    take(incoming, [lines(HEPARIN)[0], line(other)])
    assert reason(incoming.check) == "corrupt"

"""A calibration is whole, known, in range and for this profile, or it is a fault; no file means: not calibrated."""

import json
import pathlib
from binascii import crc32
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.calibration import BadFactor, calibrated_step, check_factor
from pump.storage.at_boot import CalibrationFault, load_calibration
from pump.storage.calibration import MAX_ENTRIES, BadEntry, Calibration, store_calibration
from pump.storage.record import FOLDERS, RecordStore

NAME = "syringe-50ml"
STEP_PL = [44790997, 128]  # 26.7 mm across, 2 mm lead, 3200 microsteps a turn
ENTRY = {"num": 103, "den": 100, "date": "2026-11-22", "operator": "Jürgen K."}


def framed(value):
    text = json.dumps(value).encode()
    return text + b"#%08x\n" % crc32(text)


def a_file(**changes):
    return {"format": 1, "profile": NAME, "step_pl": STEP_PL, "entries": [ENTRY], **changes}


STORED = pathlib.Path(__file__).parent / "stored"  # files as earlier versions of the firmware left them


@pytest.fixture
def store(tmp_path):
    return RecordStore(str(tmp_path))


@pytest.fixture
def reason(tmp_path, store):
    """Why these bytes in the file of version 1 are no calibration."""

    def reason(data):
        (tmp_path / "calibration.json").write_bytes(data)
        with pytest.raises(CalibrationFault) as caught:
            load_calibration(NAME, STEP_PL, store)
        assert caught.value.detail
        return caught.value.reason

    return reason


def test_no_record_means_not_calibrated(store):
    calibration = load_calibration(NAME, STEP_PL, store)
    assert (calibration.num, calibration.den, calibration.entries) == (1, 1, [])
    assert list(calibration.step_pl) == STEP_PL


def test_what_is_stored_is_loaded_again(store):
    store_calibration(Calibration(NAME, STEP_PL).with_entry(ENTRY), store)
    calibration = load_calibration(NAME, STEP_PL, store)
    assert (calibration.num, calibration.den, calibration.entries) == (103, 100, [ENTRY])
    # 44790997/128 pL * 1.03 = 360427.5540 pL; in 1/256 pL: 92269453.8, so 92269454
    assert calibration.step_pl == (92269454, 256)


def test_the_file_of_version_1_becomes_a_record_and_goes(tmp_path, store):
    old = tmp_path / "calibration.json"
    old.write_bytes((STORED / "calibration-1.json").read_bytes())
    expected = [ENTRY, dict(ENTRY, num=1021, den=1000, operator="B")]
    assert load_calibration(NAME, STEP_PL, store).entries == expected
    assert not old.exists()
    assert load_calibration(NAME, STEP_PL, store).entries == expected
    assert store.restored == []


def test_a_record_is_read_though_a_file_of_version_1_was_left_by_a_power_cut(tmp_path, store):
    store_calibration(Calibration(NAME, STEP_PL).with_entry(dict(ENTRY, num=99)), store)
    (tmp_path / "calibration.json").write_bytes(GOOD)
    assert load_calibration(NAME, STEP_PL, store).num == 99


def test_a_damaged_record_is_a_fault_until_a_factor_is_stored(tmp_path, store):
    store_calibration(Calibration(NAME, STEP_PL).with_entry(ENTRY), store)
    for folder in FOLDERS:
        (tmp_path / folder[1:] / "calibration").write_bytes(b"calibration 2 1")
    with pytest.raises(CalibrationFault, match="corrupt: no copy of calibration is whole"):
        load_calibration(NAME, STEP_PL, store)
    store_calibration(Calibration(NAME, STEP_PL).with_entry(ENTRY), store)
    assert load_calibration(NAME, STEP_PL, store).num == 103


def test_a_record_of_a_later_firmware_is_not_used(store):
    later = store.record("calibration", 3, 1024)
    later.store(b"{}")
    with pytest.raises(CalibrationFault, match="wrong_format: calibration has version 3"):
        load_calibration(NAME, STEP_PL, store)


def test_undo_goes_back_step_by_step_to_not_calibrated(store):
    calibration = Calibration(NAME, STEP_PL)
    for num in (101, 102):
        calibration = calibration.with_entry(dict(ENTRY, num=num))
    for num, den in ((101, 100), (1, 1)):
        calibration = calibration.without_last()
        store_calibration(calibration, store)
        calibration = load_calibration(NAME, STEP_PL, store)
        assert (calibration.num, calibration.den) == (num, den)


def test_the_oldest_entry_is_dropped_and_the_longest_record_fits(store):
    calibration = Calibration(NAME, STEP_PL)
    for num in range(901, 901 + MAX_ENTRIES + 1):
        calibration = calibration.with_entry(dict(ENTRY, num=num, den=1000, operator="ü" * 16))
    assert [entry["num"] for entry in calibration.entries] == [902, 903, 904, 905, 906]
    store_calibration(calibration, store)
    assert load_calibration(NAME, STEP_PL, store).entries == calibration.entries


GOOD = framed(a_file())


@given(st.data())
def test_any_byte_changed_is_corrupt(tmp_path_factory, data):
    damaged = bytearray(GOOD)
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    folder = tmp_path_factory.mktemp("calibration")
    (folder / "calibration.json").write_bytes(damaged)
    with pytest.raises(CalibrationFault) as caught:
        load_calibration(NAME, STEP_PL, RecordStore(str(folder)))
    assert caught.value.reason == "corrupt"


@pytest.mark.parametrize("data", [b"", b"\n", GOOD[:-1], GOOD + GOOD, GOOD[:-10] + b"\n", b" " * 1015 + GOOD[-10:]])
def test_a_file_that_is_not_one_whole_line_is_corrupt(reason, data):
    assert reason(data) == "corrupt"


def test_a_file_that_cannot_be_read_is_not_taken_for_none(tmp_path, store):
    (tmp_path / "calibration.json").mkdir()
    with pytest.raises(CalibrationFault, match="cannot be read"):
        load_calibration(NAME, STEP_PL, store)  # a folder


@pytest.mark.parametrize(
    "value",
    [
        [],
        None,
        {},
        a_file(format=2),
        a_file(format=True),
        a_file(extra=1),
        a_file(entries={}),
        a_file(entries=[ENTRY] * (MAX_ENTRIES + 1)),
        a_file(entries=[1]),
        a_file(entries=[{"num": 1, "den": 1}]),
    ],
)
def test_what_is_no_calibration_has_the_wrong_format(reason, value):
    assert reason(framed(value)) == "wrong_format"


@pytest.mark.parametrize("value", [a_file(profile="syringe-10ml"), a_file(step_pl=[44790996, 128]), a_file(step_pl=1)])
def test_a_factor_for_another_profile_is_not_applied(reason, value):
    assert reason(framed(value)) == "other_profile"


BAD_ENTRIES = [
    ("num", 111),  # of 100: above 10 %
    ("num", 89),
    ("num", 1.03),
    ("num", True),
    ("den", 0),
    ("den", 1001),
    ("date", "22.11.2026"),
    ("date", "2026-13-01"),
    ("date", "2026-11-32"),
    ("date", "2026-1-222"),
    ("date", 20261122),
    ("operator", ""),
    ("operator", "x" * 33),
    ("operator", "ü" * 17),  # two bytes each
    ("operator", "a\tb"),
    ("operator", None),
]


@pytest.mark.parametrize(("name", "value"), BAD_ENTRIES)
def test_an_entry_out_of_range_is_a_fault_in_a_file_and_is_not_taken(reason, name, value):
    entry = dict(ENTRY, **{name: value})
    assert reason(framed(a_file(entries=[entry]))) == "out_of_range"
    with pytest.raises(BadEntry):
        Calibration(NAME, STEP_PL).with_entry(entry)


def test_the_message_names_the_limit():
    with pytest.raises(BadFactor, match=r"the factor is 1150/1000, 90/100 to 110/100 \(10 %\) are allowed"):
        check_factor(1150, 1000)


@pytest.mark.parametrize(("num", "den"), [(9, 10), (11, 10), (1100, 1000), (900, 1000), (1, 1)])
def test_the_ends_of_the_range_are_allowed(num, den):
    check_factor(num, den)


FACTORS = st.integers(1, 1000).flatmap(
    lambda den: st.tuples(st.integers(-(-9 * den // 10), 11 * den // 10), st.just(den))
)


@given(st.integers(500_000, 2**29), st.integers(1, 256), FACTORS)
def test_the_calibrated_step_is_right_to_one_in_a_million_and_fits_the_grid(step_num, step_den, factor):
    step = Fraction(step_num, step_den)
    if step * Fraction(*factor) < 1954:  # 500,000 / 256 pL: below, it is refused
        return
    num, den = calibrated_step(step_num, step_den, *factor)
    exact = step * Fraction(*factor)
    assert abs(Fraction(num, den) - exact) <= exact / 1_000_000
    assert num < 2**30
    assert den * 1_200_000 < 2**30  # what core/motion/step_grid.py needs at the highest rate


def test_a_step_too_small_for_the_factor_is_refused():
    with pytest.raises(BadFactor, match="one in a million"):
        calibrated_step(1000, 1, 103, 100)

"""A record is what was stored last, whatever cut the store or damaged one copy; damage in both is a fault."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.storage import record as storage
from pump.storage.record import FOLDERS, NEW, RecordFault, RecordStore

OLD, YOUNG = b"the old one", b"the new\none"


class PowerCut(BaseException):
    pass


class Power:
    """Stands for `open` and `os.rename` of the module, and is cut at the n-th write; a torn write leaves half."""

    def __init__(self, left):
        self.left = left
        self.rename_real = os.rename

    def _spend(self):
        self.left -= 1
        if self.left < 0:
            raise PowerCut

    def open(self, path, mode="rb"):
        if "w" not in mode:
            return open(path, mode)
        return Torn(open(path, mode), self)

    def rename(self, old, new):
        self._spend()
        self.rename_real(old, new)


class Torn:
    def __init__(self, file, power):
        self._file, self._power = file, power

    def write(self, data):
        if not self._power.left:
            self._file.write(data[: len(data) // 2])
        self._power._spend()
        return self._file.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


def copies(root, name="thing"):
    return [root / folder[1:] / name for folder in FOLDERS]


@pytest.fixture
def stored(tmp_path):
    record = RecordStore(str(tmp_path)).record("thing", 1, 100)
    assert record.load() is None
    record.store(OLD)
    return record


def loaded(root, version=1):
    """What the next boot finds, and the names that it had to mend."""
    store = RecordStore(str(root))
    found = store.record("thing", version, 100).load()
    return found, store.restored


def test_what_was_stored_last_is_loaded(tmp_path, stored):
    stored.store(YOUNG)
    assert loaded(tmp_path) == ((1, YOUNG), [])
    first, second = copies(tmp_path)
    assert first.read_bytes() == second.read_bytes()


# A store is four writes: two files and their renames.
@pytest.mark.parametrize("writes", range(4))
def test_a_cut_at_any_write_leaves_the_old_or_the_new_without_an_alarm(tmp_path, stored, monkeypatch, writes):
    power = Power(writes)
    monkeypatch.setattr(storage, "open", power.open, raising=False)
    monkeypatch.setattr(storage.os, "rename", power.rename)
    with pytest.raises(PowerCut):
        stored.store(YOUNG)
    monkeypatch.undo()
    # The first rename makes it the new one.
    assert loaded(tmp_path) == ((1, OLD if writes < 2 else YOUNG), [])
    # The boot has made the copies equal: either may be lost now.
    copies(tmp_path)[0].unlink()
    assert loaded(tmp_path) == ((1, OLD if writes < 2 else YOUNG), ["thing"])


@pytest.mark.parametrize("writes", range(4))
def test_a_cut_at_the_first_store_leaves_none_or_the_new(tmp_path, monkeypatch, writes):
    record = RecordStore(str(tmp_path)).record("thing", 1, 100)
    power = Power(writes)
    monkeypatch.setattr(storage, "open", power.open, raising=False)
    monkeypatch.setattr(storage.os, "rename", power.rename)
    with pytest.raises(PowerCut):
        record.store(YOUNG)
    monkeypatch.undo()
    assert loaded(tmp_path) == (None if writes < 2 else (1, YOUNG), [])


@given(st.data())
def test_one_damaged_copy_is_repaired_from_the_other_and_reported(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("record")
    store = RecordStore(str(root))
    store.record("thing", 1, 100).store(YOUNG)
    damaged = copies(root)[data.draw(st.integers(0, 1))]
    whole = damaged.read_bytes()
    content = bytearray(whole)
    if data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    else:
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    damaged.write_bytes(content)
    assert loaded(root) == ((1, YOUNG), ["thing"])
    assert damaged.read_bytes() == whole
    assert loaded(root) == ((1, YOUNG), [])


@pytest.mark.parametrize("index", [0, 1])
def test_a_missing_copy_is_reported_too(tmp_path, stored, index):
    stored.store(YOUNG)
    copies(tmp_path)[index].unlink()
    assert loaded(tmp_path) == ((1, YOUNG), ["thing"])


def test_an_outdated_first_copy_is_reported(tmp_path, stored):
    """What a lost end of a folder's log in littlefs does; a power cut cannot, for the first is written first."""
    before = copies(tmp_path)[0].read_bytes()
    stored.store(YOUNG)
    copies(tmp_path)[0].write_bytes(before)
    assert loaded(tmp_path) == ((1, YOUNG), ["thing"])


@pytest.mark.parametrize("index", [0, 1])
def test_a_copy_outdated_by_two_stores_is_reported(tmp_path, stored, index):
    before = copies(tmp_path)[index].read_bytes()
    stored.store(YOUNG)
    stored.store(YOUNG + b"!")
    copies(tmp_path)[index].write_bytes(before)
    assert loaded(tmp_path) == ((1, YOUNG + b"!"), ["thing"])


def test_damage_in_both_is_a_fault_and_stays_one(tmp_path, stored):
    for path in copies(tmp_path):
        path.write_bytes(b"")
    for _ in range(2):
        with pytest.raises(RecordFault, match="no copy of thing is whole") as caught:
            loaded(tmp_path)
        assert caught.value.reason == "corrupt"


def test_one_damaged_and_one_gone_is_a_fault(tmp_path, stored):
    first, second = copies(tmp_path)
    first.unlink()
    second.write_bytes(b"thing 1 1 0 00000000\n")
    with pytest.raises(RecordFault):
        loaded(tmp_path)


def test_what_a_later_firmware_wrote_is_not_used(tmp_path):
    RecordStore(str(tmp_path)).record("thing", 3, 100).store(YOUNG)
    with pytest.raises(RecordFault) as caught:
        loaded(tmp_path, version=2)
    assert caught.value.reason == "newer"
    assert loaded(tmp_path, version=3) == ((3, YOUNG), [])


def test_a_record_of_an_earlier_firmware_is_returned_with_its_version(tmp_path, stored):
    assert loaded(tmp_path, version=2) == ((1, OLD), [])


def test_a_body_that_is_too_long_is_not_stored(tmp_path, stored):
    with pytest.raises(ValueError, match="101 bytes, at most 100"):
        stored.store(bytes(101))
    assert loaded(tmp_path) == ((1, OLD), [])


def test_the_half_written_file_of_a_cut_does_not_stand_in_the_way(tmp_path, stored):
    for path in copies(tmp_path):
        path.with_name(path.name + NEW).write_bytes(b"half of")
    stored.store(YOUNG)
    assert loaded(tmp_path) == ((1, YOUNG), [])


def test_another_records_file_is_not_taken_for_this_one(tmp_path, stored):
    RecordStore(str(tmp_path)).record("other", 1, 100).store(YOUNG)
    copies(tmp_path)[0].write_bytes(copies(tmp_path, "other")[0].read_bytes())
    assert loaded(tmp_path) == ((1, OLD), ["thing"])

"""The journal's sectors: found where their files lie in the flash, and made anew when anything does not fit."""

import json
import os
import pathlib

import pytest

from pump.storage.at_boot import FOLDER, SECTOR_BYTES, Sectors
from pump.storage.record import RecordStore

COUNTS = {"events": 2, "volume": 1}


class Flash:
    """Raw flash as littlefs sees it: each file of the journal's folder has one block, of which the first is FIRST."""

    FIRST = 5

    def __init__(self, root, copies=1):
        self._folder = pathlib.Path(str(root) + FOLDER)
        self._copies = copies

    def readblocks(self, block, buffer, offset):
        files = sorted(self._folder.iterdir())
        at = block - self.FIRST
        data = files[at % len(files)].read_bytes() if 0 <= at < len(files) * self._copies else b""
        buffer[:] = data[offset : offset + len(buffer)].ljust(len(buffer), b"\xff")

    def ioctl(self, op, arg):
        assert op == 4
        return 20


@pytest.fixture
def root(tmp_path):
    return tmp_path


def make(root, random=0xABCDEF, copies=1):
    store = RecordStore(str(root))
    return Sectors(store, Flash(root, copies), COUNTS, random), store


def test_the_first_boot_makes_files_of_one_block_and_finds_them(root):
    sectors, _ = make(root)
    # events00, events01, volume00, in the order of their names.
    assert sectors.blocks == {"events": [5, 6], "volume": [7]}
    assert not sectors.lost
    files = sorted(os.listdir(str(root) + FOLDER))
    assert files == ["events00", "events01", "volume00"]
    assert {os.path.getsize(f"{root}{FOLDER}/{name}") for name in files} == {SECTOR_BYTES}


def test_the_next_boot_believes_the_record(root):
    before, _ = make(root)
    pathlib.Path(f"{root}{FOLDER}/events01").write_bytes(b"entries".ljust(SECTOR_BYTES, b"\xff"))
    after, _ = make(root, random=1)
    assert after.blocks == before.blocks
    assert not after.lost
    assert pathlib.Path(f"{root}{FOLDER}/events01").read_bytes().startswith(b"entries")


@pytest.mark.parametrize("damage", ["missing", "long", "another block", "another count", "another shape"])
def test_what_does_not_fit_is_made_anew_and_said_to_be_lost(root, damage):
    _, store = make(root)
    path = pathlib.Path(f"{root}{FOLDER}/events01")
    record = store.record("sectors", 1, 1024)
    record.load()
    if damage == "missing":
        path.unlink()
    elif damage == "long":
        path.write_bytes(path.read_bytes() + b"x")
    elif damage == "another block":
        record.store(json.dumps({"events": [5, 9], "volume": [7]}).encode())
    elif damage == "another count":
        record.store(json.dumps({"events": [5], "volume": [7]}).encode())
    else:
        record.store(b"[]")
    sectors, _ = make(root, random=2)
    assert sectors.lost
    assert sectors.blocks == {"events": [5, 6], "volume": [7]}
    assert b"000002" in path.read_bytes()[:32]


def test_a_mark_that_is_in_the_flash_twice_is_refused(root):
    with pytest.raises(OSError, match="5"):
        make(root, copies=2)

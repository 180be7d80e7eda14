"""The checks of the self-test that read much, each against something that is broken."""

import struct
from binascii import crc32

import pytest

from pump.selftest import firmware_crc, memory_pattern
from pump.selftest.firmware_crc import FilesCheck, ImageCheck
from pump.selftest.memory_pattern import _MIN_FREE, BLOCK, MemoryCheck
from pump.selftest.settings_crc import SettingsCheck
from pump.selftest.sliced import SlicedChecks

PAGE = 256


def whole(check):
    """Runs it to its end; whether it failed."""
    check.begin(True)
    while check.step():
        pass
    return check.failed


# ---- firmware from files ----


@pytest.fixture
def board(tmp_path, monkeypatch):
    """Two files and their list, under a folder that takes the place of the board's root."""
    contents = {"a.mpy": b"\x4d\x06" * 700, "main.py": b"print(6 * 7)\n"}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    lines = b"".join(b"%08x /%s\n" % (crc32(data), name.encode()) for name, data in contents.items())
    (tmp_path / "files.crc").write_bytes(lines + b"#%08x\n" % crc32(lines))
    real_open = firmware_crc._open
    monkeypatch.setattr(firmware_crc, "LIST", "/files.crc")
    monkeypatch.setattr(firmware_crc, "_open", lambda path: real_open(str(tmp_path) + path))
    return tmp_path


def test_files_that_are_what_was_put_there_pass_again_and_again(board):
    check = FilesCheck(lambda: None)
    assert not whole(check)
    assert not whole(check)


@pytest.mark.parametrize("name", ["a.mpy", "main.py"])
@pytest.mark.parametrize("change", ["bit", "short", "long", "gone"])
def test_a_file_that_is_not_what_was_put_there_fails(board, name, change):
    path = board / name
    data = path.read_bytes()
    changed = {"bit": bytes([data[0] ^ 1]) + data[1:], "short": data[:-1], "long": data + b"\n"}
    path.unlink() if change == "gone" else path.write_bytes(changed[change])
    assert whole(FilesCheck(lambda: None))


@pytest.mark.parametrize("cut", [1, 5, 10, 30, 60])
def test_a_list_that_is_cut_short_fails(board, cut):
    path = board / "files.crc"
    path.write_bytes(path.read_bytes()[:-cut])
    assert whole(FilesCheck(lambda: None)) == (cut != 1)  # without its last newline it still has all


def test_a_list_with_another_file_s_line_fails_and_so_does_none(board):
    path = board / "files.crc"
    path.write_bytes(path.read_bytes().replace(b"a.mpy", b"b.mpy"))
    assert whole(FilesCheck(lambda: None))
    path.unlink()
    assert whole(FilesCheck(lambda: None))


# ---- a production image ----


def image(firmware):
    """As host/picoinfuse/image/info.py makes it, and erased flash behind."""
    block = struct.pack("<16s3I", b"picoinfuse-image", 1, len(firmware), crc32(firmware))
    return bytearray(firmware + block.ljust(PAGE, b"\xff") + b"\xff" * 3 * PAGE)


def test_an_image_that_fits_its_info_block_passes():
    assert not whole(ImageCheck(memoryview(image(bytes(range(256)) * 9))))


@pytest.mark.parametrize("at", [0, 1000, 2303, 2304, 2304 + 20, 2304 + 24])
def test_an_image_with_a_bit_that_is_not_its_own_fails(at):
    """In the firmware, in the marker, in the length, in the CRC."""
    flash = image(bytes(range(256)) * 9)
    flash[at] ^= 4
    assert whole(ImageCheck(memoryview(flash)))


# ---- memory ----


class Memory:
    free = 50_000


def test_memory_that_holds_its_patterns_passes_and_reports_its_size():
    check = MemoryCheck(Memory)
    assert not whole(check)
    assert check.tested == (50_000 - 24_000) // BLOCK * BLOCK


def test_of_much_memory_no_more_is_filled_than_a_collection_can_bear(monkeypatch):
    monkeypatch.setattr(Memory, "free", 180_000)
    check = MemoryCheck(Memory)
    assert not whole(check)
    assert check.tested == 128 * BLOCK


def test_of_little_memory_a_piece_is_tested_all_the_same(monkeypatch):
    """A Pico with the firmware from files has less free than the reserve."""
    monkeypatch.setattr(Memory, "free", 19_500)
    check = MemoryCheck(Memory)
    assert not whole(check)
    assert check.tested == 16 * BLOCK


def test_memory_that_gives_no_block_fails(monkeypatch):
    def none_left(size):
        raise MemoryError

    monkeypatch.setattr(memory_pattern, "bytearray", none_left, raising=False)
    assert whole(MemoryCheck(Memory))


def test_beside_an_infusion_only_a_piece_is_taken():
    check = MemoryCheck(Memory)
    check.begin(False)
    while check.step():
        pass
    assert check.tested == 16 * BLOCK


def test_too_little_memory_fails(monkeypatch):
    monkeypatch.setattr(Memory, "free", _MIN_FREE - 1)
    assert whole(MemoryCheck(Memory))


class StuckBit(bytearray):
    """A block whose bit 0 of byte 100 is always 0."""

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        super().__setitem__(100, self[100] & 0xFE)


class Mirror(bytearray):
    """Blocks that are one and the same memory."""

    only = bytearray(BLOCK)

    def __setitem__(self, key, value):
        Mirror.only[key] = value

    def __getitem__(self, key):
        return Mirror.only[key]

    def __eq__(self, other):
        return Mirror.only == other

    __hash__ = None


@pytest.mark.parametrize("block", [StuckBit, Mirror])
def test_memory_that_does_not_hold_its_patterns_fails(monkeypatch, block):
    monkeypatch.setattr(memory_pattern, "bytearray", block, raising=False)
    assert whole(MemoryCheck(Memory))


# ---- settings ----


@pytest.fixture
def settings(tmp_path, monkeypatch):
    from pump.selftest import settings_crc

    path = tmp_path / "profile.json"
    text = b'{"format":1}'
    path.write_bytes(text + b"#%08x\n" % crc32(text))
    monkeypatch.setattr(settings_crc, "PATH", str(path))
    profile = {"name": "bench", "mechanics": {"step_pl": [44790996, 128]}, "sensor": {"offset_mv": 500}}
    return SettingsCheck(profile), profile, path


def test_settings_as_they_were_at_boot_pass(settings):
    check, _, _ = settings
    assert not whole(check)
    assert not whole(check)


def test_a_value_that_changed_in_memory_fails(settings):
    check, profile, _ = settings
    profile["mechanics"]["step_pl"][0] ^= 1 << 20
    assert whole(check)


def test_a_file_that_changed_in_flash_fails_also_when_it_is_whole(settings):
    check, _, path = settings
    assert not whole(check)
    other = b'{"format":2}'
    path.write_bytes(other + b"#%08x\n" % crc32(other))
    assert whole(check)
    path.unlink()
    assert whole(check)


# ---- one after the other ----


class Check:
    def __init__(self, steps, failed=False):
        self._steps = steps
        self.left = 0
        self.failed = failed

    def begin(self, whole):
        self.left = self._steps

    def step(self):
        self.left -= 1
        return self.left > 0


def test_the_first_check_that_fails_is_named_and_those_behind_it_are_not_begun(monkeypatch):
    from pump.selftest import sliced

    clock = iter(range(0, 10**9, 700))
    monkeypatch.setattr(sliced.time, "ticks_us", lambda: next(clock), raising=False)
    monkeypatch.setattr(sliced.time, "ticks_diff", lambda one, other: one - other, raising=False)
    checks = Check(5), Check(3, failed=True), Check(2)
    sliced = SlicedChecks(("one", "two", "three"), checks, lambda: None)
    for _ in range(2):
        sliced.begin()
        slices = 1
        while sliced.run_slice(True):
            slices += 1
        assert sliced.failed == "two"
        assert checks[2].left == 0
        # Two begins and eight steps, 0.7 ms each; a slice is over once it has lasted 2 ms.
        assert slices == 4

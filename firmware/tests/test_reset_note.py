"""What the next boot learns from the last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.storage.reset_note import AFTER_CRASH, NO_NOTE, TO_SERVICE, WAS_INFUSING, WAS_RUNNING, ResetNote


class Registers:
    """The scratch registers 0-3 of the watchdog: 32-bit words, and nothing else."""

    def __init__(self):
        self.words = [0] * 4

    def __getitem__(self, index):
        return self.words[index]

    def __setitem__(self, index, word):
        assert 0 <= word < 2**30, "a small int on the Pico"
        self.words[index] = word


@pytest.fixture
def registers():
    return Registers()


def boot(registers):
    """A reset: a new program finds the registers as they were left."""
    note = ResetNote(registers)
    return note, note.take()


def test_after_power_on_there_is_no_note(registers):
    note, reason = boot(registers)
    assert (reason, note.crashes, note.was_infusing) == (NO_NOTE, 0, False)


@pytest.mark.parametrize("reason", [NO_NOTE, TO_SERVICE, AFTER_CRASH, WAS_INFUSING, WAS_RUNNING])
def test_the_next_boot_finds_the_reason_once(registers, reason):
    note, _ = boot(registers)
    note.set(reason)
    assert boot(registers)[1] == reason
    assert boot(registers)[1] == NO_NOTE


def test_a_watchdog_reset_while_infusing_is_known_afterwards(registers):
    note, _ = boot(registers)
    note.set(WAS_INFUSING)
    note, reason = boot(registers)
    assert (reason, note.was_infusing) == (WAS_INFUSING, True)


def test_after_an_orderly_stop_it_was_not_infusing(registers):
    note, _ = boot(registers)
    note.set(WAS_INFUSING)
    note.set(WAS_RUNNING)
    note, reason = boot(registers)
    assert (reason, note.was_infusing) == (WAS_RUNNING, False)


def test_a_crash_while_infusing_is_both(registers):
    note, _ = boot(registers)
    note.set(WAS_INFUSING)
    note.set(AFTER_CRASH)
    note, reason = boot(registers)
    assert (reason, note.crashes, note.was_infusing) == (AFTER_CRASH, 1, True)


def test_a_crash_while_idle_is_not_infusing(registers):
    note, _ = boot(registers)
    note.set(AFTER_CRASH)
    note, reason = boot(registers)
    assert (reason, note.crashes, note.was_infusing) == (AFTER_CRASH, 1, False)


def test_crashes_in_a_row_are_counted_up_to_15(registers):
    for count in range(20):
        note, _ = boot(registers)
        assert note.crashes == min(count, 15)
        note.set(AFTER_CRASH)


@pytest.mark.parametrize("reason", [WAS_INFUSING, WAS_RUNNING])
def test_a_watchdog_reset_between_crashes_keeps_their_count(registers, reason):
    note, _ = boot(registers)
    note.set(AFTER_CRASH)
    note, _ = boot(registers)
    note.set(reason)
    note, _ = boot(registers)
    assert note.crashes == 1


@pytest.mark.parametrize("reason", [NO_NOTE, TO_SERVICE])
def test_an_orderly_end_begins_the_count_anew(registers, reason):
    note, _ = boot(registers)
    note.set(AFTER_CRASH)
    note, _ = boot(registers)
    note.set(reason)
    note, _ = boot(registers)
    assert note.crashes == 0


@given(st.integers(0, 2**32 - 1).filter(lambda word: word >> 12 != 0x2B6D4))
def test_a_word_of_someone_else_is_no_note(word):
    registers = Registers()
    registers.words[0] = word
    note, reason = boot(registers)
    assert (reason, note.crashes, note.was_infusing) == (NO_NOTE, 0, False)
    assert registers.words[0] == 0

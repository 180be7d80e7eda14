"""What is a press, whatever the contacts do."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pump.core.buttons import (
    _DEBOUNCE_MS,
    _NO_ACT,
    _RELEASE_MS,
    _REQUEST_BUTTON,
    _STOP_BUTTON,
    _STUCK_MS,
    ACT_NAMES,
    ACTS,
    REQUEST_BOLUS,
    SILENCE,
    STOP_INFUSION,
    Button,
)
from pump.core.units import MASK

POLL_MS = 10
DAY_MS = 86_400_000


def poll(button, now_ms, closed, for_ms):
    """The acts of so many ms of the contact, polled every 10 ms; and the time after them."""
    acts = []
    for _ in range(for_ms // POLL_MS):
        now_ms += POLL_MS
        act = button.update(closed, now_ms & MASK)
        if act != _NO_ACT:
            acts.append(act)
    return acts, now_ms


def acts_of(which, held_ms):
    button = Button(which, 0)
    first, now_ms = poll(button, 0, True, held_ms)
    second, _ = poll(button, now_ms, False, 1000)
    return first + second


def test_a_request_is_from_200_ms_to_10_s_and_counts_when_it_is_let_go():
    assert acts_of(_REQUEST_BUTTON, 180) == []
    assert acts_of(_REQUEST_BUTTON, 250) == [REQUEST_BOLUS]
    assert acts_of(_REQUEST_BUTTON, 9_900) == [REQUEST_BOLUS]
    assert acts_of(_REQUEST_BUTTON, 10_100) == []
    button = Button(_REQUEST_BUTTON, 0)
    assert poll(button, 0, True, 1000)[0] == []  # not yet


def test_the_stop_button_silences_when_it_is_pressed_short_and_stops_when_it_is_held():
    assert acts_of(_STOP_BUTTON, 20) == []
    assert acts_of(_STOP_BUTTON, 100) == [SILENCE]
    assert acts_of(_STOP_BUTTON, 950) == [SILENCE]
    assert acts_of(_STOP_BUTTON, 1_100) == [STOP_INFUSION]
    assert acts_of(_STOP_BUTTON, 30_000) == [STOP_INFUSION]


def test_a_stop_does_not_wait_for_the_release():
    button = Button(_STOP_BUTTON, 0)
    # The first poll that sees it closed is at 10 ms; 1000 ms after it the press is long enough.
    assert poll(button, 0, True, 1000)[0] == []
    assert poll(button, 1000, True, POLL_MS)[0] == [STOP_INFUSION]


def test_every_act_is_reached_by_one_row_and_rows_of_a_button_do_not_overlap():
    assert sorted(row[4] for row in ACTS) == list(range(1, len(ACT_NAMES)))
    for which in (_REQUEST_BUTTON, _STOP_BUTTON):
        spans = sorted((row[2], row[3] or 1 << 30) for row in ACTS if row[0] == which)
        assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_stuck_at_one_minute_and_free_when_it_is_open_again():
    button = Button(_REQUEST_BUTTON, 0)
    _, now_ms = poll(button, 0, True, _STUCK_MS - POLL_MS)
    assert not button.stuck
    _, now_ms = poll(button, now_ms, True, 2 * POLL_MS)
    assert button.stuck
    acts, now_ms = poll(button, now_ms, False, _RELEASE_MS + 2 * POLL_MS)
    assert (acts, button.stuck) == ([], False)


def test_a_contact_that_trembles_for_a_minute_is_stuck_too_and_asks_for_nothing():
    button, now_ms, acts = Button(_REQUEST_BUTTON, 0), 0, []
    for _ in range(_STUCK_MS // 40 + 2):
        for closed in (True, False):
            new, now_ms = poll(button, now_ms, closed, 20)  # never closed for 30 ms, never open for 100
            acts += new
    assert (acts, button.stuck) == ([], True)


def test_days_without_a_press_and_days_of_a_stuck_one_change_nothing():
    button = Button(_REQUEST_BUTTON, 0)
    now_ms = 0
    for _ in range(26):  # 13 days: the ticks wrap after 12.4
        now_ms += DAY_MS // 2
        for _ in range(2):
            now_ms += _RELEASE_MS
            assert button.update(False, now_ms & MASK) == _NO_ACT
        assert not button.stuck
    _, now_ms = poll(button, now_ms, True, _STUCK_MS + 2 * POLL_MS)
    for _ in range(26):
        now_ms += DAY_MS // 2
        assert button.update(True, now_ms & MASK) == _NO_ACT
        assert button.stuck
    assert poll(button, now_ms, False, 500)[0] == []


glitches = st.lists(st.integers(1, 9).map(lambda polls: polls * POLL_MS), max_size=12)


@given(before=glitches, held_ms=st.integers(30, 900), within=glitches, after=glitches)
def test_one_press_is_one_bolus_whatever_the_contacts_do(before, held_ms, within, after):
    """Closed gaps shorter than 30 ms before the press; open ones shorter than 100 ms within it and as it ends."""
    button, now_ms, acts = Button(_REQUEST_BUTTON, 0), 0, []

    def go(closed, for_ms):
        nonlocal now_ms
        new, now_ms = poll(button, now_ms, closed, for_ms)
        acts.extend(new)

    for gap_ms in before:
        go(True, 20)
        go(False, gap_ms)
    go(True, 200 + held_ms // POLL_MS * POLL_MS)
    for gap_ms in within + after:
        go(False, gap_ms)
        go(True, 20)
    go(False, 1000)
    assert acts == [REQUEST_BOLUS]


@given(waveform=st.lists(st.tuples(st.booleans(), st.integers(1, 100)), max_size=60))
def test_presses_are_never_more_than_steady_openings(waveform):
    """Whatever the wire does: between two acts it was open for 100 ms, and before each closed for 30 ms."""
    button, now_ms, history = Button(_REQUEST_BUTTON, 0), 0, []
    for closed, polls in waveform:
        for _ in range(polls):
            now_ms += POLL_MS
            history.append(closed)
            act = button.update(closed, now_ms)
            if act != _NO_ACT:
                seen = "".join("x" if one else "." for one in history)
                assert seen.endswith("." * (_RELEASE_MS // POLL_MS))
                assert "x" * (_DEBOUNCE_MS // POLL_MS + 1) in seen
                history.clear()

"""The annunciator on the real drivers, on a strict fake of `machine`: what a microphone and an eye would
note."""

import os
import random
import sys
from itertools import pairwise

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from fake_machine import SIO, Board

from pump.annunciator import Annunciator
from pump.core import bursts
from pump.core.alarms import HIGH, LOW, MEDIUM, AlarmManager
from pump.core.ticks import MASK, later

PIEZO, RED, YELLOW = 6, 10, 11
C5, D4, G4, E4, C4 = 523, 294, 392, 330, 262


class Bedside:
    """Board, alarm manager and annunciator, woken as they ask, up to `late_ms` late."""

    def __init__(self, monkeypatch, start_ms=0, late_ms=0):
        self.board = Board()
        self.t_ms = self._wake_ms = 0
        piezo, lamps = self.board.load(monkeypatch, "pump.drivers.piezo", "pump.drivers.lamps")
        self.alarms = AlarmManager(lambda *what: self.wake())
        self.task = Annunciator(self.alarms, piezo.Piezo(PIEZO), lamps.Lamps(RED, YELLOW))
        self.start_ms = start_ms
        self._late_ms, self._random = late_ms, random.Random(2)

    @property
    def now_ms(self):
        return later(self.start_ms, self.t_ms)

    def wake(self):
        """As the scheduler does it for an alarm that comes or goes, and for a test."""
        self._wake_ms = self.t_ms

    def run(self, milliseconds):
        end_ms = self.t_ms + milliseconds
        while self._wake_ms <= end_ms:
            self.t_ms = self.board.now_ms = self._wake_ms
            wait_ms = self.task.run(self.now_ms)
            assert 1 <= wait_ms <= 1000
            self._wake_ms += wait_ms + self._random.randint(0, self._late_ms)
        self.t_ms = end_ms

    def pulses(self):
        """(frequency_hz, begin, end) of each pulse heard."""
        found, frequency_hz, begin_ms, sounding = [], 0, 0, False
        for t_ms, gpio, what, *value in self.board.log:
            if gpio != PIEZO:
                continue
            ends = (what == "duty" and value[0] == 0) or (what == "freq" and value[0] != frequency_hz)
            if sounding and ends:
                found.append((frequency_hz, begin_ms, t_ms))
                sounding = False
            if what == "freq":
                frequency_hz = value[0]
            elif what == "duty" and value[0] and not sounding:
                begin_ms, sounding = t_ms, True
        return found

    def melody(self):
        return [pulse[0] for pulse in self.pulses()]

    def changes(self, gpio):
        """(t_ms, level) of each change of a lamp."""
        found = [(0, 0)]
        for t_ms, pin, what, *value in self.board.log:
            if pin == gpio and what == "level" and value[0] != found[-1][1]:
                found.append((t_ms, value[0]))
        return found[1:]

    def piezo_released(self):
        return self.board.function[PIEZO] == SIO and self.board.level[PIEZO] == 0


@pytest.fixture
def bedside(monkeypatch):
    return Bedside(monkeypatch)


def test_without_an_alarm_nothing_is_heard_or_seen_or_written(bedside):
    before = len(bedside.board.log)
    bedside.run(10_000)
    assert len(bedside.board.log) == before


def test_an_alarm_is_heard_and_seen_within_20_ms(bedside):
    bedside.run(1_005)
    bedside.alarms.raise_alarm("occlusion", bedside.now_ms)
    bedside.run(200)
    assert 1_005 <= bedside.pulses()[0][1] <= 1_025
    assert 1_005 <= bedside.changes(RED)[0][0] <= 1_025


def test_high_sounds_ten_pulses_and_flashes_red_at_2_hz(bedside):
    bedside.alarms.raise_alarm("occlusion", 0)
    bedside.run(5_000)
    assert bedside.melody() == [C5, D4, G4, C5, D4] * 2
    ups = [t_ms for t_ms, level in bedside.changes(RED) if level]
    downs = [t_ms for t_ms, level in bedside.changes(RED) if not level]
    assert ups == list(range(0, 5_001, 500))
    assert downs == list(range(200, 5_000, 500))
    assert bedside.changes(YELLOW) == []


def test_lamps_flash_in_their_range_with_a_task_up_to_10_ms_late(monkeypatch):
    bedside = Bedside(monkeypatch, late_ms=10)
    bedside.alarms.raise_alarm("occlusion", 0)
    bedside.run(60_000)
    ups = [t_ms for t_ms, level in bedside.changes(RED) if level]
    # No drift: 120 cycles of 500 ms, each begins within the task's own lateness.
    assert all(0 <= t_ms - 500 * k <= 10 for k, t_ms in enumerate(ups))
    assert len(ups) in (120, 121)


def test_pulses_keep_their_range_with_a_task_up_to_10_ms_late(monkeypatch):
    bedside = Bedside(monkeypatch, late_ms=10)
    bedside.alarms.raise_alarm("occlusion", 0)
    bedside.run(60_000)
    pulses = bedside.pulses()
    assert len(pulses) >= 60
    assert all(75 <= end_ms - begin_ms <= 200 for _, begin_ms, end_ms in pulses)
    within = [following[1] - pulse[2] for pulse, following in pairwise(pulses)]
    assert all(50 <= gap_ms <= 125 for k, gap_ms in enumerate(within) if k % 10 in (0, 1, 3, 5, 6, 8))


def test_the_piezo_is_low_and_released_once_the_alarm_is_over_and_its_burst_finished(bedside):
    bedside.alarms.raise_alarm("suspended_reminder", 0)
    bedside.run(300)
    bedside.alarms.condition_gone("suspended_reminder", 300)
    bedside.run(2_000)
    assert bedside.melody() == [C5, D4, G4]
    assert bedside.piezo_released()
    assert bedside.changes(YELLOW)[0] == (0, 1)
    assert 300 <= bedside.changes(YELLOW)[1][0] <= 320  # light ends at the next wake-up, sound with its burst


def test_an_audio_pause_is_silent_with_lamps_on_and_ends_after_two_minutes(bedside):
    bedside.alarms.raise_alarm("occlusion", 0)
    bedside.run(4_000)  # the first burst ends at 3380
    bedside.alarms.silence(4_000)
    heard = len(bedside.pulses())
    bedside.run(119_900)
    assert len(bedside.pulses()) == heard
    assert bedside.piezo_released()
    assert bedside.changes(RED)[-1][0] > 123_000
    bedside.run(1_000)
    assert 124_000 <= bedside.pulses()[heard][1] <= 124_020


def test_a_higher_alarm_breaks_through_the_pause_and_a_lower_one_does_not(bedside):
    bedside.alarms.raise_alarm("task_overrun", 0)
    bedside.alarms.silence(0)
    bedside.run(1_000)
    bedside.alarms.raise_alarm("suspended_reminder", 1_000)
    bedside.run(1_000)
    assert bedside.melody() == []
    bedside.alarms.raise_alarm("occlusion", 2_000)
    bedside.run(1_000)
    assert bedside.melody()[:3] == [C5, D4, G4]


@pytest.mark.parametrize(
    ("priority", "melody", "lamp"),
    [(HIGH, [C5, D4, G4, C5, D4] * 2, RED), (MEDIUM, [C5, D4, G4], YELLOW), (LOW, [E4, C4], YELLOW)],
)
def test_an_alarm_test_plays_one_burst_with_its_lamp(bedside, priority, melody, lamp):
    assert bedside.task.test(priority, 0) == bursts.burst_ms(priority)
    bedside.run(60_000)
    assert bedside.melody() == melody
    last_ms = bedside.changes(lamp)[-1][0]
    assert bedside.board.level[lamp] == 0
    assert last_ms <= bursts.burst_ms(priority) + 20
    assert bedside.piezo_released()


def test_alarm_tests_may_follow_each_other(bedside):
    for priority in (HIGH, MEDIUM, LOW, LOW):
        duration_ms = bedside.task.test(priority, bedside.now_ms)
        bedside.wake()
        assert duration_ms
        bedside.run(duration_ms + 50)
    assert bedside.melody() == [C5, D4, G4, C5, D4] * 2 + [C5, D4, G4] + [E4, C4] * 2


def test_a_test_within_a_test_is_refused(bedside):
    bedside.task.test(LOW, 0)
    bedside.run(100)
    assert bedside.task.test(HIGH, 100) == 0


@pytest.mark.parametrize("priority", [HIGH, MEDIUM, LOW])
def test_a_test_never_talks_over_a_real_alarm_as_high(bedside, priority):
    bedside.alarms.raise_alarm("occlusion", 0)
    bedside.run(4_000)
    assert bedside.task.test(priority, 4_000) == 0


def test_a_test_is_refused_during_the_pause_of_an_alarm_as_high(bedside):
    bedside.alarms.raise_alarm("occlusion", 0)
    bedside.alarms.silence(0)
    bedside.run(100)
    assert bedside.task.test(HIGH, 100) == 0


def test_a_test_of_higher_priority_plays_and_the_real_alarm_goes_on_after_it(bedside):
    bedside.alarms.raise_alarm("suspended_reminder", 0)
    bedside.run(2_000)
    assert bedside.task.test(HIGH, 2_000)
    bedside.run(5_000)
    assert bedside.melody() == [C5, D4, G4] + [C5, D4, G4, C5, D4] * 2 + [C5, D4, G4]


def test_a_real_alarm_takes_over_from_a_test(bedside):
    bedside.task.test(LOW, 0)
    bedside.run(100)
    bedside.alarms.raise_alarm("occlusion", 100)
    bedside.run(4_000)
    assert bedside.melody() == [E4] + [C5, D4, G4, C5, D4] * 2
    bedside.run(7_000)
    # and the alarm goes on sounding: its second burst, 9.38 s after the first, is 1.6 s old
    assert bedside.melody()[11:] == [C5, D4, G4, C5, D4]


def test_a_test_right_after_an_alarm_of_its_priority_has_ended_is_heard(bedside):
    bedside.alarms.raise_alarm("suspended_reminder", 0)
    bedside.run(2_000)  # between bursts
    bedside.alarms.condition_gone("suspended_reminder", 2_000)
    assert bedside.task.test(MEDIUM, 2_000)
    bedside.run(5_000)
    assert bedside.melody() == [C5, D4, G4] * 2


def test_everything_goes_on_across_a_wrap_of_the_clock(monkeypatch):
    bedside = Bedside(monkeypatch, start_ms=MASK - 1_234)
    bedside.alarms.raise_alarm("occlusion", bedside.now_ms)
    bedside.run(10_000)
    assert bedside.melody() == [C5, D4, G4, C5, D4] * 2 + [C5, D4, G4]  # the second burst is 620 ms old
    assert [t_ms for t_ms, level in bedside.changes(RED) if level] == list(range(0, 10_001, 500))

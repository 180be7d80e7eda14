"""The annunciator with a piezo and lamps that keep time by themselves: what a microphone and an eye would note."""

import random

import pytest

from pump.core.alarms import bursts
from pump.core.alarms.manager import AlarmManager
from pump.core.alarms.table import HIGH, LOW, MEDIUM, NONE
from pump.core.units import MASK, later
from pump.tasks.annunciator import Annunciator

from .fake_piezo import FakePiezo

C5, D4, G4, E4, C4 = 523, 294, 392, 330, 262


class Lamps:
    """Notes (t_ms, priority) of each light."""

    def __init__(self, clock):
        self._clock = clock
        self.shown = []

    def show(self, priority):
        self.shown.append((self._clock(), priority))


class Bedside:
    """Alarm manager and annunciator, woken as they ask, up to `late_ms` late."""

    def __init__(self, start_ms=0, late_ms=0):
        self.t_ms = self._wake_ms = 0
        self.piezo = FakePiezo(lambda: self.t_ms)
        self.lamps = Lamps(lambda: self.t_ms)
        self.alarms = AlarmManager(lambda *what: self.wake(), 10**6)
        self.task = Annunciator(self.alarms, self.piezo, self.lamps)
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
            self.t_ms = self._wake_ms
            wait_ms = self.task.run(self.now_ms)
            assert 1 <= wait_ms <= 1000
            self._wake_ms += wait_ms + self._random.randint(0, self._late_ms)
        self.t_ms = end_ms

    def pulses(self):
        """(frequency_hz, begin, end) of each pulse heard."""
        return self.piezo.pulses()

    def melody(self):
        """By the names of the notes: a period is a whole number of ticks, so a frequency is a little off."""
        notes = (C5, D4, G4, E4, C4)
        return [min(notes, key=lambda note, hz=pulse[0]: abs(note - hz)) for pulse in self.pulses()]

    def lights(self):
        return [priority for _, priority in self.lamps.shown]


@pytest.fixture
def bedside():
    return Bedside()


def test_without_an_alarm_nothing_is_heard_or_seen(bedside):
    bedside.run(10_000)
    assert (bedside.pulses(), bedside.lamps.shown) == ([], [])


def test_an_alarm_is_heard_and_seen_as_soon_as_the_task_runs(bedside):
    bedside.run(1_005)
    bedside.alarms.raise_alarm("occlusion", bedside.now_ms)
    bedside.run(200)
    assert bedside.pulses()[0][1] == 1_005
    assert bedside.lamps.shown == [(1_005, HIGH)]


def test_high_sounds_ten_pulses_and_shines_high(bedside):
    bedside.alarms.raise_alarm("occlusion", 0)
    bedside.run(5_000)
    assert bedside.melody() == [C5, D4, G4, C5, D4] * 2
    assert bedside.lights() == [HIGH]


def test_a_late_task_does_not_move_a_pulse():
    bedside = Bedside(late_ms=100)
    bedside.alarms.raise_alarm("occlusion", 0)
    bedside.run(60_000)
    # 10 pulses every 9380 ms.
    assert [pulse[1] for pulse in bedside.pulses()[::10]] == [pytest.approx(9_380 * k, abs=0.05) for k in range(7)]


def test_the_light_ends_with_the_alarm_and_the_sound_with_its_burst(bedside):
    bedside.alarms.raise_alarm("suspended_reminder", 0)
    bedside.run(300)
    bedside.alarms.condition_gone("suspended_reminder", 300)
    bedside.run(2_000)
    assert bedside.melody() == [C5, D4, G4]
    assert bedside.piezo.quiet
    assert bedside.lamps.shown == [(0, MEDIUM), (300, NONE)]


def test_an_audio_pause_is_silent_with_lamps_on_and_ends_after_two_minutes(bedside):
    bedside.alarms.raise_alarm("occlusion", 0)
    bedside.run(4_000)  # the first burst ends at 3380
    bedside.alarms.silence(4_000)
    bedside.wake()
    bedside.run(119_900)
    assert len(bedside.pulses()) == 10
    assert bedside.piezo.quiet
    assert bedside.lights() == [HIGH]
    bedside.run(1_000)
    assert bedside.pulses()[10][1] == 124_000


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


def test_an_alarm_that_escalates_sounds_and_shines_as_high():
    bedside = Bedside()
    bedside.alarms = AlarmManager(lambda *what: bedside.wake(), 60_000)
    bedside.task = Annunciator(bedside.alarms, bedside.piezo, bedside.lamps)
    bedside.alarms.raise_alarm("infusion_complete", 0)
    bedside.run(65_000)
    # Bursts of MEDIUM begin every 10.95 s, the sixth at 54.75 s; the task looks every second at least.
    assert bedside.melody() == [C5, D4, G4] * 6 + [C5, D4, G4, C5, D4] * 2
    assert 60_000 <= bedside.pulses()[18][1] <= 61_000
    assert bedside.lights() == [MEDIUM, HIGH]
    bedside.alarms.acknowledge(65_000)
    bedside.run(1_000)
    assert bedside.lights() == [MEDIUM, HIGH, MEDIUM]


@pytest.mark.parametrize(
    ("priority", "melody"),
    [(HIGH, [C5, D4, G4, C5, D4] * 2), (MEDIUM, [C5, D4, G4]), (LOW, [E4, C4])],
)
def test_an_alarm_test_plays_one_burst_with_its_lamp(bedside, priority, melody):
    assert bedside.task.test(priority, 0) == bursts.burst_ms(priority)
    bedside.run(60_000)
    assert bedside.melody() == melody
    assert bedside.lamps.shown == [(0, priority), (bursts.burst_ms(priority), NONE)]
    assert bedside.piezo.quiet


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
    bedside.wake()
    bedside.run(7_000)  # 3.38 s of HIGH, 2.5 s of rest
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


def test_everything_goes_on_across_a_wrap_of_the_clock():
    bedside = Bedside(start_ms=MASK - 1_234)
    bedside.alarms.raise_alarm("occlusion", bedside.now_ms)
    bedside.run(10_000)
    assert bedside.melody() == [C5, D4, G4, C5, D4] * 2 + [C5, D4, G4]  # the second burst is 620 ms old

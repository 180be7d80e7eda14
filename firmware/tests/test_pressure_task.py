"""The pressure task on the real driver and a fake converter: pressure in, alarms out, and how long that
takes."""

import os
import random
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from fake_machine import TEMPERATURE, Board

from pump.core.occlusion.threshold import ThresholdDetector
from pump.core.units import MASK, later
from pump.tasks.pressure import PressureTask

PRESSURE = 26
CONFIG = {"offset_mv": 500, "gain_pa_per_mv": [60, 1], "open_mv": 3200, "short_mv": 100}
LIMIT_PA = 68_928
NOISE_MV = 1.5


class Line:
    """A line with a pressure that is a function of time, read by the task every 10 ms or a little later."""

    def __init__(self, monkeypatch, start_ms=0, late_ms=0, seed=1):
        board = Board()
        (module,) = board.load(monkeypatch, "pump.drivers.inputs")
        self._random = random.Random(seed)
        self._late_ms = late_ms
        board.adc[PRESSURE] = self._convert
        board.adc[TEMPERATURE] = lambda: 876 + self._random.randint(-3, 3)  # 706 mV: 27 °C
        self.pressure_pa = lambda t_ms: 10_000
        self.volts = None  # mV on the pin whatever the pressure; no noise
        self.t_ms = 0
        self.start_ms = start_ms
        self.reports = []
        self.runs = []
        self.task = PressureTask(
            module.PressureSensor(PRESSURE),
            CONFIG,
            ThresholdDetector(LIMIT_PA, 500),
            lambda name, active, now_ms: self.reports.append((name, active, self.t_ms)),
        )

    def _convert(self):
        mv = self.volts
        if mv is None:
            mv = 500 + self.pressure_pa(self.t_ms) / 60 + self._random.gauss(0, NOISE_MV)
        return min(4095, max(0, int(mv * 4096 / 3300)))

    def run(self, milliseconds):
        end_ms = self.t_ms + milliseconds
        while self.t_ms < end_ms:
            late_ms = self._random.randint(0, self._late_ms)
            self.t_ms += late_ms
            self.runs.append(self.t_ms)
            wait_ms = self.task.run(later(self.start_ms, self.t_ms))
            assert 1 <= wait_ms <= 10
            self.t_ms += wait_ms


@pytest.fixture
def line(monkeypatch):
    return Line(monkeypatch)


def test_there_is_no_pressure_before_the_first_sample(line):
    assert line.task.pressure_pa is None


def test_a_steady_pressure_is_read_to_within_five_sigma_of_the_filtered_noise(line):
    # Noise 1.5 mV * 60 = 90 Pa a read, 45 the mean of four, 17 after the filter; a count of the sum is 12 Pa.
    line.run(5_000)
    assert line.task.pressure_pa == pytest.approx(10_000, abs=5 * 17 + 12)
    assert line.reports == []


@pytest.mark.parametrize("start_ms", [0, MASK - 777])
def test_it_runs_once_on_every_point_of_a_grid_that_lateness_and_wrap_do_not_move(monkeypatch, start_ms):
    line = Line(monkeypatch, start_ms=start_ms, late_ms=4)
    line.run(20_000)
    phase = -start_ms % 10  # the grid holds the multiples of 10 of the tick
    on_time = [t_ms for t_ms in line.runs if t_ms >= phase]
    assert [(t_ms - phase) // 10 for t_ms in on_time] == list(range(len(on_time)))
    assert max((t_ms - phase) % 10 for t_ms in on_time) <= 4


def test_without_lateness_a_second_holds_100_samples(line):
    line.run(1_000)
    assert line.runs == list(range(0, 1_000, 10))


def test_a_hold_up_is_not_made_up_for(line):
    line.run(100)
    line.t_ms += 35
    line.run(100)
    assert line.runs[10:14] == [135, 140, 150, 160]


# Noise makes a slow rise alarm early, not late: of many noisy samples one passes the limit while the true
# pressure is still below it, by up to 5 sigma of the filtered noise and a count: 100 Pa. What is left of
# that in time is 100 / slope. Below 50 Pa/s that noise is all that decides: it is early by seconds, never late.
@pytest.mark.parametrize("slope_pa_s", [2, 10, 50, 200, 500, 5_000, 50_000, 150_000])
@pytest.mark.parametrize("seed", range(4))
def test_a_blocked_line_is_reported_within_600_ms_of_the_crossing(monkeypatch, slope_pa_s, seed):
    line = Line(monkeypatch, late_ms=9, seed=seed)
    start_pa = LIMIT_PA - max(500, slope_pa_s // 5) - seed * slope_pa_s // 400  # crosses 0, 2.5, 5, 7.5 ms on
    line.pressure_pa = lambda t_ms: min(start_pa + slope_pa_s * t_ms / 1000, 130_000)
    crossing_ms = (LIMIT_PA - start_pa) * 1000 / slope_pa_s
    line.run(int(crossing_ms) + 700)
    (name, active, t_ms) = line.reports[0]
    assert (name, active) == ("occlusion", True)
    assert 500 - 100 * 1000 / slope_pa_s <= t_ms - crossing_ms <= 600


def test_a_pressure_peak_shorter_than_the_persistence_is_not_reported(line):
    line.pressure_pa = lambda t_ms: 75_000 if 1_000 <= t_ms < 1_400 else 50_000
    line.run(5_000)
    assert line.reports == []


def test_the_end_of_an_occlusion_is_reported_too(line):
    line.pressure_pa = lambda t_ms: 75_000 if t_ms < 2_000 else 50_000
    line.run(3_000)
    assert [report[:2] for report in line.reports] == [("occlusion", True), ("occlusion", False)]


@pytest.mark.parametrize(("volts", "name"), [(3300, "sensor_open"), (0, "sensor_short")])
def test_a_broken_sensor_is_reported_within_60_ms_and_there_is_no_pressure(line, volts, name):
    line.run(1_000)
    line.volts = volts
    line.run(100)
    assert line.reports == [(name, True, 1_040)]  # the fifth bad sample
    assert line.task.pressure_pa is None


def test_a_frozen_sensor_is_reported_after_two_seconds(line):
    line.run(1_000)
    line.volts = 700
    line.run(2_100)
    assert line.reports == [("sensor_frozen", True, 3_000)]
    assert line.task.pressure_pa is None


def test_a_glitch_leaves_the_last_pressure_standing_and_does_not_enter_the_filter(line):
    line.run(1_000)
    before = line.task.pressure_pa
    line.volts = 3300
    line.run(40)
    assert line.task.pressure_pa == before
    line.volts = None
    line.run(10)
    assert line.task.pressure_pa == pytest.approx(before, abs=5 * 17 + 12)
    assert line.reports == []


def test_a_sensor_that_returns_is_reported_and_believed_without_a_trace_of_before(line):
    line.run(1_000)
    line.volts = 3300
    line.run(200)
    line.volts = None
    line.pressure_pa = lambda t_ms: 60_000
    line.run(60)
    assert [report[:2] for report in line.reports] == [("sensor_open", True), ("sensor_open", False)]
    assert line.task.pressure_pa == pytest.approx(60_000, abs=5 * 45)


def test_between_two_faults_there_is_no_moment_without_an_alarm(line):
    line.volts = 3300
    line.run(100)
    line.volts = 0
    line.run(100)
    assert [report[:2] for report in line.reports] == [
        ("sensor_open", True), ("sensor_short", True), ("sensor_open", False),
    ]  # fmt: skip


def test_a_hold_up_of_more_than_100_ms_is_reported_as_stale(line):
    line.run(1_000)
    line.t_ms += 100  # last sample at 990: 110 ms old
    line.run(100)
    assert [report[:2] for report in line.reports] == [("sensor_stale", True), ("sensor_stale", False)]


def test_a_broken_sensor_does_not_end_an_occlusion(line):
    line.pressure_pa = lambda t_ms: 100_000
    line.run(1_000)
    line.volts = 3300
    line.run(1_000)
    assert [report[:2] for report in line.reports] == [("occlusion", True), ("sensor_open", True)]


def test_time_with_a_broken_sensor_does_not_count_towards_an_occlusion(line):
    line.run(1_000)
    line.pressure_pa = lambda t_ms: 100_000
    line.run(300)
    line.volts = 3300
    line.run(1_000)
    line.volts = None
    line.run(500)  # 460 ms of valid pressure, after the five good samples
    assert "occlusion" not in [report[0] for report in line.reports]
    line.run(100)
    assert line.reports[-1][:2] == ("occlusion", True)

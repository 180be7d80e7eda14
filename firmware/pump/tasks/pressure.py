"""The task that measures the pressure, 100 times a second.

Sensor -> check -> filter -> pascals -> detector, and a report when an alarm's condition begins or ends. It owns the
measured pressure: `pressure_pa`, None while no reading is valid. It stops nothing; `report` leads to the alarm manager.
"""

from micropython import const

from pump.core.occlusion.adc_check import ConverterCheck
from pump.core.occlusion.sensor_check import SAMPLE_MS, Calibration, PressureFilter, SensorCheck
from pump.core.units import MASK

_CONVERTER_EVERY = const(10)  # samples: 100 ms


class PressureTask:
    name = "pressure"
    # Counted in the 600 ms of core/occlusion/threshold.py; a garbage collection comes on top (garbage_collection.py).
    max_late_ms = 50

    def __init__(self, sensor, config, detector, report):
        """`config`: the section `sensor` of the profile. `report(name, active, now_ms)` takes each beginning and end of
        an alarm's condition.
        """
        self._read_sum = sensor.read_sum
        self._sensor = sensor
        self._converter = ConverterCheck()
        self._samples = 0  # until the converter is looked at
        self._check = SensorCheck(config["open_mv"], config["short_mv"], config["gain_pa_per_mv"])
        self._filter = PressureFilter()
        self._calibration = Calibration(config["offset_mv"], config["gain_pa_per_mv"])
        self._detector = detector
        self._report = report
        self._due_ms = 0
        self._fault = None  # as reported
        self.occluded = False  # as reported
        self.pressure_pa = None  # None: no valid reading

    def check(self):
        """The self-test's check: there is a filtered reading, and the sensor has no fault."""
        return self.pressure_pa is not None

    def add_status(self, status):
        """Adds its part of the reply to `status`."""
        status["pressure_pa"] = self.pressure_pa

    def run(self, now_ms):
        check = self._check
        check.check_age(now_ms)
        raw_sum = self._read_sum()
        fault = check.update(raw_sum, now_ms)
        self._samples -= 1
        if self._samples < 0:
            self._samples = _CONVERTER_EVERY - 1
            self._converter.update(self._sensor.code, self._sensor.read_temperature())
        fault = self._converter.fault or fault  # the cause before its effects
        if fault is not self._fault:
            self._change_fault(fault, now_ms)
        # A bad sample that is not yet a fault leaves the last pressure standing, for 40 ms at most.
        if fault is None and check.good:
            self._take(raw_sum, now_ms)
        # On a grid of 10 ms, however late this run is. Missed grid points are skipped.
        wait_ms = SAMPLE_MS - ((now_ms - self._due_ms) & MASK) % SAMPLE_MS
        self._due_ms = (now_ms + wait_ms) & MASK
        return wait_ms

    def excuse(self, now_ms):
        """The CPU was held as planned: the last sample does not count as older for it."""
        self._check.excuse(now_ms)

    def _take(self, raw_sum, now_ms):
        """Takes a good sample."""
        pressure_pa = self._calibration.pa(self._filter.update(raw_sum))
        self.pressure_pa = pressure_pa
        occluded = self._detector.update(pressure_pa, now_ms)
        if occluded is not self.occluded:
            self.occluded = occluded
            self._report("occlusion", occluded, now_ms)

    def _change_fault(self, fault, now_ms):
        if fault is not None:
            self.pressure_pa = None
            self._filter.reset()
            self._detector.forget()
            self._report(fault, True, now_ms)  # before the old one ends, so that there is no moment without an alarm
        if self._fault is not None:
            self._report(self._fault, False, now_ms)
        self._fault = fault

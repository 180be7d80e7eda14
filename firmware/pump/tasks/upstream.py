"""The tasks for the line upstream of the pump, where the bench has the sensors: suction by a blocked supply, and air.

The upstream pressure sensor is of the same kind as the first and is handled alike (pressure.py); only its limit is
below zero, and all its faults are one alarm. The air detector gives a level: high is air, and a pull-up makes a broken
wire read as air.
"""

from micropython import const

from pump.core.occlusion.threshold import ThresholdDetector
from pump.drivers.inputs import Switch
from pump.tasks.pressure import PressureTask

_POLL_MS = const(20)
_SAMPLES = const(3)  # in a row: a bubble of 20 µL passes in 60 ms at 1200 mL/h


class Suction(ThresholdDetector):
    """Pressure below the limit, for the persistence."""

    def update(self, pressure_pa, now_ms):
        return ThresholdDetector.update(self, -pressure_pa, now_ms)


class UpstreamTask(PressureTask):
    name = "upstream"

    def __init__(self, sensor, config, limit_pa, persistence_ms, report):
        PressureTask.__init__(self, sensor, config, Suction(limit_pa, persistence_ms), self._rename)
        self._report_upstream = report
        self._faults = 0  # present; two while one follows another

    def _rename(self, name, active, now_ms):
        if name == "occlusion":
            self._report_upstream("upstream_occlusion", active, now_ms)
        else:
            self._faults += 1 if active else -1
            self._report_upstream("upstream_sensor_fault", self._faults > 0, now_ms)


class AirTask:
    name = "air"
    max_late_ms = 50

    def __init__(self, pin, report):
        self._pin = Switch(pin)
        self._report = report
        self._samples = 0
        self._found = False  # as reported

    def run(self, now_ms):
        self._samples = self._samples + 1 if self._pin.value() else 0
        found = self._samples >= _SAMPLES
        if found is not self._found:
            self._found = found
            self._report("air_in_line", found, now_ms)
        return _POLL_MS

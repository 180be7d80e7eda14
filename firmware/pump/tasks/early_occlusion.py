"""The task that runs the early detector (core/occlusion/early_occlusion.py), once a second while the motor is
permitted: it compares the rise of pressure with the steps.
"""

from micropython import const

_PERIOD_MS = const(1000)


class EarlyOcclusionTask:
    name = "early_occlusion"
    max_late_ms = 500

    def __init__(self, detector, delivery, pressure, supervisor, report):
        """`report(name, active, now_ms)` raises the alarm; occlusion_recovery.py ends its condition."""
        self._detector = detector
        self._delivery = delivery
        self._pressure = pressure
        self._supervisor = supervisor
        self._report = report

    def run(self, now_ms):
        pressure_pa = self._pressure.pressure_pa
        if pressure_pa is None or not self._supervisor.permits_motor:
            self._detector.forget()
        else:
            delivery = self._delivery
            if self._detector.update(pressure_pa, delivery.counted_steps(), delivery.rate_ul_h, now_ms):
                self._detector.forget()
                self._report("occlusion_early", True, now_ms)
        return _PERIOD_MS

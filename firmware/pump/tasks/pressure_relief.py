"""The task that draws the plunger back after an occlusion stop, with the delivery task's steps.

    occlusion stops the infusion ──► begin() ──► the motor stands for 200 ms ──► back ──► on_end(how, now_ms)

How far it draws back is decided in core/occlusion/retraction.py. It moves nothing unless the supervisor permits
retraction. `cancel` ends it at once: at a change of state, and at any other alarm that stops delivery. So a sensor that
fails during a retraction stops it like any other motion.
"""

from micropython import const

from pump.core.occlusion.retraction import DRAWING, ENDS, NO_PRESSURE
from pump.core.units import elapsed_ms

_STAND_MS = const(200)  # a motor halted at full rate has come to rest, and the pressure is that of a closed line
_POLL_MS = const(10)  # the period of the pressure samples
_IDLE_MS = const(1000)

CANCELLED = "cancelled"


class PressureRelief:
    name = "pressure_relief"
    max_late_ms = 50  # 7 µL at 500 mL/h

    def __init__(self, retraction, delivery, pressure, supervisor):
        self._retraction = retraction
        self._delivery = delivery
        self._pressure = pressure
        self._supervisor = supervisor
        self._on_end = None
        self.busy = False  # from `begin` to the end
        self._turned = False
        self._before = 0  # net steps at the beginning
        self._began_ms = 0

    def begin(self, on_end, now_ms):
        """Called after the infusion was halted. `on_end(how, now_ms)` is called once, with one of
        core.occlusion.retraction.ENDS or CANCELLED.
        """
        self._on_end = on_end
        self.busy = self._delivery.therapy is not None
        self._began_ms = now_ms

    def cancel(self, now_ms):
        if self.busy:
            self._end(CANCELLED, now_ms)

    def run(self, now_ms):
        if not self.busy:
            return _IDLE_MS
        if not self._supervisor.permits_retraction:
            self._end(CANCELLED, now_ms)
        elif self._turned:
            delivery = self._delivery
            end = self._retraction.judge(self._pressure.pressure_pa, self._before - delivery.net_steps(), now_ms)
            if end != DRAWING:
                self._end(ENDS[end], now_ms)
        elif elapsed_ms(now_ms, self._began_ms) >= _STAND_MS:
            self._turn(now_ms)
        return _POLL_MS

    def _turn(self, now_ms):
        delivery = self._delivery
        pressure_pa = self._pressure.pressure_pa
        self._before = delivery.net_steps()
        if self._retraction.begin(delivery.therapy, self._before, pressure_pa, now_ms):
            self._turned = True
            delivery.turn(self._retraction)
            delivery.go()
        else:
            self._end(ENDS[NO_PRESSURE] if pressure_pa is None else "relieved", now_ms)

    def _end(self, how, now_ms):
        self.busy = False
        if self._turned:
            self._turned = False
            self._delivery.halt()
            self._delivery.turn(None)
        self._on_end(how, now_ms)

"""The task that draws the plunger back after an occlusion stop (core/occlusion/retraction.py), with the delivery
task's steps.

    occlusion stops the infusion ──► begin() ──► the motor stands for 200 ms ──► back ──► on_end(how, now_ms)

It moves nothing unless the supervisor permits it, and `cut` ends it at once: at a change of state, and at any other
alarm that stops delivery. So a sensor that fails on the way is a stop like another.
"""

from micropython import const

from pump.core.occlusion.retraction import DRAWING, ENDS, NO_PRESSURE
from pump.core.ticks import elapsed_ms

_STAND_MS = const(200)  # a motor that was halted at full rate stands, and the pressure is that of a closed line
_LOOK_MS = const(10)  # the pressure is new as often
_REST_MS = const(1000)

CUT = "cut"


class Relief:
    name = "relief"
    max_late_ms = 50  # 7 µL at 500 mL/h

    def __init__(self, retraction, delivery, pressure, supervisor, on_end):
        """`on_end(how, now_ms)`: one of core.retraction.ENDS, or CUT."""
        self._retraction = retraction
        self._delivery = delivery
        self._pressure = pressure
        self._supervisor = supervisor
        self._on_end = on_end
        self.busy = False  # from `begin` to the end
        self._turned = False
        self._before = 0  # net steps when it began
        self._began_ms = 0

    def begin(self, now_ms):
        """After the infusion was halted."""
        self.busy = self._delivery.therapy is not None
        self._began_ms = now_ms

    def cut(self, now_ms):
        if self.busy:
            self._end(CUT, now_ms)

    def run(self, now_ms):
        if not self.busy:
            return _REST_MS
        if not self._supervisor.permits_retraction:
            self._end(CUT, now_ms)
        elif self._turned:
            delivery = self._delivery
            end = self._retraction.judge(self._pressure.pressure_pa, self._before - delivery.net_steps(), now_ms)
            if end != DRAWING:
                self._end(ENDS[end], now_ms)
        elif elapsed_ms(now_ms, self._began_ms) >= _STAND_MS:
            self._turn(now_ms)
        return _LOOK_MS

    def _turn(self, now_ms):
        delivery = self._delivery
        pressure_pa = self._pressure.pressure_pa
        self._before = delivery.net_steps()
        if self._retraction.begin(delivery.therapy, self._before, pressure_pa, now_ms):
            self._turned = True
            delivery.turn(self._retraction, True)
            delivery.go()
        else:
            self._end(ENDS[NO_PRESSURE] if pressure_pa is None else "relieved", now_ms)

    def _end(self, how, now_ms):
        self.busy = False
        if self._turned:
            self._turned = False
            self._delivery.halt()
            self._delivery.turn(self._retraction.infusion, False)
        self._on_end(how, now_ms)

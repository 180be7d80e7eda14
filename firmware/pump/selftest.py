"""The self-test, and the task that runs it at boot and when asked: about 0.4 s, with the motor's enable away.

Ten steps are made and must be counted by the other state machine; the sensor must read something plausible;
there must be memory to work with; a tone sounds, and where there is feedback it must be heard. It stops at the first
failure and says which.
"""

import gc

from micropython import const

from pump.core import supervisor as sv
from pump.core.words import encode

PIEZO = "piezo"  # the failure that has an alarm of its own
STEPS = const(10)
_STEP_TICKS = const(5000)  # 1 ms
_SETTLE_MS = const(400)  # the sensor's filter and its check for a frozen reading have samples by then
_MIN_FREE = const(20000)
_IDLE_MS = const(1000)  # who asks for a test wakes the task


class SelfTest:
    name = "self_test"
    max_late_ms = 200

    def __init__(self, supervisor, stepper, counter, pressure, sound, on_failed):
        """`on_failed(name, now_ms)` raises the alarm."""
        self._supervisor = supervisor
        self._stepper = stepper
        self._counter = counter
        self._pressure = pressure
        self._sound = sound
        self._on_failed = on_failed
        self._began = False
        self.failed = None

    def run(self, now_ms):
        if self._supervisor.state != sv.SELF_TEST:
            self._began = False
            return _IDLE_MS
        if not self._began:
            self._begin()
            return _SETTLE_MS
        self._began = False
        self.failed = self._first_failure()
        self._stepper.halt()
        self._counter.forget()
        if self.failed is not None:
            self._on_failed(self.failed, now_ms)
        self._supervisor.handle(sv.TEST_PASSED if self.failed is None else sv.TEST_FAILED, now_ms)
        return _IDLE_MS

    def _begin(self):
        self._began = True
        self._sound.begin()
        self._counter.forget()
        self._stepper.start(enable=False)
        self._stepper.grant(encode(_STEP_TICKS, STEPS))

    def _first_failure(self):
        self._counter.read()
        if self._counter.steps != STEPS:
            return "step_generator"
        if self._pressure.pressure_pa is None:
            return "pressure_sensor"
        if self._sound.failed():
            return PIEZO
        gc.collect()
        if gc.mem_free() < _MIN_FREE:
            return "memory"
        return None

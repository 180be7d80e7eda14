"""The self-test, and the task that runs it at boot and when asked: about 0.4 s, with the motor's enable away.

Ten steps are made and must be counted by the other state machine; the sensor must read something plausible;
there must be memory to work with; a tone sounds, and where there is feedback it must be heard, and the lamps be seen
(lamp_check.py). It stops at the first failure and says which.
"""

from micropython import const

from pump.core import supervisor as sv
from pump.core.words import encode

PIEZO = "piezo"  # the failures that have an alarm of their own
LAMP = "lamp"
STEPS = const(10)
_STEP_TICKS = const(5000)  # 1 ms
# Four looks: of the lamps, and by then the sensor's filter has samples.
_LOOK_MS = const(100)
_LOOKS = const(4)
_MIN_FREE = const(20000)  # bytes behind the last collection
_IDLE_MS = const(1000)  # who asks for a test wakes the task


class SelfTest:
    name = "self_test"
    max_late_ms = 200

    def __init__(self, supervisor, stepper, counter, pressure, sound, lamps, memory, on_failed):
        """`on_failed(name, now_ms)` raises the alarm."""
        self._supervisor = supervisor
        self._stepper = stepper
        self._counter = counter
        self._pressure = pressure
        self._sound = sound
        self._lamps = lamps
        self._memory = memory
        self._on_failed = on_failed
        self._looks = -1  # to come; -1: no test is under way
        self.failed = None

    def run(self, now_ms):
        if self._supervisor.state != sv.SELF_TEST:
            self._looks = -1
            return _IDLE_MS
        if self._looks < 0:
            self._begin()
            return _LOOK_MS
        self._looks -= 1
        self._lamps.look()
        if self._looks:
            return _LOOK_MS
        self._looks = -1
        self.failed = self._first_failure()
        self._stepper.halt()
        self._counter.forget()
        if self.failed is not None:
            self._on_failed(self.failed, now_ms)
        self._supervisor.handle(sv.TEST_PASSED if self.failed is None else sv.TEST_FAILED, now_ms)
        return _IDLE_MS

    def _begin(self):
        self._looks = _LOOKS
        self._sound.begin()
        self._lamps.begin()
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
        if self._lamps.failed:
            return LAMP
        if self._memory.free < _MIN_FREE:
            return "memory"
        return None

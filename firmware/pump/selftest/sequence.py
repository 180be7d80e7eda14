"""The self-test, and the task that runs it at boot and when asked, with the motor's enable away.

PARTS are its parts in their order; the first that fails ends it, in FAULT, with an alarm, and `results` says which.
Those that read much come first, in slices (sliced.py). Then ten steps are made, which the other state machine
must count, a tone sounds, and the lamps are lit: four looks of 100 ms, by which the sensor has a filtered reading. The
watchdog was tried before all this, by main.py.
"""

from micropython import const

from pump.core import supervisor as sv
from pump.core.battery import CHARGE_DEPLETED, CHARGE_UNKNOWN
from pump.core.motion.step_words import encode

PASSED = "passed"
FAILED = "failed"
NOT_RUN = "not_run"
ABSENT = "absent"  # this bench has nothing to tell it by

PIEZO = "piezo"  # the failures that have an alarm of their own
LAMP = "lamp"
SLICED = ("memory", "firmware", "settings")
LOOKED_AT = ("step_generator", "pressure_sensor", PIEZO, LAMP, "battery", "buttons", "watchdog")
PARTS = SLICED + LOOKED_AT

STEPS = const(10)
_STEP_TICKS = const(5000)  # 1 ms
_LOOK_MS = const(100)
_LOOKS = const(4)
_IDLE_MS = const(1000)  # who asks for a test wakes the task


class SelfTest:
    name = "self_test"
    max_late_ms = 200

    def __init__(self, app, stepper, counter, sound, lamps, sliced, watchdog_works):
        """`sliced`: the parts that read much. `watchdog_works`: True, False, or None when this boot did not try it."""
        self._app = app
        self._stepper = stepper
        self._counter = counter
        self._sound = sound
        self._lamps = lamps
        self._sliced = sliced
        self._watchdog_works = watchdog_works
        self._checks = (
            self._steps, self._sensor, self._piezo, self._lamp, self._battery, self._buttons, self._watchdog,
        )  # fmt: skip
        self._reading = False
        self._looks = -1  # to come; -1: none is under way
        self.results = dict.fromkeys(PARTS, NOT_RUN)
        self.failed = None

    def run(self, now_ms):
        if self._app.supervisor.state != sv.SELF_TEST or self._app.leave.asked:  # then the next boot tests
            self._reading = False
            self._looks = -1
            return _IDLE_MS
        if not self._reading and self._looks < 0:
            if not self._app.memory.free:  # not counted yet: the loop has just begun
                return 1
            self._begin()
        if self._reading:
            return self._read(now_ms)
        return self._look(now_ms)

    def _begin(self):
        for name in PARTS:
            self.results[name] = NOT_RUN
        self.failed = None
        self._reading = True
        self._sliced.begin()

    def _read(self, now_ms):
        if self._sliced.go_on(True):
            return 1
        self._reading = False
        for name in SLICED:
            if name == self._sliced.failed:
                return self._end(name, now_ms)
            self.results[name] = PASSED
        self._looks = _LOOKS
        self._sound.begin()
        self._lamps.begin()
        self._counter.forget()
        self._stepper.start(enable=False)
        self._stepper.grant(encode(_STEP_TICKS, STEPS))
        return _LOOK_MS

    def _look(self, now_ms):
        self._looks -= 1
        self._lamps.look()
        if self._looks:
            return _LOOK_MS
        self._looks = -1
        failed = None
        for number, name in enumerate(LOOKED_AT):
            result = self.results[name] = self._checks[number](now_ms)
            if result is FAILED:
                failed = name
                break
        self._stepper.halt()
        self._counter.forget()
        return self._end(failed, now_ms)

    def _end(self, failed, now_ms):
        self.failed = failed
        if failed is not None:
            self.results[failed] = FAILED
            self._app.on_test_failed(failed, now_ms)
        self._app.supervisor.handle(sv.TEST_PASSED if failed is None else sv.TEST_FAILED, now_ms)
        return _IDLE_MS

    # ---- the parts that are looked at ----

    def _steps(self, now_ms):
        self._counter.read()
        return PASSED if self._counter.steps == STEPS else FAILED

    def _sensor(self, now_ms):
        return FAILED if self._app.pressure.pressure_pa is None else PASSED

    def _piezo(self, now_ms):
        if not self._sound.can_hear():
            return ABSENT
        return FAILED if self._sound.failed() else PASSED

    def _lamp(self, now_ms):
        if not self._lamps.can_see():
            return ABSENT
        return FAILED if self._lamps.failed else PASSED

    def _battery(self, now_ms):
        if self._app.battery is None:
            return ABSENT
        return FAILED if self._app.battery.measure_now(now_ms) in (CHARGE_DEPLETED, CHARGE_UNKNOWN) else PASSED

    def _buttons(self, now_ms):
        if self._app.buttons is None:
            return ABSENT
        return FAILED if self._app.buttons.pressed() else PASSED

    def _watchdog(self, now_ms):
        if self._watchdog_works is None:
            return NOT_RUN
        return PASSED if self._watchdog_works else FAILED

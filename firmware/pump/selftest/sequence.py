"""The self-test: the task that runs it at boot and when asked, with the motor not enabled.

The checks run in their order. The first that fails ends the test in FAULT, with its alarm; `results` has the result of
each. The checks that read much come first, in slices (sliced.py). Then ten steps are made, which the other state
machine must count, a tone sounds, and the lamps are lit: four polls of 100 ms, after which the sensor has a filtered
reading. main.py has tried the watchdog before.
"""

from micropython import const

from pump.core.motion.step_words import encode
from pump.core.supervisor import SELF_TEST, TEST_FAILED, TEST_PASSED

PASSED = "passed"
FAILED = "failed"
NOT_RUN = "not_run"
ABSENT = "absent"  # this bench has nothing to check it by

_STEPS = const(10)
_STEP_TICKS = const(5000)  # 1 ms
_POLL_MS = const(100)
_POLLS = const(4)
_IDLE_MS = const(1000)  # a command that asks for a test wakes the task


class StepCheck:
    """Ten steps on a motor that is not enabled, and their count."""

    def __init__(self, stepper, counter):
        self._stepper = stepper
        self._counter = counter

    def begin(self):
        self._counter.forget()
        self._stepper.start(enable=False)
        self._stepper.grant(encode(_STEP_TICKS, _STEPS))

    def passed(self):
        self._counter.read()
        return self._counter.steps == _STEPS

    def end(self):
        self._stepper.halt()
        self._counter.forget()


class SelfTest:
    name = "self_test"
    max_late_ms = 200

    def __init__(self, sliced, steps, sound, lamps, checks, supervisor, shutdown, memory, report):
        """`sliced`: the checks that read much. `steps`, `sound`, `lamps`: the checks that take time. `checks`: what is
        judged at the end, in order, as (name, check, alarm): a function that returns whether it passed, or the result
        itself. The alarm is raised when it failed. `report(name, active, now_ms)` takes the alarm.
        """
        self._sliced = sliced
        self._steps = steps
        self._sound = sound
        self._lamps = lamps
        self._checks = checks
        self._supervisor = supervisor
        self._shutdown = shutdown
        self._memory = memory
        self._report = report
        self._reading = False
        self._polls = -1  # to come; -1: none is under way
        self.names = tuple(sliced.names) + tuple([check[0] for check in checks])
        self.results = dict.fromkeys(self.names, NOT_RUN)
        self.failed = None  # the name of the check

    def run(self, now_ms):
        if self._supervisor.state != SELF_TEST or self._shutdown.asked:  # then the next boot tests
            self._reading = False
            self._polls = -1
            return _IDLE_MS
        if not self._reading and self._polls < 0:
            if not self._memory.free:  # not measured yet: the loop has just begun
                return 1
            self._begin()
        if self._reading:
            return self._read(now_ms)
        return self._poll(now_ms)

    def _begin(self):
        for name in self.names:
            self.results[name] = NOT_RUN
        self.failed = None
        self._reading = True
        self._sliced.begin()

    def _read(self, now_ms):
        if self._sliced.run_slice(True):
            return 1
        self._reading = False
        for name in self._sliced.names:
            if name == self._sliced.failed:
                return self._end(name, "system_fault", now_ms)
            self.results[name] = PASSED
        self._polls = _POLLS
        self._sound.begin()
        self._lamps.begin()
        self._steps.begin()
        return _POLL_MS

    def _poll(self, now_ms):
        self._polls -= 1
        self._lamps.poll()
        if self._polls:
            return _POLL_MS
        self._polls = -1
        failed = failed_alarm = None
        for name, check, alarm in self._checks:
            result = check if type(check) is str else PASSED if check() else FAILED
            self.results[name] = result
            if result == FAILED:
                failed, failed_alarm = name, alarm
                break
        self._steps.end()
        return self._end(failed, failed_alarm, now_ms)

    def _end(self, failed, alarm, now_ms):
        self.failed = failed
        if failed is not None:
            self.results[failed] = FAILED
            self._report(alarm, True, now_ms)
        self._supervisor.handle(TEST_PASSED if failed is None else TEST_FAILED, now_ms)
        return _IDLE_MS

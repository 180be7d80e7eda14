"""The commands of a technician and of the host: alarm test, self-test, telemetry, clock, service and reset."""

import time

from pump.core.alarms.table import PRIORITIES
from pump.core.supervisor import RESET_ASKED, SELF_TEST_ASKED, SERVICE_ASKED
from pump.link.schema import Refused
from pump.storage.reset_note import NO_NOTE, TO_SERVICE

UNIX_2020_S = 1_577_836_800


class Maintenance:
    def __init__(self, operator, annunciator, telemetry_task, journal, shutdown, wake):
        self._operator = operator
        self._annunciator = annunciator
        self._telemetry_task = telemetry_task
        self._journal = journal
        self._shutdown = shutdown
        self._wake = wake

    def alarm_test(self, priority):
        """Plays one burst of the priority, with its lamps."""
        duration_ms = self._annunciator.test(PRIORITIES.index(priority), time.ticks_ms())
        if not duration_ms:
            raise Refused("wrong_state", "an alarm or another test is sounding", {"state": "alarm"})
        self._wake(self._annunciator)
        return {"priority": priority, "duration_ms": duration_ms}

    def telemetry(self, period_ms):
        """Sets the period of the telemetry, 0 for none."""
        self._telemetry_task.set_period(period_ms, time.ticks_ms())
        self._wake(self._telemetry_task)
        return {"period_ms": period_ms}

    def set_clock(self, unix_ms):
        """Sets the clock of the journal."""
        return {"changed_s": self._journal.set_clock(unix_ms // 1000 - UNIX_2020_S, unix_ms % 1000)}

    def service(self):
        """Ends the firmware; the board waits in the REPL."""
        return self._end(SERVICE_ASKED, TO_SERVICE)

    def reset(self):
        """Ends the firmware; the board starts it again."""
        return self._end(RESET_ASKED, NO_NOTE)

    def _end(self, event, reason):
        result = self._operator.send(event)
        self._shutdown.ask(reason, time.ticks_ms())
        return result


class SelfTestCommands:
    def __init__(self, operator, delivery, self_test, periodic):
        """`self_test`, `periodic`, `delivery`: the tasks."""
        self._operator = operator
        self._delivery = delivery
        self._self_test = self_test
        self._periodic = periodic

    def begin(self):
        """Begins a self-test; `failed` is the result of the one before. The state shows when it is over."""
        if self._delivery.moving:  # the motor is still enabled: the test's steps would move it
            raise self._operator.wrong_state("self_test")
        result = self._operator.send(SELF_TEST_ASKED)
        result["failed"] = self._self_test.failed
        return result

    def to_dict(self):
        """The reply to `test_report`."""
        test = self._self_test
        parts = [{"name": name, "result": test.results[name]} for name in test.names]
        return {"failed": test.failed, "parts": parts, "periodic": self._periodic.passed}

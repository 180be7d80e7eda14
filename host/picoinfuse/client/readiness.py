"""Wait for the pump's self-test, which runs after every reset, and say which tests failed."""

import time

from picoinfuse.client.methods.status import Status
from picoinfuse.client.pump import Pump
from picoinfuse.common.errors import NoAnswer, SelfTestFailed

SELF_TEST_S = 70.0  # the Generic Infusion Pump's bound for a power-on self-test
POLL_S = 0.1


def wait_for_self_test(pump: Pump) -> Status:
    """The status after a running self-test, or the present one. Raises NoAnswer after SELF_TEST_S seconds."""
    deadline_s = time.monotonic() + SELF_TEST_S
    while (status := pump.status()).state == "self_test":
        if time.monotonic() > deadline_s:
            raise NoAnswer(f"the self-test has not finished within {SELF_TEST_S:g} s")
        time.sleep(POLL_S)
    return status


def failed_tests(pump: Pump) -> list[str]:
    """The names of the tests that failed in the newest self-test."""
    return [part.name for part in pump.test_report().parts if part.result == "failed"]


def wait_until_ready(pump: Pump) -> Status:
    """Wait for a running self-test. Raises SelfTestFailed, which names the tests, when the pump is in fault."""
    status = wait_for_self_test(pump)
    if status.state == "fault" and (failed := failed_tests(pump)):
        raise SelfTestFailed(failed)
    return status

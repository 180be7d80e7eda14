"""The whole check-up in its order, and its result, from which the page is made."""

from __future__ import annotations

from dataclasses import dataclass

from picoinfuse.checkup import flow, steps
from picoinfuse.checkup.event_log import event_log
from picoinfuse.checkup.model import FAIL, Step, Visit
from picoinfuse.common.errors import PicoinfuseError


class NotIdle(PicoinfuseError):
    """The pump is infusing or has an alarm; a check-up needs it idle."""


@dataclass(frozen=True)
class CheckUp:
    """The result. `date` is ISO 8601."""

    pump: str  # unique id
    profile: str
    operator: str
    date: str
    steps: tuple[Step, ...]

    @property
    def passed(self) -> bool:
        """Whether no step failed; steps may have been skipped."""
        return all(step.outcome != FAIL for step in self.steps)


def check_up(visit: Visit, operator: str, date: str) -> CheckUp:
    """Run every step, whatever the earlier ones found; after a failed self-test only the last one. Raises NotIdle."""
    hello, status = visit.pump.hello(), visit.pump.status()
    if status.state != "idle" or status.alarms:
        told = ", ".join(status.alarms) or "no alarm"
        raise NotIdle(f"the pump is {status.state} with {told}; stop it and clear its alarms first")
    done = [steps.identity(visit)]
    visit.say("event log")
    done.append(event_log(visit))
    visit.say("self-test")
    done.append(steps.self_test(visit))
    if done[-1].outcome != FAIL:
        done += _after_a_passed_self_test(visit)
    done.append(steps.at_the_end(visit))
    return CheckUp(hello.unique_id, hello.profile or "none", operator, date, tuple(done))


def _after_a_passed_self_test(visit: Visit) -> list[Step]:
    parts = {part.name: part.result for part in visit.pump.test_report().parts}
    visit.say("sensor")
    done = [steps.sensor_zero(visit)]
    visit.say("alarms")
    done.append(steps.alarms(visit))
    done.append(flow.delivery(visit))
    done.append(flow.battery(visit, parts["battery"] != "absent"))
    done.append(flow.stop_button(visit, parts["buttons"] != "absent"))
    return done

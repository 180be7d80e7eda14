"""The whole check-up in its order, and what it was: the page is made from it."""

from __future__ import annotations

from dataclasses import dataclass

from picoinfuse.checkup import flow, steps
from picoinfuse.checkup.event_log import event_log
from picoinfuse.checkup.model import FAIL, Step, Visit
from picoinfuse.common.errors import PicoinfuseError


class NotIdle(PicoinfuseError):
    """A pump that infuses, or alarms, is not checked up."""


@dataclass(frozen=True)
class CheckUp:
    pump: str  # its number
    profile: str
    operator: str
    date: str
    steps: tuple[Step, ...]

    @property
    def passed(self) -> bool:
        return all(step.outcome != FAIL for step in self.steps)


def check_up(visit: Visit, operator: str, date: str) -> CheckUp:
    """Goes through every step, whatever the ones before found; but not on with a pump whose self-test failed."""
    hello, status = visit.pump.hello(), visit.pump.status()
    if status.state != "idle" or status.alarms:
        told = ", ".join(status.alarms) or "no alarm"
        raise NotIdle(f"the pump is {status.state} with {told}; stop it and clear its alarms, then check it up")
    done = [steps.identity(visit)]
    visit.say("event log")
    done.append(event_log(visit))
    visit.say("self-test")
    done.append(steps.self_test(visit))
    if done[-1].outcome != FAIL:
        done += _with_a_sound_pump(visit)
    done.append(steps.at_the_end(visit))
    return CheckUp(hello.unique_id, hello.profile or "none", operator, date, tuple(done))


def _with_a_sound_pump(visit: Visit) -> list[Step]:
    parts = {part.name: part.result for part in visit.pump.test_report().parts}
    visit.say("sensor")
    done = [steps.sensor_zero(visit)]
    visit.say("alarms")
    done.append(steps.alarms(visit))
    done.append(flow.delivery(visit))
    done.append(flow.battery(visit, parts["battery"] != "absent"))
    done.append(flow.stop_button(visit, parts["buttons"] != "absent"))
    return done

"""The methods of the link, as the pump carries them out. What each takes is in link/schema.py; here is what
each does.

A method returns the result, a dict, or raises Refused and has changed nothing.
"""

import time

from pump import build, version
from pump.core import supervisor as sv
from pump.core.alarms import PRIORITIES
from pump.core.ramp import resonance_ul_h
from pump.core.therapy import Continuous
from pump.core.ticks import elapsed_ms
from pump.drivers import identity
from pump.link.schema import Refused, in_resonance, out_of_range
from pump.storage.reset_note import NONE, SERVICE

PROTOCOL = 1


class Commands:
    def __init__(self, app):
        self._app = app
        self.version = version.VERSION
        self._born_ms = time.ticks_ms()

    def _send(self, event):
        """Hands an event to the supervisor; the state as the result."""
        now_ms = time.ticks_ms()
        supervisor = self._app.supervisor
        self._app.reminder.attend(now_ms)
        if not supervisor.handle(event, now_ms):
            state = sv.STATES[supervisor.state]
            raise Refused("wrong_state", "%s is refused while %s" % (sv.EVENTS[event], state), {"state": state})
        return {"state": sv.STATES[supervisor.state]}

    def _check_rate(self, rate_ul_h):
        if self._app.profile is None:
            raise Refused("wrong_state", "there is no valid profile", {"state": "fault"})
        mechanics = self._app.profile["mechanics"]
        low, high = mechanics["min_rate_ul_h"], mechanics["max_rate_ul_h"]
        if not low <= rate_ul_h <= high:
            raise out_of_range("rate_ul_h", rate_ul_h, low, high)
        low, high = resonance_ul_h(mechanics)
        if low <= rate_ul_h <= high:  # refused, not moved to an edge: a dose is never changed silently
            raise in_resonance("rate_ul_h", rate_ul_h, low, high)

    # ---- queries ----

    def hello(self):
        profile = self._app.profile
        return {
            "name": "picoinfuse",
            "version": self.version,
            "commit": build.COMMIT,
            "micropython": identity.micropython(),
            "machine": identity.board(),
            "profile": None if profile is None else profile["name"],
            "unique_id": identity.unique_id(),
            "calibration": self._app.calibrator.factor_text(),
            "boot": self._app.boot,
            "protocol": PROTOCOL,
        }

    def status(self):
        app = self._app
        now_ms = time.ticks_ms()
        status = {
            "state": sv.STATES[app.supervisor.state],
            "alarms": [alarm.name for alarm in app.alarms.active()],
            "silenced_ms": app.alarms.silenced_ms(now_ms),
            "calibration": app.calibrator.factor_text(),
            "overruns": app.scheduler.overruns,
            "uptime_ms": elapsed_ms(now_ms, self._born_ms),
            "telemetry_dropped": app.outbox.dropped,
        }
        status.update(self._delivery_status())
        status["heap_free"] = app.memory.free
        return status

    def _delivery_status(self):
        app = self._app
        delivery = app.delivery
        therapy = None if delivery is None else delivery.therapy
        return {
            "rate_ul_h": 0 if delivery is None else delivery.rate_ul_h,
            "target_ul_h": 0 if therapy is None or delivery.stopping or delivery.back else therapy.target_ul_h,
            "delivered_nl": 0 if delivery is None else delivery.delivered_nl(),
            "vtbi_nl": None if therapy is None else therapy.vtbi_nl,
            "pressure_pa": None if app.pressure is None else app.pressure.pressure_pa,
            "occlusion_level": None if app.detector is None else app.level,
            "limit_pa": None if app.detector is None else app.detector.limit_pa,
            "steps_commanded": 0 if delivery is None else delivery.commanded_steps,
            "steps_counted": 0 if delivery is None else delivery.counted_steps(),
            "recovery": None if app.recovery is None else app.recovery.phase(),
        }

    def alarms(self):
        manager = self._app.alarms
        active = [
            {
                "name": alarm.name,
                "priority": PRIORITIES[alarm.priority],
                "latched": alarm.is_latched(),
                "acknowledged": alarm.acknowledged,
                "escalated": alarm.escalated,
            }
            for alarm in manager.active()
        ]
        return {"active": active, "silenced_ms": manager.silenced_ms(time.ticks_ms())}

    def tasks(self):
        scheduler = self._app.scheduler
        rows = [
            {"name": slot.task.name, "runs": slot.runs, "overruns": slot.overruns, "late_ms": slot.late_ms}
            for slot in scheduler.slots
        ]
        return {"loops": scheduler.loops, "overruns": scheduler.overruns, "tasks": rows}

    # ---- delivery ----

    def start(self, rate_ul_h, vtbi_nl=None):
        self._check_rate(rate_ul_h)
        app = self._app
        if app.supervisor.state != sv.IDLE or app.delivery.moving:
            state = sv.STATES[app.supervisor.state]
            raise Refused("wrong_state", "start is refused while %s" % state, {"state": state})
        therapy = Continuous(rate_ul_h, vtbi_nl, *app.profile["mechanics"]["step_pl"])
        if therapy.budget_steps() < 1:
            raise Refused("out_of_range", "vtbi_nl is %d, less than one step" % vtbi_nl, {"parameter": "vtbi_nl"})
        app.delivery.begin(therapy)
        return self._send(sv.START)

    def set_rate(self, rate_ul_h):
        self._check_rate(rate_ul_h)
        state = self._app.supervisor.state
        if "set_rate" not in sv.PERMITS[state][sv.FLOW_COMMANDS]:
            name = sv.STATES[state]
            raise Refused("wrong_state", "set_rate is refused while %s" % name, {"state": name})
        self._app.delivery.therapy.target_ul_h = rate_ul_h
        self._app.reminder.attend(time.ticks_ms())
        return {"rate_ul_h": rate_ul_h}

    def pause(self):
        return self._send(sv.PAUSE)

    def resume(self):
        return self._send(sv.RESUME)

    def stop(self):
        if self._app.recovery is not None:
            self._app.recovery.checking = False  # somebody is there, and does not want it to go on
        return self._send(sv.STOP)

    # ---- alarms ----

    def acknowledge(self):
        now_ms = time.ticks_ms()
        self._app.reminder.attend(now_ms)
        return {"acknowledged": self._app.alarms.acknowledge(now_ms)}

    def silence(self):
        now_ms = time.ticks_ms()
        self._app.reminder.attend(now_ms)
        silenced_ms = self._app.alarms.silence(now_ms)
        self._app.wake(self._app.annunciator)
        return {"silenced_ms": silenced_ms}

    def clear_alarms(self):
        app = self._app
        now_ms = time.ticks_ms()
        app.reminder.attend(now_ms)
        app.alarms.clear(now_ms)
        if not app.alarms.stops_delivery():
            app.supervisor.handle(sv.CLEAR_ALARMS, now_ms)
        return {
            "state": sv.STATES[app.supervisor.state],
            "alarms": [alarm.name for alarm in app.alarms.active()],
        }

    def alarm_test(self, priority):
        duration_ms = self._app.annunciator.test(PRIORITIES.index(priority), time.ticks_ms())
        if not duration_ms:
            raise Refused("wrong_state", "an alarm or another test is sounding", {"state": "alarm"})
        self._app.wake(self._app.annunciator)
        return {"priority": priority, "duration_ms": duration_ms}

    def occlusion_level(self, level):
        app = self._app
        if app.detector is None:
            raise Refused("wrong_state", "there is no valid profile", {"state": "fault"})
        app.level = level
        app.detector.limit_pa = app.profile["occlusion"][level + "_pa"]
        return {"level": level, "limit_pa": app.detector.limit_pa}

    # ---- calibration ----

    def calibration(self):
        return self._app.calibrator.tell()

    def calibrate(self, num, den, date, operator):
        return self._app.calibrator.calibrate({"num": num, "den": den, "date": date, "operator": operator})

    def uncalibrate(self):
        return self._app.calibrator.undo()

    # ---- the rest ----

    def telemetry(self, period_ms):
        self._app.telemetry_task.set_period(period_ms, time.ticks_ms())
        self._app.wake(self._app.telemetry_task)
        return {"period_ms": period_ms}

    def self_test(self):
        """Begins it; `failed` is the result of the one before. The state tells when it is over."""
        delivery = self._app.delivery
        if delivery is not None and delivery.moving:  # the motor is still enabled: the test's steps would move it
            state = sv.STATES[self._app.supervisor.state]
            raise Refused("wrong_state", "self_test is refused while the motor moves", {"state": state})
        result = self._send(sv.SELF_TEST_ASKED)
        result["failed"] = self._app.self_test.failed
        return result

    def service(self):
        result = self._send(sv.SERVICE_ASKED)
        self._app.leave.ask(SERVICE, time.ticks_ms())
        return result

    def reset(self):
        result = self._send(sv.RESET_ASKED)
        self._app.leave.ask(NONE, time.ticks_ms())
        return result

    def internal_error(self, error):
        """Something in here is broken: the pump is made safe before the host is told."""
        self._app.fault(time.ticks_ms())

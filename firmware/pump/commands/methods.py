"""The methods of the link, as the pump carries them out. What each takes is in link/schema.py; here is what
each does.

A method returns the result, a dict, or raises Refused and has changed nothing. Those that change what flows into a
patient only propose it (confirmation.py); what they do is in flow.py.
"""

import time

from micropython import const

from pump import build
from pump.commands.confirmation import TwoSteps
from pump.commands.flow_changes import Flow
from pump.core import supervisor as sv
from pump.core.alarms.table import PRIORITIES
from pump.core.ticks import elapsed_ms
from pump.drivers import chip
from pump.link.schema import Refused
from pump.selftest.sequence import PARTS
from pump.storage.reset_note import NO_NOTE, TO_SERVICE

PROTOCOL = 1
# How many fit into a line of 1024 bytes.
_NAMES = const(8)
_ALARMS = const(7)
_TASKS = const(10)
UNIX_2020_S = 1_577_836_800


class Commands:
    def __init__(self, app):
        self._app = app
        self.version = build.VERSION
        self._born_ms = time.ticks_ms()
        self.flow = Flow(app)
        self.two_steps = TwoSteps(self.flow)

    def _send(self, event):
        return self.flow.send(event)

    # ---- queries ----

    def hello(self):
        profile = self._app.profile
        return {
            "name": "picoinfuse",
            "version": self.version,
            "commit": build.COMMIT,
            "micropython": chip.micropython_version(),
            "machine": chip.board(),
            "profile": None if profile is None else profile["name"],
            "unique_id": chip.unique_id(),
            "calibration": self._app.calibrator.factor_text(),
            "library": self._app.pharmacy.text(),
            "boot": self._app.boot,
            "protocol": PROTOCOL,
        }

    def status(self):
        app = self._app
        now_ms = time.ticks_ms()
        status = {
            "state": sv.STATES[app.supervisor.state],
            "alarms": self._names(),
            "silenced_ms": app.alarms.silenced_ms(now_ms),
            "calibration": app.calibrator.factor_text(),
            "library": app.pharmacy.text(),
            "drug": app.pharmacy.drug(),
            "reservoir_nl": None if app.reservoir is None else app.reservoir.left_nl(),
            "empty_s": None if app.reservoir is None else app.reservoir.empty_s(),
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
        therapy = app.infusion()
        return {
            "rate_ul_h": 0 if delivery is None else delivery.rate_ul_h,
            "target_ul_h": 0 if therapy is None or delivery.stopping or delivery.back else therapy.target_ul_h,
            "delivered_nl": 0 if delivery is None else delivery.delivered_nl(),
            "vtbi_nl": None if therapy is None else therapy.vtbi_nl,
            "kvo": therapy is not None and therapy.kvo and therapy.target_ul_h > 0 and not delivery.stopping,
            "pressure_pa": None if app.pressure is None else app.pressure.pressure_pa,
            "occlusion_level": None if app.detector is None else app.level,
            "limit_pa": None if app.detector is None else app.detector.limit_pa,
            "steps_commanded": 0 if delivery is None else delivery.commanded_steps,
            "steps_counted": 0 if delivery is None else delivery.counted_steps(),
            "recovery": None if app.recovery is None else app.recovery.phase(),
        }

    def therapy(self):
        treatment = self._app.treatment
        return {"therapy": None if treatment is None else treatment.tell(time.ticks_ms())}

    def _names(self):
        """The highest of the active alarms; `alarms` tells all."""
        return [alarm.name for alarm in self._app.alarms.active()[:_NAMES]]

    def alarms(self, first=0):
        manager = self._app.alarms
        active = manager.active()
        rows = [
            {
                "name": alarm.name,
                "priority": PRIORITIES[alarm.priority],
                "latched": alarm.is_latched(),
                "acknowledged": alarm.acknowledged,
                "escalated": alarm.escalated,
            }
            for alarm in active[first : first + _ALARMS]
        ]
        return {"active": rows, "count": len(active), "silenced_ms": manager.silenced_ms(time.ticks_ms())}

    def tasks(self, first=0):
        scheduler = self._app.scheduler
        rows = [
            {"name": slot.task.name, "runs": slot.runs, "overruns": slot.overruns, "late_ms": slot.late_ms}
            for slot in scheduler.slots[first : first + _TASKS]
        ]
        count = len(scheduler.slots)
        return {"loops": scheduler.loops, "overruns": scheduler.overruns, "count": count, "tasks": rows}

    def last_therapy(self):
        return self._app.ledger.tell()

    def log(self, ring, position):
        return self._app.journal.read(ring, position)

    def set_clock(self, unix_ms):
        return {"changed_s": self._app.journal.set_clock(unix_ms // 1000 - UNIX_2020_S, unix_ms % 1000)}

    def test_report(self):
        test = self._app.self_test
        if test is None:
            raise Refused("wrong_state", "there is no valid profile", {"state": "fault"})
        parts = [{"name": name, "result": test.results[name]} for name in PARTS]
        return {"failed": test.failed, "parts": parts, "periodic": self._app.repeated.passed}

    def battery(self):
        battery = self._app.battery
        if battery is None:
            raise Refused("wrong_state", "this pump's profile has no battery", {"state": "no_battery"})
        return battery.tell()

    # ---- delivery ----

    def start(self, **params):
        return self.two_steps.propose("start", params)

    def bolus(self, **params):
        return self.two_steps.propose("bolus", params)

    def request_bolus(self):
        """The patient's button, by link. Not an error when it is not given: `why` says."""
        why = self._app.request_bolus(time.ticks_ms())
        return {"given": why is None, "why": why}

    def set_rate(self, **params):
        return self.two_steps.propose("set_rate", params)

    def resume(self):
        return self.two_steps.propose("resume", {})

    def occlusion_level(self, **params):
        return self.two_steps.propose("occlusion_level", params)

    def refill(self, **params):
        return self.two_steps.propose("refill", params)

    def library_change(self, **params):
        return self.two_steps.propose("library_change", params)

    def confirm(self, token, override_soft_limits=None):
        return self.two_steps.confirm(token, override_soft_limits)

    def pause(self):
        return self._send(sv.PAUSE)

    def stop(self):
        self.two_steps.void()
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
            "alarms": self._names(),
        }

    def alarm_test(self, priority):
        duration_ms = self._app.annunciator.test(PRIORITIES.index(priority), time.ticks_ms())
        if not duration_ms:
            raise Refused("wrong_state", "an alarm or another test is sounding", {"state": "alarm"})
        self._app.wake(self._app.annunciator)
        return {"priority": priority, "duration_ms": duration_ms}

    # ---- calibration ----

    def calibration(self):
        return self._app.calibrator.tell()

    def calibrate(self, num, den, date, operator):
        return self._app.calibrator.calibrate({"num": num, "den": den, "date": date, "operator": operator})

    def uncalibrate(self):
        return self._app.calibrator.undo()

    # ---- reservoir, drug library ----

    def reservoir(self):
        if self._app.reservoir is None:
            raise Refused("wrong_state", "there is no valid profile", {"state": "fault"})
        return self._app.reservoir.tell()

    def library(self, drug=None):
        return self._app.pharmacy.tell(drug)

    def order(self):
        delivery = self._app.delivery
        return self._app.pharmacy.tell_order(None if delivery is None else delivery.therapy)

    def library_line(self, at, line):
        return self._app.pharmacy.take_line(at, line)

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
        self._app.leave.ask(TO_SERVICE, time.ticks_ms())
        return result

    def reset(self):
        result = self._send(sv.RESET_ASKED)
        self._app.leave.ask(NO_NOTE, time.ticks_ms())
        return result

    def internal_error(self, error):
        """Something in here is broken: the pump is made safe before the host is told."""
        self._app.witness.internal_error()
        self._app.fault(time.ticks_ms())

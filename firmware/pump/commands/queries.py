"""What the pump reports about itself: hello, status, alarms, tasks, and the samples of the telemetry."""

import time

from micropython import const

from pump import build
from pump.core.alarms.table import PRIORITIES
from pump.core.supervisor import STATES
from pump.core.units import elapsed_ms
from pump.drivers import chip
from pump.operator import alarm_names

PROTOCOL = 1
# How many fit into a line of 1024 bytes.
_ALARMS = const(7)
_TASKS = const(10)


class NoDelivery:
    """In replies and telemetry, takes the place of the parts that a pump without a valid profile lacks."""

    therapy = pressure_pa = None
    rate_ul_h = 0

    def delivered_nl(self):
        return 0

    def add_status(self, status):
        for name in ("vtbi_nl", "pressure_pa", "occlusion_level", "limit_pa", "recovery", "reservoir_nl", "empty_s"):
            status[name] = None
        for name in ("rate_ul_h", "target_ul_h", "delivered_nl", "steps_commanded", "steps_counted"):
            status[name] = 0
        status["kvo"] = False


def no_therapy():
    """The reply to `therapy` of a pump without a delivery."""
    return {"therapy": None}


class Queries:
    def __init__(
        self, profile_name, boot, supervisor, alarms, scheduler, outbox, memory, calibration, drug_orders, delivery,
        pressure, parts,
    ):  # fmt: skip
        """`profile_name`: None without a valid profile. `boot`: the number of this boot. `delivery` and `pressure`:
        their tasks, or NoDelivery. `parts`: the other parts with fields of the reply to `status`, each with
        `add_status(status)`.
        """
        self._profile_name = profile_name
        self._boot = boot
        self._supervisor = supervisor
        self._alarms = alarms
        self._scheduler = scheduler
        self._outbox = outbox
        self._memory = memory
        self._calibration = calibration
        self._drug_orders = drug_orders
        self._delivery = delivery
        self._pressure = pressure
        self._parts = parts
        self._sample = {}
        self._started_ms = time.ticks_ms()

    def hello(self):
        return {
            "name": "picoinfuse",
            "version": build.VERSION,
            "commit": build.COMMIT,
            "micropython": chip.micropython_version(),
            "machine": chip.board(),
            "profile": self._profile_name,
            "unique_id": chip.unique_id(),
            "calibration": self._calibration.factor_text(),
            "library": self._drug_orders.text(),
            "boot": self._boot,
            "protocol": PROTOCOL,
        }

    def status(self):
        now_ms = time.ticks_ms()
        status = {
            "state": STATES[self._supervisor.state],
            "alarms": alarm_names(self._alarms),
            "silenced_ms": self._alarms.silenced_ms(now_ms),
            "overruns": self._scheduler.overruns,
            "uptime_ms": elapsed_ms(now_ms, self._started_ms),
            "telemetry_dropped": self._outbox.dropped,
            "heap_free": self._memory.free,
        }
        self._calibration.add_status(status)
        self._drug_orders.add_status(status)
        self._delivery.add_status(status)
        self._pressure.add_status(status)
        for part in self._parts:
            part.add_status(status)
        return status

    def alarms(self, first=0):
        """The active alarms from number `first` on, highest first."""
        active = self._alarms.active()
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
        return {"active": rows, "count": len(active), "silenced_ms": self._alarms.silenced_ms(time.ticks_ms())}

    def tasks(self, first=0):
        """The tasks of the loop from number `first` on, with how often and how late each ran."""
        scheduler = self._scheduler
        rows = [
            {"name": slot.task.name, "runs": slot.runs, "overruns": slot.overruns, "late_ms": slot.late_ms}
            for slot in scheduler.slots[first : first + _TASKS]
        ]
        count = len(scheduler.slots)
        return {"loops": scheduler.loops, "overruns": scheduler.overruns, "count": count, "tasks": rows}

    def telemetry(self, now_ms):
        """The sample of the telemetry; a dict that is used again."""
        sample = self._sample
        sample["t_ms"] = now_ms
        sample["state"] = STATES[self._supervisor.state]
        sample["rate_ul_h"] = self._delivery.rate_ul_h
        sample["delivered_nl"] = self._delivery.delivered_nl()
        sample["pressure_pa"] = self._pressure.pressure_pa
        return sample

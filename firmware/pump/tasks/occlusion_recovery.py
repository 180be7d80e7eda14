"""Recovery from an occlusion stop: pressure relief, and an automatic restart where the profile allows it.

    occlusion ──► relief (pressure_relief.py) ──► 15 s of checking ──► below half the limit: the same infusion continues
                                                                  └──► otherwise it stays stopped, for a person

Any other alarm that stops delivery, a person's stop or clear, and every change of state end the recovery: then nothing
moves. The alarm sounds during the recovery, and a person cannot clear it until the plunger has been drawn back.
"""

from micropython import const

from pump.core.occlusion.restarts import CHECK_MS
from pump.core.supervisor import ALARM_STOPPED, AUTO_RESTART
from pump.core.units import elapsed_ms
from pump.tasks.pressure_relief import CANCELLED

OCCLUSIONS = ("occlusion", "occlusion_early")
_HARMLESS = ("occlusion", "occlusion_early", "repeated_alarm")  # the line may be relieved while these are active
_POLL_MS = const(100)
_IDLE_MS = const(1000)


class OcclusionRecovery:
    name = "occlusion_recovery"
    max_late_ms = 200

    def __init__(
        self, restarts, relief, pressure, detector, delivered_volume, supervisor, alarms, report, report_once, wake
    ):
        """`report(name, active, now_ms)` and `report_once(name, now_ms)` raise alarms."""
        self._restarts = restarts
        self._relief = relief
        self._pressure = pressure
        self._detector = detector
        self._delivered_volume = delivered_volume
        self._supervisor = supervisor
        self._alarms = alarms
        self._report = report
        self._report_once = report_once
        self._wake = wake
        self._on_relief_end = self._relief_ended  # bound once: an alarm allocates nothing
        self._checking = False
        self._since_ms = 0

    def on_alarm(self, name, stopped, now_ms):
        """An alarm was raised. `stopped`: it has just ended an infusion."""
        if stopped:
            if name in OCCLUSIONS:
                self._relief.begin(self._on_relief_end, now_ms)
                self._wake(self._relief)
                self._wake(self._delivered_volume)  # from here on the volume can become less
            if self._restarts.stopped_by(name, now_ms):
                self._report("repeated_alarm", True, now_ms)
        if self._alarms.stops_beside(_HARMLESS):
            self.cancel(now_ms)

    def cancel(self, now_ms):
        """Ends the recovery at once."""
        self._checking = False
        self._relief.cancel(now_ms)

    def cancel_restart(self):
        """A person is there and decides: no automatic restart. A relief goes on."""
        self._checking = False

    def holds(self, name):
        """The alarm `name` stays present: the line is being relieved, and not open yet."""
        return self._relief.busy and name in OCCLUSIONS

    def phase(self):
        """ "relieving", "checking", or None."""
        if self._relief.busy:
            return "relieving"
        return "checking" if self._checking else None

    def add_status(self, status):
        """Adds its part of the reply to `status`."""
        status["recovery"] = self.phase()

    def run(self, now_ms):
        self._restarts.forget_old(now_ms)
        if self._checking and elapsed_ms(now_ms, self._since_ms) >= CHECK_MS:
            self._checking = False
            self._restart(now_ms)
        return _POLL_MS if self._checking else _IDLE_MS

    def _relief_ended(self, how, now_ms):
        if not self._pressure.occluded:
            self._alarms.condition_gone("occlusion", now_ms)
        self._alarms.condition_gone("occlusion_early", now_ms)
        if how == "no_fall":
            self._report_once("pressure_not_following", now_ms)
        elif how != CANCELLED:
            self._checking = self._restarts.may_restart()
            self._since_ms = now_ms
            self._wake(self)

    def _restart(self, now_ms):
        """Continues the infusion, if the line is open and nothing else stops it."""
        pressure_pa = self._pressure.pressure_pa
        if pressure_pa is None or 2 * pressure_pa >= self._detector.limit_pa:
            return
        if self._supervisor.state != ALARM_STOPPED or self._alarms.stops_beside(OCCLUSIONS):
            return
        try:
            self._delivered_volume.before_motion()
        except OSError:
            return  # the flash takes no entry, so the volume could not be kept: it stays stopped
        self._restarts.restarted(now_ms)
        for name in OCCLUSIONS:
            self._alarms.retire(name, now_ms)
        self._supervisor.handle(AUTO_RESTART, now_ms)

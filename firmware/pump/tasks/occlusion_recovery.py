"""What follows when an alarm has stopped an infusion: relief of the line, and going on by itself where that is allowed.

    occlusion ──► relief (pressure_relief.py) ──► 15 s of checking ──► below half the limit: on, with the same infusion
                                                        └──► otherwise it stays stopped, for a person

Any other alarm that stops delivery, a person's stop or clear, and every change of state end it: nothing moves then.
The alarm sounds meanwhile, and until the plunger has been drawn back a person cannot clear it.
"""

from micropython import const

from pump.core import supervisor as sv
from pump.core.occlusion.restarts import CHECK_MS
from pump.core.ticks import elapsed_ms

OCCLUSIONS = ("occlusion", "occlusion_early")
_HARMLESS = ("occlusion", "occlusion_early", "repeated_alarm")  # the line may be relieved beside them
_LOOK_MS = const(100)
_REST_MS = const(1000)


class Recovery:
    name = "recovery"
    max_late_ms = 200

    def __init__(self, app, restarts):
        self._app = app
        self._restarts = restarts
        self.checking = False
        self._since_ms = 0

    def alarm_raised(self, name, stopped, now_ms):
        """`stopped`: it ended an infusion, just now."""
        app = self._app
        if stopped:
            if name in OCCLUSIONS:
                app.relief.begin(now_ms)
                app.wake(app.relief)
                app.wake(app.ledger)  # from here on less may have been given than was
            if self._restarts.stopped_by(name, now_ms):
                app.report("repeated_alarm", True, now_ms)
        if app.alarms.stops_beside(_HARMLESS):
            self.cut(now_ms)

    def cut(self, now_ms):
        """Nothing more of it happens."""
        self.checking = False
        self._app.relief.cut(now_ms)

    def phase(self):
        """For the link: "relieving", "checking" or None."""
        if self._app.relief.busy:
            return "relieving"
        return "checking" if self.checking else None

    def relief_ended(self, how, now_ms):
        app = self._app
        if not app.pressure.occluded:
            app.alarms.condition_gone("occlusion", now_ms)
        app.alarms.condition_gone("occlusion_early", now_ms)
        if how == "no_fall":
            app.tell_of("pressure_not_following", now_ms)
        elif how != "cut":
            self.checking = self._restarts.may_restart()
            self._since_ms = now_ms
            app.wake(self)

    def run(self, now_ms):
        self._restarts.forget_old(now_ms)
        if self.checking and elapsed_ms(now_ms, self._since_ms) >= CHECK_MS:
            self.checking = False
            self._go_on(now_ms)
        return _LOOK_MS if self.checking else _REST_MS

    def _go_on(self, now_ms):
        app = self._app
        pressure_pa = app.pressure.pressure_pa
        if pressure_pa is None or 2 * pressure_pa >= app.detector.limit_pa:
            return
        if app.supervisor.state != sv.ALARM_STOPPED or app.alarms.stops_beside(OCCLUSIONS):
            return
        try:
            app.ledger.opens()
        except OSError:
            return  # what flows could not be kept: it stays stopped
        self._restarts.restarted(now_ms)
        for name in OCCLUSIONS:
            app.alarms.retire(name, now_ms)
        app.supervisor.handle(sv.AUTO_RESTART, now_ms)

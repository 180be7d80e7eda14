"""The task that looks at the buttons, where the profile has them, and does what core/buttons.py says of a press.

A button closes to ground; a pull-up holds it open, so a wire that breaks is a button that nobody presses.
"""

from micropython import const

from pump import wiring
from pump.core.buttons import REQUEST_BOLUS, SILENCE, STOP_INFUSION, WIRES, Button
from pump.drivers.switch import Switch

_LOOK_MS = const(10)


class ButtonsTask:
    name = "buttons"
    max_late_ms = 50

    def __init__(self, app, wired, now_ms):
        """`wired`: the names of the profile's wiring."""
        self._app = app
        self._pins = []
        self._buttons = []
        for number, wire in enumerate(WIRES):
            if wire in wired:
                self._pins.append(Switch(wiring.OPTIONAL[wire]))
                self._buttons.append(Button(number, now_ms))
        self._stuck = False  # as reported

    def pressed(self):
        """Whether one looks pressed now; nobody should while the pump tests itself."""
        return any(not pin.value() for pin in self._pins)

    def run(self, now_ms):
        stuck = False
        for number, button in enumerate(self._buttons):
            act = button.update(not self._pins[number].value(), now_ms)
            if act:
                self._do(act, now_ms)
            stuck = stuck or button.stuck
        if stuck is not self._stuck:
            self._stuck = stuck
            self._app.report("button_stuck", stuck, now_ms)
        return _LOOK_MS

    def _do(self, act, now_ms):
        app = self._app
        if act == REQUEST_BOLUS:
            app.request_bolus(now_ms)
        elif act == SILENCE:
            self._silence(now_ms)
        elif act == STOP_INFUSION:
            app.commands.stop()
            app.commands.silence()

    def _silence(self, now_ms):
        """Open PCA: it silences, and it ends any inactivation of the sound."""
        app = self._app
        if app.alarms.silenced:
            app.alarms.end_silence()
            app.wake(app.annunciator)
        else:
            app.commands.silence()

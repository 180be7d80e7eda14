"""The task that polls the buttons, where the profile has them, and carries out what core/buttons.py makes of a press.

A button closes to ground; a pull-up holds it open, so a broken wire reads as a button that is not pressed.
"""

from micropython import const

from pump import wiring
from pump.core.buttons import REQUEST_BOLUS, SILENCE, STOP_INFUSION, WIRES, Button
from pump.drivers.inputs import Switch

_POLL_MS = const(10)


class ButtonsTask:
    name = "buttons"
    max_late_ms = 50

    def __init__(self, wired, operator, report, now_ms):
        """`wired`: the names of the profile's wiring. `report(name, active, now_ms)` takes its alarm."""
        self._operator = operator
        self._report = report
        self._pins = []
        self._buttons = []
        for number, wire in enumerate(WIRES):
            if wire in wired:
                self._pins.append(Switch(wiring.OPTIONAL[wire]))
                self._buttons.append(Button(number, now_ms))
        self._stuck = False  # as reported

    def check(self):
        """The self-test's check: no button reads as pressed; no one presses one then."""
        return all(pin.value() for pin in self._pins)

    def run(self, now_ms):
        stuck = False
        for number, button in enumerate(self._buttons):
            act = button.update(not self._pins[number].value(), now_ms)
            if act:
                self._do(act)
            stuck = stuck or button.stuck
        if stuck is not self._stuck:
            self._stuck = stuck
            self._report("button_stuck", stuck, now_ms)
        return _POLL_MS

    def _do(self, act):
        operator = self._operator
        if act == REQUEST_BOLUS:
            operator.request_bolus()
        elif act == SILENCE:
            operator.toggle_silence()
        elif act == STOP_INFUSION:
            operator.stop()
            operator.silence()

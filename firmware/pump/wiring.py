"""Which GPIO drives what. The one place in the firmware that knows; docs/wiring.md draws it.

The profile repeats these numbers as they are soldered on its bench, and the pump refuses to run when the two
disagree. The piezo is on one of GPIO 0-7, 16-23: a soft reset stops only those PWM slices.
"""

from micropython import const

STEP = const(2)
DIR = const(3)
ENABLE = const(4)  # active low: a pull-up holds the motor off when the chip does not
PIEZO = const(6)  # a pull-down holds it silent
LAMP_RED = const(10)
LAMP_YELLOW = const(11)
STRAP = const(22)  # low at reset: stay in the REPL
PRESSURE = const(26)  # ADC 0
AIR = const(15)  # high is air; where the bench has the sensor, as the next
UPSTREAM = const(27)  # ADC 1

BATTERY = const(28)  # ADC 2, by a divider

PIEZO_FEEDBACK = const(21)  # follows the current through the piezo
LAMP_FEEDBACK = const(20)  # high while current flows through either lamp
BUTTON_REQUEST = const(16)  # both close to ground
BUTTON_STOP = const(17)

OPTIONAL = {
    "air": AIR,
    "upstream": UPSTREAM,
    "piezo_feedback": PIEZO_FEEDBACK,
    "lamp_feedback": LAMP_FEEDBACK,
    "battery": BATTERY,
    "button_request": BUTTON_REQUEST,
    "button_stop": BUTTON_STOP,
}
TABLE = {
    "step": STEP,
    "dir": DIR,
    "enable": ENABLE,
    "piezo": PIEZO,
    "lamp_red": LAMP_RED,
    "lamp_yellow": LAMP_YELLOW,
    "strap": STRAP,
    "pressure": PRESSURE,
}

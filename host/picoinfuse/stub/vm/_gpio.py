"""The pins of the modelled Pico, as levels on wires.

A wire's level is what drives it: a strap, a button or a short circuit outside, else the chip (SIO, PIO or PWM), else
the resistor on the board, else the chip's own pull. Whoever wants to know what happens on a wire adds itself to
`listeners`.
"""

COUNT = 30
NOT_ON_PICO = (23, 24, 25, 29)  # power-save, VBUS, LED, VSYS/3: not on the header


class Follower:
    """A wire that is high while one of others is, by a circuit on the board. Held from outside, it does not follow."""

    def __init__(self, gpio, followed):
        self._gpio = gpio
        self._followed = followed
        gpio.resistor = 0
        for other in followed:
            other.listeners.append(self)

    def on_level(self, t_ns, level):
        gpio = self._gpio
        for other in self._followed:
            level |= other.level
        gpio.resistor = level
        if gpio.outside is None:
            gpio._become(t_ns, level)

    def on_pulses(self, t_ns, period_ns, high_ns, count):
        self._gpio.pulses(t_ns, period_ns, high_ns, count)


class Gpio:
    """One GPIO. `function` is "in", "out", "pio" or "pwm"; `level` is what a probe on the wire would read."""

    def __init__(self, n):
        self.n = n
        self.function = "in"
        self.pull = -1  # the RP2040 resets its pins to inputs with pull-down
        self.resistor = None  # 0 or 1: a pull on the board, stronger than the chip's
        self.outside = None  # 0 or 1: held from outside, by a strap, a button or a fault; stronger than the chip
        self.driven = 0  # what the chip drives
        self.level = 0
        self.listeners = []

    def set_level(self, t_ns, level):
        """The chip drives the wire."""
        self.driven = level
        if self.outside is None:
            self._become(t_ns, level)

    def _become(self, t_ns, level):
        """Tells the listeners when the level changes."""
        if level != self.level:
            self.level = level
            for listener in self.listeners:
                listener.on_level(t_ns, level)

    def pulses(self, t_ns, period_ns, high_ns, count):
        """`count` pulses from `t_ns` on; the wire is low before and after."""
        if self.outside is None:
            for listener in self.listeners:
                listener.on_pulses(t_ns, period_ns, high_ns, count)

    def use(self, t_ns, function):
        """Hands the wire to another peripheral. An input floats to what else holds it; an output keeps its level."""
        self.function = function
        if function == "in":
            self._become(t_ns, self._held())

    def drive_outside(self, t_ns, level):
        """Holds the wire at 0 or 1; None lets go."""
        self.outside = level
        self._become(t_ns, self._held() if level is not None or self.function == "in" else self.driven)

    def reset(self, t_ns):
        """Hard reset: an input with pull-down."""
        self.pull = -1
        self.use(t_ns, "in")

    def _held(self):
        if self.outside is not None:
            return self.outside
        if self.resistor is not None:
            return self.resistor
        return 1 if self.pull > 0 else 0

    def snapshot(self):
        return [self.function, self.pull, self.outside, self.level]

    def restore(self, state):
        self.function, self.pull, self.outside, self.level = state
        self.driven = self.level

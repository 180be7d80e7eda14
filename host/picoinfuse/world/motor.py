"""The stepper motor with its driver: converts pulses on STEP into volume.

The model listens on the STEP wire. It moves only while ENABLE is low, in the direction that DIR gives. A step at most
10 ms after the previous one is a constant flow over that interval, otherwise an impulse, so pulses reported one by one
and in batches have the same effect.
"""

from .fluid import IMPULSE_NS

MIN_HIGH_NS = 1000  # shortest STEP pulse of an A4988 (datasheet, timing requirements)


class StepTooShort(Exception):
    """The firmware made a STEP pulse that a real driver may miss."""


class Motor:
    """A motor that delivers into `fluid`.

    `step_gpio`, `dir_gpio`, `enable_gpio`: wires with `level` and `listeners`. `step_nl`: volume of one step.
    `reverse`: True when DIR low delivers. `steps`: net steps made. `fault`: None; "stalled": does not move;
    "slip 50": loses 50 of 1000 steps.
    """

    def __init__(self, step_gpio, dir_gpio, enable_gpio, fluid, step_nl: float, reverse: bool):
        self._dir = dir_gpio
        self._enable = enable_gpio
        self._fluid = fluid
        self._step_nl = step_nl
        self._pushes = 0 if reverse else 1  # level of DIR that delivers
        self.fault = None
        self.steps = 0
        self._slip = 0  # thousandths of a step lost so far
        self._last_ns = -IMPULSE_NS - 1
        self._rise_ns = 0
        step_gpio.listeners.append(self)

    def on_level(self, t_ns: int, level: int):
        """STEP has changed to `level`. StepTooShort when a pulse was too short."""
        if level:
            self._rise_ns = t_ns
            self._move(t_ns, t_ns - self._last_ns, 1)
            self._last_ns = t_ns
        elif t_ns - self._rise_ns < MIN_HIGH_NS and not self._enable.level:  # a halt cuts a pulse after ENABLE is off
            self._refuse(t_ns - self._rise_ns)

    def on_pulses(self, t_ns: int, period_ns: int, high_ns: int, count: int):
        """STEP carries `count` pulses, the first from `t_ns` on. StepTooShort when they are too short."""
        if high_ns < MIN_HIGH_NS:
            self._refuse(high_ns)
        interval_ns = t_ns - self._last_ns
        self._last_ns = t_ns + (count - 1) * period_ns
        if count == 1 or interval_ns == period_ns:
            self._move(t_ns, interval_ns, count)
        else:
            self._move(t_ns, interval_ns, 1)
            self._move(t_ns + period_ns, period_ns, count - 1)

    def _refuse(self, high_ns):
        raise StepTooShort("STEP was high for {} ns; the driver needs {} ns".format(high_ns, MIN_HIGH_NS))

    def _move(self, t_ns, period_ns, count):
        """Makes `count` steps, the first at `t_ns`, each `period_ns` after the one before."""
        if self._enable.level:
            return
        nl = self._step_nl
        if self._dir.level != self._pushes:
            nl = -nl
        if self.fault:
            made = self._made(count)
            if not made:
                return
            nl = nl * made / count
            self.steps += made if self._dir.level == self._pushes else -made
        else:
            self.steps += count if self._dir.level == self._pushes else -count
        if count == 1 and period_ns > IMPULSE_NS:
            self._fluid.impulse(t_ns, nl)
        else:
            self._fluid.pulses(t_ns, period_ns, count, nl)

    def _made(self, count):
        """Number of `count` steps that the faulty motor makes."""
        if self.fault == "stalled":
            return 0
        kind, per_mille = str(self.fault).split()
        if kind != "slip":
            raise ValueError("unknown motor fault: {}".format(self.fault))
        self._slip += count * int(per_mille)
        lost = self._slip // 1000
        self._slip %= 1000
        return count - lost

    def snapshot(self) -> list:
        """State for `restore`."""
        return [self.fault, self.steps, self._slip, self._last_ns, self._rise_ns]

    def restore(self, state: list):
        """Sets the state that `snapshot` returned."""
        self.fault, self.steps, self._slip, self._last_ns, self._rise_ns = state

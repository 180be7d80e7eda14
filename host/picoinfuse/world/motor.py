"""The stepper motor behind its driver: it turns pulses on STEP into volume.

Listens on the STEP wire. Moves only while ENABLE is low; DIR says which way. A step at an interval of at most
10 ms after the one before is a flow over as long again, otherwise an impulse: so it makes no difference
whether pulses are told one by one or as trains.
"""

from .fluid import IMPULSE_NS

MIN_HIGH_NS = 1000  # drivers of the A4988 kind want STEP high for at least 1 µs


class StepTooShort(Exception):
    """The firmware made a pulse that a real driver may miss."""


class Motor:
    """`steps` counts the net steps really made.

    `fault`: None; "stalled": it hums but does not move; "slip 50": it loses 50 of 1000 steps.
    """

    def __init__(self, step_gpio, dir_gpio, enable_gpio, fluid, step_nl, reverse):
        self._dir = dir_gpio
        self._enable = enable_gpio
        self._fluid = fluid
        self._step_nl = step_nl
        self._pushes = 0 if reverse else 1  # the level of DIR that pushes
        self.fault = None
        self.steps = 0
        self._slip = 0  # thousandths of a step lost so far
        self._last_ns = -IMPULSE_NS - 1
        self._rise_ns = 0
        step_gpio.listeners.append(self)

    def on_level(self, t_ns, level):
        if level:
            self._rise_ns = t_ns
            self._move(t_ns, t_ns - self._last_ns, 1)
            self._last_ns = t_ns
        elif t_ns - self._rise_ns < MIN_HIGH_NS and not self._enable.level:  # a halt cuts a pulse, after the enable
            self._refuse(t_ns - self._rise_ns)

    def on_pulses(self, t_ns, period_ns, high_ns, count):
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
        """`count` steps from `t_ns` on, each `period_ns` after the one before."""
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
        """How many of `count` steps the faulty motor makes."""
        if self.fault == "stalled":
            return 0
        kind, per_mille = str(self.fault).split()
        if kind != "slip":
            raise ValueError("no such fault of a motor: {}".format(self.fault))
        self._slip += count * int(per_mille)
        lost = self._slip // 1000
        self._slip %= 1000
        return count - lost

    def snapshot(self):
        return [self.fault, self.steps, self._slip, self._last_ns, self._rise_ns]

    def restore(self, state):
        self.fault, self.steps, self._slip, self._last_ns, self._rise_ns = state

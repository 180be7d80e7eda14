"""Therapies: what rate is to be given now, and how much in all.

A therapy answers two questions and has no other say: `target_ul_h` and `budget_steps`, the steps that it may
still ask for.
"""

UNLIMITED = 0x3FFFFFFF


class Continuous:
    """One rate, until the volume to be infused is given; without one, until stopped."""

    def __init__(self, rate_ul_h, vtbi_nl, step_pl_num, step_pl_den):
        self.target_ul_h = rate_ul_h
        self.vtbi_nl = vtbi_nl
        self.given_steps = 0
        # Rounded down: never more than asked for, and less by under one step.
        self.total_steps = None if vtbi_nl is None else vtbi_nl * 1000 * step_pl_den // step_pl_num

    def budget_steps(self):
        if self.total_steps is None:
            return UNLIMITED
        return self.total_steps - self.given_steps

    def granted(self, steps):
        """The stepper was given `steps` of them; negative when it was stopped before it made them."""
        self.given_steps += steps

    def done(self):
        return self.total_steps is not None and self.given_steps >= self.total_steps

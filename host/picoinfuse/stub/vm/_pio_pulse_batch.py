"""Handles many equal pulses on a watched pin in one step, with exactly the result of handling them one by one.

A dry run (`_pio_loop_fast_forward.look_ahead`) finds the effect of one pulse on a state machine that waits for it. If
the effect is only that X or Y is one less, a batch of pulses is one subtraction, provided that both phases last until
the state machine waits again. If anything else happens before then, the last pulse is undone and replayed in detail.
"""

import _pio_ops as ops
from _pio_decode import X, Y
from _pio_loop_fast_forward import FAR, look_ahead, put_back, registers, turns_alike


class PinWatch:
    """Reports changes of one GPIO to a state machine whose program reads it."""

    def __init__(self, sm, gpio):
        self.sm = sm
        self.gpio = gpio
        self.bit = 1 << gpio.n

    def on_level(self, t_ns, level):
        self.sm.input_changed(t_ns, self.bit, level)

    def on_pulses(self, t_ns, period_ns, high_ns, count):
        sm = self.sm
        effect = sm.effect
        if (
            sm.effect_holds
            and effect.bit == self.bit
            and sm.x > count
            and effect.register == X
            and t_ns >= sm.settled_ns
            and high_ns >= effect.up_ns
            and (count == 1 or period_ns - high_ns >= effect.down_ns)
        ):  # nothing has happened since the last batch: the fast path of `take_batch`
            sm.x -= count
            sm.rose_ns = t_ns = t_ns + (count - 1) * period_ns
            sm.fell_ns = t_ns = t_ns + high_ns
            sm.settled_ns = t_ns + effect.down_ns
            return
        take_batch(sm, self.bit, t_ns, period_ns, high_ns, count)


class Effect:
    """Effect of one pulse on a waiting state machine: `register` is one less, and the state is `key` again."""

    def __init__(self, bit, register, key, up_ns, down_ns):
        self.bit = bit
        self.register = register
        self.key = key
        self.up_ns = up_ns  # shortest high phase
        self.down_ns = down_ns  # shortest low phase


def _key(sm, register):
    """All state that determines the effect of a pulse, except the counting register."""
    x = 0 if register == X else sm.x
    y = 0 if register == Y else sm.y
    return sm.pc, x, y, sm.osr, sm.osr_count, sm.isr, sm.isr_count, sm.inputs


def take_batch(sm, bit, t_ns, period_ns, high_ns, count):
    """Handles `count` pulses on a watched pin; the first rises at `t_ns`. The pin is low before and after."""
    if sm.busy or not sm.enabled:
        return
    if t_ns < sm.settled_ns:
        replay_last_pulse(sm)
    while count:
        if t_ns > sm.due_ns:
            sm.run_until(t_ns - 1)
        if sm.stall != ops.PIN:
            if sm.stall == ops.TX or sm.stall == ops.RX:
                return  # only the CPU can end this stall
            alike = 0
        else:
            alike = _alike(sm, bit, high_ns, count)
        if alike > 1 and period_ns - high_ns < sm.effect.down_ns:
            alike = 0
        if alike > 0:
            effect = sm.effect
            if effect.register == X:
                sm.x -= alike
            elif effect.register == Y:
                sm.y -= alike
            sm.rose_ns = t_ns + (alike - 1) * period_ns
            sm.fell_ns = sm.rose_ns + high_ns
            sm.settled_ns = sm.fell_ns + effect.down_ns
            t_ns += alike * period_ns
            count -= alike
        else:
            sm.input_changed(t_ns, bit, 1)
            sm.input_changed(t_ns + high_ns, bit, 0)
            t_ns += period_ns
            count -= 1
        if count and t_ns < sm.settled_ns:
            replay_last_pulse(sm)


def replay_last_pulse(sm):
    """Undoes the last pulse of the batch and replays it in detail: something happened before its effect was over."""
    effect = sm.effect
    sm.settled_ns = 0
    if effect.register == X:
        sm.x += 1
    elif effect.register == Y:
        sm.y += 1
    sm.input_changed(sm.rose_ns, effect.bit, 1)
    sm.input_changed(sm.fell_ns, effect.bit, 0)


def _alike(sm, bit, high_ns, count):
    """Number of the `count` pulses that are certain to have the known effect."""
    effect = sm.effect
    if not sm.effect_holds:
        if sm.lock_step or not sm.short_cuts or sm.forced:
            return 0
        if effect is None or effect.bit != bit or effect.key != _key(sm, effect.register):
            effect = sm.effect = _probe_pulse(sm, bit)
        sm.effect_holds = True
    if high_ns < effect.up_ns or effect.bit != bit:
        return 0
    if effect.register:
        return min(count, (sm.x if effect.register == X else sm.y) - 1)
    return count


def _probe_pulse(sm, bit):
    before = registers(sm)
    sm.quiet = changes = []
    sm.stall = 0
    sm.inputs |= bit
    found = look_ahead(sm, -1)
    touched = sm.touched
    up = sm.tick - before[9]
    sm.stall = 0
    sm.inputs &= ~bit
    found = found and look_ahead(sm, -1)
    sm.touched |= touched
    down = sm.tick - before[9] - up
    sm.quiet = None
    same_place = sm.pc == before[8]
    turns, register = turns_alike(sm, before) if found and same_place and not changes else (0, 0)
    put_back(sm, before)
    if not turns:
        return Effect(bit, 0, _key(sm, 0), FAR, FAR)  # handles each pulse in detail while the key is unchanged
    cycle_ns = (sm.divider >> 5) + 1
    return Effect(bit, register, _key(sm, register), (up + 2) * cycle_ns, (down + 2) * cycle_ns)

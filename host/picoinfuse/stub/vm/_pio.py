"""The two PIO blocks: instruction memory, IRQ flags, output latches, and the run order of the state machines.

A state machine whose pins or IRQ flags another one reads runs first; the reader is brought up to each change as it
occurs. Where no such order exists (two read each other, or one reads two others), all run in lock step, instant by
instant, without short cuts.
"""

from _pio_machine import NEVER, StateMachineModel

_ROOM = 32
_ENOMEM = 12


class PioBlock:
    """Four state machines around one instruction memory."""

    def __init__(self, blocks, gpio, short_cuts):
        self.blocks = blocks
        self.gpio = gpio
        self.machines = [StateMachineModel(self, index, short_cuts) for index in range(4)]
        self.clear()

    def clear(self):
        """The state after a hard reset, except for the wires."""
        self.memory = [0] * _ROOM
        self.loaded = []  # (program, offset)
        self.irq = 0
        self.out = 0
        self.enable = 0
        self.owned = 0  # pins whose function is this block

    # ---- instruction memory ----

    def offset_of(self, program):
        """Address of a loaded program; -1 when it is not loaded."""
        for loaded, offset in self.loaded:
            if loaded is program:
                return offset
        return -1

    def load(self, program):
        """Loads a program at the highest free address, as the Pico SDK does, and returns the address. OSError ENOMEM
        when there is no room.
        """
        size = len(program.words)
        taken = 0
        for loaded, offset in self.loaded:
            taken |= (1 << len(loaded.words)) - 1 << offset
        for offset in range(_ROOM - size, -1, -1):
            if not taken >> offset & (1 << size) - 1:
                break
        else:
            raise OSError(_ENOMEM)
        for i in range(size):
            word = program.words[i]
            self.memory[offset + i] = word + offset if word >> 13 == 0 else word  # only jmp contains an address
        self.loaded.append((program, offset))
        return offset

    def unload(self, program=None):
        """Frees the room of one program, or of all. The words stay in memory, as in the chip."""
        if program is not None and self.offset_of(program) < 0:
            raise ValueError("prog not in instruction memory")
        self.loaded = [entry for entry in self.loaded if program is not None and entry[0] is not program]

    # ---- what state machines share ----

    def change_irq(self, by, flags):
        """State machine `by` sets or clears IRQ flags; the others see the change one cycle later."""
        if flags == self.irq:
            return
        self.irq = flags
        t_ns = by.exec_ns if by.exec_ns >= 0 else by.time_ns(by.tick)
        for sm in self.machines:
            if sm is not by and sm.waits_for_irq():
                sm.wake(t_ns + 1)

    def take_pin(self, t_ns, n, level, output):
        """Hands a pin to this block, with a level and a direction."""
        bit = 1 << n
        for block in self.blocks.blocks:
            block.owned &= ~bit
        self.owned |= bit
        self.out = self.out | bit if level else self.out & ~bit
        self.enable = self.enable | bit if output else self.enable & ~bit
        self.gpio[n].use(t_ns, "pio" if output else "in")
        if output:
            self.gpio[n].set_level(t_ns, level)

    def turn_pin(self, t_ns, bit, gpio, output):
        """Sets the output enable of a pin. While it is off, the wire is an input."""
        was = bool(self.enable & bit)
        self.enable = self.enable | bit if output else self.enable & ~bit
        if not self.owned & bit:
            return
        if output and not was:
            gpio.use(t_ns, "pio")
            gpio.set_level(t_ns, 1 if self.out & bit else 0)
        elif was and not output and gpio.function == "pio":
            gpio.use(t_ns, "in")

    def drives(self, bit, gpio):
        return self.owned & self.enable & bit and gpio.function == "pio"

    def fdebug(self):
        """The block's FDEBUG register."""
        flags = 0
        for sm in self.machines:
            flags |= sm.fdebug_now() << sm.index
        return flags

    def clear_fdebug(self, mask):
        for sm in self.machines:
            sm.fdebug &= ~(mask >> sm.index)


class PioBlocks:
    """Both blocks. `gpio`: the board's pins by number. `short_cuts`: False for the slow reference implementation."""

    def __init__(self, gpio, short_cuts=True):
        self.next_due_ns = NEVER  # no state machine acts by itself before
        self._order = []
        self._in_step = False
        self.blocks = []
        for _ in range(2):
            self.blocks.append(PioBlock(self, gpio, short_cuts))

    def machine(self, number):
        """State machine 0..7, in MicroPython's numbering."""
        return self.blocks[number >> 2].machines[number & 3]

    def run_until(self, t_ns):
        if t_ns < self.next_due_ns:
            return
        if self._in_step:
            self._run_in_step(t_ns)
        else:
            for sm in self._order:
                if t_ns >= sm.due_ns:
                    sm.run_until(t_ns)
        due_ns = NEVER
        for sm in self._order:
            if sm.due_ns < due_ns:
                due_ns = sm.due_ns
        self.next_due_ns = due_ns

    def _run_in_step(self, t_ns):
        while True:
            first = None
            for sm in self._order:
                if first is None or sm.due_ns < first.due_ns:
                    first = sm
            if first.due_ns > t_ns:
                return
            first.run_until(first.due_ns)

    def order_changed(self, t_ns):
        """Works out the run order again, after a state machine was started, stopped or configured."""
        left = [sm for block in self.blocks for sm in block.machines if sm.enabled]
        self._in_step = any(sum(_feeds(other, sm) for other in left) > 1 for sm in left)
        self._order = []
        while left and not self._in_step:
            free = [sm for sm in left if not any(_feeds(other, sm) for other in left)]
            self._in_step = not free
            self._order += free
            left = [sm for sm in left if sm not in free]
        self._order += [sm for sm in left if sm not in self._order]
        for sm in self._order:
            sm.lock_step = self._in_step
            sm.effect_holds = False
            if self._in_step:
                sm.sync(t_ns)

    def soft_reset(self):
        """Stops the state machines and unloads the programs; pins keep their levels."""
        for block in self.blocks:
            for sm in block.machines:
                sm.unconfigure()
            block.unload()
        self._order = []
        self._in_step = False
        self.next_due_ns = NEVER

    def hard_reset(self):
        """The state after power-on. The caller resets the pins."""
        self.soft_reset()
        for block in self.blocks:
            block.clear()


def _feeds(writer, reader):
    """True when `reader` reads a pin or IRQ flag that `writer` changes."""
    if writer is reader:
        return False
    return bool(writer.writes & reader.reads) or (writer.block is reader.block and writer.uses_irq and reader.uses_irq)

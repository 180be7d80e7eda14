"""The PIO assembler behind `rp2.asm_pio` and `rp2.asm_pio_encode`.

A PIO program is a Python function that calls undefined names: `pull(block)`, `jmp(x_dec, "loop")`. As on the Pico, the
decorator replaces the function's globals with these names, runs the function once to collect the instructions, and
restores the globals. Encoding follows afterwards, because label addresses, and whether every instruction has a
side-set, are known only then (if not every one has, one bit of the field marks those that do).
"""

_ROOM = 32  # instructions in a block
_MNEMONICS = ("word", "nop", "jmp", "wait", "in_", "out", "push", "pull", "mov", "irq", "set")
_DIRECTIVES = ("label", "wrap_target", "wrap")

_OPERANDS = {
    "pins": 0,
    "x": 1,
    "y": 2,
    "null": 3,
    "pindirs": 4,
    "pc": 5,
    "status": 5,
    "isr": 6,
    "osr": 7,
    "exec": 8,  # 4 for mov, 7 for out
    "gpio": 0,  # wait: absolute; "pin" below is relative to in_base
    "not_x": 1,
    "x_dec": 2,
    "not_y": 3,
    "y_dec": 4,
    "x_not_y": 5,
    "pin": 6,
    "not_osre": 7,
    "noblock": 0x01,
    "block": 0x21,
    "iffull": 0x40,
    "ifempty": 0x40,
    "clear": 0x40,
    "invert": lambda source: source | 0x08,
    "reverse": lambda source: source | 0x10,
    "rel": lambda index: index | 0x10,
}


class PIOASMError(Exception):
    pass


class Program:
    """An assembled program: words for address 0, and the configuration that a state machine needs for it."""

    def __init__(
        self,
        out_init=None,
        set_init=None,
        sideset_init=None,
        side_pindir=False,
        in_shiftdir=0,
        out_shiftdir=0,
        autopush=False,
        autopull=False,
        push_thresh=32,
        pull_thresh=32,
        fifo_join=0,
    ):
        self.out_init = _as_list(out_init)
        self.set_init = _as_list(set_init)
        self.sideset_init = _as_list(sideset_init)
        self.side_pindir = side_pindir
        self.in_shiftdir = in_shiftdir
        self.out_shiftdir = out_shiftdir
        self.autopush = autopush
        self.autopull = autopull
        self.push_thresh = push_thresh
        self.pull_thresh = pull_thresh
        self.fifo_join = fifo_join
        self.sideset_opt = False  # the highest side-set bit says whether the instruction has one
        self.wrap_target = 0
        self.wrap = 0
        self.words = []


def _as_list(init):
    """Initial states of a pin group as a list; `init` is None, one state or several."""
    return [] if init is None else [init] if isinstance(init, int) else list(init)


class _Instruction:
    """One instruction, with the modifiers that may follow it: `.side(1)`, `[7]`, `.delay(7)`."""

    def __init__(self, word, label):
        self.word = word
        self.label = label
        self.side_value = None
        self.delay_cycles = 0

    def side(self, value):
        self.side_value = value
        return self

    def delay(self, cycles):
        self.delay_cycles = cycles
        return self

    def __getitem__(self, cycles):
        return self.delay(cycles)

    def encode(self, labels, size, side_pins, side_opt):
        """The 16 bits: operation, then five bits shared by side-set (high) and delay (low), then operands."""
        word = self.word
        if self.label is not None:
            if self.label not in labels:
                raise PIOASMError("unknown label {}".format(self.label))
            if labels[self.label] >= size:
                raise PIOASMError("label {} is behind the last instruction".format(self.label))
            word |= labels[self.label]
        side_bits = side_pins + side_opt
        if not 0 <= self.delay_cycles <= 31 >> side_bits:
            raise PIOASMError("delay too large")
        word |= self.delay_cycles << 8
        if self.side_value is not None:
            if not side_pins:
                raise PIOASMError("no sideset")
            if not 0 <= self.side_value < 1 << side_pins:
                raise PIOASMError("sideset too large")
            word |= side_opt << 12 | self.side_value << 13 - side_bits
        return word


class _Text:
    """Collects the instructions of a program."""

    def __init__(self):
        self.instructions = []
        self.labels = {}
        self.first = 0
        self.last = None

    def names(self, which):
        names = dict(_OPERANDS)
        for name in which:
            names[name] = getattr(self, name)
        return names

    def label(self, label):
        if label in self.labels:
            raise PIOASMError("duplicate label {}".format(label))
        self.labels[label] = len(self.instructions)

    def wrap_target(self):
        self.first = len(self.instructions)

    def wrap(self):
        if not self.instructions:
            raise PIOASMError("wrap before the first instruction")
        self.last = len(self.instructions) - 1

    def word(self, word, label=None):
        instruction = _Instruction(word, label)
        self.instructions.append(instruction)
        return instruction

    def nop(self):
        return self.mov(2, 2)  # mov(y, y)

    def jmp(self, condition, label=None):
        if label is None:
            return self.word(0x0000, condition)
        return self.word(0x0000 | condition << 5, label)

    def wait(self, polarity, source, index):
        # `pin` is the jump condition's 6, `irq` is the mnemonic itself
        source = 1 if source == 6 else 0 if source == 0 else 2
        return self.word(0x2000 | polarity << 7 | source << 5 | _field("wait index", index, 31))

    def in_(self, source, count):
        return self.word(0x4000 | source << 5 | _bits(count))

    def out(self, target, count):
        return self.word(0x6000 | (7 if target == 8 else target) << 5 | _bits(count))

    def push(self, option=0, option2=0):
        return self.word(0x8000 | _fifo_options(option | option2))

    def pull(self, option=0, option2=0):
        return self.word(0x8080 | _fifo_options(option | option2))

    def mov(self, target, source):
        return self.word(0xA000 | (4 if target == 8 else target) << 5 | source)

    def irq(self, mode, index=None):
        if index is None:
            mode, index = 0, mode
        return self.word(0xC000 | mode & 0x60 | _field("irq index", index, 23))

    def set(self, target, value):
        return self.word(0xE000 | target << 5 | _field("set value", value, 31))


def _field(name, value, most):
    if not 0 <= value <= most:
        raise PIOASMError("{} {} is not in 0..{}".format(name, value, most))
    return value


def _bits(count):
    if not 0 < count <= 32:
        raise PIOASMError("invalid bit count {}".format(count))
    return count & 31  # 32 is written as 0


def _fifo_options(options):
    """Option bits of push and pull, which block by default; bit 0 marks an explicit `block` or `noblock`."""
    return options & 0x60 if options & 1 else options & 0x40 | 0x20


def asm_pio(**config):
    """Decorator: assembles a function into a `Program`. PIOASMError where the Pico's assembler raises it."""
    program = Program(**config)

    def assemble(function):
        text = _Text()
        scope = function.__globals__
        kept = scope.copy()
        scope.clear()
        scope.update(text.names(_MNEMONICS + _DIRECTIVES))
        try:
            function()
        finally:
            scope.clear()
            scope.update(kept)
        count = len(text.instructions)
        if count > _ROOM:
            raise PIOASMError("program too long: {} instructions, at most {}".format(count, _ROOM))
        side_pins = len(program.sideset_init)
        sides = len([1 for instruction in text.instructions if instruction.side_value is not None])
        program.sideset_opt = bool(side_pins) and sides != count
        program.wrap_target = text.first
        program.wrap = count - 1 if text.last is None else text.last
        program.words = [
            each.encode(text.labels, count, side_pins, int(program.sideset_opt)) for each in text.instructions
        ]
        return program

    return assemble


def asm_pio_encode(instruction, sideset_count=0, sideset_opt=False):
    """Encodes one instruction given as text, for `StateMachine.exec`. No `jmp`, as on the Pico: it needs a label."""
    text = _Text()
    names = text.names(_MNEMONICS)
    names["jmp"] = None
    exec(instruction, names)
    if len(text.instructions) != 1:
        raise PIOASMError("expecting exactly 1 instruction")
    return text.instructions[0].encode({}, 1, sideset_count - bool(sideset_opt), int(bool(sideset_opt)))

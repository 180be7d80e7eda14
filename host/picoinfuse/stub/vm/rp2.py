"""`rp2` of the modelled Pico: PIO. What a Pico refuses is refused with the same exception; what would hang it
for ever raises RuntimeError.

Reads the clock of `_world` and lets it run when a Pico would wait. Interrupts from PIO are not modelled.
"""

from _dma import DMA  # noqa: F401
from _pioasm import PIOASMError, Program, asm_pio, asm_pio_encode  # noqa: F401
from _world import WORLD

_SYSTEM_HZ = 125000000
_IRQ = "{} is not modelled on a software board"
_BUFFER = "StateMachine.{} with a buffer is not modelled on a software board: one word at a time"


def bootsel_button():
    """1 while BOOTSEL is pressed; nobody does."""
    return 0


def Flash():
    """The block device of the filesystem."""
    return WORLD.flash


class PIO:
    """One of the two blocks."""

    IN_LOW = 0
    IN_HIGH = 1
    OUT_LOW = 2
    OUT_HIGH = 3
    SHIFT_LEFT = 0
    SHIFT_RIGHT = 1
    JOIN_NONE = 0
    JOIN_TX = 1
    JOIN_RX = 2
    IRQ_SM0 = 0x100
    IRQ_SM1 = 0x200
    IRQ_SM2 = 0x400
    IRQ_SM3 = 0x800

    def __init__(self, id):
        if id not in (0, 1):
            raise ValueError("invalid PIO")
        self._id = id
        self._block = WORLD.pio.blocks[id]

    def add_program(self, program):
        self._block.load(_program(program))

    def remove_program(self, program=None):
        self._block.unload(program if program is None else _program(program))

    def state_machine(self, id, *args, **config):
        if not 0 <= id < 4:
            raise ValueError("invalid StateMachine")
        return StateMachine(self._id * 4 + id, *args, **config)

    def irq(self, *args, **config):
        raise NotImplementedError(_IRQ.format("PIO.irq"))

    def __repr__(self):
        return "PIO({})".format(self._id)


class StateMachine:
    """State machine 0..7: four in each block."""

    def __init__(self, id, *args, **config):
        if not 0 <= id < 8:
            raise ValueError("invalid StateMachine")
        self._id = id
        self._model = WORLD.pio.machine(id)
        if args or config:
            self.init(*args, **config)

    def init(
        self,
        prog,
        freq=-1,
        *,
        in_base=None,
        out_base=None,
        set_base=None,
        jmp_pin=None,
        sideset_base=None,
        in_shiftdir=None,
        out_shiftdir=None,
        push_thresh=None,
        pull_thresh=None,
    ):
        """Stops it, loads the program when it is not there yet, takes the pins; `active(1)` starts it."""
        for shift in (in_shiftdir, out_shiftdir, push_thresh, pull_thresh):
            if shift is not None:
                raise NotImplementedError(
                    "give shift directions and thresholds to asm_pio: overriding them is not modelled"
                )
        divider = _divider(freq)
        block = self._model.block
        offset = block.offset_of(_program(prog))
        if offset < 0:
            offset = block.load(prog)
        self._model.configure(
            WORLD.now_ns,
            prog,
            offset,
            divider,
            in_base=_gpio(in_base, 0),
            out_base=_gpio(out_base, None),
            set_base=_gpio(set_base, None),
            side_base=_gpio(sideset_base, None),
            jmp_pin=_gpio(jmp_pin, 0),
        )

    def active(self, value=None):
        if value is not None:
            self._configured("active")
            if value:
                self._model.start(WORLD.now_ns)
            else:
                self._model.stop(WORLD.now_ns)
        return self._model.enabled

    def restart(self):
        self._configured("restart")
        self._model.restart(WORLD.now_ns)

    def exec(self, instr):
        self._configured("exec")
        model = self._model
        word = instr if isinstance(instr, int) else asm_pio_encode(instr, model.side_count, model.side_opt)
        model.exec_word(WORLD.now_ns, word)

    def put(self, value, shift=0):
        """Waits while the TX FIFO is full."""
        if not isinstance(value, int):
            raise NotImplementedError(_BUFFER.format("put"))
        model = self._model
        while len(model.tx) >= model.tx_depth:
            self._wait("put() on a full FIFO", model.enabled)
        model.put(WORLD.now_ns, value << shift)

    def get(self, buf=None, shift=0):
        """Waits while the RX FIFO is empty."""
        if buf is not None:
            raise NotImplementedError(_BUFFER.format("get"))
        model = self._model
        while not model.rx:
            self._wait("get() on an empty FIFO", model.enabled and model.rx_depth)
        return model.get(WORLD.now_ns) >> shift

    def rx_fifo(self):
        return len(self._model.rx)

    def tx_fifo(self):
        return len(self._model.tx)

    def irq(self, *args, **config):
        raise NotImplementedError(_IRQ.format("StateMachine.irq"))

    def _configured(self, name):
        if not self._model.configured:
            raise RuntimeError("{}.{}() before init() is not modelled".format(self, name))

    def _wait(self, what, may_end):
        if not may_end:
            raise RuntimeError("{}.{} that nothing serves: a Pico would hang here for ever".format(self, what))
        WORLD.spin()

    def __repr__(self):
        return "StateMachine({})".format(self._id)


def _program(program):
    if not isinstance(program, Program):
        raise TypeError("program made by asm_pio expected, not {}".format(type(program)))
    return program


def _divider(freq):
    """Clock divider in 256ths: 1 to just below 65536 system cycles."""
    if not isinstance(freq, int):
        raise TypeError("can't convert {} to int".format(type(freq)))
    if freq < 0:
        return 256
    divider = _SYSTEM_HZ * 256 // freq if freq else 0
    if not 256 <= divider < 65536 * 256:
        raise ValueError("freq out of range")
    return divider


def _gpio(pin, otherwise):
    """GPIO number of a machine.Pin, or of what `Pin` takes: a number."""
    if pin is None:
        return otherwise
    return pin if isinstance(pin, int) else pin.id

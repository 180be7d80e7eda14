"""`rp2.DMA` of the modelled Pico, as far as a PIO FIFO is fed with it: words from a buffer to a state machine,
paced by its request.

A transfer takes no time here; a word goes over as soon as the FIFO has room for it. A channel that ends starts
the one that it is chained to, as the chip does: with the address and the count that were last written.
"""

from _world import WORLD

_CHANNELS = 12
_FIELDS = (
    "enable", "high_pri", "size", "inc_read", "inc_write",
    "ring_size", "ring_sel", "chain_to", "treq_sel", "irq_quiet",
)  # fmt: skip


class Channel:
    """One channel. It is the `feeder` of the state machine that it serves while it is active."""

    def __init__(self, number):
        self.number = number
        self.taken = False
        self.clear()

    def clear(self):
        self.words = None
        self.machine = None
        self.reload = 0
        self.left = 0
        self.at = 0
        self.chain_to = self.number
        self.request = 63

    def start(self):
        self.left = self.reload
        if self.machine.feeder not in (None, self):
            raise RuntimeError("two DMA channels feed one FIFO at once")
        self.machine.feeder = self
        self.top_up()

    def top_up(self):
        """Fills the FIFO; called when it may have room."""
        machine = self.machine
        while self.left and len(machine.tx) < machine.tx_depth:
            machine.put(WORLD.now_ns, self.words[self.at]) if machine.stall else machine.tx.append(self.words[self.at])
            self.at += 1
            self.left -= 1
        if not self.left and machine.feeder is self:
            machine.feeder = None
            if self.chain_to != self.number:
                CHANNELS[self.chain_to].start()

    def stop(self):
        self.left = 0
        if self.machine is not None and self.machine.feeder is self:
            self.machine.feeder = None


CHANNELS = [Channel(number) for number in range(_CHANNELS)]


def hard_reset():
    for channel in CHANNELS:
        channel.stop()
        channel.clear()


class DMA:
    """Claims the first channel that is free."""

    def __init__(self):
        for channel in CHANNELS:
            if not channel.taken:
                channel.taken = True
                self._channel = channel
                self.channel = channel.number
                return
        raise OSError(12)

    def pack_ctrl(self, default=None, **fields):
        """A control word. Only what feeds a FIFO is modelled: 32 bits a word, reading on, writing to one place."""
        for name in fields:
            if name not in _FIELDS:
                raise TypeError("unexpected keyword argument: " + name)
        if fields.get("size", 2) != 2 or not fields.get("inc_read", True) or fields.get("inc_write", True):
            raise NotImplementedError("only DMA of 32-bit words from a buffer to one register is modelled")
        return fields.get("treq_sel", 63) << 15 | fields.get("chain_to", self.channel) << 11 | 1

    @property
    def ctrl(self):
        return self._channel.request << 15 | self._channel.chain_to << 11 | 1

    @ctrl.setter
    def ctrl(self, word):
        self._channel.request = word >> 15 & 63
        self._channel.chain_to = word >> 11 & 15

    @property
    def count(self):
        return self._channel.left

    def config(self, read=None, write=None, count=None, ctrl=None, trigger=False):
        channel = self._channel
        if read is not None:
            channel.words, channel.at = read, 0
        if write is not None:
            channel.machine = write._model
        if count is not None:
            channel.reload = count
        if ctrl is not None:
            self.ctrl = ctrl
        if trigger:
            self._check()
            channel.start()

    def _check(self):
        channel = self._channel
        machine = channel.machine
        number = machine.block.blocks.blocks.index(machine.block) * 8 + machine.index
        if channel.request != number:
            raise RuntimeError("the request %d does not pace this FIFO: words would be lost" % channel.request)

    def active(self, value=None):
        if value is not None:
            self._channel.start() if value else self._channel.stop()
        return self._channel.left > 0

    def close(self):
        self._channel.stop()
        self._channel.clear()
        self._channel.taken = False

"""Feeds the stepper at high rates: two tables of words, each handed to the FIFO by a DMA channel of its own.

Above some 14 kHz the words are too short for the CPU to put one by one. It fills a table with up to 100 ms of
them instead; while one table is read the other is armed, and the first channel starts the second when it is
done. A channel is chained only to a table that is armed, and to none once: what is granted ends by itself, so a
CPU that hangs stops the motor within two tables.
"""

from rp2 import DMA

from pump.core.motion.step_words import WordTable


class StepFeed:
    """Two tables and their DMA channels, used in turn."""

    def __init__(self, state_machine, number):
        """`number` of the state machine, 0 to 7: it tells which request paces the transfer."""
        self._target = state_machine
        self._request = number // 4 * 8 + number % 4
        self._channels = (DMA(), DMA())
        self.tables = (WordTable(), WordTable())
        self._single = tuple([self._ctrl(i, i) for i in range(2)])
        self._chained = tuple([self._ctrl(i, 1 - i) for i in range(2)])
        self._running = 1  # the table that is being read, or was last
        self._armed = False  # the other one is granted, and had not begun at the last check

    def _ctrl(self, index, chain_to):
        channel = self._channels[index]
        chained = self._channels[chain_to].channel
        return channel.pack_ctrl(size=2, inc_write=False, treq_sel=self._request, chain_to=chained)

    def busy(self):
        """Some of what was granted is not in the FIFO yet."""
        return self._channels[0].active() or self._channels[1].active()

    def free(self):
        """Index of a table that may be filled and granted, or -1 while both are in use."""
        if self._armed:
            if self._channels[self._running].active():
                return -1
            self._armed = False
            self._running = 1 - self._running
        return 1 - self._running

    def grant(self, index, used):
        """The first `used` words of the free table, after what was granted before."""
        channel, other = self._channels[index], self._channels[1 - index]
        alone = not other.active()
        words, ctrl = self.tables[index].words, self._single[index]
        channel.config(read=words, write=self._target, count=used, ctrl=ctrl, trigger=alone)
        if alone:
            self._running = index
            return
        self._armed = True
        other.ctrl = self._chained[1 - index]  # pyright: ignore
        if not other.active() and not channel.active():
            channel.config(trigger=True)  # the other one ended in between, and did not start this one

    def abort(self):
        """At once: what is not in the FIFO is taken back. The chain goes first, or the end of one would start
        the other.
        """
        for index in range(2):
            self._channels[index].ctrl = self._single[index]  # pyright: ignore
        for channel in self._channels:
            channel.active(0)
        self._armed = False

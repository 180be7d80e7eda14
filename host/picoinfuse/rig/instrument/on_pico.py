"""Runs on the instrument, a Pico with stock MicroPython, from its RAM: pushed over the raw REPL, nothing is flashed.

Three wires are a group, on three pins in a row. A state machine for each wire waits for its next edge and raises flag 0
of its PIO block; the fourth one answers with a word, the number of this event (29 bits) and the levels of the three
wires. A DMA channel takes the word into a ring and starts a second one, which takes the microseconds of the chip's
timer into another ring and starts the first again. The CPU only sends what is new.

A number that is missing is an event that got lost, wherever that was: in the FIFO, or in a ring that was overwritten
before it was sent. Frame: A5 5A, group, 0, events, frame's number, now in µs, their words, their µs, CRC-32 of it all.
Until Ctrl-C.
"""

import time
from binascii import crc32
from struct import pack_into
from sys import stdout

from machine import Pin, mem32
from micropython import const
from rp2 import DMA, PIO, StateMachine, asm_pio
from uctypes import addressof

_FIRST_PIN = const(2)  # six in a row
_EVENTS = const(8192)  # of a ring, 32 KiB
_RING_BITS = const(15)
_AT_MOST = const(512)  # events of a frame
_TOLD_MS = const(20)  # without an event, a frame says that there was none
_PERMANENT = const(0x3F)
_WORDS = const(2)  # DMA's size of 32 bits
_MICROSECONDS = 0x40054028  # TIMERAWL
_HEAD = const(16)


@asm_pio()
def watch():
    wrap_target()
    wait(1, pin, 0)
    irq(0)
    wait(0, pin, 0)
    irq(0)
    wrap()


@asm_pio(in_shiftdir=PIO.SHIFT_LEFT, fifo_join=PIO.JOIN_RX)
def tell():
    wrap_target()
    label("event")
    wait(1, irq, 0)
    in_(x, 29)
    in_(pins, 3)
    push(noblock)
    jmp(x_dec, "event")  # to the same place by the wrap when X was 0
    wrap()


class Group:
    def __init__(self, number, memory, base):
        self.number = number
        self.words = memory[: 4 * _EVENTS]
        self.times = memory[4 * _EVENTS :]
        self.first = base + 4 * _EVENTS
        self.done = 0
        self.told_ms = 0
        self.frames = 0
        self.frame = memoryview(bytearray(_HEAD + 8 * _AT_MOST + 4))
        pins = [Pin(_FIRST_PIN + 3 * number + i, Pin.IN, Pin.PULL_DOWN) for i in range(3)]
        pio = 0x50200000 + 0x100000 * number
        words, times = DMA(), DMA()
        words.config(
            read=pio + 0x2C,  # RXF3
            write=base,
            count=1,
            ctrl=words.pack_ctrl(
                size=_WORDS, inc_read=False, ring_size=_RING_BITS, ring_sel=True, treq_sel=8 * number + 7,
                chain_to=times.channel, irq_quiet=True,
            ),
        )  # fmt: skip
        times.config(
            read=_MICROSECONDS,
            write=self.first,
            count=1,
            ctrl=times.pack_ctrl(
                size=_WORDS, inc_read=False, ring_size=_RING_BITS, ring_sel=True, treq_sel=_PERMANENT,
                chain_to=words.channel, irq_quiet=True,
            ),
        )  # fmt: skip
        self.dma = words, times
        words.active(True)
        teller = StateMachine(4 * number + 3, tell, in_base=pins[0])
        teller.exec("mov(x, invert(null))")
        teller.active(True)
        self.machines = [teller]
        for i in range(3):
            watcher = StateMachine(4 * number + i, watch, in_base=pins[i])
            watcher.active(True)
            self.machines.append(watcher)

    def send(self):
        """Sends what is new, or now and then that nothing is. Returns whether there was something."""
        now_us = mem32[_MICROSECONDS]  # before the look: what came until then is in this frame or in one before
        now_ms = time.ticks_ms()
        done = self.done
        end = (self.dma[1].write - self.first) >> 2
        count = min((end if end >= done else _EVENTS) - done, _AT_MOST)
        if not count and time.ticks_diff(now_ms, self.told_ms) < _TOLD_MS:
            return False
        more = (end - done) % _EVENTS > count  # then it is not all that came until now
        self.told_ms = now_ms
        end_words, size = _HEAD + 4 * count, _HEAD + 8 * count
        frame = self.frame  # a copy: the rings may be overwritten meanwhile
        pack_into("<BBBBHHII", frame, 0, 0xA5, 0x5A, self.number, more, count, 0, self.frames, now_us)
        frame[_HEAD:end_words] = self.words[4 * done : 4 * (done + count)]
        frame[end_words:size] = self.times[4 * done : 4 * (done + count)]
        pack_into("<I", frame, size, crc32(frame[:size]))
        stdout.buffer.write(frame[: size + 4])
        self.frames += 1
        self.done = (done + count) % _EVENTS
        return count > 0

    def stop(self):
        for machine in self.machines:
            machine.active(False)
        for dma in self.dma:
            dma.close()


def run():
    memory = bytearray(20 * _EVENTS)
    base = (addressof(memory) + 4 * _EVENTS - 1) & -4 * _EVENTS
    begin = base - addressof(memory)
    view = memoryview(memory)
    size = 8 * _EVENTS
    groups = [Group(n, view[begin + n * size : begin + (n + 1) * size], base + n * size) for n in range(2)]
    try:
        while True:
            busy = groups[0].send()
            if not groups[1].send() and not busy:
                time.sleep_ms(1)
    except KeyboardInterrupt:
        pass
    finally:
        for group in groups:
            group.stop()
        for number in range(2):
            PIO(number).remove_program()


run()

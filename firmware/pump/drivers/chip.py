"""The RP2040 itself: its watchdog and the scratch registers in it, its flash, its identity.

Addresses: RP2040 datasheet, 2.6 (address map) and 4.7.6 (watchdog registers).
"""

import os
import sys

import machine
import rp2
from micropython import const

WATCHDOG_MS = const(2000)

_SCRATCH_AT = (0x4005800C, 0x40058010, 0x40058014, 0x40058018)  # listed: a sum above 2**30 would allocate
_FLASH_AT = const(0x10000000)  # where the flash is mapped into memory


class Watchdog:
    """Resets the chip WATCHDOG_MS after the last `feed`. Once started, only a reset stops it."""

    def __init__(self):
        self.feed = machine.WDT(timeout=WATCHDOG_MS).feed


class Scratch:
    """Four 32-bit words, 0 to 3, that survive a reset but no power-off. The SDK and the boot ROM use four more."""

    def __init__(self):
        self._mem32 = machine.mem32

    def __getitem__(self, index):
        return self._mem32[_SCRATCH_AT[index]]

    def __setitem__(self, index, word):
        self._mem32[_SCRATCH_AT[index]] = word


def flash_blocks():
    """The flash as a block device."""
    return rp2.Flash()


def mapped_flash(size):
    """The first `size` bytes of the flash, as a memoryview."""
    from uctypes import bytearray_at

    return memoryview(bytearray_at(_FLASH_AT, size))


def unique_id():
    """The flash chip's number, as hex text."""
    return "".join(["%02x" % byte for byte in machine.unique_id()])


def micropython_version():
    """Such as "1.25.0"."""
    return ".".join([str(part) for part in sys.implementation.version[:3]])


def board():
    """The name of the board as MicroPython reports it."""
    return getattr(sys.implementation, "_machine", sys.platform)


def random_24():
    """24 random bits, never 0; different after each boot."""
    number = 1
    for byte in os.urandom(3):
        number = number << 8 | byte
    return number & 0xFFFFFF or 1

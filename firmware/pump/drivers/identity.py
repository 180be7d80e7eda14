"""Who this board is."""

import os
import sys

import machine


def unique_id():
    """The flash chip's number, as hex text."""
    return "".join(["%02x" % byte for byte in machine.unique_id()])


def micropython():
    """Version of MicroPython, such as "1.25.0"."""
    return ".".join([str(part) for part in sys.implementation.version[:3]])


def board():
    return getattr(sys.implementation, "_machine", sys.platform)


def random_24():
    """A number that nobody meets by accident: 24 random bits, never 0. The next boot has another one."""
    number = 1
    for byte in os.urandom(3):
        number = number << 8 | byte
    return number & 0xFFFFFF or 1

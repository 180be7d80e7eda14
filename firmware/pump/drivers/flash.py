"""The chip's flash: as blocks, for the journal, and as it is mapped into memory, for the self-test."""

import rp2
from micropython import const

_MAPPED_AT = const(0x10000000)


def blocks():
    return rp2.Flash()


def mapped(size):
    """The first `size` bytes."""
    from uctypes import bytearray_at

    return memoryview(bytearray_at(_MAPPED_AT, size))

"""What the stub needs from the MicroPython VM of the Unix port."""

import sys
import time

import _flash
from _world import WORLD

print_exception = sys.print_exception


def open_stream(fd):
    return open(fd, "r+b")


def wall_ns():
    return time.time_ns()


def mount(image):
    """Makes the flash image the filesystem; returns what replaces functions of `os`: nothing."""
    WORLD.flash = _flash.mount(open(image, "r+b"))
    sys.path[:] = ["", "/lib"]
    return {}

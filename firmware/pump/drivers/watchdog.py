"""The watchdog: bites 2 s after the last feed. Once started it cannot be stopped; only a reset ends it."""

from machine import WDT
from micropython import const

TIMEOUT_MS = const(2000)


class Watchdog:
    def __init__(self):
        self.feed = WDT(timeout=TIMEOUT_MS).feed

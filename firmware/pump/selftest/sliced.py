"""The checks that read much, in slices of 2 ms: memory, firmware, settings.

A check has `begin(whole)`, `step()`, which returns True while there is more, and `failed`.
"""

import time

from micropython import const

_SLICE_US = const(2000)


class SlicedChecks:
    def __init__(self, names, checks, on_garbage):
        """`names` of the `checks`, in their order. `on_garbage()`: enough garbage was left behind to collect it."""
        self.names = names
        self._checks = checks
        self._on_garbage = on_garbage
        self._at = 0
        self._begun = False
        self.failed = None  # the name of the check that failed

    def begin(self):
        self._at = 0
        self._begun = False
        self.failed = None

    def run_slice(self, whole):
        """Runs for 2 ms, and to the end of the step then under way. True while there is more. `whole`: no infusion runs
        that needs the memory.
        """
        began_us = time.ticks_us()
        while self._at < len(self._checks):
            check = self._checks[self._at]
            if not self._begun:
                check.begin(whole)
                self._begun = True
            elif not check.step():
                if check.failed:
                    self.failed = self.names[self._at]
                    return False
                self._begun = False
                self._at += 1
                self._on_garbage()
            if time.ticks_diff(time.ticks_us(), began_us) >= _SLICE_US:
                return True
        return False

"""Parts of a test that read much, in slices of 2 ms: memory, firmware, settings.

A part has `begin(whole)`, `step()`, which is True while there is more, and `failed`.
"""

import time

from micropython import const

_SLICE_US = const(2000)


class SlicedParts:
    def __init__(self, names, parts, on_garbage):
        """In their order. `on_garbage()`: so much was left behind that it should be collected."""
        self._on_garbage = on_garbage
        self._names = names
        self._parts = parts
        self._at = 0
        self._begun = False
        self.failed = None  # the name of the part that failed

    def begin(self):
        self._at = 0
        self._begun = False
        self.failed = None

    def go_on(self, whole):
        """A slice, and the step that it began; True while there is more. `whole`: no infusion is to be spared."""
        began_us = time.ticks_us()
        while self._at < len(self._parts):
            part = self._parts[self._at]
            if not self._begun:
                part.begin(whole)
                self._begun = True
            elif not part.step():
                if part.failed:
                    self.failed = self._names[self._at]
                    return False
                self._begun = False
                self._at += 1
                self._on_garbage()
            if time.ticks_diff(time.ticks_us(), began_us) >= _SLICE_US:
                return True
        return False

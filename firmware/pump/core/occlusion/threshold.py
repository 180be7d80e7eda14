"""Is the line blocked? The threshold detector: pressure above the limit, for long enough.

It gets filtered pressure from the pressure task, 100 times a second, and answers with a level: True while
the line is to be taken as blocked. It stops nothing and raises nothing itself.

From the true crossing of the limit to the stop, at worst, for a pressure that rises steadily:

    filter's lag on a ramp       30 ms    sensor_check.PressureFilter
    sample grid                  10 ms    the crossing comes just after a sample
    persistence                 500 ms    profile; a patient's movement or a pump's own step is shorter
    sample grid                  10 ms    the persistence ends between two samples
    task late                    50 ms    its max_late_ms
                                600 ms    of the 600 that are asked; the stop follows in the same call

A low rate takes hours to reach the limit at all (closed line: C*dP/Q); what is early there is the slope of
pressure, another detector beside this one.
"""

from micropython import const

from pump.core.units import elapsed_ms

# Once above, the pressure has to fall 0.8 % of the limit below it to count as a break. Without this, a slow
# rise (0.1 mL/h: about 2 Pa/s) with 17 Pa rms of noise crosses to and fro for tens of seconds and never
# persists. 0.8 % of the lowest limit, 250 mmHg, is 260 Pa: fifteen times that noise, and less than the
# sensor's own error.
_HYSTERESIS_SHIFT = const(7)


class ThresholdDetector:
    """Finds a pressure above `limit_pa` that persists."""

    def __init__(self, limit_pa, persistence_ms):
        self.limit_pa = limit_pa  # may be set at any time; counts from the next sample on
        self._persistence_ms = persistence_ms
        self._above = False
        self._since_ms = 0  # when it went above
        self._blocked = False  # persistence is over; kept apart from the time, which wraps

    def update(self, pressure_pa, now_ms):
        """Takes a valid pressure. True while it has been above the limit for the persistence, without a
        break."""
        limit_pa = self.limit_pa
        if self._above:
            if pressure_pa <= limit_pa - (limit_pa >> _HYSTERESIS_SHIFT):
                self._above = False
                self._blocked = False
            elif not self._blocked:
                self._blocked = elapsed_ms(now_ms, self._since_ms) >= self._persistence_ms
        elif pressure_pa > limit_pa:
            self._above = True
            self._since_ms = now_ms
        return self._blocked

    def forget(self):
        """There is no valid pressure: what has not yet persisted starts anew. A line found blocked stays so
        until it is seen open."""
        if not self._blocked:
            self._above = False

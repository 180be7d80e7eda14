"""PWM slices: a pin that carries a square wave. One wire a slice in use, as this pump uses them."""

_MIN_HZ = 8
_MAX_HZ = 62500000


class PwmWire:
    """The square wave on one GPIO. `run_until` tells the wire's listeners of the pulses whose high phase is over."""

    def __init__(self, gpio):
        self.gpio = gpio
        self.period_ns = 0
        self.high_ns = 0
        self._rise_ns = 0

    def set(self, t_ns, freq_hz, duty_u16):
        """A new frequency (Hz) and duty (0..65535) from `t_ns` on; the wave begins with its low phase."""
        if not _MIN_HZ <= freq_hz <= _MAX_HZ:
            raise ValueError("freq too small" if freq_hz < _MIN_HZ else "freq too large")
        if not 0 <= duty_u16 <= 65535:
            raise ValueError("duty out of range")
        self.stop(t_ns)
        self.period_ns = 1000000000 // freq_hz
        self.high_ns = self.period_ns * duty_u16 // 65535
        self._rise_ns = t_ns + self.period_ns - self.high_ns

    def run_until(self, t_ns):
        high_ns = self.high_ns
        if not high_ns or self._rise_ns + high_ns > t_ns:
            return
        count = (t_ns - self._rise_ns - high_ns) // self.period_ns + 1
        self.gpio.pulses(self._rise_ns, self.period_ns, high_ns, count)
        self._rise_ns += count * self.period_ns

    def stop(self, t_ns):
        """The wave ends; a pulse that is high is cut short."""
        self.run_until(t_ns)
        if self.high_ns and self._rise_ns < t_ns:
            self.gpio.set_level(self._rise_ns, 1)
            self.gpio.set_level(t_ns, 0)
        self.high_ns = 0

    def snapshot(self):
        return [self.gpio.n, self.period_ns, self.high_ns, self._rise_ns]

    def restore(self, state):
        _, self.period_ns, self.high_ns, self._rise_ns = state

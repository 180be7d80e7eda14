"""`machine` of the modelled Pico. Strict: what the chip or its MicroPython refuses is refused with the same
exception.
"""

from _gpio import NOT_ON_PICO
from _pwm import PwmWire
from _world import HARD_RESET, NEVER, SOFT_RESET, WATCHDOG, WORLD

PWRON_RESET = 1
WDT_RESET = 3
_WDT_MAX_MS = 8388
_SCRATCH = 0x4005800C


class Pin:
    """A GPIO. `value` of an input reads the wire; setting one that is an input sets what it will drive later,
    as on the chip.
    """

    IN = 0
    OUT = 1
    OPEN_DRAIN = 2
    PULL_UP = 1
    PULL_DOWN = 2

    def __init__(self, id, mode=-1, pull=-1, value=None):
        number = id.id if isinstance(id, Pin) else int(str(id).replace("GP", "")) if isinstance(id, str) else id
        if not 0 <= number < len(WORLD.gpio) or number in NOT_ON_PICO:
            raise ValueError("invalid pin")
        self.id = number
        self._gpio = WORLD.gpio[number]
        if mode != -1 or value is not None:
            self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, value=None):
        gpio = self._gpio
        if pull is None or pull in (self.PULL_UP, self.PULL_DOWN):
            gpio.pull = 0 if pull is None else 1 if pull == self.PULL_UP else -1
        if mode in (self.IN, self.OUT):
            pwm = WORLD.pwms.pop(self.id, None)
            if pwm:
                pwm.stop(WORLD.now_ns)
        if mode == self.OUT:
            level = gpio.level if value is None else 1 if value else 0
            gpio.use(WORLD.now_ns, "out")
            gpio.set_level(WORLD.now_ns, level)
        elif mode == self.IN:
            gpio.use(WORLD.now_ns, "in")
        elif mode != -1:
            raise ValueError("this pin mode is not modelled")

    def value(self, level=None):
        if level is None:
            return self._gpio.level
        if self._gpio.function == "out":
            self._gpio.set_level(WORLD.now_ns, 1 if level else 0)

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class ADC:
    """Pins 26 to 28, and the chip's temperature. The sensors are on the pins that the wiring names; others read what an
    open input reads, near 0.
    """

    def __init__(self, pin):
        number = pin.id if isinstance(pin, Pin) else pin
        if number not in (26, 27, 28, 4):
            raise ValueError("Pin doesn't have ADC capabilities")
        wiring = WORLD.wiring
        if number == 4:  # a channel without a pin
            self.read_u16 = WORLD.sensor.temperature_u16
        elif number == wiring["pressure"]:
            self.read_u16 = WORLD.sensor.reader(WORLD, WORLD.fluid.pressure_at)
        elif number == wiring.get("upstream"):
            self.read_u16 = WORLD.upstream.reader(WORLD, lambda t_ns: WORLD.upstream_pa)
        elif number == wiring.get("battery"):
            self.read_u16 = lambda: WORLD.battery.read_u16(WORLD.now_ns)
        else:
            self.read_u16 = lambda: 0


class PWM:
    """One slice a pin here; frequency and duty as on the chip."""

    def __init__(self, pin, freq=0, duty_u16=0, invert=False):
        if invert:
            raise ValueError("an inverted PWM is not modelled")
        self._wire = WORLD.pwms.get(pin.id)
        if self._wire is None:
            gpio = WORLD.gpio[pin.id]
            gpio.set_level(WORLD.now_ns, 0)
            gpio.use(WORLD.now_ns, "pwm")
            self._wire = WORLD.pwms[pin.id] = PwmWire(gpio)
        self._freq_hz = freq
        self._duty_u16 = duty_u16
        self._apply()

    def _apply(self):
        if self._freq_hz:
            self._wire.set(WORLD.now_ns, self._freq_hz, self._duty_u16)

    def freq(self, freq_hz=None):
        if freq_hz is None:
            return self._freq_hz
        self._freq_hz = freq_hz
        self._apply()

    def duty_u16(self, duty=None):
        if duty is None:
            return self._duty_u16
        self._duty_u16 = duty
        self._apply()

    def init(self, freq=None, duty_u16=None):
        self._freq_hz = self._freq_hz if freq is None else freq
        self._duty_u16 = self._duty_u16 if duty_u16 is None else duty_u16
        self._apply()

    def deinit(self):
        self._wire.stop(WORLD.now_ns)
        self._freq_hz = 0


class WDT:
    """Cannot be stopped, survives a soft reset."""

    def __init__(self, id=0, timeout=5000):
        if not 1 <= timeout <= _WDT_MAX_MS:
            raise ValueError("timeout exceeds 8388" if timeout > _WDT_MAX_MS else "timeout too small")
        WORLD.watchdog_ns = timeout * 1000000
        self.feed()

    def feed(self):
        WORLD.watchdog_due_ns = NEVER if WORLD.watchdog_dead else WORLD.now_ns + WORLD.watchdog_ns


class _Mem32:
    """Only the watchdog's scratch registers, which survive its own resets, but neither the RUN pin's nor a
    power-off.
    """

    def _index(self, address):
        index = (address - _SCRATCH) // 4
        if not 0 <= index < 8 or address % 4:
            raise MemoryError("address 0x%08x is not modelled" % address)
        return index

    def __getitem__(self, address):
        return WORLD.scratch[self._index(address)]

    def __setitem__(self, address, value):
        WORLD.scratch[self._index(address)] = value & 0xFFFFFFFF


mem32 = _Mem32()


def reset():
    WORLD.exit(HARD_RESET)


def soft_reset():
    WORLD.exit(SOFT_RESET)


def reset_cause():
    return WDT_RESET if WORLD.cause in (HARD_RESET, WATCHDOG) else PWRON_RESET


def unique_id():
    return WORLD.unique_id


def freq(hz=None):
    if hz not in (None, 125000000):
        raise ValueError("only 125 MHz is modelled")
    return 125000000


def idle():
    WORLD.sleep(1000000)


def lightsleep(ms=1):
    WORLD.sleep(ms * 1000000)


def disable_irq():
    return 1


def enable_irq(state=1):
    pass


def bootloader():
    raise NotImplementedError("this board has no BOOTSEL mode")

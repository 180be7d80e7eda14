"""The modelled Pico and the world around it: one clock, the pins, the peripherals, the motor, the line.

Code takes no time here; time passes only where the firmware lets it pass, in `sleep`. How far it may pass is
the pace: "stepped" (the bench grants it), "fast" (as fast as it can) or "real" (with the wall clock).
"""

import json

NEVER = 1 << 61  # a small int of the VM, and 73 years of ns
# Serial bytes that arrive while time stands still buy the firmware the turns of its loop that it takes to read them:
# one in 10 ms, and up to 1 ms later when something that took no whole number of ms, a flash write, came between.
_NUDGE_NS = 11000000
_NUDGE_BYTES = 128
_LONGEST_WAIT_NS = 10000000  # with the wall clock
_FAST_POLL_EVERY = 64  # at pace "fast", look at the channel after so many sleeps
_RX_LIMIT = 512
_MORE = b"m"  # serial bytes, and more of them wait at the host
_SERIAL = (b"i", _MORE)

POWER_ON, RUN_PIN, HARD_RESET, WATCHDOG, SOFT_RESET = "power", "run", "reset", "watchdog", "soft"


class World:
    """Filled by `_boot`: dma_reset, channel, usb, gpio, pio, pwms, fluid, motor, sensor, reals, flash, wall (the wall
    clock in ns) and control (_controls.py).
    """

    def __init__(self):
        self.now_ns = 0
        self.boot_ns = 0
        self.pace = "stepped"
        self.granted_ns = 0
        self.sequence = 0
        self.watchdog_due_ns = NEVER
        self.watchdog_ns = 0
        self.watchdog_dead = False  # it never bites
        self.scratch = [0] * 8
        self.cause = POWER_ON
        self.pwms = {}
        self.battery = None  # where the wiring has one
        self.interrupted = False
        self.soft_reset = False  # the program ends, as by machine.soft_reset()
        self.hung = False
        self.slow_ns = 0
        self.flash_setup = {}
        self.ballast = None  # what the heap has beyond a Pico's
        self.eaten = None  # what a fault took of the firmware's heap
        self._sleeps = 0
        self._consumed = 0
        self._more = False  # bytes wait at the host for room in the port
        self._later = []  # messages that came while the port asked for them
        self._wall_offset_ns = 0

    # ---- time ----

    def advance(self, to_ns):
        """Moves the clock; everything that runs without the CPU runs."""
        if to_ns >= self.pio.next_due_ns:
            self.pio.run_until(to_ns)
        if self.pwms:
            for pwm in self.pwms.values():
                pwm.run_until(to_ns)
        self.now_ns = to_ns
        if to_ns >= self.reals.due_ns:
            self.reals.sample(to_ns)

    def sleep(self, duration_ns):
        """Lets `duration_ns` pass, for the firmware."""
        target_ns = self.now_ns + duration_ns + self.slow_ns
        self.usb.flush()
        disturbed = self.hung or self.interrupted or self.soft_reset or self.pace != "stepped"
        if target_ns <= self.granted_ns and target_ns < self.watchdog_due_ns and not disturbed:
            self.advance(target_ns)
            return
        if self.pace != "stepped":
            self._poll_channel()
        while self.now_ns < target_ns or self.hung:  # the pace may change on the way
            if self.pace == "stepped":
                if self.now_ns >= self.granted_ns:
                    self._hold()
                else:
                    self._go(min(NEVER if self.hung else target_ns, self.granted_ns))
            elif self.pace == "real":
                limit_ns = self.now_ns + _LONGEST_WAIT_NS
                self._keep_pace(limit_ns if self.hung else min(target_ns, limit_ns))
            elif self.hung:
                self._poll_channel()
                self._go(self.now_ns + 1000000)
            else:
                self._go(target_ns)
        if self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt
        if self.soft_reset:
            self.soft_reset = False
            raise SystemExit

    def spin(self):
        """A busy wait inside the chip's own code takes a look at the clock: 10 µs."""
        self.sleep(10000)

    def stall(self, duration_ns):
        """The flash is written: the CPU stands, everything else goes on. With the wall clock it takes no time; granted
        or not it is gone through, or a host that waits for an answer would wait for ever.
        """
        if self.pace == "real":
            return
        self.granted_ns = max(self.granted_ns, self.now_ns + duration_ns)
        slow_ns, self.slow_ns = self.slow_ns, 0
        self.sleep(duration_ns)
        self.slow_ns = slow_ns

    def cut(self):
        self.exit(POWER_ON)

    def _go(self, to_ns):
        if to_ns >= self.watchdog_due_ns:
            self.advance(self.watchdog_due_ns)
            self.exit(WATCHDOG)
        self.advance(to_ns)

    def _keep_pace(self, to_ns):
        """Waits for the wall clock to reach `to_ns`, or for a message."""
        wall_ns = self.wall() - self._wall_offset_ns
        told = self.channel.waiting(max(0, (to_ns - wall_ns + 999999) // 1000000))
        self._go(max(self.now_ns, min(to_ns, self.wall() - self._wall_offset_ns)))
        if told:
            self._handle(*self.channel.receive())

    def _poll_channel(self):
        self._sleeps += 1
        if self._sleeps >= _FAST_POLL_EVERY or self.pace == "real":
            self._sleeps = 0
            self.channel.flush()
            while self.channel.waiting():
                self._handle(*self.channel.receive())

    def _hold(self):
        """Time stands still until the host grants some, or sends bytes."""
        self.flush()
        state = {"seq": self.sequence, "now_ns": self.now_ns, "rx_free": _RX_LIMIT - len(self.usb.rx)}
        self.channel.send_json(b"h", state)
        while self.now_ns >= self.granted_ns and self.pace == "stepped":
            self._handle(*(self._later.pop(0) if self._later else self.channel.receive()))

    def wait_for_serial(self):
        """The REPL waits for a byte: with the wall clock at pace "real", otherwise time stands still or goes as
        granted.
        """
        self.usb.flush()
        if self.pace == "stepped":
            if self.now_ns >= self.granted_ns:
                self._hold()
            if not self.usb.rx:
                self._go(self.granted_ns)
        else:
            self.flush()
            if self.pace == "real":
                self._keep_pace(self.now_ns + _LONGEST_WAIT_NS)
            else:
                self._handle(*self.channel.receive())
        self.interrupted = False

    # ---- the host's side ----

    def _handle(self, kind, payload):
        if kind in _SERIAL:
            self._more = kind == _MORE
            self.usb.arrive(payload)
            turns = max(1, (len(self.usb.rx) + _NUDGE_BYTES - 1) // _NUDGE_BYTES)
            self.granted_ns = max(self.granted_ns, self.now_ns + turns * _NUDGE_NS)
        elif kind == b"g":
            grant = json.loads(payload)
            self.sequence = grant["seq"]
            self.granted_ns = self.now_ns + grant["ns"]
        else:
            request = json.loads(payload)
            result = self.control(self, request["op"], request.get("args"))
            if not request.get("quiet"):
                self.channel.send_json(b"r", result)

    def consumed(self, size):
        """The firmware took bytes from the serial port: the host may send as many again."""
        self._consumed += size
        if self._consumed >= 64 or not self.usb.rx:
            self.channel.send_json(b"q", self._consumed)
            self._consumed = 0
            if self._more and self.pace == "stepped":
                self._fetch()

    def _fetch(self):
        """Within a grant of time the rest of a long write must come as the port has room for it, whatever the host's
        threads do: waits for the bytes, and leaves what else comes for the end of the grant.
        """
        while True:
            kind, payload = self.channel.receive()
            if kind in _SERIAL:
                self._more = kind == _MORE
                self.usb.arrive(payload)
                return
            self._later.append((kind, payload))

    def set_pace(self, pace):
        self.pace = pace
        self.granted_ns = self.now_ns
        self._wall_offset_ns = self.wall() - self.now_ns

    def flush(self):
        """Everything that happened up to now is with the host."""
        self.usb.flush()
        self.reals.sample(self.now_ns)
        self.channel.flush()

    # ---- resets ----

    def exit(self, cause, raw=False):
        """The board resets. What survives goes to the host, which starts the board again with it."""
        self.ballast = None  # room to write down what survives
        if cause in (POWER_ON, RUN_PIN):
            self.scratch = [0] * 8
        if cause != SOFT_RESET:
            for pwm in self.pwms.values():
                pwm.stop(self.now_ns)
            self.pwms.clear()
            self.dma_reset()
            self.pio.hard_reset()
            for gpio in self.gpio:
                gpio.reset(self.now_ns)
        self.flush()
        state = self.snapshot()
        state["cause"] = cause
        state["raw"] = raw
        self.channel.send_json(b"x", state)
        while True:  # nothing of the firmware runs any more; the host ends this process
            self.channel.receive()

    def snapshot(self):
        return {
            "now_ns": self.now_ns,
            "boot_ns": self.boot_ns,
            "watchdog_due_ns": self.watchdog_due_ns,
            "watchdog_ns": self.watchdog_ns,
            "granted_ns": self.granted_ns,
            "seq": self.sequence,
            "pace": self.pace,
            "host_reads": self.usb.host_reads,
            "plugged": self.usb.plugged,
            "chip_cause": self.cause,
            "scratch": self.scratch,
            "gpio": [gpio.snapshot() for gpio in self.gpio],
            "pwms": [pwm.snapshot() for pwm in self.pwms.values()],
            "fluid": self.fluid.snapshot(),
            "motor": self.motor.snapshot(),
            "sensor": self.sensor.snapshot(),
            "upstream": self.upstream.snapshot(),
            "upstream_pa": self.upstream_pa,
            "watchdog_dead": self.watchdog_dead,
            "battery": None if self.battery is None else self.battery.snapshot(),
            "flash": {name: value for name, value in self.flash_setup.items() if name not in ("left", "torn", "seed")},
        }


WORLD = World()

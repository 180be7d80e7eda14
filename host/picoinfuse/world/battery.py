"""A lithium cell with a charge, an internal resistance, and a load that depends on the motor.

The voltage at rest follows the charge along a curve; under load it is lower by current times resistance. The model
listens on the ENABLE wire: the load is higher while the motor's current is on. The charge is brought up to date when
it is needed.
"""

# (charge in ‰, voltage at rest in mV) of a LiCoO2 cell: the typical shape of its discharge curve between 3.0 and 4.2 V.
_POINTS = ((0, 3000), (50, 3450), (100, 3680), (200, 3740), (300, 3770), (400, 3790), (500, 3820), (600, 3870),
           (700, 3920), (800, 3980), (900, 4060), (1000, 4200))  # fmt: skip
_COUNTS_PER_MV = 4096 / 3300


class Battery:
    """A battery, full at first.

    `config`: "divider" (the two integers of its ratio, battery voltage : pin voltage), "capacity_mah",
    "resistance_mohm", "idle_ma" (load with the motor off), "motor_ma" (further load with the motor on).
    `enable_gpio`: the ENABLE wire, active low; the model adds itself to its `listeners`.
    """

    def __init__(self, config: dict, enable_gpio):
        self._ratio = config["divider"]
        self.idle_ma = config["idle_ma"]
        self.motor_ma = config["motor_ma"]
        self.capacity_mas = config["capacity_mah"] * 3600.0
        self.resistance_mohm = config["resistance_mohm"]
        self.charge_mas = self.capacity_mas
        self.charger_ma = 0.0
        self.fault = None  # "open": the wire to the converter is off, and the lower resistor pulls it to ground
        self._enable = enable_gpio
        self._t_ns = 0
        self._load_ma = self.idle_ma
        enable_gpio.listeners.append(self)

    def on_level(self, t_ns: int, level: int):
        """ENABLE has changed to `level`."""
        self.advance(t_ns)
        self._load_ma = self.idle_ma + (0 if level else self.motor_ma)

    def on_pulses(self, t_ns: int, period_ns: int, high_ns: int, count: int):
        """Pulses on ENABLE; ignored."""

    def advance(self, t_ns: int):
        """Brings the charge to its value at `t_ns`."""
        if t_ns > self._t_ns:
            taken = (self._load_ma - self.charger_ma) * (t_ns - self._t_ns) / 1e9
            self.charge_mas = min(max(self.charge_mas - taken, 0.0), self.capacity_mas)
            self._t_ns = t_ns

    def set(self, t_ns: int, values: dict):
        """Sets those of "permille" (of full charge), "capacity_mah", "resistance_mohm", "charger_ma" and "fault" (None
        or "open") that `values` has. A new capacity keeps the relative charge.
        """
        self.advance(t_ns)
        if "capacity_mah" in values:
            share = self.charge_mas / self.capacity_mas
            self.capacity_mas = values["capacity_mah"] * 3600.0
            self.charge_mas = share * self.capacity_mas
        if "permille" in values:
            self.charge_mas = self.capacity_mas * values["permille"] / 1000
        for name in ("resistance_mohm", "charger_ma", "fault"):
            if name in values:
                setattr(self, name, values[name])

    def millivolts(self, t_ns: int) -> float:
        """Voltage at the terminals, in mV."""
        self.advance(t_ns)
        permille = self.charge_mas * 1000 / self.capacity_mas
        i = 1
        for i in range(1, len(_POINTS)):
            if permille <= _POINTS[i][0]:
                break
        (low, low_mv), (high, high_mv) = _POINTS[i - 1], _POINTS[i]
        rest_mv = low_mv + (high_mv - low_mv) * (permille - low) / (high - low)
        return rest_mv - (self._load_ma - self.charger_ma) * self.resistance_mohm / 1000

    def read_u16(self, t_ns: int) -> int:
        """Reading of the pin behind the divider: 12 bits scaled to 16, as the RP2040's `ADC.read_u16` returns them."""
        pin_mv = 0.0
        if self.fault is None:
            pin_mv = self.millivolts(t_ns) * self._ratio[1] / self._ratio[0]
        raw = min(4095, max(0, int(pin_mv * _COUNTS_PER_MV)))
        return raw << 4 | raw >> 8

    def snapshot(self) -> dict:
        """State for `restore`."""
        names = ("capacity_mas", "resistance_mohm", "charge_mas", "charger_ma", "fault", "_t_ns", "_load_ma")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: dict):
        """Sets the state that `snapshot` returned."""
        for name in state:
            setattr(self, name, state[name])

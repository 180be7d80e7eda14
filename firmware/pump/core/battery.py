"""The battery: charge left, and time left.

Only the voltage is measured. The load comes from a model of two terms: `idle_ma` always, plus `motor_ma` while the
motor has current. From these:

- Charge by voltage: the voltage at rest is the measured voltage plus load times resistance. A curve of lithium cells,
  stretched between the profile's empty and full, gives the charge. Accurate near both ends, poor in the flat middle.
- Charge by load: the charge that the load has drawn since. Accurate over hours, but drifts with the model's error.
- The reported charge follows the load and is corrected towards the voltage by a 64th of the difference each update.
  Below 20 %, where the curve is steep and the voltage accurate, the correction is an eighth.
- Capacity is learned: the charge drawn by the load while the charge by voltage falls by 10 % or more gives the true
  capacity. A result between a fifth and five quarters of the profile's is accepted and moves the capacity halfway.
  Each boot starts with the profile's capacity.

Time left is always that of an infusion, running or not: the charge, less what remains in the cell when its voltage
under that load reaches empty, divided by that load. A cell at its empty voltage is depleted, whatever the computed
charge.
"""

from micropython import const

POLL_MS = const(10_000)  # between two measurements: GIP requires one in 3 min
LOW_S = const(900)  # GIP 5
_DEPLETED_S = const(300)
_GOOD_S = const(1200)  # hysteresis: while charging, the low alarm ends here

_CHARGE_OK = const(0)
CHARGE_LOW = const(1)
CHARGE_DEPLETED = const(2)
CHARGE_UNKNOWN = const(3)
NAMES = ("ok", "low", "depleted", "unknown")

_MARGIN_MV = const(400)  # a voltage further beyond empty or full is a wiring fault
_LEARN_FALL = const(100)  # ‰ of charge
_NEW_CELL = const(250)  # ‰ of charge from the account: the cell was charged or replaced
_STEEP = const(200)  # ‰ of charge, below which the charge by voltage is accurate

# Voltage at rest, in ‰ between empty and full, at 0, 5, 10, 20 … 100 % of charge. The shape of a LiCoO2 cell between
# 3.0 and 4.2 V from data sheets; we measured none.
_LEVELS = (0, 50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000)
_CURVE = (0, 375, 567, 617, 642, 658, 683, 725, 767, 817, 883, 1000)


def permille(rest_mv, empty_mv, full_mv):
    """Charge by the voltage at rest, 0 to 1000."""
    place = (rest_mv - empty_mv) * 1000 // (full_mv - empty_mv)
    if place <= 0:
        return 0
    for i in range(1, len(_CURVE)):
        if place < _CURVE[i]:
            low = _CURVE[i - 1]
            rise = _LEVELS[i] - _LEVELS[i - 1]
            return _LEVELS[i - 1] + (place - low) * rise // (_CURVE[i] - low)
    return 1000


class Battery:
    """`update` with each averaged measurement; read the attributes."""

    def __init__(self, config):
        """`config`: the profile's battery section."""
        self._config = config
        self.capacity_mas = config["capacity_mah"] * 3600  # in mA·s, learned
        self.charge_mas = None  # None: unknown
        self.millivolts = None  # under load, as measured; None: no plausible reading
        self._infusing_ma = config["idle_ma"] + config["motor_ma"]
        self._end_permille = permille(
            config["empty_mv"] + self._infusing_ma * config["resistance_mohm"] // 1000,
            config["empty_mv"],
            config["full_mv"],
        )
        self.state = CHARGE_UNKNOWN
        self._learn_from = None  # ‰ by voltage at the start of this measurement of the capacity
        self._taken_mas = 0  # since then

    def is_battery(self, millivolts):
        """Whether it can be a battery's voltage, not that of an open or shorted wire."""
        return self._config["empty_mv"] - _MARGIN_MV <= millivolts <= self._config["full_mv"] + _MARGIN_MV

    def update(self, millivolts, load_ma, elapsed_s):
        """`load_ma` is the mean of the last `elapsed_s`. Returns the state."""
        config = self._config
        if not self.is_battery(millivolts):
            self.millivolts = self.charge_mas = self._learn_from = None
            self.state = CHARGE_UNKNOWN
            return CHARGE_UNKNOWN
        self.millivolts = millivolts
        rest_mv = millivolts + load_ma * config["resistance_mohm"] // 1000
        level = permille(rest_mv, config["empty_mv"], config["full_mv"])
        self._account(level, load_ma * elapsed_s)
        self._learn(level, load_ma * elapsed_s)
        self._judge()
        return self.state

    def seconds_left(self):
        """Time left for an infusion, s; None when the charge is unknown."""
        if self.charge_mas is None:
            return None
        return max(0, self.charge_mas - self.capacity_mas // 1000 * self._end_permille) // self._infusing_ma

    def percent(self):
        """Charge, 0 to 100; None when it is unknown."""
        return None if self.charge_mas is None else min(100, self.charge_mas // (self.capacity_mas // 100))

    def _account(self, level, taken_mas):
        by_voltage_mas = self.capacity_mas // 1000 * level
        gap_mas = self.capacity_mas // 1000 * _NEW_CELL
        if (
            self.charge_mas is None
            or by_voltage_mas - self.charge_mas > gap_mas
            or (level < _STEEP and self.charge_mas - by_voltage_mas > gap_mas)
        ):
            self.charge_mas = by_voltage_mas
            self._learn_from = None
            return
        share = 8 if level < _STEEP else 64
        self.charge_mas += (by_voltage_mas - self.charge_mas) // share - taken_mas
        if self.charge_mas < 0:
            self.charge_mas = 0

    def _learn(self, level, taken_mas):
        if self._learn_from is None or level > self._learn_from + 20:  # it is being charged
            self._learn_from = level
            self._taken_mas = 0
            return
        self._taken_mas += taken_mas
        fell = self._learn_from - level
        if fell < _LEARN_FALL:
            return
        before_mas = self._config["capacity_mah"] * 3600
        found_mas = self._taken_mas // fell * 1000
        if before_mas // 5 <= found_mas <= before_mas // 4 * 5:
            level_reported = self.charge_mas // (self.capacity_mas // 1000)
            self.capacity_mas += (found_mas - self.capacity_mas) // 2
            self.charge_mas = self.capacity_mas // 1000 * level_reported
        self._learn_from = level
        self._taken_mas = 0

    def _judge(self):
        left_s = self.seconds_left()
        if self.millivolts <= self._config["empty_mv"] or left_s < _DEPLETED_S:
            self.state = CHARGE_DEPLETED
        elif left_s < LOW_S:
            self.state = CHARGE_LOW
        elif self.state == CHARGE_UNKNOWN or left_s >= _GOOD_S:
            self.state = _CHARGE_OK

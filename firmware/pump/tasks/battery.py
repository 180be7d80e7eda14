"""The task that measures the battery, where the profile has one: ten readings a second apart make a measurement.

core/battery.py says what a measurement means. This task finds the load, by the share of the readings at which the motor
had current, and raises the alarms.
"""

from micropython import const

from pump.core.battery import CHARGE_DEPLETED, CHARGE_LOW, CHARGE_UNKNOWN, NAMES, POLL_MS, Battery

_READ_MS = const(1000)
_READINGS = const(10)


class BatteryTask:
    name = "battery"
    max_late_ms = 1000

    def __init__(self, sensor, config, stepper, report):
        """`config`: the section `battery` of the profile. `stepper.enabled`: the motor has current.
        `report(name, active, now_ms)` takes the alarms.
        """
        self.battery = Battery(config)
        self._sensor = sensor
        self._config = config
        self._stepper = stepper
        self._report = report
        self._sum_mv = self._with_motor = self._readings = 0
        self._wrong_mv = None  # a reading that no battery has; in the mean it would look like a nearly empty battery
        self.loaded_mv = self.rest_mv = None  # last measured with and without the motor's current

    def run(self, now_ms):
        millivolts = self._sensor.millivolts()
        self._sum_mv += millivolts
        if not self.battery.is_battery(millivolts):
            self._wrong_mv = millivolts
        self._with_motor += self._stepper.enabled
        self._readings += 1
        if self._readings >= _READINGS:
            self._measure(now_ms)
        return _READ_MS

    def check(self):
        """The self-test's check: measures once, by one reading, when there was no measurement yet."""
        battery = self.battery
        if battery.millivolts is None:
            battery.update(self._sensor.millivolts(), self._load_ma(self._stepper.enabled, 1), 0)
        return battery.state not in (CHARGE_DEPLETED, CHARGE_UNKNOWN)

    def to_dict(self):
        """The reply to `battery`."""
        battery = self.battery
        left_s = battery.seconds_left()
        return {
            "state": NAMES[battery.state],
            "millivolts": battery.millivolts,
            "rest_mv": self.rest_mv,
            "loaded_mv": self.loaded_mv,
            "percent": battery.percent(),
            "minutes_left": None if left_s is None else left_s // 60,
            "capacity_mah": battery.capacity_mas // 3600,
        }

    def _load_ma(self, with_motor, readings):
        config = self._config
        return config["idle_ma"] + config["motor_ma"] * with_motor // readings

    def _measure(self, now_ms):
        millivolts = self._sum_mv // _READINGS if self._wrong_mv is None else self._wrong_mv
        with_motor = self._with_motor
        if self._wrong_mv is not None:
            self._wrong_mv = None
        elif with_motor == _READINGS:
            self.loaded_mv = millivolts
        elif not with_motor:
            self.rest_mv = millivolts
        self._sum_mv = self._with_motor = self._readings = 0
        state = self.battery.update(millivolts, self._load_ma(with_motor, _READINGS), POLL_MS // 1000)
        # The worse one first, so that there is no moment without an alarm.
        self._report("battery_depleted", state == CHARGE_DEPLETED, now_ms)
        self._report("battery_low", state == CHARGE_LOW, now_ms)
        self._report("battery_fault", state == CHARGE_UNKNOWN, now_ms)

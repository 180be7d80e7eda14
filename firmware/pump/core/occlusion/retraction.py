"""Retraction: draws the plunger back after an occlusion, so that a line that opens again gives no bolus.

A closed line holds C·P: 1 mL at 517 mmHg with a 50 mL syringe. The plunger goes back until the pressure is gone.
The delivery task runs it like a therapy; it reduces what the infusion was given. Four independent bounds limit it:

    pressure    it ends at `to_pa`, a little above the atmosphere's, whatever the limit was
    volume      `max_steps` of the profile, and never more than this infusion has pushed
    time        _LONGEST_MS
    the sensor  what is drawn must lower the pressure: the first FIRST_UL by _FIRST_FALL_PA, and then each CHECK_UL by
                half of what it would in a line as the profile has it

A sensor that always reads high ends it after the first 100 µL. These take up the backlash of the screw (0.1 mm in a
50 mL syringe are 56 µL), so they must lower the pressure by only 1 kPa. In an open line whose pressure is held from
outside, or with a sensor that has an offset, the pressure falls at first too, by the resistance of the line, but less
with every 50 µL: drawing on would draw blood.

Above the rate that needs no ramp the motor cannot stop at once without losing steps. `judge` slows it down in time:
granted motion and the ramp last less than half a second, and the fall of pressure in half a second is estimated from
the volume drawn so far.
"""

from micropython import const

from pump.core.units import elapsed_ms

_LONGEST_MS = const(30_000)
FIRST_UL = const(100)
_FIRST_FALL_PA = const(1000)
CHECK_UL = const(50)

DRAWING = const(0)
RELIEVED = const(1)  # the pressure is gone
NO_FALL = const(2)  # it does not follow the plunger
ALL_DRAWN = const(3)  # the volume that it may
TIMED_OUT = const(4)
NO_PRESSURE = const(5)  # there is no reading to believe

ENDS = ("going", "relieved", "no_fall", "all_drawn", "too_long", "no_pressure")


class Retraction:
    """A therapy in the place of `infusion`, the one that is drawn from."""

    def __init__(self, occlusion, step_pl_num, step_pl_den, start_ul_h):
        """`occlusion` is the profile's section, `start_ul_h` the rate that needs no ramp."""
        self._to_pa = occlusion["retract_to_pa"]
        self._rate_ul_h = occlusion["retract_ul_h"]
        self._start_ul_h = start_ul_h
        self._num = step_pl_num
        self._den = step_pl_den * 1_000_000  # steps * num / den are µL
        self._max_steps = occlusion["retract_max_ul"] * self._den // step_pl_num
        self._fall_pa = CHECK_UL * 500_000 // occlusion["compliance_pl_per_pa"]  # half of CHECK_UL / C
        self._lead_ul = self._rate_ul_h // 7200 + 1  # half a second
        self.infusion = None
        self.end_steps = None  # it ends by its bounds, not where a volume does
        self.next_ul_h = 0
        self.target_ul_h = 0

    def begin(self, infusion, net_steps, pressure_pa, now_ms):
        """`net_steps` of the infusion have been pushed. False: there is nothing to draw back."""
        self.infusion = infusion
        self.target_ul_h = self._rate_ul_h
        self._total = min(self._max_steps, net_steps)
        self._given = 0
        self._began_ms = now_ms
        self._first_pa = self._check_pa = pressure_pa
        self._next_ul = FIRST_UL
        self._next_fall_pa = _FIRST_FALL_PA
        return self._total > 0 and pressure_pa is not None and pressure_pa > self._to_pa

    # ---- a therapy ----

    def budget_steps(self):
        """Steps that may still be drawn back."""
        budget = self._total - self._given
        assert budget >= 0
        return budget

    def wait_ticks(self):
        """0: it never waits."""
        return 0

    def granted(self, steps, ticks):
        """Motion was granted; steps drawn back are taken off the infusion."""
        self._given += steps
        self.infusion.granted(-steps, 0)

    def done(self):
        """Never: what is drawn back completes nothing."""
        return False

    # ---- its bounds ----

    def judge(self, pressure_pa, drawn_steps, now_ms):
        """GOING, or why it is over. `drawn_steps` have been made, by the counter."""
        if pressure_pa is None:
            return NO_PRESSURE
        if pressure_pa <= self._to_pa:
            return RELIEVED
        if elapsed_ms(now_ms, self._began_ms) >= _LONGEST_MS:
            return TIMED_OUT
        drawn_ul = drawn_steps * self._num // self._den
        if drawn_ul >= self._next_ul:
            if pressure_pa > self._check_pa - self._next_fall_pa:
                return NO_FALL
            self._next_ul = drawn_ul + CHECK_UL
            self._next_fall_pa = self._fall_pa
            self._check_pa = pressure_pa
        if drawn_steps >= self._total:
            return ALL_DRAWN
        if self.target_ul_h > self._start_ul_h and drawn_ul >= self._lead_ul and self._is_near(pressure_pa, drawn_ul):
            self.target_ul_h = self._start_ul_h
        return DRAWING

    def _is_near(self, pressure_pa, drawn_ul):
        """Whether half a second more would lower the pressure to the end, at what a µL has lowered it so far."""
        return (pressure_pa - self._to_pa) * drawn_ul <= self._lead_ul * (self._first_pa - pressure_pa)

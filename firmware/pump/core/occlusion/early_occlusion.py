"""Early detection of an occlusion, at rates where the limit takes hours: pressure that rises with every step.

A closed line stores the delivered volume: dP = dV/C. An open one does not: at a steady rate its pressure follows the
patient and the bag, whatever the volume. So pressure is compared once for each piece of volume, a *segment*, in which a
closed line would rise by SEGMENT_PA. Consecutive segments that rise are a run; its score is the sum of their rises, and
a score of TRIP_PA is a blocked line:

    rise of a segment, against what a closed line would do        what it means
    less than 1/4 (falls included)                                the line is open: the run ends, score 0
    1/4 to 3/2                                                    counts as it is
    more than 3/2                                                 counts as 3/2: no patient's step makes a run

In an open line the pressure moves with the patient, by up to 50 mmHg (6.7 kPa), with the bag and with the sensor's
drift. Consecutive rises add up to no more than the whole swing. TRIP_PA is above that of a patient by 1.3 kPa, and
steps of pressure beside it count only in part. At high rates segments are lengthened to SEGMENT_MS, and a run has at
least _LEAST_SEGMENTS: a minute, in which the threshold comes first above 60 mL/h.

A rate that rises lifts the pressure by the line's resistance, also in an open line: by tau * dQ / (Q * T) of what a
closed line would rise in a segment of T seconds, tau = R * C. Where it rises by more than 1/8 the segment begins anew;
up to that it is less than 1/4 in any line whose tau is below 10 s (the profile's is 1.3 s). The run goes on in either
case, so that a regimen with frequent changes of rate does not blind the detector. A rate that falls lowers the pressure
of an open line, which ends the run as it should, and does nothing to a closed one.

How long it takes with a closed line and C as in the profile: TRIP_PA * C of volume, and a segment and a half that the
two ends lose. 50 mL syringe, 14.4 nL/Pa: 115 µL and at most 7 more, 14.7 min at 0.5 mL/h and 90 s at 5 mL/h, where the
limit of 517 mmHg takes 119 and 12 min. C may be twice the profile's (then it takes twice as long) or any less.
"""

from micropython import const

from pump.core.units import elapsed_ms

SEGMENT_PA = const(320)  # of a line twice as soft 160; 17 Pa rms of noise in each of its ends leave three sigma to 1/4
SEGMENT_MS = const(5_000)  # at least
_LEAST_SEGMENTS = const(12)
TRIP_PA = const(8_000)  # 60 mmHg
_RATE_SHIFT = const(3)  # 1/8


class EarlyOcclusion:
    """Finds a closed line by pressure that rises with the volume."""

    def __init__(self, compliance_pl_per_pa, step_pl_num, step_pl_den):
        self._step_num = step_pl_num
        self._step_den = step_pl_den
        self._c = compliance_pl_per_pa
        self._segment_steps = max(1, SEGMENT_PA * compliance_pl_per_pa * step_pl_den // step_pl_num)
        self.forget()

    def forget(self):
        """The motor stood, or there was no pressure: the run begins anew."""
        self._most_ul_h = -1  # that the rate may be in this segment; -1: there is none yet
        self.score_pa = 0
        self._segments = 0

    def update(self, pressure_pa, steps, rate_ul_h, now_ms):
        """Takes a valid pressure, the steps made so far and their rate, about once a second. True when the line is
        blocked.
        """
        if rate_ul_h > self._most_ul_h:
            self._begin(pressure_pa, steps, rate_ul_h, now_ms)
            return False
        made = steps - self._steps
        if made < self._segment_steps or elapsed_ms(now_ms, self._began_ms) < SEGMENT_MS:
            return False
        rise_pa = pressure_pa - self._pressure_pa
        closed_pa = made * self._step_num // (self._step_den * self._c)
        self._begin(pressure_pa, steps, rate_ul_h, now_ms)
        if 4 * rise_pa < closed_pa:
            self.score_pa = self._segments = 0
            return False
        self.score_pa += min(rise_pa, closed_pa * 3 // 2)
        self._segments += 1
        return self.score_pa >= TRIP_PA and self._segments >= _LEAST_SEGMENTS

    def _begin(self, pressure_pa, steps, rate_ul_h, now_ms):
        self._most_ul_h = rate_ul_h + (rate_ul_h >> _RATE_SHIFT)
        self._pressure_pa = pressure_pa
        self._steps = steps
        self._began_ms = now_ms

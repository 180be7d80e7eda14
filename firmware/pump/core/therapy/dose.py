"""Doses: how a rate follows from a dose, its unit, the concentration and the patient's weight.

The host converts once and sends both; here the rate is checked against the dose, in whole numbers. Doses and
concentrations are in thousandths of their unit, weights in grams. With A the amount of a unit, T its times an hour:

    rate µL/h = dose * A * T * weight g / (concentration * A of the concentration)

Without a weight in the unit, 1000 g take its place: the thousandths of µL and mL cancel that of the dose.
"""

# amount: (kind, how many of the smallest of its kind)
AMOUNTS = {
    "ng": ("mass", 1),
    "ug": ("mass", 1000),
    "mg": ("mass", 1000000),
    "g": ("mass", 1000000000),
    "munits": ("units", 1),
    "units": ("units", 1000),
    "mmol": ("mmol", 1),
}
# time: (times an hour, of how many hours)
_TIMES = {"min": (60, 1), "h": (1, 1), "day": (1, 24)}

MAX_MILLI = 10**12  # of doses, amounts and concentrations: a million g is no drug's
MAX_WEIGHT_G = 500000


class BadDose(Exception):
    """`parameter` is what is wrong; the message says why."""

    def __init__(self, parameter, message):
        super().__init__(message)
        self.parameter = parameter


def amount(unit, parameter="unit"):
    """(kind, size) of the unit of an amount."""
    known = AMOUNTS.get(unit)
    if known is None:
        raise BadDose(parameter, "%s is none of %s" % (unit[:16], ", ".join(sorted(AMOUNTS))))
    return known


def parts(unit):
    """(amount, by weight, times an hour, of how many hours) of the unit of a dose, such as "ug/kg/min"."""
    words = unit.split("/")
    by_weight = len(words) == 3 and words[1] == "kg"
    if (len(words) != 2 and not by_weight) or words[0] not in AMOUNTS or words[-1] not in _TIMES:
        raise BadDose("unit", "%s is no unit of a dose; mg/h and ug/kg/min are" % unit[:16])
    times, hours = _TIMES[words[-1]]
    return words[0], by_weight, times, hours


class Dosing:
    """One drug's unit at one concentration for one patient: between doses and rates, both ways."""

    def __init__(self, unit, concentration_milli, concentration_unit, weight_g):
        """`concentration_milli` of `concentration_unit` in a mL; `weight_g` or None. Raises BadDose."""
        word, self.by_weight, times, hours = parts(unit)
        kind, size = amount(word)
        other_kind, other_size = amount(concentration_unit, "concentration")
        if kind != other_kind:
            raise BadDose("unit", "%s is no dose of what is measured in %s" % (unit, concentration_unit))
        if not 1 <= concentration_milli <= MAX_MILLI:
            raise BadDose("concentration", "the concentration is %d, 1 to 10^12 are allowed" % concentration_milli)
        if self.by_weight != (weight_g is not None):
            raise BadDose("weight_g", "%s %s a weight" % (unit, "needs" if self.by_weight else "takes no"))
        if weight_g is not None and not 1 <= weight_g <= MAX_WEIGHT_G:
            raise BadDose("weight_g", "weight_g is %d, 1 to %d are allowed" % (weight_g, MAX_WEIGHT_G))
        self.unit = unit
        # rate = dose * num / den
        self._num = size * times * (weight_g or 1000)
        self._den = concentration_milli * other_size * hours

    def rate_ul_h(self, dose_milli):
        """The nearest rate."""
        return _nearest(dose_milli * self._num, self._den)

    def dose_milli(self, rate_ul_h):
        """The nearest dose."""
        return _nearest(rate_ul_h * self._den, self._num)

    def fits(self, dose_milli, rate_ul_h):
        """Whether the rate is that of the dose, to within half a µL/h."""
        return 2 * abs(rate_ul_h * self._den - dose_milli * self._num) <= self._den


def amount_milli(volume_nl, concentration_milli):
    """What is in a volume, to the nearest thousandth of the unit of the concentration."""
    return _nearest(volume_nl * concentration_milli, 1000000)


def _nearest(num, den):
    return (2 * num + den) // (2 * den)

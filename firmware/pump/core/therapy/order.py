"""An order: a drug, its concentration, the patient's weight, and the doses that the rates of a regimen are to be.

    {"drug": "dopamine", "unit": "ug/kg/min", "concentration": 1600000, "weight_g": 70000, "doses": [5000]}

`doses` has one for each rate of the regimen, in its order: one for a segment of one rate, two for a ramp. `bolus` is
the amount of the one that the patient may ask for. Doses, amounts and concentrations are in thousandths of their unit.
Each rate and volume must follow from its dose. What flows is then compared with the limits of the drug, by the rates
and volumes themselves. A hard limit refuses the order; a soft one is reported with the value that passes it.
"""

from micropython import const

from pump.core.therapy.dose import BadDose, Dosing, amount_milli
from pump.core.therapy.segments import SegmentWalk
from pump.core.units import duration_s, volume_nl

_HOUR_S = const(3600)

# Columns of a drug's row (storage/library_lines.py).
_NAME, _UNIT, _AMOUNT, _CONCENTRATIONS, _DOSE, _BOLUS, _HOUR = range(7)


class BadOrder(Exception):
    """`code` is one of docs/protocol.md, `data` says what is wrong."""

    def __init__(self, code, message, data):
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class Order:
    """A drug of the library at one concentration, for one patient."""

    def __init__(self, row, concentration, weight_g):
        """Raises BadOrder."""
        self.row = row
        self.concentration = concentration
        self.weight_g = weight_g
        if concentration not in row[_CONCENTRATIONS]:
            raise BadOrder("not_in_library", "%s has no such concentration" % row[_NAME], _at("concentration"))
        problem = None
        try:
            self._dosing = Dosing(row[_UNIT], concentration, row[_AMOUNT], weight_g)
        except BadDose as bad:
            problem = bad
        if problem is not None:
            raise BadOrder("out_of_range", str(problem), _at(problem.parameter))
        self._kg_milli = 1000 if weight_g is None else weight_g

    @property
    def drug(self):
        """The name of the drug."""
        return self.row[_NAME]

    def dose_milli(self, rate_ul_h):
        """The dose, in thousandths of its unit, that is nearest to a rate."""
        return self._dosing.dose_milli(rate_ul_h)

    def to_dict(self):
        """For the link."""
        return {
            "drug": self.drug,
            "unit": self.row[_UNIT],
            "amount": self.row[_AMOUNT],
            "concentration": self.concentration,
            "weight_g": self.weight_g,
        }

    # ---- that rates and volumes are those of the doses ----

    def check_rates(self, doses, rates):
        """Raises BadOrder unless each of `rates` (µL/h) is that of its dose."""
        if len(doses) != len(rates):
            raise BadOrder("dose_mismatch", "%d rates need as many doses" % len(rates), _at("doses"))
        for place, dose in enumerate(doses):
            if not self._dosing.fits(dose, rates[place]):
                data = {"parameter": "doses", "place": place, "rate_ul_h": self._dosing.rate_ul_h(dose)}
                raise BadOrder("dose_mismatch", "%d µL/h is not the rate of this dose" % rates[place], data)

    def check_bolus(self, amount, volume_nl):
        """Raises BadOrder unless the volume is that of the amount (in thousandths)."""
        if amount_milli(volume_nl, self.concentration) != amount:
            raise BadOrder("dose_mismatch", "%d nL is not the volume of this bolus" % volume_nl, _at("bolus"))

    # ---- limits ----

    def limit_rates(self, rates, soft):
        """Appends to `soft` what is above or below a soft limit; raises BadOrder for a hard one. 0 is no dose."""
        rates = [rate for rate in rates if rate]
        if not rates:
            return
        hard_low, low, high, hard_high = self.row[_DOSE]
        most, least = max(rates), min(rates)
        if self._above(most, hard_high):
            raise _hard("dose", self.dose_milli(most), hard_high)
        if self._below(least, hard_low):
            raise _hard("dose", self.dose_milli(least), hard_low)
        if self._above(most, high):
            soft.append(("dose", self.dose_milli(most), high))
        if self._below(least, low):
            soft.append(("dose", self.dose_milli(least), low))

    def _above(self, rate_ul_h, limit):
        return limit is not None and rate_ul_h > self._dosing.rate_ul_h(limit)

    def _below(self, rate_ul_h, limit):
        return limit is not None and rate_ul_h < self._dosing.rate_ul_h(limit)

    def limit_bolus(self, volume_nl, soft):
        """As `limit_rates`, for the volume of one bolus."""
        self._limit_volume("bolus", self.row[_BOLUS], volume_nl, soft)

    def limit_hour(self, volume_nl, soft):
        """The most that is given in any hour."""
        self._limit_volume("hour", self.row[_HOUR], volume_nl, soft)

    def _limit_volume(self, what, limits, volume_nl, soft):
        amount = amount_milli(volume_nl * 1000, self.concentration) // self._kg_milli
        high, hard_high = limits
        if hard_high is not None and amount > hard_high:
            raise _hard(what, amount, hard_high)
        if high is not None and amount > high:
            soft.append((what, amount, high))


def rates_of(segments):
    """The rates that an order has a dose for."""
    rates = []
    for begin_ul_h, end_ul_h, _, _ in segments:
        rates.append(begin_ul_h)
        if end_ul_h != begin_ul_h:
            rates.append(end_ul_h)
    return rates


def worst_hour_nl(segments, repeat=1, repeat_from=0):
    """nL: the most that a regimen gives in any hour, never too low. A ramp counts with its higher rate throughout."""
    walk = SegmentWalk(segments, min(repeat, 3), repeat_from)  # where rounds are not short, an hour sees two at most
    round_s = sum([_peak(segment)[1] for segment in segments[repeat_from:]])
    if repeat == 1 or round_s >= _HOUR_S:
        peaks = [_peak(segments[0])]
        while walk.next_segment():
            peaks.append(_peak(segments[walk.at]))
        return _worst_nl(peaks)
    round_nl = volume_nl(sum([rate_ul_h * seconds for rate_ul_h, seconds in map(_peak, segments[repeat_from:])]), 1) + 1
    before = [_peak(segment) for segment in segments[:repeat_from]]
    return _worst_nl(before) + round_nl * min(repeat, _HOUR_S // round_s + 2)


def _peak(segment):
    """(µL/h, seconds): the highest rate of a segment, and its time, rounded up; an hour when it has no end."""
    begin_ul_h, end_ul_h, seconds, volume_nl = segment
    rate_ul_h = max(begin_ul_h, end_ul_h)
    if volume_nl:
        seconds = duration_s(volume_nl, rate_ul_h) + 1
    return rate_ul_h, seconds or _HOUR_S


def _worst_nl(peaks):
    """Of any hour of these: the worst begins or ends with one of them."""
    worst = 0  # µL/h * s
    for parts in (peaks, peaks[::-1]):
        for begin in range(len(parts)):
            left_s, total = _HOUR_S, 0
            for rate_ul_h, seconds in parts[begin:]:
                taken_s = min(left_s, seconds)
                total += rate_ul_h * taken_s
                left_s -= taken_s
            worst = max(worst, total)
    return volume_nl(worst, 1)


def _hard(what, value, limit):
    message = "%s is %d, the hard limit %d (thousandths)" % (what, value, limit)
    return BadOrder("hard_limit", message, {"limit": what, "value": value, "bound": limit})


def _at(parameter):
    return {"parameter": parameter}

"""Convert between the integers of the firmware and what people read and type: mL, mL/h, mmHg.

Text becomes an integer through Decimal, never through a float: 0.1 mL/h is exactly 100 µL/h.
"""

import re
from decimal import Decimal

from picoinfuse.common.errors import BadQuantity

UL_PER_ML = 1_000
NL_PER_ML = 1_000_000
PA_PER_MMHG = Decimal("133.322")  # NIST SP 811, appendix B.8

_NUMBER = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)"  # 9 digits: far above any rate or volume a pump can have
_RATE = re.compile(_NUMBER + r"\s*(?:ml/h)?", re.IGNORECASE)
_VOLUME = re.compile(_NUMBER + r"\s*(?:ml)?", re.IGNORECASE)


def rate_ul_h(text: str) -> int:
    """`5`, `0.1`, `5mL/h`, `5 ml/h` → µL/h. Raises BadQuantity."""
    return _parse(text, _RATE, UL_PER_ML, "rate", "mL/h", "0.001 mL/h")


def volume_nl(text: str) -> int:
    """`10`, `2.5mL` → nL. Raises BadQuantity."""
    return _parse(text, _VOLUME, NL_PER_ML, "volume", "mL", "0.000001 mL")


def ml(volume_nl: int) -> str:
    """`1.235 mL`."""
    return f"{Decimal(volume_nl) / NL_PER_ML:.3f} mL"


def ml_h(rate_ul_h: int) -> str:
    """`0.1 mL/h`."""
    return f"{Decimal(rate_ul_h) / UL_PER_ML:f} mL/h"


def mmhg(pressure_pa: int) -> str:
    """`517 mmHg`."""
    return f"{round(pressure_pa / PA_PER_MMHG)} mmHg"  # round() gives no -0


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12.3 s`, `15 min 02 s`, `1 h 05 min`, `90 d 00 h`; a dash for None."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest_s = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest_s:02d} s"
    hours = minutes // 60
    return f"{hours} h {minutes % 60:02d} min" if hours < 100 else f"{hours // 24} d {hours % 24:02d} h"


_TEXTS = {"_ul_h": ml_h, "_nl": ml, "_pa": mmhg, "_s": duration}


def split_unit(name: str) -> tuple[str, str | None]:
    """A name without the unit at its end, and the unit: `("rate", "_ul_h")`; None when the name has no known unit."""
    unit = next((unit for unit in _TEXTS if name.endswith(unit)), None)
    return name.removesuffix(unit or ""), unit


def with_unit(name: str, value: int) -> str | None:
    """A value in the unit that people read, chosen by the unit at the end of its name; None without a known unit."""
    unit = split_unit(name)[1]
    return None if unit is None else _TEXTS[unit](value)


def pa_of_mmhg(pressure_mmhg: int | float) -> int:
    """To the nearest pascal."""
    return round(Decimal(str(pressure_mmhg)) * PA_PER_MMHG)


def _parse(text: str, pattern: re.Pattern[str], scale: int, what: str, unit: str, finest: str) -> int:
    match = pattern.fullmatch(text.strip())
    if match is None:
        raise BadQuantity(f"{text!r} {_mistake(text.strip(), what)}; give a number of {unit}, such as 2.5")
    value = Decimal(match[1]) * scale
    if value != value.to_integral_value():
        raise BadQuantity(f"{text!r} is finer than the pump's resolution of {finest}")
    if value == 0:
        raise BadQuantity(f"a {what} of 0 {unit} delivers nothing; give one above 0")
    return int(value)


def _mistake(text: str, what: str) -> str:
    """What is wrong with a text that is not a number of the unit asked for."""
    if re.match(r"-\s*[0-9.]", text):
        return "is negative"
    if re.fullmatch(r"[0-9]+,[0-9]+.*", text):
        return "has a decimal comma"
    if what == "rate" and _VOLUME.fullmatch(text):
        return "is a volume, not a rate"
    if what == "volume" and _RATE.fullmatch(text):
        return "is a rate, not a volume"
    if re.fullmatch(r"[0-9.]+\s*[^0-9\s/]+/.*", text):
        return "is a dose: it needs a drug of the library"
    return f"is not a {what}"

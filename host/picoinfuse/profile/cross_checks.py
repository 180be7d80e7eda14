"""What must fit together across the tables of a profile: pins, pressures, rates.

A check names the tables it needs as its parameters, runs when they are valid, and yields what is wrong.
"""

from collections.abc import Iterator

from picoinfuse.common.firmware_tables import pure_module
from picoinfuse.common.schema import Finding
from picoinfuse.common.units import pa_of_mmhg
from picoinfuse.profile import schema
from picoinfuse.profile.compile import PL_PER_UL, step_pl_exact, step_pl_ratio

PICO_PINS = frozenset((*range(23), 26, 27, 28))  # 23, 24, 25 and 29 belong to the board itself
ADC_PINS = frozenset((26, 27, 28))
ANALOG_SIGNALS = ("pressure", "upstream", "battery")
PIEZO_PINS = frozenset((*range(8), *range(16, 24)))  # a soft reset stops only their PWM slices
MAX_RAMP_S = 10
STEP_ERROR = 1e-6  # of a step's volume, by holding it as a ratio


def check_pins(wiring: schema.Wiring) -> Iterator[Finding]:
    """Each signal has a pin of its own, one that can do it."""
    used: dict[int, str] = {}
    for name, pin in wiring.pins().items():
        if pin not in PICO_PINS:
            yield Finding("no_such_pin", ("wiring", name), f"{name}: a Pico has no GPIO {pin} on its edge")
        elif pin in used:
            yield Finding("pin_used_twice", ("wiring", name), f"{name} and {used[pin]} are both on GPIO {pin}")
        elif name == "piezo" and pin not in PIEZO_PINS:
            text = f"piezo is on GPIO {pin}, must be on 0-7 or 16-22: elsewhere a soft reset leaves the tone on"
            yield Finding("piezo_pin", ("wiring", name), text)
        elif name in ANALOG_SIGNALS and pin not in ADC_PINS:
            text = f"{name} is on GPIO {pin}, must be on an ADC pin: 26, 27 or 28"
            yield Finding("adc_pin", ("wiring", name), text)
        used.setdefault(pin, name)


def check_reach(occlusion: schema.Occlusion, sensor: schema.Sensor) -> Iterator[Finding]:
    """At the highest limit the sensor's output is still below that of an open wire."""
    at_limit_mv = sensor.offset_mv + pa_of_mmhg(occlusion.high_mmhg) / sensor.pa_per_mv
    if at_limit_mv >= sensor.open_mv:
        text = f"high_mmhg {occlusion.high_mmhg} gives {at_limit_mv:.0f} mV, must be below open_mv ({sensor.open_mv})"
        yield Finding("sensor_range", ("occlusion", "high_mmhg"), text)


def check_step_volume(mechanics: schema.Mechanics) -> Iterator[Finding]:
    """The volume of a step is a ratio of the pump's small integers, to 1 in a million."""
    values = mechanics.model_dump()
    exact, ratio = step_pl_exact(values), step_pl_ratio(values)
    if abs(ratio - exact) >= STEP_ERROR * exact:
        text = f"a step is {float(exact):.3g} pL, too little to be held as a ratio to 1 in a million"
        yield Finding("step_volume", ("mechanics", "microsteps"), text)
    elif ratio.numerator > pure_module("pump.storage.profile_table").MAX_SMALL_INT:
        text = f"a step is {float(exact):.3g} pL, too much for the pump's integers: use more microsteps"
        yield Finding("step_volume", ("mechanics", "microsteps"), text)


def check_step_rate(mechanics: schema.Mechanics) -> Iterator[Finding]:
    """The highest rate is a step rate that can be made, and is reached soon enough."""
    most_hz = pure_module("pump.storage.profile_table").MAX_STEP_HZ
    exact = step_pl_exact(mechanics.model_dump())
    top_hz = float(mechanics.max_rate_ul_h * PL_PER_UL / 3600 / exact)
    start_hz, accel_hz_s = mechanics.start_hz, mechanics.accel_hz_s
    if top_hz > most_hz:
        limit_ul_h = int(most_hz * 3600 * exact / PL_PER_UL)
        text = (
            f"max_rate_ul_h {mechanics.max_rate_ul_h} is {top_hz:.0f} steps/s; {most_hz} can be made: {limit_ul_h} µL/h"
        )
        yield Finding("step_rate", ("mechanics", "max_rate_ul_h"), text)
    elif top_hz - start_hz > accel_hz_s * MAX_RAMP_S:
        text = f"from start_hz {start_hz} to {top_hz:.0f} Hz takes over {MAX_RAMP_S} s with {accel_hz_s} Hz/s"
        yield Finding("ramp", ("mechanics", "accel_hz_s"), text)


def check_upstream(wiring: schema.Wiring, occlusion: schema.Occlusion) -> Iterator[Finding]:
    """A sensor upstream and its limit come together."""
    wired, limited = wiring.upstream is not None, occlusion.upstream_mmhg is not None
    if wired and not limited:
        text = "upstream_mmhg is missing in [occlusion]: a sensor is wired upstream"
        yield Finding("missing_key", ("occlusion", "upstream_mmhg"), text)
    elif limited and not wired:
        text = "upstream_mmhg is a limit for a sensor that [wiring] does not have"
        yield Finding("unknown_key", ("occlusion", "upstream_mmhg"), text)


def check_battery_wired(wiring: schema.Wiring, battery: schema.Battery | None) -> Iterator[Finding]:
    """The table and the pin come together."""
    if wiring.battery is not None and battery is None:
        yield Finding("missing_key", ("wiring", "battery"), "battery is wired, but there is no table [battery]")
    elif wiring.battery is None and battery is not None:
        yield Finding("missing_key", ("battery",), "[battery] needs battery, its ADC pin, in [wiring]")


def check_retraction(occlusion: schema.Occlusion, mechanics: schema.Mechanics) -> Iterator[Finding]:
    """The rate of drawing back is one that the mechanics can hold."""
    return _held("occlusion", "retract_ul_h", occlusion.retract_ul_h, mechanics)


def check_kvo(therapy: schema.Therapy, mechanics: schema.Mechanics) -> Iterator[Finding]:
    """The KVO rate is none, or one that the mechanics can hold."""
    return _held("therapy", "kvo_ul_h", therapy.kvo_ul_h, mechanics) if therapy.kvo_ul_h else iter(())


def _held(table: str, name: str, rate_ul_h: int, mechanics: schema.Mechanics) -> Iterator[Finding]:
    low, high = mechanics.min_rate_ul_h, mechanics.max_rate_ul_h
    if not low <= rate_ul_h <= high:
        text = f"{name} is {rate_ul_h}, must be from min_rate_ul_h to max_rate_ul_h, {low} to {high}"
        yield Finding("rate_order", (table, name), text)
    low_hz, high_hz = mechanics.resonance_hz or (0, 0)
    rate_hz = rate_ul_h * PL_PER_UL / 3600 / step_pl_ratio(mechanics.model_dump())
    if low_hz <= rate_hz <= high_hz:
        text = f"{name} is {float(rate_hz):.0f} steps/s, in resonance_hz ({low_hz} to {high_hz})"
        yield Finding("resonance", (table, name), text)

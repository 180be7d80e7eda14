"""What must fit together across the tables of a rig file. `schema.py` says what each key takes by itself.

A check names the tables it needs as its parameters, runs when they are valid, and yields what is wrong.
"""

from collections.abc import Iterator
from typing import Any

from picoinfuse.common.schema import Finding
from picoinfuse.rig import schema
from picoinfuse.rig.hardware import ADAPTERS, LINES, NEEDED, WITH
from picoinfuse.trace.trace import WIRES

Dac = schema.Converter | None
Instrument = schema.PicoInstrument | schema.SigrokInstrument | None


def check_pins(adapter: schema.AdapterTable, lines: Any, sensor_dac: Dac, battery_dac: Dac) -> Iterator[Finding]:
    """Every line has a pin of its own, one that the adapter has."""
    hardware = ADAPTERS[adapter.kind]
    used = dict.fromkeys(hardware.i2c, "I2C") if sensor_dac or battery_dac else {}
    for name, text in lines.model_dump(exclude_none=True).items():
        pin = text.removeprefix("!")
        if pin not in hardware.pins:
            text = f"{name}: {adapter.kind} has no pin {pin!r}, it has {', '.join(sorted(hardware.pins))}"
            yield Finding("no_such_pin", ("lines", name), text)
        elif pin in used:
            yield Finding("pin_used_twice", ("lines", name), f"{name} and {used[pin]} are both on {pin}")
        else:
            used[pin] = name


def check_addresses(sensor_dac: Dac, battery_dac: Dac) -> Iterator[Finding]:
    """Two converters have two addresses."""
    if sensor_dac and battery_dac and sensor_dac.address == battery_dac.address:
        text = f"battery_dac and sensor_dac are both at {battery_dac.address:#x}"
        yield Finding("address_used_twice", ("battery_dac", "address"), text)


def check_pairs(lines: Any, sensor_dac: Dac) -> Iterator[Finding]:
    """The pump reads the sensor or a converter: there is a switch between them, or neither switch nor converter."""
    wired = {"sensor_switch": lines.sensor_switch, "sensor_dac": sensor_dac}
    for wire, other in WITH.items():
        if wired[wire] and not wired[other]:
            path = ("lines", wire) if wire in LINES else (wire,)
            yield Finding("not_wired", path, f"{wire} is of no use: {_lacks(other)}")


def check_boards(pump: schema.PumpPlace, instrument: Instrument) -> Iterator[Finding]:
    """The pump and the Pico that captures are two boards."""
    if instrument is None or instrument.kind != "pico":
        return
    for key in ("port", "location"):
        place = getattr(pump, key)
        if place is not None and place == getattr(instrument, key):
            yield Finding("board_used_twice", ("instrument", key), f"pump and instrument are both at {place}")


def check_channels(channels: Any) -> Iterator[Finding]:
    """Each wire has a channel of its own."""
    if channels is None:
        return
    named = channels.model_dump(exclude_none=True)
    if missing := [wire for wire in WIRES if wire not in named]:
        yield Finding("not_wired", ("channels",), f"[channels] has no {', '.join(missing)}")
    used: dict[str, str] = {}
    for wire, channel in named.items():
        if channel in used:
            text = f"{wire} and {used[channel]} are both on {channel}"
            yield Finding("channel_used_twice", ("channels", wire), text)
        used.setdefault(channel, wire)


def check_analyser(instrument: Instrument, channels: Any) -> Iterator[Finding]:
    """A logic analyser has channels, and nothing else has."""
    if instrument is not None and instrument.kind == "sigrok":
        if channels is None:
            text = "the table [channels] is missing: the channel of each wire, for an instrument of kind sigrok"
            yield Finding("missing_key", ("instrument", "kind"), text)
    elif channels is not None:
        why = "there is no [instrument]" if instrument is None else "a pico has its wires on GP2 to GP7"
        yield Finding("not_wired", ("channels",), f"[channels] is of no use: {why}")


def check_claims(
    capabilities: list[str], lines: Any, sensor_dac: Dac, battery_dac: Dac, instrument: Instrument
) -> Iterator[Finding]:
    """What the bench claims is wired."""
    tables = {"sensor_dac": sensor_dac, "battery_dac": battery_dac, "instrument": instrument}
    wired = {**lines.model_dump(), **tables}
    for at, capability in enumerate(capabilities):
        for wire in NEEDED[capability]:
            if wired[wire] is None:
                text = f"{capability} is claimed, but {_lacks(wire)}"
                yield Finding("not_wired", ("capabilities", at), text)


def _lacks(wire: str) -> str:
    return f"[lines] has no {wire}" if wire in LINES else f"there is no [{wire}]"

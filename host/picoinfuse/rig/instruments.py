"""The part of a rig file that says what captures edges: `[instrument]`, and `[channels]` of a logic analyser."""

from __future__ import annotations

from dataclasses import dataclass

from picoinfuse.rig.instrument.sigrok import Analyser
from picoinfuse.rig.reading import Reading
from picoinfuse.rig.schema import INSTRUMENT_KEYS, SAMPLERATE_HZ
from picoinfuse.trace.trace import WIRES


@dataclass(frozen=True)
class Instrument:
    """A Pico at a port or a USB location, or else an analyser."""

    port: str | None
    location: str | None
    analyser: Analyser | None


def instrument_of(reading: Reading) -> Instrument | None:
    """Of a file that is in order."""
    table = reading.table("instrument")
    if not table:
        return None
    if table["kind"] == "pico":
        return Instrument(table.get("port"), table.get("location"), None)
    analyser = Analyser(table["driver"], table["samplerate_hz"], dict(reading.table("channels")))
    return Instrument(None, None, analyser)


def check_instrument(reading: Reading) -> None:
    table = reading.table("instrument")
    if "instrument" not in reading.values:
        if "channels" in reading.values:
            reading.mistake("not_wired", "channels", "", "[channels] is of no use: there is no [instrument]")
        return
    kind = table.get("kind")
    if kind not in INSTRUMENT_KEYS:
        text = f"instrument kind is {kind!r}, must be one of {', '.join(INSTRUMENT_KEYS)}"
        reading.mistake("instrument", "instrument", "kind", text)
        return
    for key in table:
        if key not in INSTRUMENT_KEYS[kind]:
            reading.mistake("unknown_key", "instrument", key, f"an instrument of kind {kind} has no {key}")
    if kind == "pico":
        _check_pico(reading)
    else:
        _check_analyser(reading)


def _check_pico(reading: Reading) -> None:
    table, pump = reading.table("instrument"), reading.table("pump")
    where = {key: table[key] for key in ("port", "location") if key in table}
    if len(where) != 1 or not all(isinstance(value, str) and value for value in where.values()):
        reading.mistake("instrument", "instrument", "", "[instrument] must say either port or location, as text")
    elif where.items() & pump.items():
        key = next(iter(where))
        reading.mistake("board_used_twice", "instrument", key, f"pump and instrument are both at {where[key]}")
    if "channels" in reading.values:
        reading.mistake("unknown_key", "channels", "", "a pico has no [channels]: its wires are on GP2 to GP7")


def _check_analyser(reading: Reading) -> None:
    table, channels = reading.table("instrument"), reading.table("channels")
    driver, rate_hz = table.get("driver"), table.get("samplerate_hz")
    low, high = SAMPLERATE_HZ
    if not isinstance(driver, str) or not driver or driver.startswith("-"):
        reading.mistake("driver", "instrument", "driver", "driver must be one of sigrok's, such as fx2lafw")
    if type(rate_hz) is not int or not low <= rate_hz <= high:
        reading.mistake("samplerate", "instrument", "samplerate_hz", f"samplerate_hz must be {low} to {high}")
    used: dict[str, str] = {}
    for wire, channel in channels.items():
        if not isinstance(channel, str) or not channel.isalnum():
            reading.mistake("channel", "channels", wire, f"{wire}: a channel has a name, such as D0")
        elif channel in used:
            text = f"{wire} and {used[channel]} are both on {channel}"
            reading.mistake("channel_used_twice", "channels", wire, text)
        else:
            used[channel] = wire
    if missing := [wire for wire in WIRES if wire not in channels]:
        reading.mistake("not_wired", "channels", "", f"[channels] has no {', '.join(missing)}")

"""The wiring of a rig as an SVG, a row for each wire, out of the rig file and the profile: it shows what they say."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from picoinfuse.profile import Profile
from picoinfuse.rig.file import Rig
from picoinfuse.rig.hardware import ADAPTERS, INSTRUMENT_FIRST_PIN
from picoinfuse.trace.trace import WIRES

# What is between the adapter's pin and the pump, and where it ends. {name}: a GPIO of the profile.
BETWEEN = {
    "valve": ("relay or MOSFET, flyback diode", "pinch valve on the line, normally open"),
    "supply_off": ("relay, normally closed", "in the pump's 5 V"),
    "run": ("10 kΩ, NPN to ground", "RUN, Pico pin 30"),
    "bootsel": ("10 kΩ, NPN to ground, 1 kΩ", "BOOTSEL, test point TP6"),
    "button_stop": ("330 Ω, opto-coupler to ground", "GP{button_stop}, stop button"),
    "button_request": ("330 Ω, opto-coupler to ground", "GP{button_request}, patient's button"),
    "sensor_switch": ("coil of the signal relay", "its contact: sensor or sensor_dac"),
    "sensor_dac": ("MCP4725, contact of the signal relay", "GP{pressure}, pressure"),
    "battery_dac": ("MCP4725 in place of the divider", "GP{battery}, battery"),
}
_ROW, _TOP, _HEAD = 34, 96, 28
_LEFT, _MIDDLE, _RIGHT = (20, 210), (330, 330), (760, 320)  # x and width of the columns
_WIDTH = 1100


@dataclass(frozen=True)
class Row:
    """A wire: from, what is between, to."""

    source: str
    between: str
    target: str
    group: str


def rows_of(rig: Rig, profile: Profile) -> list[Row]:
    """Every wire that the rig file names, and the ground."""
    wiring = profile.values["wiring"]
    rows = []
    for name, line in rig.lines.items():
        source = f"{line.pin}  {name}, {'low' if line.active_low else 'high'} is active"
        rows.append(Row(source, BETWEEN[name][0], _target(name, wiring), f"adapter: {rig.adapter}"))
    bus = " ".join(sorted(ADAPTERS[rig.adapter].i2c))
    for name, converter in rig.converters.items():
        between = f"{BETWEEN[name][0]}, {converter.address:#x}, {converter.reference_mv} mV"
        rows.append(Row(f"I2C {bus}  {name}", between, _target(name, wiring), f"adapter: {rig.adapter}"))
    rows.append(Row("ground", "one wire", "GND", f"adapter: {rig.adapter}"))
    return rows + _captured(rig, wiring)


def _captured(rig: Rig, wiring: dict[str, int]) -> list[Row]:
    wired = rig.instrument
    if wired is None:
        return []
    group = "instrument: second Pico" if wired.analyser is None else f"analyser: {wired.analyser.driver}"
    rows = []
    for number, wire in enumerate(WIRES):
        pin = f"GP{INSTRUMENT_FIRST_PIN + number}" if wired.analyser is None else wired.analyser.channels[wire]
        rows.append(Row(f"{pin}  {wire}", "wire", f"GP{wiring[wire]}, {wire}", group))
    return [*rows, Row("ground", "one wire", "GND", group)]


def _target(name: str, wiring: dict[str, int]) -> str:
    try:
        return BETWEEN[name][1].format(**wiring)
    except KeyError:
        return f"this profile has no {name}"


def diagram(rig: Rig, profile: Profile) -> str:
    """The SVG."""
    parts: list[str] = []
    y = _TOP
    group = ""
    for row in rows_of(rig, profile):
        if row.group != group:
            group = row.group
            y += _HEAD if parts else 0
            parts.append(_text(_LEFT[0], y - 10, group, "h"))
        parts += _drawn(row, y)
        y += _ROW
    head = [
        _text(20, 30, f"{rig.name}: {rig.file.name}, pump {profile.name}", "t"),
        _text(_MIDDLE[0], _TOP - 38, "between", "h"),
        _text(_RIGHT[0], _TOP - 38, f"pump: Pico at {rig.location or rig.port}", "h"),
    ]
    style = (
        "text{font:14px sans-serif;fill:#222} .t{font-size:18px;font-weight:bold} .h{font-weight:bold}"
        " rect{fill:#f4f6f8;stroke:#667} path{stroke:#06c;stroke-width:2;fill:none}"
    )
    size = f'width="{_WIDTH}" height="{y}" viewBox="0 0 {_WIDTH} {y}"'
    body = "\n".join([*head, *parts])
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{style}</style>\n' + (
        f'<rect x="0" y="0" width="{_WIDTH}" height="{y}" style="fill:#fff;stroke:none"/>\n{body}\n</svg>\n'
    )


def _drawn(row: Row, y: int) -> list[str]:
    middle = y + 12
    drawn = []
    for (x, width), text in zip((_LEFT, _MIDDLE, _RIGHT), (row.source, row.between, row.target), strict=True):
        wide = width + (100 if x != _RIGHT[0] else 0)
        drawn.append(f'<rect x="{x}" y="{y}" width="{wide - 20}" height="24" rx="4"/>')
        drawn.append(_text(x + 8, y + 17, text, "w"))
    drawn.append(f'<path d="M{_LEFT[0] + _LEFT[1] + 80} {middle} H{_MIDDLE[0]}"/>')
    drawn.append(f'<path d="M{_MIDDLE[0] + _MIDDLE[1] + 80} {middle} H{_RIGHT[0]}"/>')
    return drawn


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>'

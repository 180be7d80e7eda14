"""What a rig can be built of: adapters with their pins, lines, converters, and what each capability needs of them.

Sources of the pins: Adafruit's Blinka, `board` modules of the adapters (ftdi_ft232h, microchip_mcp2221, pico_u2if,
raspberrypi_40pin) and its guides to them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Adapter:
    """`environment`: what tells Blinka which board to be; `i2c`: pins that are taken once a converter is wired."""

    environment: str | None
    pins: frozenset[str]
    i2c: frozenset[str]
    advice: str


def _pins(prefix: str, *numbers: int) -> frozenset[str]:
    return frozenset(f"{prefix}{number}" for number in numbers)


ADAPTERS = {
    "ft232h": Adapter(
        "BLINKA_FT232H",
        _pins("C", *range(8)) | _pins("D", *range(4, 8)),
        frozenset({"SCL", "SDA"}),  # D0; D1 and D2 tied together: not among the pins above
        "plug in the FT232H; its driver is libusb",
    ),
    "mcp2221": Adapter("BLINKA_MCP2221", _pins("G", *range(4)), frozenset({"SCL", "SDA"}), "plug in the MCP2221"),
    "u2if": Adapter(
        "BLINKA_U2IF",
        _pins("GP", *range(23), 26, 27, 28),
        frozenset({"GP4", "GP5"}),
        "plug in the Pico that runs u2if",
    ),
    "raspberry-pi": Adapter(None, _pins("D", *range(2, 28)), frozenset({"D2", "D3"}), "run this on a Raspberry Pi"),
    "software": Adapter(  # Blinka's own, for trying a file without an adapter: its pins do nothing
        "BLINKA_OS_AGNOSTIC", frozenset({"Dx_OUTPUT", "CS", "NEOPIXEL"}), frozenset({"SCL", "SDA"}), ""
    ),
}

# Wires that are driven: what each does when it is active. A ! before the pin makes a low level the active one.
LINES = {
    "valve": "closes the valve in the line to the patient",
    "supply_off": "takes the pump's supply away",
    "run": "pulls RUN low, through a transistor",
    "bootsel": "holds BOOTSEL, through a transistor and a resistor",
    "button_stop": "presses the stop button",
    "button_request": "presses the patient's button",
    "sensor_switch": "puts sensor_dac in the place of the pressure sensor",
}
CONVERTERS = {
    "sensor_dac": "an MCP4725 in place of the pressure sensor, while sensor_switch is active",
    "battery_dac": "an MCP4725 in place of the battery's divider",
}
# What a bench may claim, and the lines and converters without which that is not true.
NEEDED = {
    "occlude": ("valve",),
    "power": ("supply_off",),
    "reset": ("run",),
    "buttons": ("button_stop", "button_request"),
    "sensor": ("sensor_switch", "sensor_dac"),
    "battery": ("battery_dac",),
    "capture": ("instrument",),
}
# What a converter or a line is of no use without.
WITH = {"sensor_dac": "sensor_switch", "sensor_switch": "sensor_dac"}
MCP4725_ADDRESSES = range(0x60, 0x68)
REFERENCE_MV = (2700, 5500)  # supply of an MCP4725, which is its reference

# What captures edges. The wires of a Pico are on GP2 to GP7, in the order of `trace.WIRES`; an analyser's channels are
# named.
INSTRUMENT_FIRST_PIN = 2
SAMPLERATE_HZ = (1_000_000, 100_000_000)  # 1 µs or better

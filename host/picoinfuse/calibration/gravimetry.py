"""Convert the reading of a balance to a volume, with density and air buoyancy.

One gram shown by a balance in air is slightly more than one gram of water, because water displaces more air than the
steel weights used to adjust the balance. At 20 °C this is 0.1 %, more than the last digit of a calibration factor.
"""

from picoinfuse.common.errors import PicoinfuseError

AIR_G_ML = 0.0012  # at 20 °C, 1013 hPa, half humid; ±5 % with the weather, which is ±0.005 % of the volume
WEIGHTS_G_ML = 8.0  # steel, by convention
COLDEST_C, WARMEST_C = 1.0, 40.0  # where the formula for water holds
# Tanaka et al., Metrologia 38 (2001) 301: water without air, at 1013 hPa.
_TANAKA = (-3.983035, 301.797, 522528.9, 69.34881, 0.999974950)


class BadMeasurement(PicoinfuseError):
    """A density, temperature or reading is out of range."""


def water_g_ml(temperature_c: float) -> float:
    """Density of pure water. Raises BadMeasurement outside 1 to 40 °C."""
    if not COLDEST_C <= temperature_c <= WARMEST_C:
        raise BadMeasurement(f"the water is at {temperature_c:g} °C; supported are {COLDEST_C:g} to {WARMEST_C:g} °C")
    a1, a2, a3, a4, a5 = _TANAKA
    return a5 * (1 - (temperature_c + a1) ** 2 * (temperature_c + a2) / (a3 * (temperature_c + a4)))


def ml_per_gram(density_g_ml: float) -> float:
    """Volume of a liquid that a balance in air shows as one gram. Raises BadMeasurement outside 0.5 to 2 g/mL."""
    if not 0.5 <= density_g_ml <= 2.0:
        raise BadMeasurement(f"the density is {density_g_ml:g} g/mL; supported are 0.5 to 2 g/mL")
    return (1 - AIR_G_ML / WEIGHTS_G_ML) / (density_g_ml - AIR_G_ML)

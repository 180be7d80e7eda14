"""Regimens: TOML files that say what a patient is to get, what the pump makes of them, and a picture of it.

regimen = load_regimen("regimens/antibiotic.toml", profile)
pump.start_regimen(regimen.compiled)
"""

from picoinfuse.regimen.read import Regimen, load_regimen

__all__ = ["Regimen", "load_regimen"]

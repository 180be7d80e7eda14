"""Makes the stub's `_gpio` importable: its wires carry the signals of the models under test."""

import sys
from pathlib import Path

VM = Path(__file__).resolve().parents[2] / "picoinfuse" / "stub" / "vm"

if str(VM) not in sys.path:
    sys.path.append(str(VM))  # at the end, so that CPython's own modules come first

"""Makes the modules of the software board importable: at the end of the path, so that CPython's own modules win."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VM = HERE.parents[1] / "picoinfuse" / "stub" / "vm"

for folder in (VM, HERE):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

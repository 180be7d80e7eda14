"""Lets the firmware's modules import on CPython: there is no `micropython` module there, and `const` is the
identity.
"""

import sys
import types

from hypothesis import settings

# A busy machine is no failure; seeds of failures are printed, and replay.
settings.register_profile("picoinfuse", deadline=None, print_blob=True)
settings.load_profile("picoinfuse")

if "micropython" not in sys.modules:
    _module = types.ModuleType("micropython")
    setattr(_module, "const", lambda value: value)
    sys.modules["micropython"] = _module

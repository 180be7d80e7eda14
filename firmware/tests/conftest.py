"""Lets the firmware's modules import on CPython: there is no `micropython` module there, and `const` is the
identity.
"""

import sys
import types

if "micropython" not in sys.modules:
    _module = types.ModuleType("micropython")
    setattr(_module, "const", lambda value: value)
    sys.modules["micropython"] = _module

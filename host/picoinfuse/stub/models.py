"""The stub's models of the world, `stub/vm`, for those who run on CPython: they run on MicroPython and there alike."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from picoinfuse.stub.process import VM_FOLDER


def model(name: str) -> ModuleType:
    """The models import each other by these names."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, VM_FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]

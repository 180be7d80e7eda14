"""Loads the scripts of `.ci/`, which no package holds."""

import importlib.util
from types import ModuleType

from picoinfuse.common import paths


def script(name: str) -> ModuleType:
    """The script `.ci/NAME.py` as a module."""
    spec = importlib.util.spec_from_file_location(name, paths.root() / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

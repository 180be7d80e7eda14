"""Tables of the firmware, read out of its source: a copy on the host could disagree with the pump."""

import types
from functools import cache
from typing import Any

from picoinfuse.common import paths


@cache
def pure_module(name: str) -> Any:
    """A module of the firmware that imports nothing but `const`, such as `pump.storage.profile_table`.

    Raises NotAClone where the package runs without the repository.
    """
    source = paths.firmware().joinpath(*name.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    module = types.ModuleType(name)
    exec(compile(source.replace("from micropython import const\n", "const = int\n"), name, "exec"), module.__dict__)
    return module

"""A method of the link as the client knows it: its name, the shape of its reply, notes on its parameters.

The firmware's table (`firmware/pump/link/schema.py`) has the parameters, their types and limits, and the kind of each
method. Here is what only the host needs, so it costs the Pico nothing. docs/protocol.md and the tests' fake pump are
made from both, and a test compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Method(Generic[R]):
    """`reply`: the dataclass of the result. `notes`: for each parameter, what it means, for docs/protocol.md."""

    name: str
    reply: type[R]
    notes: Mapping[str, str] = field(default_factory=dict)


class Query(Method[R]):
    """Changes nothing."""


class Command(Method[R]):
    """Changes something, at once: carries the boot number and is done at most once."""


class TwoStep(Method[R]):
    """A command that the pump answers with a proposal; the reply to its confirmation is `reply`."""

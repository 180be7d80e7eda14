"""The kinds of bench by the name that `--bench` takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from picoinfuse.bench.base import Bench
from picoinfuse.bench.stub import CAPABILITIES_OF_STUB, StubBench
from picoinfuse.errors import PicoinfuseError
from picoinfuse.profile import Profile


class UnknownBench(PicoinfuseError):
    """`--bench` named none that there is."""


@dataclass(frozen=True)
class BenchKind:
    """`open(profile, seed)` gives a freshly switched-on board as a context manager."""

    name: str
    capabilities: frozenset[str]
    open: Callable[[Profile, int], AbstractContextManager[Bench]]


def _open_stub(profile: Profile, seed: int) -> AbstractContextManager[Bench]:
    return StubBench(profile, seed=seed)


KINDS = {"stub": BenchKind("stub", CAPABILITIES_OF_STUB, _open_stub)}


def bench_kind(name: str) -> BenchKind:
    """The kind that `name` means."""
    if name not in KINDS:
        raise UnknownBench(f"there is no bench {name}; there are {', '.join(KINDS)}")
    return KINDS[name]

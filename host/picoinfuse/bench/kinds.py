"""The kinds of bench by the name that `--bench` takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from picoinfuse.bench.base import Bench
from picoinfuse.bench.stub import CAPABILITIES_OF_STUB, StubBench
from picoinfuse.errors import PicoinfuseError
from picoinfuse.profile import Profile
from picoinfuse.stub.image import deployed_image
from picoinfuse.stub.process import find_vm


class UnknownBench(PicoinfuseError):
    """`--bench` named none that there is."""


@dataclass(frozen=True)
class BenchKind:
    """`open(profile, seed)` gives a freshly switched-on board as a context manager. `prepare(profile)` does beforehand, once, what
    every board of a run needs.
    """

    name: str
    capabilities: frozenset[str]
    prepare: Callable[[Profile], object]
    open: Callable[[Profile, int], AbstractContextManager[Bench]]


def _prepare_stub(profile: Profile) -> object:
    return deployed_image(profile, find_vm())


def _open_stub(profile: Profile, seed: int) -> AbstractContextManager[Bench]:
    return StubBench(profile, seed=seed)


KINDS = {"stub": BenchKind("stub", CAPABILITIES_OF_STUB, _prepare_stub, _open_stub)}


def bench_kind(name: str) -> BenchKind:
    """The kind that `name` means."""
    if name not in KINDS:
        raise UnknownBench(f"there is no bench {name}; there are {', '.join(KINDS)}")
    return KINDS[name]

"""The kinds of bench, by the names that `--bench` accepts."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from picoinfuse.bench.base import Bench
from picoinfuse.bench.emulator import CAPABILITIES_OF_EMULATOR, EmulatorBench
from picoinfuse.bench.rig import RigBench
from picoinfuse.bench.serial import CAPABILITIES_OF_SERIAL, SerialBench
from picoinfuse.bench.stub import CAPABILITIES_OF_FOLDER, CAPABILITIES_OF_STUB, StubBench
from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.deploy import deploy
from picoinfuse.emulator.deployed import deployed_flash
from picoinfuse.emulator.errors import NoFirmware
from picoinfuse.emulator.image import ENVIRONMENT, find_image
from picoinfuse.image import uf2
from picoinfuse.profile import Profile
from picoinfuse.rig.capture import Capture, capture_of
from picoinfuse.rig.file import load_rig
from picoinfuse.rig.port_lookup import port_of
from picoinfuse.rig.rig_list import KIND, rigs_of
from picoinfuse.rig.stimuli import Stimuli
from picoinfuse.stub.engine import ENGINES, Engine, EngineMissing, default_engine, find_engine
from picoinfuse.stub.image import deployed_image


class UnknownBench(PicoinfuseError):
    """`--bench` named an unknown bench."""


class BenchMissing(PicoinfuseError):
    """This bench is not available on this computer; the tests are skipped with the reason."""


@dataclass(frozen=True)
class BenchKind:
    """How to prepare and open a bench.

    `prepare(profile)`: does once what every board of a run needs; raises BenchMissing when the bench is not available.
    `open(profile, seed)`: returns a freshly switched-on board as a context manager. `boards`: the number of boards,
    None for any number.
    """

    name: str
    capabilities: frozenset[str]
    prepare: Callable[[Profile], object]
    open: Callable[[Profile, int], AbstractContextManager[Bench]]
    boards: int | None = None


def _stub(name: str, engine: str | None) -> BenchKind:
    def found() -> Engine | None:
        try:
            return find_engine(engine) if engine else None
        except EngineMissing as error:
            raise BenchMissing(str(error)) from error

    def prepare(profile: Profile) -> object:
        return deployed_image(profile, found() or default_engine())

    def opened(profile: Profile, seed: int) -> AbstractContextManager[Bench]:
        return StubBench(profile, seed=seed, engine=found())

    has_flash = engine == "vm" or (engine is None and default_engine().has_flash)
    return BenchKind(name, CAPABILITIES_OF_STUB if has_flash else CAPABILITIES_OF_FOLDER, prepare, opened)


def _prepare_emulator(profile: Profile) -> object:
    try:
        image = find_image()
    except NoFirmware as error:
        if os.environ.get(ENVIRONMENT):
            raise  # an image was named, so the tests must not be skipped
        raise BenchMissing(str(error)) from error
    return deployed_flash(profile, uf2.read(image))


def _open_emulator(profile: Profile, seed: int) -> AbstractContextManager[Bench]:
    return EmulatorBench(profile, seed=seed)


KINDS = {
    kind.name: kind
    for kind in (
        _stub("stub", None),
        *(_stub(f"stub:{engine}", engine) for engine in ENGINES),
        BenchKind("emulator", CAPABILITIES_OF_EMULATOR, _prepare_emulator, _open_emulator),
    )
}


def bench_kind(name: str) -> BenchKind:
    """The bench kind for a `--bench` name: one of KINDS, `serial:PORT`, `rig:FILE.toml`, or a list of rigs.

    Raises UnknownBench, or the error of a rig file.
    """
    kind, _, where = name.partition(":")
    if kind == "serial" and where:
        return _serial(where)
    if kind == "rig" and where:
        rigs = rigs_of(name)
        return _rig(Path(rigs[0].removeprefix(KIND))) if len(rigs) == 1 else _rig_list(name, rigs)
    if name not in KINDS:
        raise UnknownBench(f"unknown bench {name}; use {', '.join(KINDS)}, serial:PORT or rig:FILE.toml")
    return KINDS[name]


@cache  # deploys to a board once a run, and again only for another profile
def _serial(port: str) -> BenchKind:
    deployed: list[str] = []

    def prepare(profile: Profile) -> object:
        if deployed[-1:] != [profile.name]:
            deploy(port, profile)
            deployed.append(profile.name)
        return None

    def opened(profile: Profile, seed: int) -> AbstractContextManager[Bench]:
        prepare(profile)
        return SerialBench(profile, port, seed=seed, name=f"serial:{port}")

    return BenchKind(f"serial:{port}", CAPABILITIES_OF_SERIAL, prepare, opened, boards=1)


@cache  # opens Blinka and the adapter once, before the first test
def _rig(file: Path) -> BenchKind:
    rig = load_rig(file)
    stimuli = Stimuli(rig)
    captures: list[Capture | None] = []  # found once, in prepare(): its port may not exist before
    deployed: list[str] = []

    def prepare(profile: Profile) -> object:
        stimuli.open()
        if not captures:
            captures.append(capture_of(rig))
        if deployed[-1:] != [profile.name]:
            deploy(port_of(rig), profile)
            deployed.append(profile.name)
        return None

    def opened(profile: Profile, seed: int) -> AbstractContextManager[Bench]:
        prepare(profile)
        return RigBench(profile, rig, stimuli, captures[0], seed=seed)

    return BenchKind(f"rig:{file}", rig.capabilities, prepare, opened, boards=1)


def _rig_list(name: str, rigs: list[str]) -> BenchKind:
    """The kind of a run on several rigs. Each worker opens one of them (pytest_plugin/rig_scheduling.py)."""
    capabilities = frozenset[str]().union(*(bench_kind(rig).capabilities for rig in rigs))

    def prepare(profile: Profile) -> object:
        return None  # each worker prepares its own rig

    def opened(profile: Profile, seed: int) -> AbstractContextManager[Bench]:
        raise UnknownBench(f"{name} is a list of benches; run with -n {len(rigs)}, so that each worker opens one")

    return BenchKind(name, capabilities, prepare, opened, boards=len(rigs))

"""A day of therapy on the stub with every operation of its flash, its motor's steps and what was ordered."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hil_tests.expect import now_ns
from picoinfuse.bench.stub import StubBench
from picoinfuse.profile import Profile
from picoinfuse.stub.board import FlashOperation
from picoinfuse.stub.flash_image import BLOCK
from picoinfuse.trace.trace import Times


@dataclass
class Therapy:
    began_ns: int
    top_ul_h: int  # the highest rate of the therapy


@dataclass
class Day:
    profile: Profile
    image: bytes  # at the start
    operations: list[FlashOperation]
    therapies: list[Therapy]  # the first has number 1
    steps_ns: Times  # of the motor
    net: Times  # after each of them, from none

    def given(self, number: int, t_ns: int) -> int:
        """Net steps of a therapy up to then, or to its end."""
        end_ns = self.therapies[number].began_ns if number < len(self.therapies) else t_ns
        times = (self.therapies[number - 1].began_ns, min(t_ns, end_ns))
        first, last = np.searchsorted(self.steps_ns, times, "right")
        return int(self.net[last] - self.net[first])


def record_day(bench: StubBench, live: Callable[[StubBench], None]) -> Day:
    image = Path(bench.board._setup["image"])
    bench.board.control("flash", {"reported": True})
    at_first = image.read_bytes()
    bench.board.flash_operations.clear()
    therapies = noted_therapies(bench)
    live(bench)
    assert image.read_bytes() == apply(at_first, bench.board.flash_operations)
    assert bench.pump.last_therapy().number == len(therapies)
    steps_ns = bench.trace.edges("step")
    steps_ns = steps_ns[levels_at(bench, "enable", steps_ns) == 0]
    forward = levels_at(bench, "dir", steps_ns) != int(bench.profile.compiled()["mechanics"]["reverse"])
    net = np.concatenate(([0], np.cumsum(np.where(forward, 1, -1))))
    return Day(bench.profile, at_first, bench.board.flash_operations, therapies, steps_ns, net)


def noted_therapies(bench: StubBench) -> list[Therapy]:
    """A list that grows with each start from now on."""
    therapies: list[Therapy] = []
    pump = bench.pump
    start, start_regimen, set_rate = pump.start, pump.start_regimen, pump.set_rate

    def noted(rate_ul_h: int, *more: Any, **named: Any) -> Any:
        therapies.append(Therapy(now_ns(bench), rate_ul_h))
        return start(rate_ul_h, *more, **named)

    def regimen_noted(regimen: dict[str, Any], *more: Any, **named: Any) -> Any:
        top_ul_h = max(max(segment[:2]) for segment in regimen["segments"])
        therapies.append(Therapy(now_ns(bench), top_ul_h + regimen.get("bolus", {}).get("rate_ul_h", 0)))
        return start_regimen(regimen, *more, **named)

    def rate_noted(rate_ul_h: int, *more: Any, **named: Any) -> Any:
        therapies[-1].top_ul_h = max(therapies[-1].top_ul_h, rate_ul_h)
        return set_rate(rate_ul_h, *more, **named)

    vars(pump).update(start=noted, start_regimen=regimen_noted, set_rate=rate_noted)
    return therapies


def levels_at(bench: StubBench, wire: str, times_ns: Times) -> Times:
    changes_ns, levels = bench.trace.transitions(wire)
    return np.concatenate(([bench.trace.level_at(wire, 0)], levels))[np.searchsorted(changes_ns, times_ns, "right")]


def apply(image: bytes, operations: list[FlashOperation]) -> bytes:
    data = bytearray(image)
    for operation in operations:
        put(data, operation, "after", 0)
    return bytes(data)


def put(data: bytearray, operation: FlashOperation, torn: str, seed: int) -> None:
    at = operation.block * BLOCK + operation.offset
    new = operation.data or b"\xff" * BLOCK
    if torn == "half":
        new = new[: len(new) // 2]
    elif torn == "bits":
        masks = random.Random(seed).randbytes(len(new))
        new = bytes(old & ~m | n & m for old, n, m in zip(data[at : at + len(new)], new, masks, strict=True))
    elif torn == "before":
        new = b""
    data[at : at + len(new)] = new

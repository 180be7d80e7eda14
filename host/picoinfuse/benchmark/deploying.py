"""How long a deployment takes: mpremote on the stub's pseudo-terminal, with the wall clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from picoinfuse.benchmark.reading import Found, Say
from picoinfuse.deploy import deploy
from picoinfuse.profile import load_profile
from picoinfuse.stub.engine import default_engine
from picoinfuse.stub.session import StubSession

PROFILE = "syringe-50ml"
OTHER = "syringe-10ml"  # to change one file of those on the board
_TIMES = 3


def unchanged(say: Say) -> Found:
    """Nothing is copied: ask for service, compare every file, reset, wait for the pump."""
    with _board(empty=False) as session:
        return _median_of(session, (PROFILE,) * _TIMES, say)


def one_file_changed(say: Say) -> Found:
    """The profile alone."""
    with _board(empty=False) as session:
        return _median_of(session, (OTHER, PROFILE, OTHER), say)


def everything(say: Say) -> Found:
    """On a flash that is empty as from the factory."""
    with _board(empty=True) as session:
        return _median_of(session, (PROFILE,), say)


def _median_of(session: StubSession, profiles: tuple[str, ...], say: Say) -> Found:
    times_s, copied = [], 0
    for turn, profile in enumerate(profiles):
        say(f"deployment {turn + 1} of {len(profiles)}")
        began_s = time.perf_counter()
        copied = deploy(session.path, load_profile(profile)).files_copied
        times_s.append(time.perf_counter() - began_s)
    return Found(median(times_s), f"{copied} files copied")


@contextmanager
def _board(empty: bool) -> Iterator[StubSession]:
    session = StubSession(
        load_profile(PROFILE),
        engine=default_engine(),
        link=None,
        pace="real",
        image=None,
        empty=empty,
        trace=None,
        seed=1,
    )
    with session:
        yield session

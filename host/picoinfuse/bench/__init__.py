"""Benches: a pump with controllable surroundings, for tests, the demo and interactive use."""

from picoinfuse.bench.base import Bench

__all__ = ["Bench"]

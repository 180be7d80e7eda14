"""Benches: what a test, the demo or a person drives a pump with."""

from picoinfuse.bench.base import Bench

__all__ = ["Bench"]

"""VCD files (IEEE 1364) of a Trace, for GTKWave, PulseView and other waveform viewers.

A file has one scope, `picoinfuse`, wires of one bit and reals of 64, and a timescale of 1 ns. Equal traces give equal
bytes, because no date is written. A trace of days is written in slices, so that its pulses are never unrolled all at
once.

`read_vcd` accepts files of other programs too: any timescale and scope. It ignores signals that a Trace does not have,
and reads x and z as 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from vcd.common import Timescale
from vcd.reader import RealChange, ScalarChange, Token, VarDecl, VCDParseError, VectorChange, tokenize
from vcd.writer import Variable, VCDWriter

from picoinfuse.trace.trace import REALS, WIRES, Trace, TraceError

_SLICE_EVENTS = 500_000  # unrolled at once: about 20 MB
_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1, "ps": Fraction(1, 10**3), "fs": Fraction(1, 10**6)}


class BadVcd(TraceError):
    """The file is not a VCD file, or contains none of the signals of a trace."""


def write_vcd(trace: Trace, path: Path | str, start_ns: int = 0) -> None:
    """Writes all signals of `trace` from `start_ns` on to the file `path`. Raises OSError."""
    with open(path, "w", encoding="ascii", newline="\n") as file:
        writer = VCDWriter(file, timescale="1 ns", date="", version="picoinfuse")
        before_ns = start_ns - 1
        variables: list[Variable] = [
            writer.register_var("picoinfuse", name, "wire", 1, trace.level_at(name, before_ns)) for name in WIRES
        ]
        variables += [
            writer.register_var("picoinfuse", name, "real", init=trace.value_at(name, before_ns)) for name in REALS
        ]
        for first_ns, end_ns in _slices(trace, start_ns, trace.end_ns + 1):
            for t_ns, index, value in _events(trace, first_ns, end_ns):
                writer.change(variables[index], t_ns, value)
        writer.close(trace.end_ns)


def _slices(trace: Trace, start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    """Consecutive windows, each with few enough changes to unroll at once."""
    changes = sum(2 * trace.count(name, start_ns, end_ns) for name in WIRES)
    changes += sum(len(trace.values(name, start_ns, end_ns)[0]) for name in REALS)
    if changes <= _SLICE_EVENTS or end_ns - start_ns < 2:
        yield start_ns, end_ns
    else:
        middle = (start_ns + end_ns) // 2
        yield from _slices(trace, start_ns, middle)
        yield from _slices(trace, middle, end_ns)


def _events(trace: Trace, start_ns: int, end_ns: int) -> Iterator[tuple[int, int, float]]:
    """(time, index of the signal, value) in time order; at the same time in the order of the signals."""
    columns = [trace.transitions(name, start_ns, end_ns) for name in WIRES]
    columns += [trace.values(name, start_ns, end_ns) for name in REALS]
    t = np.concatenate([times for times, _ in columns])
    signal = np.repeat(np.arange(len(columns)), [len(times) for times, _ in columns])
    value = np.concatenate([values for _, values in columns])
    order = np.argsort(t, kind="stable")
    in_order = (column[order].tolist() for column in (t, signal, value))
    for t_ns, index, number in zip(*in_order, strict=True):
        yield t_ns, index, (int(number) if index < len(WIRES) else number)


def read_vcd(path: Path | str) -> Trace:
    """Reads the trace from a VCD file. Of several signals with one name, the first counts.

    Raises BadVcd for a file that cannot be used, OSError for one that cannot be read.
    """
    reader = VcdTokens(Trace())
    with open(path, "rb") as file:
        try:
            for token in tokenize(file):
                reader.take(token)
        except (VCDParseError, UnicodeDecodeError) as error:
            raise BadVcd(f"{path} is not a VCD file: {error}") from error
    if not reader.names:
        raise BadVcd(f"{path} contains none of the signals {', '.join(WIRES + REALS)}")
    return reader.trace


class VcdTokens:
    """Builds a trace from the tokens of a VCD file or stream."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.names: dict[str, str] = {}  # identifier code → signal
        self._tick_ns: int | Fraction = 1
        self._t_ns = 0

    def take(self, token: Token) -> None:
        """Handles the next token. Raises BadVcd."""
        data = token.data
        if isinstance(data, int):
            self._t_ns = round(data * self._tick_ns)
            self.trace.extend_to(self._t_ns)
        elif isinstance(data, ScalarChange | VectorChange | RealChange):
            if data.id_code in self.names:
                self._change(self.names[data.id_code], data.value)
        elif isinstance(data, VarDecl):
            self._declare(data)
        elif isinstance(data, Timescale):
            if data.unit.value not in _NS:
                raise BadVcd(f"unknown time unit {data.unit.value}; use one from s to fs")
            self._tick_ns = data.magnitude * _NS[data.unit.value]

    def _declare(self, variable: VarDecl) -> None:
        name = variable.reference
        if name in self.names.values() or variable.id_code in self.names:
            return
        if name in WIRES and variable.size != 1:
            raise BadVcd(f"{name} has {variable.size} bits; a wire must have one")
        if name in WIRES + REALS:
            self.names[variable.id_code] = name

    def _change(self, name: str, value: int | float | str) -> None:
        if name in REALS:
            self.trace.real(name, self._t_ns, 0.0 if isinstance(value, str) else float(value))
        else:
            self.trace.level(name, self._t_ns, int(value in (1, "1", "H", "h")))

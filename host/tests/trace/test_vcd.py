"""A trace survives the way through a file; other tools read the file, and their files can be read."""

import signal
import sys
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vcdvcd import VCDVCD

from picoinfuse.trace import vcd
from picoinfuse.trace.trace import REALS, WIRES, Trace
from picoinfuse.trace.vcd import BadVcd, read_vcd, write_vcd

if sys.platform != "win32":  # as Python has it: after vcdvcd's import a write to what has ended would end the tests
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)

gaps = st.lists(st.integers(1, 10**6), max_size=20)
numbers = st.lists(st.tuples(st.integers(0, 10**6), st.floats(-1e12, 1e12)), max_size=20)


@st.composite
def traces(draw):
    trace = Trace()
    for name in WIRES[1:]:
        t = 0
        for k, gap in enumerate(draw(gaps)):
            trace.level(name, t, (k + 1) % 2)
            t += gap
    trace.pulses("step", draw(st.integers(0, 10**9)), 1000, 300, draw(st.integers(1, 50)))
    for name in REALS:
        t = 0
        for gap, value in draw(numbers):
            t += gap
            trace.real(name, t, value)
    trace.extend_to(draw(st.integers(0, 10**9)))
    return trace


def assert_same(one: Trace, other: Trace) -> None:
    for name in WIRES:
        for mine, theirs in zip(one.transitions(name), other.transitions(name), strict=True):
            assert np.array_equal(mine, theirs)
    at = np.arange(0, one.end_ns + 2, max(1, one.end_ns // 97))
    for name in REALS:
        # VCD writes reals with 16 digits, a double has up to 17.
        np.testing.assert_allclose(one.values_at(name, at), other.values_at(name, at), rtol=1e-15)
    assert one.end_ns == other.end_ns


@given(traces())
def test_what_is_written_is_read_again(tmp_path_factory, trace):
    path = tmp_path_factory.mktemp("vcd") / "trace.vcd"
    write_vcd(trace, path)
    assert_same(trace, read_vcd(path))


def test_slices_leave_no_mark_in_the_file(tmp_path, monkeypatch):
    trace = Trace()
    trace.pulses("step", 1000, 997, 100, 500)
    trace.pulses("piezo", 1000, 997, 500, 500)  # rises together with step: the order of the signals decides
    trace.real("pressure_pa", 1000, 7.25)
    write_vcd(trace, tmp_path / "whole.vcd")
    monkeypatch.setattr(vcd, "_SLICE_EVENTS", 10)
    write_vcd(trace, tmp_path / "sliced.vcd")
    assert (tmp_path / "whole.vcd").read_bytes() == (tmp_path / "sliced.vcd").read_bytes()


def test_another_reader_sees_the_same(tmp_path):
    trace = Trace()
    trace.level("enable", 0, 1)
    trace.level("enable", 500, 0)
    trace.pulses("step", 1000, 200, 50, 2)
    trace.real("pressure_pa", 700, 123.5)
    write_vcd(trace, tmp_path / "trace.vcd")
    read = VCDVCD(str(tmp_path / "trace.vcd"))
    assert read.timescale["timescale"] == Decimal("1e-9")
    changes = {name: read.data[code].tv for name, code in read.references_to_ids.items()}
    assert changes["picoinfuse.enable"] == [(0, "1"), (500, "0")]
    assert changes["picoinfuse.step"] == [(0, "0"), (1000, "1"), (1050, "0"), (1200, "1"), (1250, "0")]
    assert changes["picoinfuse.pressure_pa"] == [(0, "0"), (700, "123.5")]
    assert sorted(read.signals) == sorted(f"picoinfuse.{name}" for name in WIRES + REALS)


FOREIGN = """$date today $end
$comment a logic analyser $end
$timescale 10 us $end
$scope module logic $end
$scope module probes $end
$var wire 1 ! step $end
$var reg 1 " D7 $end
$var wire 1 # lamp_red $end
$upscope $end
$var wire 1 ! STEP_ALIAS $end
$var real 64 % pressure_pa $end
$upscope $end
$enddefinitions $end
$dumpvars x! 1" z# r0 % $end
#3 1! 1#
#4 0! r-2.5 %
#5 x# 0"
#9
"""


def test_files_of_others_are_read(tmp_path):
    (tmp_path / "foreign.vcd").write_text(FOREIGN)
    trace = read_vcd(tmp_path / "foreign.vcd")
    assert trace.edges("step").tolist() == [30_000]  # tick 3 of 10 µs
    assert trace.edges("step", rising=False).tolist() == [40_000]
    assert trace.transitions("lamp_red")[0].tolist() == [30_000, 50_000]
    assert trace.value_at("pressure_pa", 40_000) == -2.5
    assert trace.end_ns == 90_000


@pytest.mark.parametrize(
    "text",
    [
        "this is no waveform",
        "$timescale 1 ns $end $var wire 1 ! clk $end $enddefinitions $end #0 0!",
        "$timescale 1 ns $end $var wire 8 ! step $end $enddefinitions $end #0 b0 !",
        "$timescale 1 as $end $var wire 1 ! step $end $enddefinitions $end #0 0!",
    ],
)
def test_a_file_that_is_no_trace_is_refused(tmp_path, text):
    (tmp_path / "bad.vcd").write_text(text)
    with pytest.raises(BadVcd):
        read_vcd(tmp_path / "bad.vcd")

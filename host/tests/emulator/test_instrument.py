"""The instrument's code on an emulated Pico, wired to another one: what it captures is what happened, to 1 µs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from picoinfuse.bench.emulator import EmulatorBench
from picoinfuse.emulator.device import Pico
from picoinfuse.emulator.pair import Pair
from picoinfuse.image import uf2
from picoinfuse.profile import load_profile
from picoinfuse.rig.instrument import pico as instrument
from picoinfuse.rig.instrument.frames import Frames
from picoinfuse.rig.instrument.pico import PicoInstrument, push
from picoinfuse.rig.instrument.recorder import EdgesLost, Recorder
from picoinfuse.trace.trace import WIRES, Trace

from .prompt import MS, STEPPER, Edges, Prompt

pytestmark = pytest.mark.timeout(300)

FIRST_PIN = 2
EXACT_NS = 1000


@dataclass
class EmulatedPort:
    """The serial port of an emulated Pico: time passes while a reader waits for bytes. Only one thread at a time may
    run a Pico, and an instrument's thread reads here while the test's thread writes. `taken`: the bytes read.
    """

    pico: Pico
    run: Callable[[int], None]
    said: bytearray
    timeout: float | None = 0.05
    closed: list[bool] = field(default_factory=list)
    taken: bytearray = field(default_factory=bytearray)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def in_waiting(self) -> int:
        return len(self.said)

    def read(self, size: int, /) -> bytes:
        with self.lock:
            if not self.said:
                self.run(MS)
            data = bytes(self.said[:size])
            del self.said[:size]
            self.taken += data
            return data

    def write(self, data: bytes, /) -> int | None:
        with self.lock:
            self.pico.usb.send(bytes(data))
            self.run(2 * MS)
        return len(data)

    def close(self) -> None:
        self.closed.append(True)


def booted(uf2_file: Path, flash: Path) -> EmulatedPort:
    said = bytearray()
    pico = Pico(uf2.read(uf2_file), flash, said.extend, seed=2)
    while not pico.usb.connected:
        pico.run(MS)
    pico.run(200 * MS)
    return EmulatedPort(pico, pico.run, said)


class Wired:
    """The instrument at its port, and what it captures."""

    def __init__(self, port: EmulatedPort) -> None:
        self.port = port
        self.recorder = Recorder()
        self.trace = Trace()
        self._frames = Frames()
        self._take(push(port))
        while not self.recorder.complete_us:
            port.pico.run(MS)
            self.drain()

    def begin(self) -> int:
        """Returns the emulator's time of the trace's 0."""
        self.trace = Trace()
        self.drain()
        self.recorder.begin(self.trace)
        chip_began_ns = self.port.pico._chip.timer._epoch_nanos
        return round(chip_began_ns) + self.recorder.complete_us * 1000

    def drain(self) -> None:
        data = bytes(self.port.said)
        self.port.said.clear()
        self._take(data)

    def _take(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            self.recorder.take(frame)

    def run(self, pair: Pair, ms: int) -> None:
        for _ in range(ms // 10):
            pair.run(10 * MS)
            self.drain()


@pytest.fixture
def wired(uf2_file: Path, tmp_path: Path) -> Iterator[Wired]:
    port = booted(uf2_file, tmp_path / "instrument.img")
    yield Wired(port)
    port.pico.close()


def test_every_edge_of_a_step_generator_is_captured_to_a_microsecond(pico: Prompt, wired: Wired) -> None:
    pair = Pair(pico.pico, wired.port.pico)
    pair.wire(2, FIRST_PIN)
    pair.run(0)  # whichever is behind comes up
    truth = Edges()
    pico.pico.nets[2].listeners.append(truth)
    # 30 steps at 1 kHz, 200 at 23.0 kHz: an interval that is no whole number of microseconds
    pico.begin(STEPPER + "time.sleep_ms(50)\nstepper.active(1)\ngrant(5000, 30)\ngrant(217, 200)\ntime.sleep_ms(500)\n")
    zero_ns = wired.begin()
    wired.run(pair, 200)
    for rising, edges in ((True, truth.rising), (False, truth.falling)):
        late_ns = wired.trace.edges("step", rising) - (np.array(edges) - zero_ns)
        assert len(late_ns) == 230
        assert np.abs(late_ns).max() < EXACT_NS


def test_the_pump_is_captured_on_all_its_wires(uf2_file: Path, wired: Wired) -> None:
    profile = load_profile("syringe-50ml")
    with EmulatorBench(profile, uf2_file=uf2_file) as bench:
        pair = Pair(bench.board.pico, wired.port.pico)
        for number, wire in enumerate(WIRES):
            pair.wire(profile.world()["wiring"][wire], FIRST_PIN + number)
        pair.run(50 * MS)
        zero_ns = wired.begin()
        bench.pump.start(600_000)
        wired.run(pair, 1000)
        bench.pump.alarm_test("high")
        wired.run(pair, 1500)
        until_ns = wired.trace.end_ns - 2 * MS
        for wire in WIRES:
            for rising in (True, False):
                true_ns = bench.trace.edges(wire, rising, zero_ns, zero_ns + until_ns) - zero_ns
                found_ns = wired.trace.edges(wire, rising, 1, until_ns)  # what was high at the begin rose before
                assert len(found_ns) == len(true_ns), wire
                if len(true_ns):
                    assert np.abs(found_ns - true_ns).max() < EXACT_NS, wire
        assert wired.trace.count("step") > 500
        assert wired.trace.count("piezo") > 100
        assert wired.trace.count("lamp_red") > 0


def test_an_instrument_that_is_overrun_says_so(
    pico: Prompt, uf2_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With rings of 64 events, to spare the time of 8192: 4000 edges in a second are 64 in 16 ms, and the host does
    not read for 300.
    """
    small = tmp_path / "on_pico.py"
    code = instrument.ON_PICO.read_text("utf-8").replace("const(8192)", "const(64)").replace("const(15)", "const(8)")
    small.write_text(code.replace("_AT_MOST = const(512)", "_AT_MOST = const(32)"), "utf-8")
    monkeypatch.setattr(instrument, "ON_PICO", small)
    port = booted(uf2_file, tmp_path / "instrument.img")
    wired = Wired(port)
    pair = Pair(pico.pico, port.pico)
    pair.wire(2, FIRST_PIN)
    pair.run(0)  # whichever is behind comes up
    pico.begin(STEPPER + "time.sleep_ms(50)\nstepper.active(1)\ngrant(2500, 2000)\ntime.sleep_ms(500)\n")
    wired.begin()
    port.pico.usb.set_reads(False)
    pair.run(300 * MS)
    port.pico.usb.set_reads(True)
    with pytest.raises(EdgesLost, match=r"lost \d+ edges of step, dir, enable before 0\.\d+ s: they came faster"):
        wired.run(pair, 200)
    port.pico.close()


def test_an_instrument_runs_at_a_port_and_leaves_the_prompt(uf2_file: Path, tmp_path: Path) -> None:
    port = booted(uf2_file, tmp_path / "instrument.img")
    capture = PicoInstrument(port, clock=lambda: port.pico.now_ns / 1e9)
    capture.start()
    trace = Trace()
    capture.begin(trace)
    began_s = capture.now()
    with port.lock:
        port.pico.nets[FIRST_PIN + 3].drive(1)  # the piezo's; whenever its thread sees it
    capture.catch_up()
    assert trace.level_at("piezo", trace.end_ns) == 1
    assert trace.count("step") == 0
    assert capture.now() > began_s
    capture.check()
    capture.close()
    assert port.closed
    port.run(100 * MS)
    said = bytes(port.taken + port.said)  # the thread may have read some of it before it ended
    assert said.endswith(b"\x04>")  # its code has ended, and the raw prompt is there again
    port.pico.close()


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_few_hundred_thousand_edges_are_captured_without_a_gap(pico: Prompt, wired: Wired) -> None:
    """200,000 steps at 20 kHz, 400,000 edges in 10 s."""
    pair = Pair(pico.pico, wired.port.pico)
    pair.wire(2, FIRST_PIN)
    pair.run(0)  # whichever is behind comes up
    grants = "\n".join("while stepper.tx_fifo() > 4: time.sleep_ms(1)\ngrant(250, 2000)" for _ in range(100))
    pico.begin(STEPPER + "time.sleep_ms(50)\nstepper.active(1)\n" + grants + "\ntime.sleep_ms(500)\n")
    wired.begin()
    wired.run(pair, 10_500)
    assert wired.trace.count("step") == 200_000
    intervals_ns = wired.trace.intervals("step")
    assert np.abs(intervals_ns - 50_000).max() <= EXACT_NS

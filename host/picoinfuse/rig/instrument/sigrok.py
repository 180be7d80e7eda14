"""The instrument that is a logic analyser of sigrok's, through `sigrok-cli`, which writes VCD as it samples.

It says nothing while nothing changes, and not when its first sample was: the trace's time is this computer's to some
0.1 s; between edges it is the analyser's own.
"""

from __future__ import annotations

import io
import math
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Any

from vcd.reader import TokenKind, VCDParseError, tokenize

from picoinfuse.rig.instrument.frames import InstrumentError
from picoinfuse.rig.instrument.recorder import EdgesLost
from picoinfuse.trace.trace import Trace
from picoinfuse.trace.vcd import VcdTokens

COMMAND = "sigrok-cli"
START_S = 10.0  # until a device is found and samples
BEHIND_S = 0.5  # from a sample to its line, by USB's packets
UNREAD_S = 5.0  # until what it wrote meanwhile is read: 100,000 edges or so
IDLE_S = 0.05  # longer than another thread of this program may keep the reader from its turn
_LONGEST_MS = 24 * 3600 * 1000  # of a capture; it is ended before
_END_S = 3.0


class SigrokMissing(InstrumentError):
    """`sigrok-cli` is not installed, or does not find its device or a channel."""


@dataclass(frozen=True)
class Analyser:
    """`driver`: sigrok's, with its options, such as `fx2lafw` or `fx2lafw:conn=1.5`. `channels`: of each wire."""

    driver: str
    samplerate_hz: int
    channels: dict[str, str]

    def command(self) -> list[str]:
        channels = ",".join(f"{channel}={wire}" for wire, channel in self.channels.items())
        rate = f"samplerate={self.samplerate_hz}"
        options = ["-d", self.driver, "--config", rate, "--channels", channels]
        return [COMMAND, *options, "--time", str(_LONGEST_MS), "-O", "vcd"]


class _Stream(io.RawIOBase):
    """Its output."""

    def __init__(self, pipe: Any = None) -> None:
        self._pipe = pipe
        self._waits_since_s = math.inf

    @property
    def idle(self) -> bool:
        """All of it is read: somebody has waited for more for a while."""
        return time.monotonic() - self._waits_since_s > IDLE_S

    def readinto(self, buffer: Any, /) -> int:
        self._waits_since_s = time.monotonic()
        count = self._pipe.readinto(buffer)
        self._waits_since_s = math.inf
        return count


class SigrokInstrument:
    """A capture, as `pico.PicoInstrument`: a process for each test."""

    def __init__(self, analyser: Analyser) -> None:
        self._analyser = analyser
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._began_s = time.monotonic()
        self._failure: InstrumentError | None = None
        self._changed = threading.Condition()
        self._begun = False
        self._trace = Trace()
        self._stream = _Stream()

    def start(self) -> None:
        """Only looks whether it could."""
        if shutil.which(COMMAND) is None:
            raise SigrokMissing(f"{COMMAND} is not installed, or not on the path; install sigrok-cli")

    def begin(self, trace: Trace) -> None:
        self.close()
        self._trace, self._failure, self._begun = trace, None, False
        command = self._analyser.command()
        try:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        except OSError as error:
            raise SigrokMissing(f"{COMMAND} cannot be run: {error.strerror}") from error
        self._reader = threading.Thread(target=self._read, args=(self._process, trace), name="sigrok", daemon=True)
        self._reader.start()
        with self._changed:
            told = self._changed.wait_for(lambda: self._begun or self._failure is not None, START_S)
        self.check()
        if not told:
            self.close()
            raise InstrumentError(f"{COMMAND} samples nothing within {START_S:g} s")

    def now(self) -> float:
        return time.monotonic() - self._began_s

    def catch_up(self) -> None:
        """Nobody says that nothing came: waits as long as a sample may be on its way."""
        now_ns = round(self.now() * 1e9)
        time.sleep(BEHIND_S)
        deadline_s = time.monotonic() + UNREAD_S
        while not self._stream.idle:
            self.check()
            if time.monotonic() > deadline_s:
                raise EdgesLost(f"{COMMAND} writes edges faster than they can be read")
            time.sleep(0.01)
        self.check()
        self._trace.extend_to(now_ns)

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join()

    def _read(self, process: subprocess.Popen[bytes], trace: Trace) -> None:
        self._stream = stream = _Stream(process.stdout)
        tokens = VcdTokens(trace)
        try:
            for token in tokenize(stream):
                tokens.take(token)
                if token.kind is TokenKind.CHANGE_TIME and not self._begun:
                    self._began_s = time.monotonic()
                    with self._changed:
                        self._begun = True
                        self._changed.notify_all()
            problem = "it ended"
        except (VCDParseError, InstrumentError, ValueError) as error:
            problem = str(error)
        if self._process is not process:
            return  # ended by `close`, in the middle of a line or not
        said = _last(process)
        with self._changed:
            self._failure = SigrokMissing(f"{COMMAND}: {said or problem}; it was {' '.join(self._analyser.command())}")
            self._changed.notify_all()


def _last(process: subprocess.Popen[bytes]) -> str:
    """What it complained of."""
    assert process.stderr is not None  # stderr=PIPE
    lines = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else ""

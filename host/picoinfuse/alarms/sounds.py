"""WAV files of the alarms, made from the edges that the firmware makes: the board in software plays each priority once,
and the level of its piezo pin becomes the sound.

A real piezo colours it. What a listener learns from the files is melody, beat and rise.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picoinfuse.bench.stub import StubBench
from picoinfuse.profile import Profile
from picoinfuse.trace.trace import Trace

PRIORITIES = ("high", "medium", "low")
SAMPLE_HZ = 44_100
_TAIL_S = 0.5  # of silence
_LOUDNESS = 0.6
# A piezo does not follow a constant level: what is slower than several cycles of the lowest tone is taken away.
_STEADY_S = 0.020


def write_alarm_sounds(folder: Path, profile: Profile) -> list[Path]:
    """A file for each priority. Returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    with StubBench(profile) as bench:
        for priority in PRIORITIES:
            began_s = bench.now()
            told = bench.pump.alarm_test(priority)
            bench.sleep(told.duration_ms / 1000 + _TAIL_S)
            file = folder / f"{priority}.wav"
            write_wav(file, sound(bench.trace, began_s, bench.now()))
            files.append(file)
    return files


def sound(trace: Trace, start_s: float, end_s: float) -> NDArray[np.float64]:
    """Samples from -1 to 1 of what the piezo's pin did. A sample is the mean level over its time, so that an edge
    between two samples is where it is.
    """
    start_ns, end_ns = round(start_s * 1e9), round(end_s * 1e9)
    times, levels = trace.transitions("piezo", start_ns, end_ns)
    knots = np.concatenate(([start_ns], times, [end_ns]))
    held = np.concatenate(([trace.level_at("piezo", start_ns)], levels))
    area = np.concatenate(([0.0], np.cumsum(np.diff(knots) * held)))
    grid = np.linspace(start_ns, end_ns, int((end_s - start_s) * SAMPLE_HZ) + 1)
    mean = np.diff(np.interp(grid, knots, area)) / np.diff(grid)
    width = round(_STEADY_S * SAMPLE_HZ)
    return _LOUDNESS * (mean - np.convolve(mean, np.ones(width) / width, mode="same"))


def write_wav(file: Path, samples: NDArray[np.float64]) -> None:
    """16 bits, mono."""
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_HZ)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())

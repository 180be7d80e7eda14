"""The WAV files: the melodies of the table, by their spectrum."""

import wave
from pathlib import Path

import numpy as np
import pytest

from picoinfuse.alarms.sounds import SAMPLE_HZ, write_alarm_sounds
from picoinfuse.profile import load_profile

C5, D4, G4, E4, C4 = 523.3, 293.7, 392.0, 329.6, 261.6  # equal temperament on A4 = 440 Hz
MELODY = {"high": [C5, D4, G4, C5, D4] * 2, "medium": [C5, D4, G4], "low": [E4, C4]}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sounds")
    return {file.stem: file for file in write_alarm_sounds(folder, load_profile("syringe-50ml"))}


def samples(file: Path) -> np.ndarray:
    with wave.open(str(file)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, SAMPLE_HZ)
        return np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2") / 32768


def notes(sound: np.ndarray) -> list[np.ndarray]:
    """Stretches that are louder than a hundredth, 20 ms apart at least."""
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    pauses = np.flatnonzero(np.diff(loud) > 0.02 * SAMPLE_HZ) + 1
    return [sound[part[0] : part[-1] + 1] for part in np.split(loud, pauses)]


def spectrum(note: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = 1 << 16  # 0.7 Hz a line
    return np.fft.rfftfreq(size, 1 / SAMPLE_HZ), np.abs(np.fft.rfft(note * np.hanning(len(note)), size))


@pytest.mark.parametrize("priority", MELODY)
def test_each_file_has_the_notes_of_its_melody(files: dict[str, Path], priority: str) -> None:
    found = []
    for note in notes(samples(files[priority])):
        lines, power = spectrum(note)
        found.append(lines[np.argmax(power)])
    # 0.3 %, a twentieth of a semitone: periods are whole ticks of 4 µs.
    assert found == [pytest.approx(hz, rel=0.003) for hz in MELODY[priority]]


@pytest.mark.parametrize("priority", MELODY)
def test_a_note_has_the_harmonics_of_a_square_wave(files: dict[str, Path], priority: str) -> None:
    """The third is 1/3 of the fundamental, -9.5 dB; the even ones are missing in the full part of the note."""
    for note, hz in zip(notes(samples(files[priority])), MELODY[priority], strict=True):
        lines, power = spectrum(note[len(note) // 5 :])

        def at(frequency_hz: float, lines: np.ndarray = lines, power: np.ndarray = power) -> float:
            return float(power[np.abs(lines - frequency_hz) < 15].max())

        assert 20 * np.log10(at(3 * hz) / at(hz)) == pytest.approx(-9.5, abs=2)
        assert 20 * np.log10(at(2 * hz) / at(hz)) < -25


def test_the_sound_does_not_clip(files: dict[str, Path]) -> None:
    for file in files.values():
        assert 0.2 < np.abs(samples(file)).max() < 0.99

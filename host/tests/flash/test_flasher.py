"""The whole way of an image onto a board, against a folder that behaves like the UF2 volume."""

import errno
from pathlib import Path

import pytest

from picoinfuse.common.errors import UnsupportedMicroPython
from picoinfuse.flash.errors import (
    DifferentDevice,
    FlashError,
    NoPico,
    NoVolume,
    PortDidNotReturn,
    PumpBusy,
    TwoPicos,
    VolumeFull,
    VolumeVanished,
    VolumeWriteFailed,
    WrongBoard,
    WrongFirmware,
)
from picoinfuse.flash.flasher import Flashed, Flasher
from picoinfuse.flash.image import load
from picoinfuse.flash.system import Running
from picoinfuse.image import uf2
from picoinfuse.image.errors import NotMicroPython, TruncatedUf2

from .world import FOREIGN, World, firmware, port, production

PROMPT = Running((1, 24, 1), "Raspberry Pi Pico with RP2040")
PUMP = Running((1, 24, 1), "Raspberry Pi Pico with RP2040", "0.0.9", "0ld")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One Pico with a MicroPython prompt, which comes back where it was."""
    folder = tmp_path / "media"
    folder.mkdir()
    return World(folder, [port()], returns=port(), who={"/dev/ttyACM0": PROMPT})


def run(
    world: World, flash: bytes | None = None, at: str | None = None
) -> tuple[Flashed, list[str], list[tuple[int, int]]]:
    said: list[str] = []
    steps: list[tuple[int, int]] = []
    path = world.folder.parent / "image.uf2"
    path.write_bytes(uf2.write(production() if flash is None else flash))
    flasher = Flasher(world, said.append, lambda done, total: steps.append((done, total)))
    return flasher.run(load(path), at), said, steps


def test_board_at_a_prompt_is_flashed_and_checked(world: World) -> None:
    flashed, said, steps = run(world)
    assert world.asked == ["bootsel /dev/ttyACM0"]
    assert world.flashed == flashed.image.file.raw
    assert (flashed.port, flashed.running.version, flashed.running.commit) == ("/dev/ttyACM0", "0.1.0", "c0ffee")
    total = len(flashed.image.file.raw)
    assert steps[-1] == (total, total)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert "copying picoinfuse 0.1.0 (c0ffee) on MicroPython 1.25.0" in " ".join(said)


def test_stock_micropython_is_checked_by_its_version(world: World) -> None:
    flashed, _, _ = run(world, firmware())
    assert flashed.image.info is None
    assert flashed.running.micropython == (1, 25, 0)


def test_running_pump_is_asked_for_service_first(world: World) -> None:
    world.who["/dev/ttyACM0"] = PUMP
    run(world)
    assert world.asked == ["service /dev/ttyACM0", "bootsel /dev/ttyACM0"]


def test_infusing_pump_is_left_alone(world: World) -> None:
    world.who["/dev/ttyACM0"] = PUMP
    world.infusing = True
    with pytest.raises(PumpBusy, match="refused while infusing"):
        run(world)
    assert world.asked == ["service /dev/ttyACM0"]
    assert world.ports == [port()]


def test_volume_may_appear_late(world: World) -> None:
    world.bootsel_delay_s = 15.0
    flashed, _, _ = run(world)
    assert flashed.seconds > 15


def test_volume_that_never_appears(world: World) -> None:
    world.bootsel_delay_s = 1e9
    with pytest.raises(NoPico, match="hold BOOTSEL"):
        run(world)


def test_volume_that_is_not_mounted_is_distinguished_from_a_missing_board(world: World) -> None:
    world.bootsel_delay_s = 1e9
    world.bootsel = ["1-2"]
    with pytest.raises(NoVolume, match=r"USB 1-2.*not mounted.*udisksctl"):
        run(world)


def test_mute_board_needs_the_button(world: World) -> None:
    world.who.clear()
    world.after(30, world.ports.clear)
    world.after(31, world.appear)
    flashed, said, _ = run(world)
    assert flashed.port == "/dev/ttyACM0"
    assert any("hold BOOTSEL" in line for line in said)


def test_no_board_yet_needs_the_button(world: World) -> None:
    world.ports.clear()
    world.after(40, world.appear)
    _, said, _ = run(world)
    assert any("hold BOOTSEL" in line for line in said)


def test_board_that_is_in_bootsel_already(world: World) -> None:
    world.ports.clear()
    world.appear()
    run(world)
    with pytest.raises(UnsupportedMicroPython, match=r"image\.uf2 is MicroPython 1\.24\.1.*made for 1\.25 to 1\.29"):
        run(world, firmware("v1.24.1"))
    assert world.asked == []


def test_two_boards_are_listed_and_none_is_touched(world: World) -> None:
    world.ports.append(port("/dev/ttyACM1", "E660B", "1-3"))
    with pytest.raises(TwoPicos, match=r"--port.*ttyACM0 \(serial number E660A, USB 1-2\).*ttyACM1"):
        run(world)
    with pytest.raises(UnsupportedMicroPython, match=r"image\.uf2 is MicroPython 1\.24\.1.*made for 1\.25 to 1\.29"):
        run(world, firmware("v1.24.1"))
    assert world.asked == []


def test_with_two_boards_the_named_one_is_flashed(world: World) -> None:
    other = port("/dev/ttyACM1", "E660B", "1-3")
    world.ports.append(other)
    flashed, _, _ = run(world, at="/dev/ttyACM0")
    assert world.asked == ["bootsel /dev/ttyACM0"]
    assert flashed.port == "/dev/ttyACM0"
    assert other in world.ports


def test_board_and_a_second_one_in_bootsel_are_two(world: World) -> None:
    world.appear()
    with pytest.raises(TwoPicos, match="in BOOTSEL"):
        run(world)


def test_two_volumes_are_not_guessed_between(world: World) -> None:
    world.ports.clear()
    world.appear()
    world.appear(name="RPI-RP2 1")
    with pytest.raises(TwoPicos, match="RPI-RP2 1"):
        run(world)


def test_two_volumes_that_appear_together_are_not_guessed_between(world: World) -> None:
    world.location = None  # a system that does not tell where a disk hangs
    world.after(1.0, lambda: world.appear(name="RPI-RP2 1"))
    with pytest.raises(TwoPicos, match="2 UF2 volumes appeared"):
        run(world)


def test_volume_at_another_place_is_not_ours(world: World) -> None:
    world.location = "1-3"
    with pytest.raises(NoPico):
        run(world)
    assert world.flashed is None


def test_port_of_another_device_is_refused(world: World) -> None:
    with pytest.raises(DifferentDevice, match=r"ttyUSB0 is not a Pico.*found: /dev/ttyACM0"):
        run(world, at="/dev/ttyUSB0")


def test_other_kind_of_board_is_refused(world: World) -> None:
    world.ports.clear()
    world.appear(FOREIGN)
    with pytest.raises(WrongBoard, match="RP2350"):
        run(world)
    assert world.flashed is None


def test_other_kind_of_board_that_appears_is_refused(world: World) -> None:
    world.ports.clear()
    world.after(3, lambda: world.appear(FOREIGN))
    with pytest.raises(WrongBoard, match="RP2350"):
        run(world)


@pytest.mark.parametrize(
    ("code", "goes", "error"),
    [
        (errno.ENOSPC, False, VolumeFull),
        (errno.EIO, False, VolumeWriteFailed),
        (errno.EIO, True, VolumeVanished),
        (errno.ENOENT, True, VolumeVanished),
        (errno.EROFS, False, VolumeWriteFailed),
    ],
)
def test_trouble_in_the_middle_of_the_copy(world: World, code: int, goes: bool, error: type[FlashError]) -> None:
    def fail(written: int) -> None:
        if written >= 65536:  # the third piece of 32 KiB
            if goes:
                world.vanish()
            raise OSError(code, "as the system says it")

    world.fail = fail
    with pytest.raises(error, match="after 65536 of"):
        run(world)
    assert world.flashed is None


def test_port_may_return_at_another_name(world: World) -> None:
    world.returns = port("/dev/ttyACM7")
    flashed, _, _ = run(world)
    assert flashed.port == "/dev/ttyACM7"


def test_board_that_never_returns(world: World) -> None:
    world.returns = None
    with pytest.raises(PortDidNotReturn, match="at USB 1-2 within 20 s"):
        run(world)


def test_board_that_appears_elsewhere_is_another_one(world: World) -> None:
    world.returns = port("/dev/ttyACM1", "E660B", "1-3")
    with pytest.raises(PortDidNotReturn):
        run(world)


def test_board_that_returns_mute(world: World) -> None:
    world.mute = True
    with pytest.raises(PortDidNotReturn, match="back at /dev/ttyACM0, but does not answer: nothing answers"):
        run(world)


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (Running((1, 24, 1), "Pico", "0.1.0", "c0ffee"), "runs MicroPython 1.24.1, but 1.25.0 was flashed"),
        (Running((1, 25, 0), "Pico"), "prompt instead of the pump"),
        (
            Running((1, 25, 0), "Pico", "0.1.0", "0ld"),
            r"runs picoinfuse 0.1.0 \(0ld\), but 0.1.0 \(c0ffee\)",
        ),
    ],
)
def test_what_runs_must_be_what_was_flashed(world: World, runs: Running, message: str) -> None:
    world.runs = runs
    with pytest.raises(WrongFirmware, match=message):
        run(world)


def test_bad_file_is_refused_before_anything_is_touched(world: World) -> None:
    path = world.folder / "bad.uf2"
    path.write_bytes(uf2.write(production())[:-512])
    with pytest.raises(TruncatedUf2):
        load(path)
    with pytest.raises(NotMicroPython, match=r"'blink' v1\.0\.0"):
        run(world, firmware("v1.0.0", "blink"))
    with pytest.raises(UnsupportedMicroPython, match=r"image\.uf2 is MicroPython 1\.24\.1.*made for 1\.25 to 1\.29"):
        run(world, firmware("v1.24.1"))
    assert world.asked == []

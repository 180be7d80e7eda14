"""Finding the volume, and what the real system says of a disk."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from picoinfuse.flash import volume
from picoinfuse.flash.errors import VolumeVanished, VolumeWriteFailed
from picoinfuse.flash.system import RealSystem
from picoinfuse.flash.volume import INFO_FILE, Volume

from .world import FOREIGN, PICO


def test_volume_is_known_by_its_info_file(tmp_path: Path) -> None:
    assert volume.read_volume(tmp_path) is None
    (tmp_path / INFO_FILE).write_text(PICO)
    assert volume.read_volume(tmp_path) == Volume(tmp_path, "RPI-RP2")
    (tmp_path / INFO_FILE).write_text(FOREIGN)
    found = volume.read_volume(tmp_path)
    assert found is not None
    assert (found.board_id, found.is_pico) == ("RP2350", False)


def test_mount_table_is_read_with_its_escapes(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(
        "proc /proc proc rw 0 0\n/dev/sda2 / ext4 rw 0 0\n/dev/sdb1 /media/jo/RPI-RP2\\0401 vfat rw,nosuid 0 0\n"
    )
    assert list(volume._linux_mounts(table)) == [(Path("/media/jo/RPI-RP2 1"), "/dev/sdb1")]
    assert list(volume._linux_mounts(tmp_path / "none")) == []


def test_place_on_usb_of_a_disk(tmp_path: Path) -> None:
    blocks = tmp_path / "block"
    blocks.mkdir()
    disk = tmp_path / "devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.3/1-2.3:1.0/host6/target6/block/sdb/sdb1"
    disk.mkdir(parents=True)
    (blocks / "sdb1").symlink_to(disk)
    assert volume._usb_location("/dev/sdb1", blocks) == "1-2.3"
    assert volume._usb_location("tmpfs", blocks) is None
    assert volume._usb_location("/dev/nvme0n1p1", blocks) is None


def test_boards_in_bootsel_are_seen_without_a_volume(tmp_path: Path) -> None:
    for name, product in (("1-2", "0003"), ("1-3", "0005"), ("usb1", "0002")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "idVendor").write_text("2e8a\n")
        (tmp_path / name / "idProduct").write_text(product + "\n")
    (tmp_path / "1-2:1.0").mkdir()  # an interface has no ids
    assert RealSystem().bootsel_locations(tmp_path) == ["1-2"]


def test_copy_is_on_the_disk_and_reports_its_progress(tmp_path: Path) -> None:
    (tmp_path / INFO_FILE).write_text(PICO)
    steps: list[tuple[int, int]] = []
    data = bytes(100_000)
    volume.copy(data, Volume(tmp_path, "RPI-RP2"), lambda done, total: steps.append((done, total)))
    assert (tmp_path / volume.COPY_NAME).read_bytes() == data
    assert steps == [(32768, 100_000), (65536, 100_000), (98304, 100_000), (100_000, 100_000)]


def test_volume_that_is_gone_before_the_copy(tmp_path: Path) -> None:
    with pytest.raises(VolumeVanished, match="after 0 of 9 bytes"):
        volume.copy(b"123456789", Volume(tmp_path / "gone", "RPI-RP2"), lambda *_: None)


def test_a_large_info_file_is_read_in_part(tmp_path: Path) -> None:
    with (tmp_path / INFO_FILE).open("wb") as huge:
        huge.write(PICO.encode())
        huge.truncate(100 * 1024**3)
    assert volume.read_volume(tmp_path) == Volume(tmp_path, "RPI-RP2")


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/passwd"), os.mkfifo], ids=["link", "pipe"])
def test_a_link_or_a_pipe_for_an_info_file_is_not_a_volume(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / INFO_FILE)
    assert volume.read_volume(tmp_path) is None


def test_the_copy_does_not_follow_a_link_on_the_volume(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / INFO_FILE).write_text(PICO)
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / "disk" / volume.COPY_NAME).symlink_to(victim)
    with pytest.raises(VolumeWriteFailed, match="symbolic links"):
        volume.copy(bytes(1000), Volume(tmp_path / "disk", "RPI-RP2"), lambda *_: None)
    assert victim.read_text() == "kept"

"""The info block: what it says, and what it notices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picoinfuse.image import info
from picoinfuse.image.errors import DamagedImage, ImageError, NoInfo

FLASH = info.append(bytes(range(256)) * 5 + b"the end", "0.1.0", "c0ffee", "v1.25.0")


def test_block_says_what_was_put_in() -> None:
    found = info.read(FLASH)
    assert (found.version, found.commit, found.micropython) == ("0.1.0", "c0ffee", "v1.25.0")
    assert found.image_bytes == 6 * 256  # 5 pages and 7 bytes, up to a whole page
    assert len(FLASH) == 7 * 256


@given(st.binary(max_size=3000), st.text(max_size=8), st.text(max_size=16))
def test_any_image_is_found_whole(firmware: bytes, version: str, commit: str) -> None:
    version, commit = version.replace("\0", ""), commit.replace("\0", "")
    found = info.read(info.append(firmware, version, commit, "v1.25.0"))
    assert (found.version, found.commit) == (version, commit)


def test_image_may_hold_the_marker() -> None:
    assert info.read(info.append(info.MARKER, "0.1.0", "c0ffee", "v1.25.0")).version == "0.1.0"


@given(st.integers(0, 7 * 256 * 8 - 1))
def test_every_changed_bit_is_noticed(bit: int) -> None:
    changed = bytearray(FLASH)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises((DamagedImage, NoInfo)):
        info.read(bytes(changed))


def test_what_follows_the_block_does_not_matter() -> None:
    assert info.read(FLASH + b"\xff" * 512) == info.read(FLASH)


def test_image_without_a_block_is_not_ours() -> None:
    with pytest.raises(NoInfo):
        info.read(FLASH[: 6 * 256])


def test_block_that_is_cut_off_is_damaged() -> None:
    with pytest.raises(DamagedImage, match="info block"):
        info.read(FLASH[:-1])


def test_block_that_was_moved_is_damaged() -> None:
    with pytest.raises(DamagedImage, match="the image is damaged"):
        info.read(b"\xff" * 256 + FLASH)


def test_text_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ImageError, match="longer than its 32 bytes"):
        info.append(b"", "1" * 33, "", "")

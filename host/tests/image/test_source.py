"""What is checked before an image is built, and what is frozen."""

import subprocess
from pathlib import Path

import pytest

from picoinfuse import __version__
from picoinfuse.common import paths
from picoinfuse.common.errors import UnsupportedMicroPython
from picoinfuse.image import build, source
from picoinfuse.image.errors import ImageError, MissingTool, NoMicroPython


def tree(folder: Path, version: tuple[int, int, int] = (1, 25, 0), prerelease: int = 0, whole: bool = True) -> Path:
    """The files of a MicroPython tree that are looked at."""
    header = "".join(
        f"#define MICROPY_VERSION_{name} {n}\n" for name, n in zip(("MAJOR", "MINOR", "MICRO"), version, strict=True)
    )
    files = {
        "py/mpconfig.h": header + f"#define MICROPY_VERSION_PRERELEASE {prerelease}\n",
        "ports/rp2/CMakeLists.txt": "",
    }
    if whole:
        files |= dict.fromkeys(source._PARTS, "")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("version", [(1, 25, 0), (1, 26, 1), (1, 29, 0)])
def test_supported_tree(tmp_path: Path, version: tuple[int, int, int]) -> None:
    found = source.check_tree(tree(tmp_path, version))
    assert found.version == version
    assert found.tag == "v" + ".".join(map(str, version))


def test_preview_says_so(tmp_path: Path) -> None:
    assert source.check_tree(tree(tmp_path, (1, 29, 0), prerelease=1)).tag == "v1.29.0-preview"


def test_version_of_a_clone_needs_no_tag(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / ".git").mkdir()
    assert source.check_tree(tmp_path).tag is None


@pytest.mark.parametrize("version", [(1, 24, 9), (1, 30, 0), (2, 25, 0)])
def test_version_outside_the_range_is_refused(tmp_path: Path, version: tuple[int, int, int]) -> None:
    with pytest.raises(UnsupportedMicroPython, match=r"made for 1\.25 to 1\.29"):
        source.check_tree(tree(tmp_path, version))


def test_folder_that_is_no_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoMicroPython, match="no MicroPython source tree"):
        source.check_tree(tmp_path)
    with pytest.raises(NoMicroPython, match="MPY_DIR"):
        source.check_tree(None)


def test_error_for_a_tree_without_submodules_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(NoMicroPython, match=r"lacks lib/pico-sdk.*ports/rp2 submodules"):
        source.check_tree(tree(tmp_path, whole=False))


def test_missing_tools_are_named_by_their_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match="apt-get install cmake gcc gcc-arm-none-eabi make"):
        source.check_tools()


def test_compiler_without_its_library_is_not_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for tool in source._TOOLS:
        (tmp_path / tool).write_text("#!/bin/sh\necho nosys.specs\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}")
    with pytest.raises(MissingTool, match="libnewlib-arm-none-eabi libstdc"):
        source.check_tools()


def test_nothing_is_built_when_the_input_is_bad(tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        build.build(paths.root(), tmp_path / "none", tmp_path / "out", "c0ffee", print)
    assert not (tmp_path / "out").exists()


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_date_is_that_of_the_commit(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("1\n")
    assert source.commit_time(tmp_path) == 0
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    assert source.commit_time(tmp_path) > 1_700_000_000


def test_commit_is_written_into_what_is_frozen(tmp_path: Path) -> None:
    target = tmp_path / "firmware"
    build.copy_firmware(paths.firmware(), target, "c0ffee")
    text = (target / "pump" / "build.py").read_text()
    assert 'COMMIT = "c0ffee"\n' in text
    assert "FROZEN = True\n" in text
    assert (target / "boot.py").read_bytes() == (paths.firmware() / "boot.py").read_bytes()
    assert not list(target.rglob("__pycache__"))
    assert not (target / "tests").exists()


def test_firmware_and_host_tool_have_one_version() -> None:
    assert build.firmware_version(paths.root()) == __version__


def test_manifest_freezes_the_pump_in_a_fixed_order(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[tuple[str, tuple[str, ...]]] = []
    manifest = paths.boards() / "PICOINFUSE" / "manifest.py"
    monkeypatch.setenv("PICOINFUSE_FIRMWARE_DIR", str(paths.firmware()))
    exec(manifest.read_text(), {"freeze": lambda folder, names: frozen.append((folder, tuple(names)))})
    port, board, firmware = frozen
    assert port == ("$(PORT_DIR)/modules", ("rp2.py",))
    assert board == ("$(BOARD_DIR)/modules", ("_boot.py",))
    assert firmware[0] == str(paths.firmware())
    assert firmware[1][:2] == ("boot.py", "main.py")
    assert list(firmware[1][2:]) == sorted(firmware[1][2:])
    assert "pump/core/supervisor.py" in firmware[1]
    assert not [name for name in firmware[1] if "test" in name and not name.startswith("pump/selftest/")]

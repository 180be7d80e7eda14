"""What the pump gets of every example file is, byte for byte, what it was before the files had schemas."""

import json
from pathlib import Path

import pytest

from picoinfuse.client.frame import decode
from picoinfuse.common import paths
from picoinfuse.library.compile import compiled
from picoinfuse.library.read import load_library
from picoinfuse.profile import load_profile, profile_names
from picoinfuse.regimen import load_regimen

GOLDEN = json.loads(Path(__file__).with_name("compiled.json").read_text("utf-8"))


@pytest.mark.parametrize("name", sorted(GOLDEN["profiles"]))
def test_a_profile_compiles_to_the_same_bytes(name: str) -> None:
    profile, golden = load_profile(name), GOLDEN["profiles"][name]
    assert profile.frame().decode() == golden["frame"]
    assert profile.compiled() == decode(golden["frame"].encode())
    assert profile.world() == golden["world"]


def test_every_profile_is_in_the_table() -> None:
    assert set(profile_names()) == set(GOLDEN["profiles"])


@pytest.mark.parametrize("name", sorted(GOLDEN["regimens"]))
def test_a_regimen_compiles_to_the_same(name: str) -> None:
    regimen = load_regimen(paths.root() / "regimens" / f"{name}.toml", load_profile("syringe-50ml"))
    found = {
        "name": regimen.name,
        "compiled": regimen.compiled,
        "square": regimen.square if regimen.square is None else list(regimen.square),
        "drug_name": regimen.drug_name,
        "shown": sorted(regimen.shown),
    }
    assert found == GOLDEN["regimens"][name]


@pytest.mark.parametrize("name", sorted(GOLDEN["libraries"]))
def test_a_library_compiles_to_the_same_lines(name: str) -> None:
    library = load_library(paths.root() / "library" / f"{name}.toml")
    assert [line.decode() for line in compiled(library)] == GOLDEN["libraries"][name]

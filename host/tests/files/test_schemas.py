"""The generated schemas and pages are up to date, and every example file is valid by them."""

import json
import subprocess
import sys
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from picoinfuse.cli import main
from picoinfuse.common import paths
from picoinfuse.common.explain import fields_by_key
from picoinfuse.common.file_kinds import FILE_KINDS

ROOT = paths.root()
EXAMPLES = {
    "profile": sorted((ROOT / "boards").glob("*.toml")),
    "rig": sorted((ROOT / "boards" / "rigs").glob("*.toml")),
    "regimen": sorted((ROOT / "regimens").glob("*.toml")),
    "library": sorted((ROOT / "library").glob("*.toml")),
}
FILES = [(kind, file) for kind, files in EXAMPLES.items() for file in files]


def schema_file(kind: str) -> Path:
    return ROOT / "schemas" / f"{kind}.schema.json"


def as_json(value: Any) -> Any:
    """TOML's dates are texts for an editor."""
    if isinstance(value, dict):
        return {key: as_json(part) for key, part in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value


@pytest.mark.parametrize("kind", FILE_KINDS)
@pytest.mark.parametrize("markdown", [True, False], ids=["page", "JSON Schema"])
def test_what_is_generated_is_up_to_date(kind: str, markdown: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["schema", kind, *(["--markdown"] if markdown else [])])
    file = ROOT / "docs" / "reference" / f"{kind}.md" if markdown else schema_file(kind)
    assert capsys.readouterr().out == file.read_text("utf-8"), "run make docs"


@pytest.mark.parametrize(("kind", "file"), FILES, ids=[f"{kind}: {file.stem}" for kind, file in FILES])
def test_an_example_names_its_schema_and_is_valid_by_it(kind: str, file: Path) -> None:
    text = file.read_text("utf-8")
    directive, _, name = text.partition("\n")[0].partition(" ")
    assert directive == "#:schema"
    assert (file.parent / name).resolve() == schema_file(kind)
    jsonschema.validate(as_json(tomllib.loads(text)), json.loads(schema_file(kind).read_text("utf-8")))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("profile", {"name": "bench"}),
        ("regimen", {"kind": "continuous", "continuous": {"rate": 5}}),
        ("regimen", {"kind": "continuous", "continuous": {"rate": "5 mL/h"}, "dose": {}}),
        ("library", {"name": "Ward", "version": 1, "drug": {}}),
        ("rig", {"pump": {"port": "x"}, "adapter": {"kind": "ft2232"}}),
    ],
)
def test_an_editor_marks_a_mistake(kind: str, values: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, json.loads(schema_file(kind).read_text("utf-8")))


def test_the_kind_of_a_file_is_recognised_by_the_keys_of_its_schema() -> None:
    from picoinfuse.library.schema import LibraryFile
    from picoinfuse.profile.file_schema import ProfileFile
    from picoinfuse.regimen.schema import KINDS, RegimenFile
    from picoinfuse.rig.file_schema import RigFile

    regimen = {key for kind in KINDS.values() for key in fields_by_key(kind)}
    assert set(get_args(get_args(RegimenFile)[0])) == set(KINDS.values())
    assert FILE_KINDS["regimen"].keys == regimen
    for kind, model in {"profile": ProfileFile, "library": LibraryFile, "rig": RigFile}.items():
        assert FILE_KINDS[kind].keys == fields_by_key(model).keys()


def test_pydantic_is_imported_only_to_read_a_file() -> None:
    code = (
        "import sys, picoinfuse.profile, picoinfuse.regimen, picoinfuse.library.read, picoinfuse.rig.file\n"
        "import picoinfuse.cli.profile, picoinfuse.cli.regimen, picoinfuse.cli.library\n"
        "assert 'pydantic' not in sys.modules\n"
        "picoinfuse.profile.load_profile('syringe-50ml')\n"
        "assert 'pydantic' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=50)

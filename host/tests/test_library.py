"""Libraries as people write them: every mistake with its line, and what the pump gets of a right one."""

import json
from binascii import crc32
from pathlib import Path

import pytest

from picoinfuse.cli import main
from picoinfuse.common import paths
from picoinfuse.common.errors import BadQuantity, LibraryError, LibraryNotFound
from picoinfuse.dosing.dose import Quantity
from picoinfuse.library.compile import compiled, text
from picoinfuse.library.model import Library
from picoinfuse.library.on_pump import order_for
from picoinfuse.library.read import load_library

EXAMPLE = paths.root() / "library" / "example-ward.toml"
RIGHT = """\
name = "ward"
version = 3

[drug.dopamine]
unit = "µg/kg/min"
amount = "mg"
concentrations = [0.8, 1.6]
dose_hard_min = 0.5
dose_soft_min = 1
dose_soft_max = 20
dose_hard_max = 50
bolus_soft_max = 0.5
bolus_hard_max = 1
hour_soft_max = 1.2
hour_hard_max = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ward.toml"


def load(file: Path, text: str) -> Library:
    file.write_text(text, encoding="utf-8")
    return load_library(file)


def mistakes(file: Path, text: str) -> list[tuple[str, int]]:
    with pytest.raises(LibraryError) as wrong:
        load(file, text)
    return [(mistake.name, mistake.line) for mistake in wrong.value.mistakes]


def test_the_example_is_right() -> None:
    library = load_library(EXAMPLE)
    assert len(library.drugs) >= 5
    assert max(len(line) for line in compiled(library)) < 384  # a line of the pump


def test_a_right_one_becomes_lines_of_thousandths(file: Path) -> None:
    head, row = [line.rpartition(b"#") for line in compiled(load(file, RIGHT))]
    assert json.loads(row[0]) == [
        *["dopamine", "ug/kg/min", "mg", [800, 1600]],
        *[[500, 1000, 20000, 50000], [500, 1000], [1200, 3000]],
    ]
    assert row[2] == b"%08x" % crc32(row[0])
    drugs = b"".join(row) + b"\n"
    crc = f"{crc32(drugs):08x}"
    assert json.loads(head[0]) == {"format": 1, "name": "ward", "version": 3, "drugs": 1, "crc": crc}
    assert text(load_library(file)) == f"ward 3 {crc}"


def test_drugs_are_in_the_order_of_their_names(file: Path) -> None:
    more = '[drug.NAME]\nunit = "mg/h"\namount = "mg"\nconcentrations = [1]\ndose_hard_max = 5\n'
    library = load(file, RIGHT + more.replace("NAME", "atropine") + more.replace("NAME", "b-12"))
    assert [drug.name for drug in library.drugs] == ["atropine", "b-12", "dopamine"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("version = 3", "version = 0", ("out_of_range", 2)),
        ("version = 3", 'version = "3"', ("wrong_type", 2)),
        ('name = "ward"', 'name = "Ward 3"', ("out_of_range", 1)),
        ("[drug.dopamine]", "[drug.Dopamine]", ("out_of_range", 4)),
        ('unit = "µg/kg/min"', 'unit = "µg/kg"', ("out_of_range", 5)),
        ('unit = "µg/kg/min"', 'unit = "units/kg/min"', ("out_of_range", 5)),
        ('unit = "µg/kg/min"\n', "", ("missing_key", 4)),
        ('amount = "mg"', 'amount = "mL"', ("out_of_range", 6)),
        ("[0.8, 1.6]", "[]", ("wrong_type", 7)),
        ("[0.8, 1.6]", "[0.8, 0.8]", ("out_of_range", 7)),
        ("[0.8, 1.6]", "[0, 1.6]", ("out_of_range", 7)),
        ("[0.8, 1.6]", "[0.0001]", ("out_of_range", 7)),
        ("[0.8, 1.6]", '["0.8"]', ("wrong_type", 7)),
        ("dose_soft_min = 1\n", "dose_soft_min = 30\n", ("limit_order", 10)),
        ("dose_hard_max = 50", "dose_hard_max = 19", ("limit_order", 11)),
        ("dose_hard_max = 50\n", "", ("missing_key", 4)),
        ("dose_hard_max = 50", "dose_hard_max = -1", ("out_of_range", 11)),
        ("dose_hard_max = 50", "dose_hard_max = inf", ("out_of_range", 11)),
        ("bolus_hard_max = 1", "bolus_hard_max = 0.4", ("limit_order", 13)),
        ("hour_soft_max = 1.2", "hour_hard_min = 1.2", ("unknown_key", 14)),
        ("hour_soft_max = 1.2", "hour_soft_max = 1.2005", ("out_of_range", 14)),
    ],
)
def test_a_mistake_is_named_with_its_line(file: Path, old: str, new: str, expected: tuple[str, int]) -> None:
    assert old in RIGHT
    assert expected in mistakes(file, RIGHT.replace(old, new))


def test_what_is_no_library_is_one_sentence(file: Path) -> None:
    assert mistakes(file, "name = ") == [("syntax", 1)]
    assert ("missing_key", 1) in mistakes(file, 'name = "ward"\nversion = 1\n')
    with pytest.raises(LibraryNotFound, match="cannot be read"):
        load_library(file.with_name("other.toml"))


def test_an_order_is_made_for_the_drug_of_the_library(file: Path) -> None:
    (drug,) = load(file, RIGHT).drugs
    order = order_for(drug, Quantity(5_000, "ug/kg/min"), Quantity(1_600, "mg"), 70_000)
    assert order.params() == {
        "drug": "dopamine",
        "unit": "ug/kg/min",
        "concentration": 1_600,
        "doses": [5_000],
        "weight_g": 70_000,
    }
    with pytest.raises(BadQuantity, match=r"comes in 0\.8 mg/mL, 1\.6 mg/mL: say which"):
        order_for(drug, Quantity(5_000, "ug/kg/min"), None, 70_000)
    with pytest.raises(BadQuantity, match="dosed in µg/kg/min, not in mg/h"):
        order_for(drug, Quantity(5_000, "mg/h"), Quantity(1_600, "mg"), None)
    with pytest.raises(BadQuantity, match="measured in mg, not in µg"):
        order_for(drug, Quantity(5_000, "ug/kg/min"), Quantity(1_600, "ug"), 70_000)


def test_the_commands_that_need_no_pump(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> int:
        try:
            return main(["library", *arguments])
        except SystemExit as end:
            return int(end.code or 0)

    load(file, RIGHT)
    output = file.with_suffix(".txt")
    assert run("check", str(file)) == 0
    assert run("compile", str(file), "-o", str(output)) == 0
    assert output.read_bytes() == b"".join(line + b"\n" for line in compiled(load_library(file)))
    assert run("show", str(file)) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "is valid: 1 drugs" in told
    assert "0.5 (1) to (20) 50 µg/kg/min" in told
    file.write_text(RIGHT.replace("version = 3", "version = 0"), encoding="utf-8")
    assert run("check", str(file)) == 1
    assert f"{file}:2: version is 0, must be" in capsys.readouterr().err

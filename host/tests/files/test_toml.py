"""Lines of keys, and files that would exhaust the reader: each is one clear mistake, never a traceback."""

from pathlib import Path

import pytest

from picoinfuse.common import toml
from picoinfuse.common.errors import FileError, FileNotReadable, PicoinfuseError
from picoinfuse.library.read import load_library
from picoinfuse.profile import load_profile
from picoinfuse.regimen import load_regimen
from picoinfuse.rig.file import load_rig

TEXT = """\
title = "x # = [no.table]"
a.b = 1
text = '''
[not.a.table]
key = 2
'''
[one]
list = [
  1,
  [2, 3],  # = 4

  { x = 4 },
]
"quoted key" = true
[one.two]
deep = 2026-11-22T20:00:00
[[many]]
n = 1
[[many]]
n = 2
"""


def test_every_key_has_its_line(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(TEXT, "utf-8")
    document = toml.read(file)
    lines = {
        ("title",): 1,
        ("a", "b"): 2,
        ("text",): 3,
        ("one",): 7,
        ("one", "list"): 8,
        ("one", "list", 0): 9,
        ("one", "list", 1): 10,
        ("one", "list", 2): 12,
        ("one", "quoted key"): 14,
        ("one", "two"): 15,
        ("one", "two", "deep"): 16,
        ("many", 0, "n"): 18,
        ("many", 1, "n"): 20,
    }
    assert {path: document.line(path) for path in lines} == lines
    assert document.line(("one", "missing")) == 7
    assert document.line(("missing", "key")) == 1


def test_crlf_and_a_byte_order_mark_do_not_move_lines(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 2\r\n")
    assert toml.read(file).line(("b",)) == 2


@pytest.mark.parametrize(
    ("data", "name", "line"),
    [
        (b"a = 1\n" * 200_000, "too_large", 1),
        (b"a = 1\nb = " + b"[" * 500 + b"]" * 500, "too_deep", 2),
        (b"\n\nb = " + b"{a=" * 500 + b"1" + b"}" * 500, "too_deep", 3),
        (b"a" + b".a" * 500 + b" = 1", "too_deep", 1),
        (b"[a" + b".a" * 500 + b"]", "too_deep", 1),
        (b"a = 1\nb = " + b"9" * 5000, "too_long", 2),
        (b"a = 1." + b"9" * 5000, "too_long", 1),
        (b"a = 1\nb = '\xff'", "syntax", 2),
        (b"a = 1\nb = ", "syntax", 2),
        (b"a = 1\na = 2", "syntax", 2),
        (b'a = """', "syntax", 1),
        (b"\x00", "syntax", 1),
    ],
)
def test_what_cannot_be_read_is_one_mistake_with_its_line(tmp_path: Path, data: bytes, name: str, line: int) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(data)
    with pytest.raises(FileError) as wrong:
        toml.read(file)
    assert [(mistake.name, mistake.line) for mistake in wrong.value.mistakes] == [(name, line)]


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(FileError, match="larger than 1 MB"):
        toml.read(Path("/dev/zero"))
    with pytest.raises(FileNotReadable, match="cannot be read: Is a directory"):
        toml.read(Path("/"))


LOADERS = {
    "profile": load_profile,
    "library": load_library,
    "regimen": lambda file: load_regimen(file, load_profile("syringe-50ml")),
    "rig": load_rig,
}
VALUES = ["nan", "-inf", "true", '""', "0", "-1", "1e400", "[]", "[[1]]", "{}", "{ a = 1 }", "1979-05-27", "07:32:00"]


@pytest.mark.parametrize("kind", LOADERS)
def test_a_strange_value_anywhere_is_no_traceback(tmp_path: Path, kind: str) -> None:
    from picoinfuse.common.file_kinds import FILE_KINDS

    file = tmp_path / "x.toml"
    tables = {"profile": ["wiring.step", "mechanics.kind", "mechanics.gear", "sensor.pa_per_mv"]}
    tables["regimen"] = ["drug.concentration", "continuous.rate", "step.1", "step.1.rate", "dose.doses", "kind"]
    tables["library"] = ["drug.x", "drug.x.unit", "drug.x.concentrations", "drug.x.dose_hard_max"]
    tables["rig"] = ["adapter.kind", "lines.run", "instrument.kind", "sensor_dac.address"]
    heads = ["", *(f'kind = "{name}"\n' for name in ("continuous", "intermittent", "steps") if kind == "regimen")]
    for key in [*FILE_KINDS[kind].keys, *tables[kind]]:
        for value in VALUES:
            for head in heads:
                file.write_text(f"{head}{key} = {value}\n", "utf-8")
                with pytest.raises(PicoinfuseError, match=r"x\.toml:\d+: "):
                    LOADERS[kind](file)


def test_a_text_that_could_steer_the_terminal_is_escaped(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('"\\u001b[31m" = 1\nname = "\\u001b]52;c;\\u009b"\n', "utf-8")
    with pytest.raises(FileError) as wrong:
        load_profile(file)
    assert all(char.isprintable() or char == "\n" for char in str(wrong.value))

"""A table of broken files, with the message of each mistake beside the one that the four former readers had.

`messages.json`: `old` in the valid file of its kind is replaced by `new` (the whole file where there is no `old`).
`before` and `now` are the messages with their lines; `why` says why a line of `before` has none now.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from picoinfuse.common.errors import FileError
from picoinfuse.library.read import load_library
from picoinfuse.profile import load_profile
from picoinfuse.regimen import load_regimen
from picoinfuse.rig.file import load_rig

TABLE = json.loads(Path(__file__).with_name("messages.json").read_text("utf-8"))
LONG = {"DIGITS": "9" * 5000, "BRACKETS": "[" * 500 + "]" * 500}
READ = {
    "profile": load_profile,
    "library": load_library,
    "regimen": lambda file: load_regimen(file, load_profile("syringe-50ml"), datetime(2026, 11, 22, 12)),
    "rig": load_rig,
}


def text_of(case: dict[str, Any]) -> str:
    new = case["new"]
    for word, long in LONG.items():
        new = new.replace(word, long)
    return new if case["old"] is None else TABLE["bases"][case["kind"]].replace(case["old"], new, 1)


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: f"{case['kind']}: {case['new'][:30]!r}")
def test_every_mistake_of_a_broken_file_has_its_message_and_line(tmp_path: Path, case: dict[str, Any]) -> None:
    file = tmp_path / "file.toml"
    file.write_text(text_of(case), "utf-8")
    try:
        READ[case["kind"]](file)
        found = []
    except FileError as error:
        found = [f"{mistake.line}: {mistake.message}" for mistake in error.mistakes]
    assert found == case["now"]


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: f"{case['kind']}: {case['new'][:30]!r}")
def test_no_line_that_was_named_before_is_lost_without_a_reason(case: dict[str, Any]) -> None:
    def lines(messages: list[str]) -> set[str]:
        return {message.partition(":")[0] for message in messages if not message.startswith("traceback")}

    assert lines(case["before"]) <= lines(case["now"]) or case["why"]

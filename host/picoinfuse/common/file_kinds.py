"""Which kind of file a TOML file is: `profile check` names a regimen that it is handed by mistake.

The kinds are told apart by their keys at the top. A test compares these lists with the schemas.
"""

from dataclasses import dataclass

from picoinfuse.common.errors import FileError, Mistake
from picoinfuse.common.toml import Document


@dataclass(frozen=True)
class FileKind:
    """`title` with its article, `command` that checks such a file, and its `keys` at the top."""

    title: str
    command: str
    keys: frozenset[str]


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


FILE_KINDS = {
    "profile": FileKind(
        "a profile",
        "picoinfuse profile check",
        _keys("name description wiring mechanics sensor occlusion alarms therapy battery reservoir library world"),
    ),
    "regimen": FileKind(
        "a regimen",
        "picoinfuse plan",
        _keys("name kind kvo harmful_stop start vtbi drug loading square continuous dose between basal bolus step"),
    ),
    "library": FileKind("a drug library", "picoinfuse library check", _keys("name version drug")),
    "rig": FileKind(
        "a rig file",
        "picoinfuse rig check",
        _keys("name description capabilities pump adapter lines sensor_dac battery_dac instrument channels"),
    ),
}


def refuse_other_kinds(kind: str, document: Document, wrong: type[FileError]) -> None:
    """Raises `wrong` when the keys at the top are rather those of another kind of file."""
    keys = document.values.keys()
    if keys <= FILE_KINDS[kind].keys:
        return
    likely = max(FILE_KINDS, key=lambda name: (len(keys & FILE_KINDS[name].keys), name == kind))
    if likely != kind:
        found, asked = FILE_KINDS[likely], FILE_KINDS[kind]
        text = f"this is {found.title}, not {asked.title}; check it with `{found.command} {document.file}`"
        raise wrong(document.file, [Mistake("wrong_kind", 1, text)])

"""evidence.json: everything about a run, for programs. evidence.schema.json says what stands in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.evidence.collecting import counts
from picoinfuse.evidence.requirements import requirements
from picoinfuse.evidence.sums import NAME, changed

FORMAT = "picoinfuse evidence"
VERSION = 1
VERDICTS = ("shown", "failed", "not measured", "skipped", "no test", "unknown")
SCHEMA = Path(__file__).with_name("evidence.schema.json")


class BadEvidence(PicoinfuseError):
    """The file is not the evidence of a run."""


def document(run: Mapping[str, Any], tests: list[dict[str, Any]], before: Mapping[str, list[str]]) -> dict[str, Any]:
    """`run`: its facts; `before`: outcomes of earlier runs of the same firmware, oldest first, by test."""
    boards = {json.dumps(test["board"], sort_keys=True): test["board"] for test in tests if test["board"]}
    for test in tests:
        test.pop("board", None)
    shaky = flaky(tests, before)
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": dict(run),
        "boards": list(boards.values()),
        "summary": {**counts(tests), "flaky": len(shaky)},
        "requirements": coverage(tests),
        "flaky": shaky,
        "moved": [],
        "tests": tests,
    }


def coverage(tests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each requirement, by which tests it is shown. An id that the list does not know comes last, as `unknown`."""
    about: dict[str, list[dict[str, Any]]] = {req: [] for req in requirements()}
    for test in tests:
        for req in dict.fromkeys([*test["requirements"], *_measured(test)]):
            about.setdefault(req, []).append(test)
    return [_row(req, concerned) for req, concerned in about.items()]


def _measured(test: dict[str, Any]) -> Iterable[str]:
    return (req for one in test["measurements"] for req in one["req"])


def _row(req: str, concerned: list[dict[str, Any]]) -> dict[str, Any]:
    known = requirements().get(req)
    taken = [one for test in concerned for one in test["measurements"] if req in one["req"]]
    return {
        "id": req,
        "text": known.text if known else "",
        "source": known.source if known else "",
        "verdict": _verdict(concerned, bool(taken)) if known else "unknown",
        "tests": [_key(test) for test in concerned],
        "measurements": len(taken),
        "failed": sum(test["outcome"] in ("failed", "error") for test in concerned),
    }


def _verdict(concerned: list[dict[str, Any]], measured: bool) -> str:
    outcomes = {test["outcome"] for test in concerned}
    if outcomes & {"failed", "error"}:
        return "failed"
    if not outcomes:
        return "no test"
    if outcomes == {"skipped"}:
        return "skipped"
    return "shown" if measured else "not measured"


def _key(test: dict[str, Any]) -> str:
    return test["test"] if test["repetition"] == 1 else f"{test['test']} #{test['repetition']}"


def flaky(tests: list[dict[str, Any]], before: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """Tests that passed and failed with the same firmware, in this run's repetitions or in runs before."""
    here: dict[str, list[str]] = {}
    for test in tests:
        here.setdefault(test["test"], []).append(test["outcome"])
    found = []
    for name, outcomes in here.items():
        ran = [o for o in (*before.get(name, []), *outcomes) if o != "skipped"]
        if "passed" in ran and len(set(ran)) > 1:
            found.append({"test": name, "before": before.get(name, []), "outcomes": outcomes})
    return found


def write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n", "utf-8")


def read(path: Path) -> dict[str, Any]:
    """The evidence of a run. Raises BadEvidence."""
    if path.is_dir():
        raise BadEvidence(f"{path} is a folder; the evidence of a run is its file evidence.json")
    try:
        data = path.read_bytes()
        content = json.loads(data.decode("utf-8"))
    except OSError as error:
        raise BadEvidence(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadEvidence(f"{path} is cut short or damaged, it is not JSON: {error}") from error
    if changed(path, data):
        raise BadEvidence(f"{path} is not as its run left it: {NAME} beside it has another sum")
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BadEvidence(f"{path} is not the evidence of a run")
    if content.get("version") != VERSION:
        raise BadEvidence(f"{path} is evidence of version {content.get('version')}; this program reads {VERSION}")
    try:
        _look(content)
    except (KeyError, TypeError) as error:
        raise BadEvidence(f"{path} is damaged: it has no {error} where the evidence of a run has it") from error
    return content


def _look(content: dict[str, Any]) -> None:
    """All that is compared is there. Raises KeyError with the name of what is not."""
    _get(_get(content, "run", dict), "bench", str)
    _get(_get(content["run"], "clone", dict), "commit", str | None)
    for test in _get(content, "tests", list):
        for name, kind in (("test", str), ("repetition", int), ("outcome", str), ("reason", str)):
            _get(test, name, kind)
        for one in _get(test, "measurements", list):
            for name, kind in (("name", str), ("unit", str), ("value", object)):
                _get(one, name, kind)


def _get(table: Any, name: str, kind: Any) -> Any:
    if not isinstance(table, dict) or not isinstance(table.get(name, KeyError), kind):
        raise KeyError(name)
    return table[name]

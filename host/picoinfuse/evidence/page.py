"""report.html: the evidence of a run for people, in one file that needs no other and no network.

What is wrong is open on the page; what went well is folded. The logs and pictures of passed tests are packed
(deflate, base64) and unpacked by the browser when somebody opens them, so that 500 tests stay a few megabytes.
"""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from picoinfuse.common.units import duration
from picoinfuse.evidence.measuring import asked, shown
from picoinfuse.report.colors import css_variables

LONGEST = 10
MOST_INLINE_VCD = 1_000_000  # bytes; a bigger file is beside the page
BAD = ("failed", "error")


def render(content: dict[str, Any], folder: Path) -> str:
    """The page of an evidence document; `folder`: where its VCD files are."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": shown, "asked": asked, "duration": duration}
    tests = [_prepared(number, test, folder) for number, test in enumerate(content["tests"], start=1)]
    files: dict[str, list[dict[str, Any]]] = {}
    for test in tests:
        files.setdefault(test["file"], []).append(test)
    anchors = {test["key"]: test["anchor"] for test in tests}
    return environment.get_template("page.html.j2").render(
        run=content["run"],
        boards=_boards(content["boards"]),
        summary=content["summary"],
        requirements=content["requirements"],
        anchors=anchors,
        flaky=content["flaky"],
        moved=content["moved"],
        failed=[test for test in tests if test["outcome"] in BAD],
        files=files,
        skips=_skips(tests),
        unmeasured=[test for test in tests if test["outcome"] == "passed" and not test["measured"]],
        longest=sorted(tests, key=lambda test: -test["total_s"])[:LONGEST],
        light=Markup(css_variables(dark=False)),
        dark=Markup(css_variables(dark=True)),
    )


class _Board(dict[str, Any]):
    """A board as a key: what it told without the profile that it had."""

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return hash(tuple(self.items()))


def _boards(boards: list[dict[str, Any]]) -> dict[_Board, list[str]]:
    """Each board once, with the profiles that it ran with."""
    found: dict[_Board, list[str]] = {}
    for board in boards:
        profiles = found.setdefault(_Board({**board, "profile": None}), [])
        profiles.append(board["profile"] or "none")
    return found


def _prepared(number: int, test: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A test with what the template shows of it."""
    file, _, name = test["test"].partition("::")
    bad = test["outcome"] in BAD
    again = f" #{test['repetition']}" if test["repetition"] > 1 else ""
    heavy = _heavy(test, folder)
    return {
        **test,
        "anchor": f"t{number}",
        "key": test["test"] + again,
        "file": file,
        "name": name + again,
        "bad": bad,
        "total_s": sum(test["seconds"].values()),
        "heavy": heavy if bad else Markup(""),
        "packed": "" if bad or not heavy else _pack(heavy),
    }


def _heavy(test: dict[str, Any], folder: Path) -> Markup:
    """Pictures, waveform file and serial log of a test."""
    parts = []
    if test["course"]:
        parts.append(Markup("<h4>Course</h4><figure>") + Markup(test["course"]) + Markup("</figure>"))
    if test["waveform"]:
        parts.append(Markup("<h4>Pins</h4><figure>") + Markup(test["waveform"]) + Markup("</figure>"))
    if test["vcd"]:
        parts.append(_vcd_link(test["vcd"], folder))
    if test["log"]:
        text = escape("\n".join(test["log"]))
        parts.append(Markup("<h4>Serial line</h4><p class='quiet'>s of the bench; &gt; is from the host</p><pre>"))
        parts.append(text + Markup("</pre>"))
    return Markup("").join(parts)


def _vcd_link(name: str, folder: Path) -> Markup:
    file = folder / name
    target = name
    if file.is_file() and file.stat().st_size <= MOST_INLINE_VCD:
        target = "data:application/octet-stream;base64," + base64.b64encode(file.read_bytes()).decode()
    return Markup('<p><a href="{}" download="{}">waveform as VCD</a></p>').format(target, Path(name).name)


def _pack(html: str) -> str:
    return base64.b64encode(zlib.compress(html.encode(), 9)).decode()


def _skips(tests: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Tests by the reason for which they were skipped, the most frequent first."""
    by_reason: dict[str, list[dict[str, Any]]] = {}
    for test in tests:
        if test["outcome"] == "skipped":
            by_reason.setdefault(test["reason"], []).append(test)
    return dict(sorted(by_reason.items(), key=lambda item: -len(item[1])))

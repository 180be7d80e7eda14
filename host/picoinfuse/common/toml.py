"""Reads a TOML file a person wrote: its values, and the line of every key.

    document = toml.read(Path("regimens/pca.toml"))
    document.values["bolus"]["lockout"], document.line(("bolus", "lockout"))

`tomllib` gives values without lines, so `key_lines` scans the text for headers, keys and elements of arrays. What would
exhaust memory or the parser's stack is refused before it is parsed.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from picoinfuse.common.errors import FileError, FileNotReadable, Mistake

MAX_BYTES = 1_000_000  # the largest library a pump takes, 200 drugs, is 60 KB
MAX_DEPTH = 8  # of brackets, and of the parts of a key; no file of ours goes beyond 3
MAX_WORD = 64  # characters of a number, date or bare key; Python itself refuses integers of 4300 digits

KeyPath = tuple[str | int, ...]  # ("step", "2", "rate"), ("concentrations", 1)

_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")
_TOKEN = re.compile(
    r'(?P<comment>\#[^\n]*)|(?P<text>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\')'
    r"|(?P<newline>\n)|(?P<space>[^\S\n]+)|(?P<mark>[\[\]{}=,.])|(?P<word>[^\s\[\]{}=,\#\"'.]+)|(?P<other>.)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Document:
    """A file that is TOML. Numbers with a point are Decimals: as they were written."""

    file: Path
    values: dict[str, Any]
    lines: dict[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """The line of a key; of its table where the key is missing; 1 where the table is missing too."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(
    file: Path, wrong: type[FileError] = FileError, unreadable: type[FileNotReadable] = FileNotReadable
) -> Document:
    """The values and lines of a TOML file.

    Raises `unreadable` when there is no file to read, and `wrong` with a line when it is too large, not UTF-8, nested
    too deep, has a number that is too long, or is not TOML.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise unreadable(f"{file} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise wrong(file, [Mistake("too_large", 1, f"the file is larger than {MAX_BYTES // 1_000_000} MB")])
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise wrong(file, [Mistake("syntax", line, "the file is not UTF-8 text")]) from error
    if mistake := _beyond_bounds(text):
        raise wrong(file, [mistake])
    try:
        values = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise wrong(file, [_syntax_mistake(error, text)]) from error
    return Document(file, values, key_lines(text))


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line of each table, key and element of an array, of a text that is TOML.

    Keys within an inline table have no entry of their own: it stands on one line.
    """
    return _Scan().lines_of(text)


class _Scan:
    """One pass over the tokens of a TOML text."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.table: KeyPath = ()
        self.parts: list[str] = []  # of the key or header that is being read
        self.value: KeyPath | None = None  # whose value is being read
        self.depth = 0  # of brackets in this value
        self.at = 0  # element of the outermost array

    def lines_of(self, text: str) -> dict[KeyPath, int]:
        header = 0  # opening brackets of the header that is being read
        for kind, token, line in _tokens(text):
            if self.value is not None:
                self._read_value(kind, token, line)
            elif token == "[" and not self.parts:
                header += 1
            elif token == "]" and header:
                self._end_header(header, line)
                header = 0
            elif token == "=":
                self.value, self.depth, self.at = (*self.table, *self.parts), 0, 0
                self.lines.setdefault(self.value, line)
                self.parts = []
            elif kind == "text":
                self.parts.append(token[1:-1])
            elif kind == "word":
                self.parts.append(token)
        return self.lines

    def _end_header(self, brackets: int, line: int) -> None:
        if self.parts:
            self.table = tuple(self.parts)
            if brackets == 2:
                self.table += (sum(path[:-1] == self.table and isinstance(path[-1], int) for path in self.lines),)
            self.lines.setdefault(self.table, line)
            self.lines.setdefault(tuple(self.parts), line)
        self.parts = []

    def _read_value(self, kind: str, token: str, line: int) -> None:
        assert self.value is not None
        if kind == "newline":
            if not self.depth:
                self.value = None
            return
        if self.depth == 1 and token not in ("]", "}", ","):
            self.lines.setdefault((*self.value, self.at), line)
        if kind == "mark":
            self.depth += (token in "[{") - (token in "]}")
            self.at += token == "," and self.depth == 1


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """(kind, token, line) without spaces and comments."""
    line = 1
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup or "", match[0]
        if kind not in ("space", "comment"):
            yield kind, token, line
        line += token.count("\n")


def _beyond_bounds(text: str) -> Mistake | None:
    depth = parts = 0
    for kind, token, line in _tokens(text):
        if kind == "word" and len(token) > MAX_WORD:
            what = "number" if token[0] in "+-0123456789" else "name"
            return Mistake("too_long", line, f"a {what} of {len(token)} characters; at most {MAX_WORD} are read")
        depth += (token in ("[", "{")) - (token in ("]", "}"))
        parts = 0 if kind == "newline" or token in ("=", ",") else parts + (token == ".")
        if max(depth, parts) > MAX_DEPTH:
            return Mistake("too_deep", line, f"nested more than {MAX_DEPTH} deep")
    return None


def _syntax_mistake(error: tomllib.TOMLDecodeError, text: str) -> Mistake:
    """The error of `tomllib` with its line; the last line for what is missing at the end of the text."""
    place = _AT_LINE.search(str(error))
    line = int(place[1]) if place and place[1] else len(text.splitlines()) or 1
    return Mistake("syntax", line, f"not TOML: {_AT_LINE.sub('', str(error))}")

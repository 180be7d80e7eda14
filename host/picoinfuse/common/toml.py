"""In which line of a TOML file a key stands.

`tomllib` gives values without places, so this scans the text for `[table]` headers and `key =`. It knows what
board profiles use: plain tables, bare or quoted keys, comments, values over several lines. It is not a TOML
parser; the file has been through `tomllib` before.
"""

import re
import tomllib

from picoinfuse.common.errors import Mistake

_AT_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)")
_HEADER = re.compile(r"\s*\[\s*([A-Za-z0-9_.\"'-]+)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')\s*=")


def syntax_mistake(error: tomllib.TOMLDecodeError, text: str) -> Mistake:
    """What `tomllib` says of a text that is no TOML, with its line; the last one for what is missing at the end."""
    place = _AT_LINE.search(str(error))
    line = int(place[1]) if place else len(text.splitlines()) or 1
    return Mistake("syntax", line, f"not TOML: {_AT_LINE.sub('', str(error))}")


class KeyLines:
    """Lines by (table, key); the table of what stands before the first header is ""."""

    def __init__(self, text: str) -> None:
        self._tables: dict[str, int] = {}
        self._keys: dict[tuple[str, str], int] = {}
        table = ""
        inside = ""  # the quotes of a string over several lines, while inside one
        for number, line in enumerate(text.splitlines(), start=1):
            if not inside:
                if header := _HEADER.match(line):
                    table = header[1].strip("\"'")
                    self._tables.setdefault(table, number)
                elif key := _KEY.match(line):
                    self._keys.setdefault((table, key[1].strip("\"'")), number)
            for quotes in ('"""', "'''"):
                if inside in ("", quotes) and line.count(quotes) % 2:
                    inside = "" if inside else quotes

    def of(self, table: str, key: str = "") -> int:
        """The line of the key; without the key, of its table's header; without the table, 1."""
        if not table and key in self._tables:
            return self._tables[key]
        return self._keys.get((table, key), self._tables.get(table, 1))

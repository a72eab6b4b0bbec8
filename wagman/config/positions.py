"""Where each key of a TOML document stands: key path -> line.

The standard library's parser has accepted the text before this scanner sees it, so the scanner only has to find its way
through valid TOML: it knows where keys, strings, arrays and tables begin and end, and nothing of what values mean.
"""

import bisect
import re
import tomllib
from collections.abc import Mapping
from typing import TypeAlias

from attrs import define, field

Path: TypeAlias = tuple[str | int, ...]
"""A key path; an element of an array has its index. The tables of an array of tables share one path."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_STRING = re.compile(
    r'''"""(?:\\.|[^\\])*?""""{0,2}'''  # two more quotes may stand before the closing three
    r"""|'''.*?''''{0,2}"""
    r"""|"(?:\\.|[^"\\])*"|'[^']*'""",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")  # a date may hold a blank


def key_lines(text: str) -> Mapping[Path, int]:
    """The line (from 1) on which each key, table and array element of a valid document first stands."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


@define
class _Scanner:
    """A recursive descent over `text`; every method begins at `at` and leaves `at` behind what it has read."""

    text: str
    at: int = 0
    lines: dict[Path, int] = field(factory=dict)
    newlines: list[int] = field(init=False)

    @newlines.default
    def _find_newlines(self) -> list[int]:
        return [found.start() for found in re.finditer("\n", self.text)]

    def document(self) -> None:
        table: Path = ()
        while self.peek():
            if self.took("["):
                self.took("[")
                table = self.key(())
                self.took("]")
                self.took("]")
            else:
                self.pair(table)

    def pair(self, table: Path) -> None:
        path = self.key(table)
        self.took("=")
        self.value(path)

    def key(self, table: Path) -> Path:
        """A key, dotted or not, below `table`; the line of each of its parts is noted."""
        path = self.part(table)
        while self.took("."):
            path = self.part(path)
        return path

    def part(self, table: Path) -> Path:
        self.peek()
        path = (*table, _plain(self.match(_KEY)))
        self.note(path)
        return path

    def value(self, path: Path) -> None:
        if self.took("["):
            self.array(path)
        elif self.took("{"):
            self.inline_table(path)
        elif self.peek() in ('"', "'"):
            self.match(_STRING)
        else:
            self.match(_SCALAR)

    def array(self, path: Path) -> None:
        index = 0
        while not self.took("]"):
            self.note((*path, index))
            self.value((*path, index))
            self.took(",")
            index += 1

    def inline_table(self, path: Path) -> None:
        while not self.took("}"):
            self.pair(path)
            self.took(",")

    def note(self, path: Path) -> None:
        self.lines.setdefault(path, bisect.bisect_left(self.newlines, self.at) + 1)

    def peek(self) -> str:
        """The next character that is neither blank nor comment; empty at the end."""
        self.match(_BLANK)
        return self.text[self.at : self.at + 1]

    def took(self, mark: str) -> bool:
        """Step over `mark` if it comes next; returns whether it did."""
        found = self.peek() == mark
        self.at += found
        return found

    def match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"not valid TOML at character {self.at}")
        self.at = found.end()
        return found.group()


def _plain(key: str) -> str:
    """The key without its quotes and escapes."""
    return next(iter(tomllib.loads(f"{key}=0"))) if key[0] in "\"'" else key

"""The page for the night as it is written, and the problems that the source can raise."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
CALLING = PAGE.partition("\n## What calls for you\n")[2].partition("\n## ")[0]

EXAMPLES = re.compile(r"\b(gn|temperature_c|port 3|link|the board|lan)\b", re.IGNORECASE)
"""What stands for any guest, sensor, port, task, board or network in the headings."""

ANY = "…"


class Entry(NamedTuple):
    """An entry of the page."""

    heading: str
    text: str

    @property
    def code(self) -> str:
        """The id, without what it is about; it is the first thing below the heading."""
        return re.split("[:`]", self.text.lstrip(), maxsplit=2)[1]

    def says(self, words: str) -> bool:
        """Whether these are the words of its heading."""
        return words.lower().startswith(EXAMPLES.sub(ANY, self.heading).lower())


ENTRIES = [Entry(*each.split("\n", 1)) for each in CALLING.split("\n### ")[1:]]


class Raised(NamedTuple):
    """A problem as a function of the service raises it."""

    codes: frozenset[str]
    words: str  # with ANY for what is only known then


def template(node: ast.expr) -> str:
    """A text of the source, with ANY for what is put into it."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(template, parts))
    return ANY


def is_problem(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem" and len(node.args) > 1


def texts(function: ast.AST) -> Iterator[str]:
    """The words of its problems, which stand in the call or under the name `text`."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id="text")]):
                yield template(node.value)
            case ast.Call(args=[_, _, ast.Constant() | ast.JoinedStr() as text, *_]) if is_problem(node):
                yield template(text)


def raised() -> Iterator[Raised]:
    """Every problem that the source has."""
    for path in sorted(Path(ROOT / "wagman").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                calls = [node for node in ast.walk(function) if is_problem(node)]
                codes = frozenset(template(call.args[0]).partition(":")[0] for call in calls if isinstance(call, ast.Call))
                yield from (Raised(codes, words) for words in texts(function) if codes)


RAISED = list(raised())

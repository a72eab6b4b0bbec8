"""Whoever is woken finds each problem that the service can raise on the page for the night, by the words that are shown."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
CALLING = PAGE.partition("\n## What calls for you\n")[2].partition("\n## ")[0]

LEADS = ["Means:", "Make sure:", "Do:", "Then:", "Leave it:"]
"""What an entry has, in this order: what it means, how to be sure, what to do, what that will do, when to leave it alone."""

EXAMPLES = re.compile(r"\b(gn|temperature_c|3|link)\b")
"""What stands for any guest, sensor, port or task in the headings."""

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


def test_the_source_has_problems() -> None:
    assert {"link", "failing", "memory", "port"} <= {code for each in RAISED for code in each.codes}


def test_each_problem_has_its_entry_and_each_entry_its_problem() -> None:
    assert {entry.code for entry in ENTRIES} == {code for each in RAISED for code in each.codes}


@pytest.mark.parametrize("problem", RAISED, ids=lambda problem: problem.words[:40])
def test_each_problem_is_found_by_its_words(problem: Raised) -> None:
    assert [entry.code for entry in ENTRIES if entry.says(problem.words) and entry.code in problem.codes]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.heading)
def test_each_entry_says_what_it_means_how_to_be_sure_what_to_do_what_that_does_and_when_to_leave_it(entry: Entry) -> None:
    assert re.findall(r"^- \*\*(.+?)\*\*", entry.text, re.MULTILINE) == LEADS


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.heading)
def test_each_entry_is_in_the_table_on_top_with_its_id(entry: Entry) -> None:
    anchor = re.sub(r"[^\w\- ]", "", entry.heading.lower()).replace(" ", "-")
    (row,) = [line for line in CALLING.splitlines() if line.startswith("| [") and f"(#{anchor})" in line]
    assert re.search(f"`{entry.code}[:`]", row)

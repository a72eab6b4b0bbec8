"""One word for each thing, on the pages, in the messages and in the docstrings; and no sentence that has to be read twice."""

import re
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES as ALL_PAGES
from tests.docs.blocks import ROOT
from tests.docs.prose import (
    EVERYWHERE,
    EXCEPT,
    FOR_OPERATORS,
    LONGEST,
    PAGES,
    Rule,
    broken,
    is_for_operators,
    modules,
    nameless,
    prose,
    sentences,
    standing_alone,
    texts,
)

GLOSSARY = ROOT / "docs" / "glossary.md"
FREE = ("CHANGELOG.md", "glossary.md")
"""What tells of the past, and what explains words, may use any."""


@pytest.mark.parametrize("rule", [*EVERYWHERE, *FOR_OPERATORS], ids=lambda rule: rule.planted)
def test_each_rule_finds_the_sentence_that_breaks_it(rule: Rule) -> None:
    assert broken(rule.planted, (rule,), "a page") == [f"a page: “{rule.wrong.search(rule.planted)[0]}”, better: {rule.right}"]  # type: ignore[index]


@pytest.mark.parametrize("page", [page for page in ALL_PAGES if page.name not in FREE], ids=lambda page: page.name)
def test_pages_use_the_words_of_the_glossary(page: Path) -> None:
    where = str(page.relative_to(ROOT))
    rules = (*EVERYWHERE, *FOR_OPERATORS) if where in PAGES else EVERYWHERE
    assert broken(prose(page), rules, where) == []


def test_messages_and_docstrings_use_the_words_of_the_glossary() -> None:
    found = [
        problem
        for module in modules()
        for is_docstring, line, text in texts(module)
        for problem in broken(
            text,
            EVERYWHERE if is_docstring or not is_for_operators(module) else (*EVERYWHERE, *FOR_OPERATORS),
            f"{module.relative_to(ROOT)}:{line}",
        )
    ]
    assert found == []


@pytest.mark.parametrize("name", LONGEST)
def test_no_sentence_is_so_long_that_it_is_read_twice(name: str) -> None:
    assert [said for said in sentences(ROOT / name) if len(said.split()) > LONGEST[name]] == []


def test_a_long_sentence_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"A short one. {'and on ' * 30}it goes.\n", encoding="utf-8")
    assert [len(said.split()) for said in sentences(page)] == [3, 62]


def test_what_may_stand_all_the_same_stands_there() -> None:
    for place, phrases in EXCEPT.items():
        files = [ROOT / place] if (ROOT / place).is_file() else sorted((ROOT / place).rglob("*.py"))
        words = " ".join(" ".join(file.read_text(encoding="utf-8") for file in files).split()).lower()
        assert [phrase for phrase in phrases if phrase.lower() not in words] == [], place


def test_the_glossary_has_at_most_twenty_words() -> None:
    words = re.findall(r"^\| \*\*", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    assert 0 < len(words) <= 20


def test_what_is_read_without_the_code_names_its_subject() -> None:
    told = list(standing_alone())
    assert len(told) > 400
    assert [f"{name}: {text}" for name, text in told if nameless(text)] == []


@pytest.mark.parametrize(
    ("text", "is_nameless"),
    [
        ("it is asked to halt", True),
        ("Its MAC address.", True),
        ("So long after a command the board may still show the old state.", True),
        ("the service asks the guest to halt", False),
        ("Items of a list", False),
    ],
)
def test_a_text_without_a_subject_is_found(text: str, is_nameless: bool) -> None:
    assert nameless(text) == is_nameless

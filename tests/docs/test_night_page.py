"""Whoever is woken finds each problem that the service can raise on the page for the night, by the words that are shown."""

import re

import pytest

from tests.docs.night_page import CALLING, ENTRIES, RAISED, Entry, Raised
from tests.systemd.incidents import INCIDENTS, TOLD_OTHERWISE

LEADS = ["Means:", "Make sure:", "Do:", "Then:", "Leave it:"]
"""What an entry has, in this order: what it means, how to be sure, what to do, what that will do, when to leave it alone."""


def test_the_source_has_problems() -> None:
    assert {"link", "failing", "memory", "port"} <= {code for each in RAISED for code in each.codes}


def test_each_problem_has_its_entry_and_each_entry_its_problem() -> None:
    assert {entry.code for entry in ENTRIES} == {code for each in RAISED for code in each.codes}


@pytest.mark.parametrize("problem", RAISED, ids=lambda problem: problem.words[:40])
def test_each_problem_is_found_by_its_words(problem: Raised) -> None:
    assert [entry.code for entry in ENTRIES if entry.says(problem.words) and entry.code in problem.codes]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.heading)
def test_each_entry_is_staged_on_a_machine_or_there_is_a_reason_why_not(entry: Entry) -> None:
    is_staged = entry.heading in {incident.entry for incident in INCIDENTS}
    assert is_staged != bool(TOLD_OTHERWISE.get(entry.heading))


def test_nothing_is_staged_that_the_page_does_not_have() -> None:
    assert {incident.entry for incident in INCIDENTS} | TOLD_OTHERWISE.keys() <= {entry.heading for entry in ENTRIES}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.heading)
def test_each_entry_says_what_it_means_how_to_be_sure_what_to_do_what_that_does_and_when_to_leave_it(entry: Entry) -> None:
    assert re.findall(r"^- \*\*(.+?)\*\*", entry.text, re.MULTILINE) == LEADS


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.heading)
def test_each_entry_is_in_the_table_on_top_with_its_id(entry: Entry) -> None:
    anchor = re.sub(r"[^\w\- ]", "", entry.heading.lower()).replace(" ", "-")
    (row,) = [line for line in CALLING.splitlines() if line.startswith("| [") and f"(#{anchor})" in line]
    assert re.search(f"`{entry.code}[:`]", row)

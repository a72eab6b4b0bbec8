"""That a source was ever heard is kept in two places: no lost log has a hung guest on a plug left alone. In virtual time."""

import pytest

from tests.service.test_recollection import Story
from wagman.simulation.play import Scenario, play
from wagman.simulation.script import parse
from wagman.simulation.sites import site

LOST = ["disk wiped", "disk truncated 50", "disk newer", "disk undecided", "disk muddled"]
"""The log, or what lies beside it."""

HANGS_MEANWHILE = "20 min; service kill; {losses}; guest ai hang; service start; 40 min"


def told(script: str) -> Story:
    """Play a script on a site with plugs; no checker may object."""
    story = Story()
    outcome = play(Scenario(1, site("plugs"), parse(script)), story.watch)
    assert outcome.violation is None, outcome.violation
    assert story.of("service.task_failed") == []
    return story


def was_cut(story: Story) -> bool:
    return any(cut.plug.board == "rail" and cut.plug.port == "0" for cut in story.cuts)


@pytest.mark.parametrize("loss", LOST)
def test_a_guest_that_hung_while_the_log_or_what_lies_beside_it_was_lost_is_asked_cut_and_started(loss: str) -> None:
    story = told(HANGS_MEANWHILE.format(losses=loss))
    assert was_cut(story)
    assert story.rows()["ai"]["state"] == "started"


@pytest.mark.parametrize("losses", ["disk wiped; disk undecided", "disk truncated 50; disk muddled"])
def test_where_both_are_lost_a_guest_that_hangs_was_never_heard_and_is_left_alone(losses: str) -> None:
    story = told(HANGS_MEANWHILE.format(losses=losses))
    assert not was_cut(story)
    assert [each["heard"] for each in story.rows()["ai"]["sources"]] == [False]


def test_a_log_that_was_lost_is_told_by_the_file_and_may_lose_the_file_after_that() -> None:
    story = told("20 min; service kill; disk wiped; service start; 1 min; " + HANGS_MEANWHILE.format(losses="disk undecided"))
    assert was_cut(story)

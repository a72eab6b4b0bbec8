"""A guest that somebody works on: what is seen of it is told, and nothing is done."""

from attrs import evolve

from tests.fsm.guests import Story, started
from wagman.fsm.guest.inputs import Review
from wagman.model.facts import UNTOUCHED


def maintained() -> Story:
    story = started()
    assert story.ask("maintenance", for_s=600.0).accepted
    return story


def test_power_that_goes_off_at_last_is_told_and_left_as_it_is() -> None:
    story = maintained()
    story.relay_off()
    assert (story.name, story.events[-1], story.goal) == ("maintenance", "off", UNTOUCHED)


def test_where_it_turns_out_that_it_was_over_before_the_guest_is_looked_at_anew() -> None:
    """The memory that was read first was an older one."""
    story = maintained()
    story.memory = evolve(story.memory, term=None)
    story.tell(Review(recalled=True))
    assert (story.name, story.messages, story.goal) == ("stopped", [], UNTOUCHED)
    assert story.last("maintenance_over")["reason"] == "an operator decided so before"


def test_where_it_turns_out_that_it_is_still_on_the_guest_goes_on_being_left_alone() -> None:
    story = maintained()
    told = len(story.events)
    story.tell(Review(recalled=True))
    assert (story.name, story.events[told:]) == ("maintenance", [])

"""What people read."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.bridges.notify.events import at, began, ended, event
from wagman.bridges.notify.entries import MOST_CHARS, of_event
from wagman.bridges.notify.message import MOST_LINES, MOST_TITLE_CHARS, Message, compose, shortened, trial
from wagman.bridges.notify.plan import Plan
from wagman.bridges.notify.rules import Rules
from wagman.model.catalogue import EVENT_TYPES
from wagman.model.catalogue import FIELDS as FIELDS_KNOWN

VALUE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
FIELDS = st.dictionaries(st.sampled_from([*FIELDS_KNOWN, "x"]), VALUE | st.lists(VALUE, max_size=2), max_size=5)


def told(*events: dict[str, Any], least: Any = "info") -> Message:
    """The message that tells of them all."""
    plan = Plan(Rules(least=least), lambda uid: {0: "root"}.get(uid, f"user {uid}"))
    for each in events:
        plan.take(each, at(0))
    digest = plan.next(at(3600))
    assert digest is not None
    return compose("mast", "abc-1", digest, lambda stamp: stamp[11:19])


def test_a_message_says_what_is_wrong_since_when_and_what_to_do() -> None:
    assert told(began(1, "fan:1")).text() == (
        "CRITICAL  it is not fed (00:00:01)\n"
        "          do: feed it\n"
        "\n"
        "On mast, wagman status tells more.\n"
        "\n"
        "Message abc-1, of 1 thing."
    )


def test_its_sentences_are_those_of_why_and_it_names_the_command_for_the_one_guest() -> None:
    message = told(event(1, message="no heartbeat"), event(2), event(3))
    assert message.title == "mast: WARNING a start of gn failed: no heartbeat in time"
    first = message.body.splitlines()[0]
    assert first == "WARNING   a start of gn failed: no heartbeat in time (3 times, 00:00:01 to 00:00:03)"
    assert "On mast, wagman why gn tells more." in message.body
    assert message.count == 3


def test_the_gravest_is_the_title_and_the_rest_a_number() -> None:
    message = told(event(1), event(2, device="cs"), began(3, "fan:1"))
    assert message.title == "mast: CRITICAL it is not fed (and 2 more)"
    assert message.severity == "critical"


def test_what_is_over_is_good_news() -> None:
    message = told(began(1, "fan:1"), ended(2, "fan:1"))
    assert message.title == "mast: OVER it is not fed (over after 1 min 30 s)"
    assert message.severity == "over"
    assert "do:" not in message.body


def test_a_long_list_is_cut_and_says_so() -> None:
    message = told(*(event(number, device=f"g{number}") for number in range(MOST_LINES + 4)))
    assert "and 4 more, which wagman events has" in message.body
    assert message.count == MOST_LINES + 4


def test_a_time_that_nobody_knew_is_not_told() -> None:
    assert "00:00" not in told(event(1) | {"clock": "unset"}).body


def test_what_may_have_come_before_says_so() -> None:
    message = told(event(1))
    once, twice = (Message(message.id, message.title, message.body, message.severity, 1, tries) for tries in (1, 2))
    assert twice.text() == once.text() + " Sent again: an earlier attempt may have reached you."


def test_a_message_in_short_has_the_number_and_nothing_of_what_happened_in_it() -> None:
    message = told(event(1, device="poison"), began(2, "fan:1", text="poison"))
    short = shortened("mast", message)
    assert (short.id, short.count, short.severity) == (message.id, message.count, message.severity)
    assert short.title == "mast: CRITICAL 2 things to look up"
    assert "poison" not in short.text()


def test_a_trial_says_that_it_is_one() -> None:
    assert trial("mast", "test").text() == "If you read this, mast can tell you.\n\nMessage test."


@pytest.mark.parametrize("type_", sorted(EVENT_TYPES))
def test_there_are_words_for_every_event(type_: str) -> None:
    message = told(event(1, type_) if not type_.startswith("problem.") else began(1, "a"))
    assert message.title
    assert "](" not in message.body  # no marks of the reference page


@given(st.sampled_from([*EVENT_TYPES, "of.another.version"]), st.none() | st.text(max_size=10), FIELDS)
@example("problem.began", None, {"severity": []})
@settings(max_examples=200)
def test_whatever_an_event_holds_it_is_told_in_plain_lines(type_: str, device: str | None, fields: dict[str, Any]) -> None:
    happened = event(1, type_, device) | {"fields": fields}
    entry = of_event(happened, str, 0.0)
    assert entry.text.isprintable()
    assert entry.do.isprintable()
    assert len(entry.text) <= MOST_CHARS
    if type_ != "problem.ended":
        message = told(happened)
        assert message.title.isprintable()
        assert len(message.title) <= MOST_TITLE_CHARS
        assert all(line.isprintable() for line in message.text().splitlines())

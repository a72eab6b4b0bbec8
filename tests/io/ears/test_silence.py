"""What a row of questions proves of one source, in all orders of answers, witnesses, outages and stops of the service."""

import math
from collections.abc import Sequence
from itertools import pairwise

from attrs import frozen
from hypothesis import example, given
from hypothesis import strategies as st

from wagman.io.ears.silence import SLACK_S, Silence
from wagman.model.facts import Listened

EVERY_S = 10.0
QUESTION_S = 2.0
APART_S = 20.0


@frozen
class Asked:
    """One question, and what came of it."""

    asked_at_s: float
    ended_at_s: float
    answered: bool
    shown_at_s: float | None  # where it was not answered: when a witness did

    @property
    def listened_at_s(self) -> float:
        return self.ended_at_s if self.answered else self.asked_at_s

    @property
    def counts(self) -> bool:
        return self.answered or self.ended_at_s - self.asked_at_s <= QUESTION_S + SLACK_S

    @property
    def proves(self) -> bool:
        return self.counts and not self.answered and self.shown_at_s is not None


@st.composite
def rows(draw: st.DrawFn) -> Sequence[Asked]:
    """Questions one after the other: mostly in their time, now and then after a stop of the service, or across one."""
    now_s, row = 1000.0, []
    for _ in range(draw(st.integers(1, 12))):
        now_s += draw(st.sampled_from((0.1, 8.0, 8.0, 8.0, 9.9, 10.1, 60.0)))
        ended_at_s = now_s + draw(st.sampled_from((0.001, 2.0, 2.9, 3.1, 40.0)))
        answered = draw(st.booleans())
        shown_at_s = ended_at_s + draw(st.sampled_from((0.001, 2.0))) if not answered and draw(st.integers(0, 3)) else None
        row.append(Asked(now_s, ended_at_s, answered, shown_at_s))
        now_s = shown_at_s or ended_at_s
    return row


def told(row: Sequence[Asked]) -> list[Listened | None]:
    silence = Silence(EVERY_S, QUESTION_S, APART_S)
    facts: list[Listened | None] = []
    for each in row:
        if each.answered:
            silence.answered(each.ended_at_s)
            facts.append(None)
        else:
            facts.append(silence.unanswered(each.asked_at_s, each.ended_at_s, each.shown_at_s))
    return facts


@given(rows())
def test_whatever_is_called_silence_is_an_unbroken_row_of_questions_that_were_witnessed(row: Sequence[Asked]) -> None:
    for fact in filter(None, told(row)):
        within = [each for each in row if each.counts and fact.silent_since_s < each.asked_at_s <= fact.asked_at_s]
        assert within[-1].asked_at_s == fact.asked_at_s
        assert all(each.proves for each in within)
        times = [fact.silent_since_s, *(each.asked_at_s for each in within)]
        assert all(later - earlier <= APART_S for earlier, later in pairwise(times))


@given(rows())
def test_a_silence_begins_when_somebody_was_heard_or_when_the_next_question_was_due(row: Sequence[Asked]) -> None:
    heard = {each.ended_at_s for each in row if each.answered} | {each.shown_at_s for each in row}
    due = {each.asked_at_s - EVERY_S for each in row}
    assert all(fact.silent_since_s in heard | due for fact in filter(None, told(row)))


@given(rows())
def test_no_silence_is_longer_than_the_row_of_unanswered_questions_and_the_time_between_two(row: Sequence[Asked]) -> None:
    for fact in filter(None, told(row)):
        first_s = min(each.asked_at_s for each in row if each.counts and each.asked_at_s > fact.silent_since_s)
        was_witnessed = fact.silent_since_s in {each.shown_at_s for each in row}
        assert was_witnessed or first_s - fact.silent_since_s <= EVERY_S + 1e-9


@given(rows())
def test_no_silence_is_longer_than_the_time_since_the_guest_answered(row: Sequence[Asked]) -> None:
    for fact, each in zip(told(row), row, strict=True):
        answers = [earlier.ended_at_s for earlier in row if earlier.answered and earlier.ended_at_s <= each.ended_at_s]
        assert fact is None or not answers or fact.silent_since_s >= max(answers)


@given(rows())
@example([Asked(1000, 1002, False, 1002.1), Asked(1010, 1012, False, 1012.1)])
def test_every_silence_that_is_shown_is_told_at_once(row: Sequence[Asked]) -> None:
    facts = [fact for fact, each in zip(told(row), row, strict=True) if each.counts]
    for fact, (before, each) in zip(facts[1:], pairwise(each for each in row if each.counts), strict=True):
        is_next = each.asked_at_s - before.listened_at_s <= APART_S
        # The first question after an answer may have been lost with the network, as the first one after a gap.
        assert (fact is not None) == (each.proves and before.shown_at_s is not None and is_next)


def test_a_question_that_a_stopped_service_gave_up_shows_nothing_and_takes_nothing_away() -> None:
    silence = Silence(EVERY_S, QUESTION_S, APART_S)
    silence.answered(1000)
    assert silence.unanswered(1002, 1009, 1009) is None
    assert silence.unanswered(1008, 1010, 1010) is None
    assert silence.unanswered(1010, 1012, 1013) == Listened(1010, 1000)


def test_an_outage_that_ends_after_a_question_is_no_silence_of_before() -> None:
    silence = Silence(EVERY_S, QUESTION_S, APART_S)
    silence.answered(1000)
    assert silence.unanswered(1010, 1012, None) is None
    assert silence.unanswered(1020, 1022, 1023) is None
    assert silence.unanswered(1030, 1032, 1033) == Listened(1030, 1023, stirred_at_s=1023)


def test_a_question_that_was_asked_in_a_short_outage_proves_nothing_and_leaves_no_gap() -> None:
    silence = Silence(EVERY_S, QUESTION_S, APART_S)
    silence.answered(1000)
    assert silence.unanswered(1002, 1004, 1005) is None
    assert silence.unanswered(1010, 1012, 1016, in_outage=True) is None
    assert silence.is_in_doubt  # none has counted yet
    assert silence.unanswered(1016, 1018, 1019) == Listened(1016, 1006)
    assert silence.unanswered(1026, 1028, 1032, in_outage=True) is None
    assert silence.unanswered(1036, 1038, 1039) == Listened(1036, 1006)


def test_in_an_outage_the_guest_may_have_come_up_and_so_its_end_counts_as_a_sign_of_life() -> None:
    silence = Silence(EVERY_S, QUESTION_S, APART_S)
    assert silence.unanswered(1000, 1002, 1003) is None
    assert silence.unanswered(1010, 1012, 1013) == Listened(1010, 1003, stirred_at_s=1003)  # nobody listened before
    silence.gap()
    assert silence.unanswered(1020, 1022, None) is None
    assert silence.unanswered(1030, 1032, 1033) is None
    assert silence.unanswered(1040, 1042, 1043) == Listened(1040, 1033, stirred_at_s=1033)
    assert silence.unanswered(1050, 1052, 1053) == Listened(1050, 1033, stirred_at_s=1033)
    silence.answered(1060)
    assert silence.unanswered(1067, 1069, 1070) is None
    assert silence.unanswered(1070, 1072, 1073) == Listened(1070, 1060, stirred_at_s=1033)


def test_a_question_that_was_overtaken_by_an_answer_takes_nothing_away() -> None:
    silence = Silence(EVERY_S, QUESTION_S, APART_S)
    silence.answered(1000)
    silence.answered(1011)
    assert silence.unanswered(1010, 1010, None) is None
    assert silence.unanswered(1017, 1019, 1020) is None
    assert silence.unanswered(1020, 1022, 1023) == Listened(1020, 1011)


def test_limits_of_a_question_to_the_moment() -> None:
    silence = Silence(EVERY_S, QUESTION_S, APART_S)
    silence.answered(1000)
    assert silence.unanswered(1000, 1002, 1003) is None  # it was overtaken by the answer
    latest_s = 1000 + APART_S
    assert silence.unanswered(latest_s, latest_s + QUESTION_S + SLACK_S, latest_s + 9) is None
    assert (silence.is_in_doubt,) == (True,)
    assert silence.unanswered(latest_s + 9, latest_s + 10, latest_s + 11) == Listened(latest_s + 9, latest_s + 9 - EVERY_S)
    again = Silence(EVERY_S, QUESTION_S, APART_S)
    again.answered(1000)
    assert again.unanswered(latest_s + 1e-6, latest_s + 1, latest_s + 2) is None  # a gap: nobody listened for too long
    assert not again.is_in_doubt
    early = Silence(EVERY_S, QUESTION_S, APART_S)
    assert early.unanswered(1000, 1001, 1010) is None
    assert early.unanswered(1010, 1011, 1012) is None  # it left when the silence began, which may be why nobody answered
    assert early.unanswered(1015, 1016, 1017) == Listened(1015, 1010, stirred_at_s=1010)


def test_a_question_is_judged_once() -> None:
    silence = Silence(EVERY_S, QUESTION_S, APART_S)
    silence.answered(1000)
    assert silence.unanswered(1007, 1009, 1009.5) is None
    assert silence.unanswered(1007, 1009, 1009.5) is None
    assert silence.unanswered(1010, 1012, 1013) == Listened(1010, 1000)
    assert silence.unanswered(1010, 1012, 1013) is None


def test_the_first_question_after_an_answer_may_have_been_lost_in_an_outage_that_was_over_when_the_witness_was_asked() -> None:
    silence = Silence(EVERY_S, QUESTION_S, APART_S)
    silence.answered(1000)
    assert silence.unanswered(1010, 1012, 1015) is None
    assert (silence.is_in_doubt,) == (True,)
    silence.answered(1015.1)  # it was asked again at once
    assert (silence.is_in_doubt,) == (False,)
    assert silence.unanswered(1025, 1027, 1028) is None
    assert silence.unanswered(1027.9, 1029, 1030) is None  # it left before the network was shown to work
    assert silence.unanswered(1028, 1030, 1031) == Listened(1028, 1028 - EVERY_S)
    assert (silence.is_in_doubt,) == (False,)
    assert silence.unanswered(1038, 1040, 1041) == Listened(1038, 1028 - EVERY_S)


def test_a_gap_ends_the_doubt() -> None:
    silence = Silence(EVERY_S, QUESTION_S, APART_S)
    silence.answered(1000)
    assert silence.unanswered(1010, 1012, 1015) is None
    assert silence.unanswered(1015, 1017, None) is None
    assert (silence.is_in_doubt,) == (False,)
    assert silence.unanswered(1020, 1022, 1023) is None
    assert silence.unanswered(1030, 1032, 1033) == Listened(1030, 1023, stirred_at_s=1023)


def test_where_a_question_came_late_after_an_answer_the_guest_may_have_answered_meanwhile() -> None:
    silence = Silence(EVERY_S, QUESTION_S, APART_S)
    silence.answered(1000)
    assert silence.unanswered(1010, 1012, 1013) is None
    assert silence.unanswered(1029, 1031, 1032) == Listened(1029, 1029 - EVERY_S)
    assert silence.unanswered(1048, 1050, 1051) == Listened(1048, 1029 - EVERY_S)  # it was silent at both ends


def test_no_silence_reaches_back_before_the_time_from_which_somebody_listened() -> None:
    silence = Silence(EVERY_S, QUESTION_S, APART_S)
    silence.answered(1000)
    silence.listens_from(math.inf)
    assert silence.unanswered(1005, 1007, 1008) is None
    silence.answered(1009)  # whoever heard that, did not listen without a gap
    assert silence.since_s is None
    silence.listens_from(1010)
    assert silence.unanswered(1009.9, 1012, 1013) is None
    assert silence.since_s is None
    assert silence.unanswered(1010, 1012, 1013) is None
    assert silence.unanswered(1020, 1022, 1023) == Listened(1020, 1013, stirred_at_s=1013)
    silence.listens_from(1030)
    silence.answered(1030)
    assert silence.unanswered(1029, 1031, None) is None  # a question of before takes nothing away either
    assert silence.unanswered(1037, 1039, 1040) is None
    assert silence.unanswered(1040, 1042, 1043) == Listened(1040, 1030, stirred_at_s=1013)

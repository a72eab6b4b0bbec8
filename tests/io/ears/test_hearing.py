"""What several sources of a guest prove together."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from wagman.io.ears.hearing import Hearing
from wagman.model.facts import Beat, Listened, PortFact


class Guest:
    """A guest with sources, and what it was told."""

    def __init__(self, *heard: bool, still_on: Sequence[bool] = ()) -> None:
        self.told: list[PortFact] = []
        self.first: list[str] = []
        self.is_halting = False
        self.hearing = Hearing(self.told.append, lambda: self.is_halting, self.first.append)
        self.sources = [self.hearing.add(f"source {number}", heard=each) for number, each in enumerate(heard)]
        self.still_on = [self.hearing.add(f"still {number}", heard=each, still_on=True) for number, each in enumerate(still_on)]

    @property
    def silences(self) -> list[tuple[float, float]]:
        return [(fact.silent_since_s, fact.asked_at_s) for fact in self.told if isinstance(fact, Listened)]

    @property
    def beats(self) -> list[float]:
        return [fact.at_s for fact in self.told if isinstance(fact, Beat)]


def test_an_answer_from_any_source_is_a_beat() -> None:
    guest = Guest(True, True)
    guest.sources[1].beat(Beat(100, "http"), 101)
    guest.sources[0].beat(Beat(105, "ping"), 106)
    assert guest.beats == [100, 105]


def test_silence_is_what_all_sources_prove() -> None:
    guest = Guest(True, True)
    guest.sources[0].listened(Listened(200, 50))
    assert guest.silences == []
    guest.sources[1].listened(Listened(190, 80))
    assert guest.silences == [(80, 190)]


def test_one_source_that_is_heard_keeps_all_from_being_silent() -> None:
    guest = Guest(True, True)
    guest.sources[1].listened(Listened(190, 80))
    guest.sources[1].beat(Beat(195, "http"), 196)
    guest.sources[0].listened(Listened(200, 50))
    assert guest.silences == []


def test_a_source_that_cannot_listen_keeps_all_from_being_silent() -> None:
    guest = Guest(True, True)
    guest.sources[1].listened(Listened(190, 80))
    guest.sources[1].deaf()
    guest.sources[0].listened(Listened(200, 50))
    assert guest.silences == []


def test_a_source_that_was_never_heard_is_left_out() -> None:
    guest = Guest(True, False)
    guest.sources[0].listened(Listened(200, 50))
    assert guest.silences == [(50, 200)]


def test_its_silence_proves_nothing_either() -> None:
    guest = Guest(False, False)
    guest.sources[0].listened(Listened(200, 50))
    guest.sources[1].listened(Listened(200, 50))
    assert guest.told == []


def test_that_a_source_is_heard_for_the_first_time_is_told_once() -> None:
    guest = Guest(False)
    guest.sources[0].beat(Beat(100, "http"), 101)
    guest.sources[0].beat(Beat(110, "http"), 111)
    assert guest.first == ["source 0"]


def test_sources_whose_silences_do_not_overlap_prove_none() -> None:
    guest = Guest(True, True)
    guest.sources[0].listened(Listened(100, 50))
    guest.sources[1].listened(Listened(200, 150))
    assert guest.silences == []


def test_what_is_still_on_must_be_silent_too_while_the_guest_halts() -> None:
    guest = Guest(True, still_on=[True])
    guest.still_on[0].beat(Beat(120, "ping"), 121)
    guest.sources[0].listened(Listened(200, 50))
    assert guest.silences == [(50, 200)]
    guest.is_halting = True
    guest.sources[0].listened(Listened(210, 50))
    assert guest.silences == [(50, 200)]
    guest.still_on[0].listened(Listened(220, 205))
    assert guest.silences == [(50, 200), (205, 210)]


def test_what_is_still_on_is_no_beat_but_may_have_been_one() -> None:
    guest = Guest(True, still_on=[False])
    guest.still_on[0].beat(Beat(120, "ping"), 121)
    assert guest.told == []
    assert guest.first == ["still 0"]
    guest.sources[0].listened(Listened(200, 50))
    assert [fact.stirred_at_s for fact in guest.told if isinstance(fact, Listened)] == [121]


def test_that_something_was_still_on_once_is_no_heartbeat_that_was_ever_heard() -> None:
    guest = Guest(False, still_on=[True])
    guest.is_halting = True
    guest.sources[0].listened(Listened(200, 50))
    guest.still_on[0].listened(Listened(200, 50))
    assert guest.told == []


HAPPENINGS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(("answer", "silence", "deaf"))), max_size=30)


@given(HAPPENINGS, st.lists(st.booleans(), min_size=3, max_size=3), st.booleans())
def test_whatever_happens_a_guest_is_silent_only_where_every_source_that_was_ever_heard_shows_it(
    happenings: Sequence[tuple[int, str]], heard: Sequence[bool], is_halting: bool
) -> None:
    guest = Guest(*heard[:2], still_on=heard[2:])
    guest.is_halting = is_halting
    sources = [*guest.sources, *guest.still_on]
    answers, shown = [-1.0, -1.0, -1.0], dict[int, tuple[float, float]]()
    for now_s, (number, what) in enumerate(happenings):
        told, source = len(guest.silences), sources[number]
        if what == "answer":
            answers[number] = now_s
            shown.pop(number, None)
            source.beat(Beat(now_s, "x"), now_s)
        elif what == "deaf":
            shown.pop(number, None)
            source.deaf()
        else:
            shown[number] = (max(answers[number], 0), now_s)
            source.listened(Listened(now_s, shown[number][0]))
        counted = [each for each in range(3) if sources[each].heard and (each < 2 or is_halting)]
        is_shown = what == "silence" and any(each < 2 for each in counted) and all(each in shown for each in counted)
        silence = (max(shown[each][0] for each in counted), min(shown[each][1] for each in counted)) if is_shown else (0, 0)
        assert guest.silences[told:] == ([silence] if silence[0] < silence[1] else [])
        assert all(max(answers[each] for each in counted) <= since_s for since_s, _ in guest.silences[told:])

"""Since when a problem stands, and what is told of it."""

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import asdict, define, evolve, field
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.store.kit import in_virtual_time, journal_at, store_at
from wagman.model.facts import Draft
from wagman.service.problems import Problem
from wagman.service.spells import OLD_KEY, QUIET_MAX_S, QUIET_S, RESUMED_QUIET_S, Spells, spell_key
from wagman.service.watch import LEAST_PAUSE_S, News, Watch
from wagman.store.event import clean
from wagman.tasks.moments import Stamp

CABLE = Problem("link:board", "critical", "the board cannot be reached", "is the cable in?")
SLOW = Problem("slow", "warning", "that takes its time", "wait", patience_s=4.0)
GN = Problem("failing:gn", "warning", "gn does not come up", "wagman why gn", device="gn")


def looked(spells: Spells, since: str, now_s: float, *found: Problem) -> list[Draft]:
    """The events of a look, once all of them are recorded."""
    return [each.draft for each in spells.look({each.id: each for each in found}, since, now_s)]


@define
class Story:
    """Looks at made-up times."""

    spells: Spells = field(factory=Spells)
    told: list[tuple[float, str, str]] = field(factory=list)

    def look(self, now_s: float, *found: Problem) -> None:
        drafts = looked(self.spells, f"wall {now_s:g}", now_s, *found)
        self.told += [(now_s, draft.type, draft.fields["id"]) for draft in drafts]

    def types(self) -> list[str]:
        return [type_ for _, type_, _ in self.told]


def test_a_problem_is_told_when_it_begins_and_when_it_has_stayed_away() -> None:
    story = Story()
    for now_s in (0, 10, 20):
        story.look(now_s, CABLE)
    story.look(30)
    story.look(30 + QUIET_S - 1)
    assert story.types() == ["problem.began"]
    story.look(30 + QUIET_S)
    assert story.types() == ["problem.began", "problem.ended"]


def test_an_end_says_for_how_long_it_stood_without_the_time_that_was_waited() -> None:
    spells = Spells()
    looked(spells, "then", 100, CABLE)
    looked(spells, "then", 160)
    (ended,) = looked(spells, "then", 160 + QUIET_S)
    assert ended.fields["after_s"] == 60


def test_what_is_gone_is_not_shown_although_its_end_is_yet_to_be_told() -> None:
    story = Story()
    story.look(0, CABLE)
    assert [each["id"] for each in story.spells.shown(5)] == ["link:board"]
    story.look(10)
    assert story.spells.shown(10) == []


def test_what_comes_back_soon_is_the_same_spell() -> None:
    story = Story()
    story.look(0, CABLE)
    story.look(10)
    story.look(20, CABLE)
    (shown,) = story.spells.shown(50)
    assert (shown["since"], shown["for_s"]) == ("wall 0", 50)
    assert story.types() == ["problem.began"]


def test_what_comes_and_goes_for_a_day_is_told_a_few_times_and_no_more() -> None:
    story = Story()
    for minute in range(24 * 60):
        story.look(minute * 60, CABLE)
        story.look(minute * 60 + 20)
        story.look(minute * 60 + 55)
    assert len(story.told) < 10


def test_what_has_been_well_for_an_hour_is_told_as_soon_as_it_was_the_first_time() -> None:
    story = Story()
    for begin_s in (0.0, QUIET_MAX_S + 100, 2 * QUIET_MAX_S + 200):
        story.look(begin_s, CABLE)
        story.look(begin_s + 10)
        story.look(begin_s + 10 + QUIET_S)
    assert story.types() == ["problem.began", "problem.ended"] * 3


def test_what_may_pass_by_itself_counts_only_after_its_patience() -> None:
    story = Story()
    story.look(0, SLOW)
    story.look(3)
    story.look(5, SLOW)
    assert story.told == []
    assert story.spells.due_s({SLOW.id: SLOW}, 5) == 9
    story.look(9, SLOW)
    assert story.types() == ["problem.began"]
    (shown,) = story.spells.shown(9)
    assert (shown["since"], shown["for_s"]) == ("wall 5", 4)


def test_for_how_long_it_has_been_so_counts_before_it_was_found() -> None:
    story = Story()
    story.look(10, evolve(SLOW, for_s=3.0))
    assert story.told == []
    assert story.spells.due_s({SLOW.id: evolve(SLOW, for_s=3.0)}, 10) == 11
    story.look(11, evolve(SLOW, for_s=0.5))
    assert story.spells.due_s({SLOW.id: evolve(SLOW, for_s=0.5)}, 11) == 14.5
    story.look(14.5, evolve(SLOW, for_s=4.0))
    assert story.types() == ["problem.began"]


def test_a_reason_that_changes_is_shown_and_not_told_as_another_problem() -> None:
    story = Story()
    story.look(0, CABLE)
    story.look(10, evolve(CABLE, text="hung up"))
    assert story.spells.shown(10)[0]["text"] == "hung up"
    assert story.types() == ["problem.began"]


def test_where_something_else_is_to_be_done_or_it_has_become_graver_each_of_them_is_told_once() -> None:
    story = Story()
    denied = evolve(CABLE, text="Permission denied", do="let it")
    grave = evolve(GN, severity="critical")
    for begin_s in range(0, 3600, 20):
        story.look(begin_s, CABLE, GN)
        story.look(begin_s + 10, denied, grave)
    assert story.types() == ["problem.began"] * 2 + ["problem.changed"] * 2
    assert story.spells.shown(3600)[0]["text"] == "Permission denied"


# --- A restart of the service ------------------------------------------------------------------------------------------


def resumed(before: Spells, boot: str, gap_s: float) -> Story:
    """The next run of the service, `gap_s` after its state was kept at 100 s of the run before; its clock begins at 0."""
    kept = {spell_key(id_): spell.saved(Stamp("boot", 1000.0), 100.0) for id_, spell in before.going.items()}
    saved = json.loads(json.dumps(kept))
    after = Story()
    after.spells.restore(saved, Stamp(boot, 1000.0 + gap_s), 0.0)
    return after


def standing() -> Spells:
    spells = Spells()
    looked(spells, "then", 40.0, CABLE, GN)
    return spells


def test_what_stands_is_not_told_again_after_a_restart_and_has_stood_since_it_began() -> None:
    after = resumed(standing(), "boot", 20.0)
    assert after.spells.shown(0) == []
    after.look(5, CABLE, GN)
    assert after.told == []
    assert [(each["since"], each["for_s"]) for each in after.spells.shown(5)] == [("then", 60 + 20 + 5)] * 2


def test_after_a_restart_of_the_controller_nobody_knows_for_how_long() -> None:
    after = resumed(standing(), "another boot", 20.0)
    after.look(5, CABLE, GN)
    assert [(each["since"], each["for_s"]) for each in after.spells.shown(5)] == [("then", None)] * 2


def test_what_has_begun_in_this_run_is_told_again_when_it_comes_back_though_a_log_that_is_opened_late_holds_it() -> None:
    now = Story()
    now.look(5, CABLE)
    now.look(6)
    now.look(6 + QUIET_S)
    kept = {spell_key(id_): spell.saved(Stamp("boot", 1000.0), 100.0) for id_, spell in standing().going.items()}
    now.spells.restore(kept, Stamp("boot", 1100.0), 40.0)
    now.look(45, CABLE)
    assert now.told[2:] == [(45, "problem.began", CABLE.id)]
    now.look(40 + RESUMED_QUIET_S, CABLE)
    assert now.told[3:] == [(40 + RESUMED_QUIET_S, "problem.ended", GN.id)]


def test_what_was_mended_meanwhile_ends_once_all_has_been_looked_at() -> None:
    after = resumed(standing(), "boot", 20.0)
    after.look(RESUMED_QUIET_S - 1, CABLE)
    assert after.told == []
    after.look(RESUMED_QUIET_S, CABLE)
    assert after.told == [(RESUMED_QUIET_S, "problem.ended", "failing:gn")]


@given(st.none() | st.integers() | st.text() | st.lists(st.integers()) | st.dictionaries(st.text(), st.integers()))
def test_what_cannot_be_read_is_told_anew(saved: object) -> None:
    story = Story()
    story.spells.restore({OLD_KEY: saved, spell_key("link:board"): saved}, Stamp("boot", 0.0), 0.0)
    assert story.spells.going == {}


OF_0_2_0: dict[str, Any] = {
    "stamp": {"boot": "boot", "at_s": 1000.0},
    "spells": [{**asdict(each), "since": "then", "age_s": 60.0} for each in (CABLE, GN)],
}
"""The spells as 0.2.0 kept them: under one key."""


def test_what_0_2_0_has_told_is_not_told_again() -> None:
    after = Story()
    after.spells.restore({OLD_KEY: OF_0_2_0}, Stamp("boot", 1020.0), 0.0)
    after.look(5, CABLE, GN)
    assert after.told == []
    assert [(each["since"], each["for_s"]) for each in after.spells.shown(5)] == [("then", 60 + 20 + 5)] * 2


def test_where_0_2_0_came_back_for_a_while_what_either_has_told_ends() -> None:
    before, after = standing(), Story()
    looked(before, "then", 50.0, SLOW)
    looked(before, "then", 55.0, SLOW)
    kept = {spell_key(id_): spell.saved(Stamp("boot", 900.0), 100.0) for id_, spell in before.going.items()}
    after.spells.restore({**kept, OLD_KEY: {**OF_0_2_0, "spells": OF_0_2_0["spells"][:1]}}, Stamp("boot", 1020.0), 0.0)
    after.look(RESUMED_QUIET_S)
    assert sorted(id_ for _, type_, id_ in after.told if type_ == "problem.ended") == ["failing:gn", "link:board", "slow"]


def test_problems_whose_ids_begin_alike_are_kept_apart_however_long_they_are() -> None:
    ids = [f"never_heard:gn:http://{'x' * 200}/{name}" for name in "ab"]
    keys = [spell_key(id_) for id_ in (*ids, "link:board")]
    assert len({*keys}) == len({clean(key) for key in keys}) == 3


def test_a_problem_that_names_all_guests_takes_no_more_room_in_the_log_for_it() -> None:
    spells = Spells()
    looked(spells, "then", 0.0, evolve(CABLE, text=", ".join(f"guest{n}" for n in range(10_000))))
    assert len(json.dumps(spells.going[CABLE.id].saved(Stamp("boot", 0.0), 0.0))) < 2000


# --- Recording --------------------------------------------------------------------------------------------------------


def test_a_spell_counts_as_told_only_once_it_was_recorded() -> None:
    spells = Spells()
    for now_s, found in ((0.0, {CABLE.id: CABLE}), (1.0, {CABLE.id: evolve(CABLE, do="another")}), (2.0, {}), (99.0, {})):
        looks = [next(spells.look(found, "then", now_s), None) for _ in range(2)]  # what follows the first is never asked for
        assert looks[0] == looks[1]
        looked(spells, "then", now_s, *found.values())


@pytest.mark.parametrize("guests", [200, 500])
def test_a_problem_of_each_guest_is_recorded_however_many_guests_there_are(
    guests: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {each.id: each for each in (evolve(GN, id=f"failing:gn{n}", text="x" * 900) for n in range(guests))}
    monkeypatch.setattr("wagman.service.watch.problems", lambda _: found)

    async def looked_at() -> int:
        store = store_at(tmp_path / "wagman.db")
        async with journal_at(store, running=False) as (journal, told), trio.open_nursery() as nursery:
            watch = Watch(News(), lambda: None, journal, lambda: Stamp("boot", 0.0), lambda: "then", lambda _: None)  # type: ignore[arg-type,return-value]
            watch.restore((await journal.load()).memory)
            await nursery.start(journal.run)
            watch.look()
            await trio.sleep(1)
            nursery.cancel_scope.cancel()
        return [event.type for event in told if event.durable].count("problem.began")

    async def main() -> None:
        assert await looked_at() == guests
        assert await looked_at() == 0  # the next run knows all of them

    in_virtual_time(main)


# --- Whatever is found -------------------------------------------------------------------------------------------------

LOOKS = st.lists(st.tuples(st.floats(0.5, 600), st.sets(st.sampled_from([CABLE, SLOW, GN]))), max_size=60)


@given(LOOKS)
def test_beginnings_and_ends_take_turns_whatever_is_found(looks: Sequence[tuple[float, set[Problem]]]) -> None:
    story, now_s = Story(), 0.0
    for after_s, found in looks:
        now_s += after_s
        story.look(now_s, *found)
        shown = {each["id"] for each in story.spells.shown(now_s)}
        assert shown <= {each.id for each in found} <= shown | {SLOW.id}
    for id_ in (CABLE.id, SLOW.id, GN.id):
        types = [type_ for _, type_, about in story.told if about == id_]
        assert types == ["problem.began", "problem.ended"] * (len(types) // 2) + ["problem.began"] * (len(types) % 2)


def test_however_much_happens_there_is_a_pause_between_two_looks_and_the_last_news_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_s, told_s = list[float](), 10.0

    def look(watch: Watch) -> float:
        looked_s.append(trio.current_time())
        return math.inf

    async def main() -> None:
        began_s = trio.current_time()
        watch: Watch = object.__new__(Watch)
        watch.news = News()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch.run)
            while trio.current_time() < began_s + told_s:
                watch.news.heard()
                await trio.sleep(0.01)
            await trio.sleep(LEAST_PAUSE_S)
            nursery.cancel_scope.cancel()
        assert looked_s[-1] >= began_s + told_s - 0.02

    monkeypatch.setattr(Watch, "look", look)
    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert min(later - sooner for sooner, later in pairwise(looked_s)) >= LEAST_PAUSE_S


def test_what_no_event_tells_of_is_looked_for_every_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_s = list[float]()

    def look(watch: Watch) -> float:
        looked_s.append(trio.current_time())
        return math.inf

    async def main() -> None:
        watch: Watch = object.__new__(Watch)
        watch.news = News()
        with trio.move_on_after(600):
            await watch.run()

    monkeypatch.setattr(Watch, "look", look)
    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert len(looked_s) >= 10
    assert max(later - sooner for sooner, later in pairwise(looked_s)) <= 60

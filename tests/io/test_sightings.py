"""Which signs of the board are beats of the guest, and which are something else."""

from types import SimpleNamespace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagman.io.board.driver import FailureWatch, Shown
from wagman.io.board.pace import Pace
from wagman.io.board.power import Power
from wagman.io.board.sightings import DRIFT, TOLERANCE_S, Sightings
from wagman.model.facts import Beat, PortFact, PowerFound, PowerGoal, Supply

PORT = 1


def sightings(*, is_known: bool = True, counts_edges: bool = False) -> tuple[Sightings[int], list[Any]]:
    """One port; its timer was asked for at 1000 s, and was 50 s old."""
    facts: list[Any] = []

    def tell(_port: int, fact: PortFact) -> None:
        facts.append(fact)

    seen = Sightings.of([PORT], Power({PORT: 10.0}, Pace(5.0, 0.0), 0.0, tell), tell)
    seen.counts_edges = lambda _port: counts_edges
    if is_known:
        seen.aged(PORT, 50, 1000, 1000.3)
    return seen, facts


def test_the_first_age_is_where_knowledge_begins_not_a_beat() -> None:
    seen, facts = sightings(is_known=False)
    assert seen.aged(PORT, 3, 1000, 1000.3) == 997.3
    assert facts == []


def test_a_timer_that_went_on_tells_of_silence_and_of_no_beat() -> None:
    seen, facts = sightings()
    assert round(seen.aged(PORT, 55, 1005, 1005.3), 6) == 950.3
    assert facts == []


def test_a_timer_that_was_reset_meanwhile_tells_of_a_beat_at_its_own_time() -> None:
    seen, facts = sightings()
    seen.aged(PORT, 100, 1600, 1600.3)
    assert [(beat.source, round(beat.at_s, 6)) for beat in facts] == [("poll", 1500.3)]


def test_a_beat_that_was_told_by_a_log_line_is_not_told_again_by_the_poll() -> None:
    seen, facts = sightings()
    seen.beat_logged(PORT, 1002.2)
    seen.aged(PORT, 3, 1005, 1005.3)
    assert len(facts) == 1


def test_a_change_of_the_ports_state_resets_its_timer_and_is_no_beat() -> None:
    seen, facts = sightings()
    seen.state_changed(PORT, 1003)
    seen.aged(PORT, 2, 1005, 1005.3)
    assert facts == []


def test_the_first_beat_after_a_relay_command_is_of_stale_edges_however_it_is_told() -> None:
    for is_logged in (True, False):
        seen, facts = sightings(counts_edges=True)
        seen.switched(PORT, 1003)
        if is_logged:
            seen.beat_logged(PORT, 1040)
        seen.aged(PORT, 5, 1045, 1045.3)
        assert facts == []
        seen.beat_logged(PORT, 1048)
        assert len(facts) == 1


def test_what_stirs_is_known_of_though_it_is_not_believed() -> None:
    seen, facts = sightings(counts_edges=True)
    seen.switched(PORT, 1003)
    assert seen.stirred_at_s(PORT) == pytest.approx(950.3)  # where knowledge began: nobody knows what that was
    seen.aged(PORT, 5, 1045, 1045.3)
    assert facts == []
    assert seen.stirred_at_s(PORT) == pytest.approx(1040.3)
    seen.state_changed(PORT, 1050)
    seen.aged(PORT, 0, 1050, 1050.3)
    assert seen.stirred_at_s(PORT) == pytest.approx(1040.3)


def test_without_edges_no_beat_is_stale() -> None:
    seen, facts = sightings()
    seen.switched(PORT, 1003)
    seen.beat_logged(PORT, 1040)
    assert len(facts) == 1


def test_when_nobody_knows_what_happened_the_next_age_begins_anew() -> None:
    seen, facts = sightings()
    seen.forget()
    seen.aged(PORT, 5, 2000, 2000.3)
    assert facts == []


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_however_old_an_age_is_told_nothing_is_silent_since_before_what_was_seen(ages_s: list[float]) -> None:
    seen, facts = sightings()
    seen.beat_logged(PORT, 1001)
    for turn, age_s in enumerate(ages_s):
        silent_since_s = seen.aged(PORT, age_s, 1005 + 5 * turn, 1005.3 + 5 * turn)
        assert silent_since_s >= max([1001, *(beat.at_s for beat in facts)])


def test_a_flutter_on_the_pin_of_a_port_that_is_kept_off_and_draws_nothing_is_no_beat() -> None:
    for supply in get_args(Supply)[1:]:
        seen, facts = sightings()
        seen.power.want(PORT, PowerGoal("off", 0, already=True), 1001)
        seen.power.polled(PORT, 1002, supply)
        seen.beat_logged(PORT, 1003)
        assert bool(facts) == (supply == "unknown")  # a sensor that is dead, or shows a little, proves nothing


def test_what_beats_on_a_port_that_the_board_does_not_keep_off_is_heard_though_nothing_seems_to_flow() -> None:
    seen, facts = sightings()
    seen.power.want(PORT, PowerGoal("off", 0, already=True), 1001)
    seen.power.polled(PORT, 1002, "off")
    seen.power.seen_kept(PORT, kept=False, at_s=1010)
    seen.beat_logged(PORT, 1011)
    assert facts


@pytest.mark.parametrize(("supply", "kept", "told"), [("unknown", False, 1), ("unknown", True, 0), ("off", False, 0)])
def test_what_stirs_where_the_board_may_have_switched_it_on_unseen_is_not_cut_unasked(
    supply: Supply, kept: bool, told: int
) -> None:
    """The first beat after a restart of the board is taken for an echo, but something has reset the timer."""
    seen, facts = sightings(counts_edges=True)
    seen.power.want(PORT, PowerGoal("off", 0, already=True), 1001)
    if not kept:
        seen.power.board_reset(1010)
    seen.forget()
    seen.aged(PORT, 40, 1011, 1011.3)
    seen.aged(PORT, 8, 1300, 1300.3)
    seen.power.polled(PORT, 1300, supply)
    seen.power.link_up(1300.5)
    found = [fact for fact in facts if isinstance(fact, PowerFound)]
    assert [(type(fact), fact.supply) for fact in found] == [(PowerFound, "unknown")] * told


# --- Limits, to the moment --------------------------------------------------------------------------------------------

SOON_S = 1e-6


def test_a_beat_says_how_it_was_told() -> None:
    seen, facts = sightings()
    seen.beat_logged(PORT, 1002.2)
    assert facts == [Beat(1002.2, "log")]
    assert seen.power.ports[PORT].signs.beat_at_s == 1002.2


def test_an_age_is_a_beat_only_if_no_drift_of_the_boards_clock_explains_it() -> None:
    for age_s, floor_s in (
        (100.0, 1600 - 100.0 * (1 + DRIFT) - TOLERANCE_S),
        (1000.0, 2600 - 1000.0 * (1 + DRIFT) - TOLERANCE_S),
    ):
        for early_s, beats in ((0.0, 0), (SOON_S, 1)):
            seen, facts = sightings()
            seen.state_changed(PORT, floor_s - early_s)
            seen.aged(PORT, age_s, 1600 if age_s == 100.0 else 2600, 2600.3)
            assert len(facts) == beats, (age_s, early_s)


def test_silence_begins_with_the_latest_of_what_is_known() -> None:
    seen, _ = sightings()
    assert round(seen.aged(PORT, 40, 1000, 1000.3), 6) == 960.3  # a beat
    assert round(seen.aged(PORT, 400, 1010, 1010.3), 6) == 960.3  # a garbled age: the beat was seen
    seen.state_changed(PORT, 1020.0)
    assert seen.aged(PORT, 400, 1030, 1030.3) == 1020.0
    seen.state_changed(PORT, 1015.0)  # told late
    assert seen.aged(PORT, 400, 1030, 1030.3) == 1020.0
    assert round(seen.aged(PORT, 5, 1030, 1030.3), 6) == 1025.3


def test_a_change_is_where_knowledge_begins_if_there_was_none() -> None:
    seen, facts = sightings(is_known=False)
    seen.state_changed(PORT, 990.0)
    assert seen.aged(PORT, 5, 1000, 1000.3) == pytest.approx(995.3)
    assert len(facts) == 1


def test_what_was_forgotten_begins_anew_and_the_next_beat_may_be_of_stale_edges() -> None:
    seen, facts = sightings(counts_edges=True)
    seen.beat_logged(PORT, 1005)  # of stale edges
    seen.beat_logged(PORT, 1013)
    assert len(facts) == 1
    seen.forget()
    assert seen.aged(PORT, 2, 1020, 1020.3) == pytest.approx(1018.3)
    seen.beat_logged(PORT, 1021)
    assert len(facts) == 1
    seen.beat_logged(PORT, 1029)
    assert len(facts) == 2


def test_a_relay_command_makes_edges_stale_again_and_resets_the_timer() -> None:
    seen, facts = sightings(counts_edges=True)
    seen.beat_logged(PORT, 1002)  # of stale edges
    seen.beat_logged(PORT, 1010)
    assert len(facts) == 1
    seen.switched(PORT, 1020)
    assert seen.aged(PORT, 3, 1022, 1022.3) == 1020
    seen.beat_logged(PORT, 1030)
    assert len(facts) == 1
    seen.beat_logged(PORT, 1038)
    assert len(facts) == 2


def test_a_beat_is_told_of_its_own_port() -> None:
    told: list[Any] = []
    power = Power({1: 10.0, 2: 10.0}, Pace(5.0, 0.0), 0.0, lambda port, fact: told.append((port, fact)))
    seen = Sightings.of([1, 2], power, lambda port, fact: told.append((port, fact)))
    seen.counts_edges = lambda _port: False
    seen.beat_logged(2, 1002.0)
    assert told == [(2, Beat(1002.0, "log"))]


def test_a_timer_that_may_have_been_reset_by_what_is_known_is_no_beat_and_its_silence_is_no_longer_than_it_shows() -> None:
    seen, facts = sightings()
    seen.state_changed(PORT, 1020)
    assert seen.aged(PORT, 5, 1025.5, 1025.8) == pytest.approx(1020.8)
    assert facts == []


def test_only_the_beats_of_a_port_that_counts_edges_are_doubted() -> None:
    told: list[Any] = []
    power = Power({1: 10.0, 2: 10.0}, Pace(5.0, 0.0), 0.0, lambda _port, _fact: None)
    seen = Sightings.of([1, 2], power, lambda port, fact: told.append((port, fact)))
    seen.counts_edges = lambda port: port == 1
    for port in (1, 2):
        seen.beat_logged(port, 1002.0)
    assert told == [(2, Beat(1002.0, "log"))]


def test_a_port_that_is_left_is_watched_from_the_beginning() -> None:
    seen, _ = sightings()
    seen.leave(PORT)
    assert seen.aged(PORT, 3, 1100, 1100.3) == pytest.approx(1097.3)


# --- Time-outs that the board counts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "resets_its_timer"),
    [
        (0, 1, True),
        (3, 5, True),
        (65535, 0, True),  # as the board counts from a blank memory
        (1, 0, False),  # somebody has set it back, or the answer before was damaged
        (10, 1, False),
        (1, 1, False),
    ],
)
def test_a_count_of_time_outs_that_grew_says_that_the_timer_was_reset(before: int, after: int, *, resets_its_timer: bool) -> None:
    changed = list[int]()
    senses: Any = SimpleNamespace(
        shown=Shown("v3"),
        power=SimpleNamespace(ports={}),
        note=lambda *_args, **_fields: None,
        sightings=SimpleNamespace(state_changed=lambda port, _at_s: changed.append(port)),
    )
    watch = FailureWatch(senses, 1024)
    watch.told((0, before), 100.0)
    assert changed == []
    watch.told((0, after), 200.0)
    assert changed == ([1] if resets_its_timer else [])

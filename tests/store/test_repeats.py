import math
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.store.kit import record
from wagman.store.event import Ref
from wagman.store.repeats import MAX_WINDOWS, WINDOW_MAX_S, WINDOW_S, Repeats

DOWN = record(1, '{"why":"hang-up"}', type="link.down", device=None)


def repeats() -> Repeats:
    return Repeats({"link.down"})


def test_the_first_is_recorded_and_the_next_ones_point_to_it() -> None:
    counted, first = repeats(), Ref()
    assert counted.absorb(DOWN, first, 0.0) is None
    assert counted.absorb(DOWN, Ref(), 1.0) is first


def test_at_the_end_of_the_window_one_summary_tells_how_many_there_were_and_over_how_long() -> None:
    counted = repeats()
    for at_s in (0.0, 1.0, 2.5):
        counted.absorb(DOWN, Ref(), at_s)
    assert counted.next_s() == WINDOW_S
    assert list(counted.close(WINDOW_S - 0.1)) == []
    assert [window.summary() for window in counted.close(WINDOW_S)] == [{"why": "hang-up", "count": 2, "over_s": 2.5}]


def test_one_alone_costs_no_summary_and_is_forgotten() -> None:
    counted = repeats()
    counted.absorb(DOWN, Ref(), 0.0)
    assert list(counted.close(WINDOW_S)) == []
    assert counted.next_s() == math.inf


def test_other_types_and_other_fields_are_of_another_kind() -> None:
    counted = repeats()
    counted.absorb(DOWN, Ref(), 0.0)
    assert counted.absorb(evolve(DOWN, fields="{}"), Ref(), 0.0) is None
    assert counted.absorb(evolve(DOWN, device="gn"), Ref(), 0.0) is None
    assert counted.absorb(evolve(DOWN, type="device.started"), Ref(), 0.0) is None
    assert counted.absorb(evolve(DOWN, type="device.started"), Ref(), 0.0) is None


def test_a_year_of_flapping_costs_a_summary_an_hour() -> None:
    counted, told, now_s = repeats(), 0, 0.0
    while now_s < 10 * 86_400:
        counted.absorb(DOWN, Ref(), now_s)
        told += len(list(counted.close(now_s)))
        now_s += 5.0
    assert told <= 10 * 24 + 6
    assert counted.next_s() - now_s <= WINDOW_MAX_S


def test_so_many_kinds_are_watched_and_no_more() -> None:
    counted = repeats()
    for number in range(2 * MAX_WINDOWS):
        counted.absorb(evolve(DOWN, fields=f'{{"n":{number}}}'), Ref(), 0.0)
    assert len(counted._windows) == MAX_WINDOWS


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from("ab")), max_size=60))
def test_every_one_is_either_recorded_or_counted_once(gaps: Any) -> None:
    counted, now_s, recorded, told = repeats(), 0.0, 0, 0
    for gap_s, name in gaps:
        now_s += gap_s
        told += sum(window.count for window in counted.close(now_s))
        recorded += counted.absorb(evolve(DOWN, device=name), Ref(), now_s) is None
    told += sum(window.count for window in counted.close(math.inf))
    assert recorded + told == len(gaps)

"""One after the other: the order of names, and circles."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from wagman.model.order import circles, in_order

NAMES = tuple("abcdefgh")


@st.composite
def acyclic(draw: st.DrawFn) -> Mapping[str, tuple[str, ...]]:
    """Graphs without a circle: each name comes after some that stand before it in an order that nobody is told."""
    hidden = draw(st.permutations(NAMES))
    return {name: tuple(draw(st.sets(st.sampled_from(hidden[:place])))) if place else () for place, name in enumerate(hidden)}


@given(after=acyclic(), names=st.permutations(NAMES))
def test_each_name_stands_behind_those_that_it_comes_after_and_none_is_lost(
    after: Mapping[str, tuple[str, ...]], names: list[str]
) -> None:
    found = in_order(names, after)
    assert sorted(found) == sorted(names)
    assert all(found.index(each) < found.index(name) for name in names for each in after[name])
    assert list(circles(after)) == []


@given(names=st.permutations(NAMES))
def test_without_a_word_of_after_all_stay_as_they_are(names: list[str]) -> None:
    assert in_order(names, {}) == list(names)


@given(after=st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES)), max_size=len(NAMES)))
def test_what_is_told_of_as_a_circle_is_one_and_an_order_comes_to_an_end_all_the_same(after: Mapping[str, list[str]]) -> None:
    found = list(circles(after))
    for circle in found:
        assert all(behind in after[name] for name, behind in zip(circle, (*circle[1:], circle[0]), strict=True))
    names = in_order(NAMES, after)
    assert sorted(names) == sorted(NAMES)
    is_kept = all(names.index(each) < names.index(name) for name in after for each in after[name])
    assert is_kept == (not found)


def test_a_circle_is_found_once_though_another_is_found_before_its_next_name() -> None:
    after = {"a": ("b",), "c": ("d",), "b": ("a",), "d": ("c",)}
    assert list(circles(after)) == [("a", "b"), ("c", "d")]

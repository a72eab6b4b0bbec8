"""What is left of a script that breaks a promise: what it takes, and round waits."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from wagman.simulation.script import Act, Item, Wait, length_s, parse, render
from wagman.simulation.shrink import merged, shrunk

SCRIPTS = st.lists(st.sampled_from("abcdefgh").map(Act) | st.floats(0.01, 5000).map(lambda s: Wait(round(s, 3))), max_size=30)


def words(script: Sequence[Item]) -> list[str]:
    return [str(item) for item in script if isinstance(item, Act)]


@given(SCRIPTS, st.sets(st.sampled_from("abcdefgh"), max_size=3))
@settings(deadline=None)
def test_only_what_it_takes_is_left(script: list[Item], needed: set[str]) -> None:
    def breaks(candidate: Sequence[Item]) -> bool:
        return needed <= set(words(candidate))

    if breaks(script):
        left = shrunk(script, breaks, most_tries=10_000)
        assert breaks(left)
        assert sorted(words(left)) == sorted(needed)
        assert length_s(left) == 0


def test_a_wait_that_it_takes_is_left_and_rounded() -> None:
    script = parse("7 s; a; 3712.418 s; b; 300 s; c")

    def breaks(candidate: Sequence[Item]) -> bool:
        return "b" in words(candidate) and length_s(candidate) >= 3600

    assert render(shrunk(script, breaks)) == "3600 s; b"


@given(SCRIPTS, st.integers(0, 20))
def test_no_more_tries_are_made_than_allowed(script: list[Item], most: int) -> None:
    tries: list[Sequence[Item]] = []

    def breaks(candidate: Sequence[Item]) -> bool:
        tries.append(candidate)
        return True

    shrunk(script, breaks, most_tries=most)
    assert len(tries) <= most


@given(SCRIPTS)
def test_merging_waits_changes_neither_time_nor_order(script: list[Item]) -> None:
    after = merged(iter(script))
    assert words(after) == words(script)
    assert abs(length_s(after) - length_s(script)) < 0.1
    assert not any(isinstance(a, Wait) and isinstance(b, Wait) for a, b in pairwise(after))

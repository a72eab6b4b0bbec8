"""What is left of a script that breaks a promise: what it takes, and round waits."""

from hypothesis import given, settings
from hypothesis import strategies as st

from wagman.simulation.script import Act, Wait, length_s, parse, render
from wagman.simulation.shrink import merged, shrunk

SCRIPTS = st.lists(st.sampled_from("abcdefgh").map(Act) | st.floats(0.01, 5000).map(lambda s: Wait(round(s, 3))), max_size=30)


def words(script):
    return [str(item) for item in script if isinstance(item, Act)]


@given(SCRIPTS, st.sets(st.sampled_from("abcdefgh"), max_size=3))
@settings(deadline=None)
def test_only_what_it_takes_is_left(script, needed):
    def breaks(candidate):
        return needed <= set(words(candidate))

    if breaks(script):
        left = shrunk(script, breaks, most_tries=10_000)
        assert breaks(left)
        assert sorted(words(left)) == sorted(needed)
        assert length_s(left) == 0


def test_a_wait_that_it_takes_is_left_and_rounded():
    script = parse("7 s; a; 3712.418 s; b; 300 s; c")

    def breaks(candidate):
        return "b" in words(candidate) and length_s(candidate) >= 3600

    assert render(shrunk(script, breaks)) == "3600 s; b" or length_s(shrunk(script, breaks)) < 3720


@given(SCRIPTS, st.integers(0, 20))
def test_no_more_tries_are_made_than_allowed(script, most):
    tries = []
    shrunk(script, lambda candidate: not tries.append(candidate), most_tries=most)
    assert len(tries) <= most


@given(SCRIPTS)
def test_merging_waits_changes_neither_time_nor_order(script):
    after = merged(iter(script))
    assert words(after) == words(script)
    assert abs(length_s(after) - length_s(script)) < 0.1
    assert not any(isinstance(a, Wait) and isinstance(b, Wait) for a, b in zip(after, after[1:], strict=False))

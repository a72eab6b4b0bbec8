"""Scripts are text: what is written is what is read, and what nobody knows is refused."""

from random import Random

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.simulation.node import node, run
from wagman.config.boards import PlainBoard
from wagman.config.schema import Config
from wagman.model.errors import CallerError
from wagman.simulation.boards.board import Onlookers
from wagman.simulation.boards.plain import Rail
from wagman.simulation.faults.node import HOUR_S
from wagman.simulation.profiles import PROFILES, make_script
from wagman.simulation.script import Act, Item, Wait, length_s, parse, render, timed
from wagman.simulation.sites import site

WAITS = st.integers(1, 10**8).map(lambda milliseconds: Wait(milliseconds / 1000))
ACTS = st.sampled_from(["cable out", "gn: start", "board fault drop 3", "all well"]).map(Act)


@given(st.lists(WAITS | ACTS))
def test_a_script_reads_back_as_it_was_written(script: list[Item]) -> None:
    assert parse(render(script)) == script


def test_items_may_stand_on_lines_with_comments() -> None:
    assert parse("gn: start  # a start\n\n30 s; cable   out") == [Act("gn: start"), Wait(30.0), Act("cable out")]


@pytest.mark.parametrize(("text", "seconds"), [("1 d", 86_400), ("2 h", 7200), ("1.5 min", 90), ("0.5 s", 0.5)])
def test_times_have_units(text: str, seconds: float) -> None:
    assert parse(text) == [Wait(seconds)]


@pytest.mark.parametrize("text", ["30", "30s", "30 weeks", "1e3 s"])
def test_a_time_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(CallerError, match="is no time"):
        parse(text)


@pytest.mark.parametrize(
    "words",
    [
        "nonsense",
        "cable sideways",
        "gn: fly",
        "service sing",
        "disk round",
        "message in a bottle",
        "all ill",
        "cable",
        "who: start",
    ],
)
def test_what_nobody_knows_is_refused(words: str) -> None:
    with pytest.raises((CallerError, ExceptionGroup)) as caught:
        run(words)
    leaf = caught.value
    while isinstance(leaf, ExceptionGroup):
        leaf = leaf.exceptions[0]
    assert isinstance(leaf, CallerError)


@given(st.integers(0, 10**6), st.sampled_from(["mixed", "ways"]))
def test_a_rail_is_spared_what_befalls_wagmans_alone(seed: int, named: str) -> None:
    config = site(named)
    script = [item.words for item in make_script(config, PROFILES["everything"], seed, 12 * HOUR_S) if isinstance(item, Act)]
    for board in config.boards:
        if isinstance(board, PlainBoard):
            begin = f"board {board.name} "
            trio.run(befall, config, board, [words.removeprefix(begin) for words in script if words.startswith(begin)])


NOBODY = Onlookers(lambda _change: None, lambda _verb, _port: None, lambda _change: None, lambda: 0.0)


async def befall(config: Config, board: PlainBoard, happenings: list[str]) -> None:
    rail = Rail(board, [each for each in config.guests if each.board == board.name], Random(1), NOBODY)
    async with trio.open_nursery() as nursery:
        await nursery.start(rail.run)
        for words in happenings:
            rail.happens(words)
        nursery.cancel_scope.cancel()


def test_happenings_become_a_script_with_the_waits_between_them() -> None:
    script = timed([(20, "b"), (5, "a"), (20, "c"), (99, "too late")], until_s=30)
    assert render(script) == "5 s; a; 15 s; b; c; 10 s"
    assert length_s(script) == 30


@pytest.mark.parametrize("name", PROFILES)
@given(seed=st.integers(0, 2**32))
def test_a_profile_gives_a_script_that_is_as_long_as_asked_and_ends_settled(name: str, seed: int) -> None:
    script = make_script(node(), PROFILES[name], seed, 7200)
    assert length_s(script) == pytest.approx(7200, abs=1)
    assert script[-2:] == [Act("all well"), Act("settled")]
    assert make_script(node(), PROFILES[name], seed, 7200) == script

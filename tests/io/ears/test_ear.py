"""The task of an ear, on a network that goes down, with guests that die, and a service that is stopped."""

from collections.abc import Awaitable, Callable, Sequence

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.io.ears.kit import ANSWER_S, EVERY_S, TIMEOUT_S, FakeEar, Site, World, listening, running, site
from wagman.io.ears.ear import Ear
from wagman.io.ears.hearing import Hearing
from wagman.io.ears.network import TRIES, Network
from wagman.model.backend import Probe


def played(all_: Callable[[], Site], script: Callable[[Site], Awaitable[None]]) -> Site:
    """The site after a script, in virtual time that begins at 0."""
    sites: list[Site] = []

    async def main() -> None:
        sites.append(all_())
        await listening(sites[0], lambda: script(sites[0]))

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return sites[0]


def lan() -> Site:
    return site(["gn"], ["gateway"])


def test_each_answer_is_a_beat_of_the_time_of_its_question() -> None:
    async def script(here: Site) -> None:
        await trio.sleep(25)

    here = played(lan, script)
    assert here.beats("gn") == [0, 10, 20]
    assert here.told["gn"][0].source == "fake"  # type: ignore[union-attr]
    assert here.silences("gn") == []
    assert here.ears["gn"].heard_at_s == pytest.approx(20 + ANSWER_S)


def test_a_guest_that_dies_is_silent_since_its_last_answer_came() -> None:
    async def script(here: Site) -> None:
        await trio.sleep(15)
        here.world.dead.add("gn")
        await trio.sleep(30)

    here = played(lan, script)
    # The question at 20 may have been lost with the network: it was asked again once the witness had answered.
    again_s = 20 + TIMEOUT_S + ANSWER_S
    since_s = again_s - EVERY_S
    assert here.silences("gn") == [pytest.approx((since_s, again_s + later_s)) for later_s in (0, 10, 20)]


def test_a_question_that_was_lost_in_a_short_outage_is_asked_again_at_once() -> None:
    async def script(here: Site) -> None:
        await trio.sleep(19)
        here.world.is_up = False
        await trio.sleep(2.5)  # it is over when the witness is asked
        here.world.is_up = True
        await trio.sleep(2.5)
        here.world.dead.add("gn")
        await trio.sleep(60)

    here = played(lan, script)
    answered_s = 20 + TIMEOUT_S + ANSWER_S
    assert here.beats("gn") == [0, 10, answered_s]
    assert min(since_s for since_s, _ in here.silences("gn")) >= answered_s


def test_a_question_that_was_lost_in_an_outage_between_two_others_proves_nothing_and_ends_no_silence() -> None:
    async def script(here: Site) -> None:
        await trio.sleep(15)
        here.world.dead.add("gn")
        await trio.sleep(24)
        here.world.is_up = False
        await trio.sleep(6.5)  # the question at 42 is lost in it
        here.world.is_up = True
        await trio.sleep(20)

    asked_s = [asked_s for _, asked_s in played(lambda: site(["gn", "cs"], ["gateway"]), script).silences("gn")]
    assert asked_s == [pytest.approx(each, abs=0.1) for each in (22, 32, 52, 62)]


def test_a_guest_that_refuses_at_once_is_asked_again_once() -> None:
    asked: list[float] = []

    class Refusing:
        async def ask(self) -> bool:
            asked.append(trio.current_time())
            assert len(asked) < 20, "it is asked again and again"
            return len(asked) == 1

    class RefusingEar(FakeEar):
        def probe(self) -> Probe:
            return Refusing()

    async def script() -> None:
        ear = Ear(RefusingEar(fake="gn", world=World()), Hearing(print).add("fake gn", heard=True), Network.none())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ear.run)
            await trio.sleep(25)
            nursery.cancel_scope.cancel()

    running(script)
    assert asked == [0, 10, 10, 20]


def test_an_outage_proves_nothing_and_what_was_silent_before_is_forgotten() -> None:
    async def script(here: Site) -> None:
        await trio.sleep(15)
        here.world.is_up = False
        await trio.sleep(60)
        here.world.is_up = True
        await trio.sleep(30)

    here = played(lan, script)
    assert here.silences("gn") == []
    assert here.beats("gn") == [0, 10, 80, 90, 100]


def test_a_guest_that_dies_during_an_outage_is_silent_since_the_outage_was_seen_to_have_ended() -> None:
    async def script(here: Site) -> None:
        await trio.sleep(15)
        here.world.is_up = False
        here.world.dead.add("gn")
        await trio.sleep(60)
        here.world.is_up = True
        await trio.sleep(30)

    since_s = 80 + TIMEOUT_S + ANSWER_S
    assert played(lan, script).silences("gn") == [(since_s, 90), (since_s, 100)]


def test_an_ear_that_begins_knows_of_no_silence_of_before() -> None:
    async def script(here: Site) -> None:
        here.world.dead.add("gn")
        await trio.sleep(15)

    assert played(lan, script).silences("gn") == [(TIMEOUT_S + ANSWER_S, 10)]


def test_a_guest_that_was_never_heard_is_never_silent() -> None:
    async def script(here: Site) -> None:
        here.world.dead.add("gn")
        await trio.sleep(600)

    assert played(lambda: site(["gn"], ["gateway"], heard=False), script).told["gn"] == []


def test_a_network_whose_witnesses_never_answer_proves_nothing() -> None:
    async def script(here: Site) -> None:
        here.world.dead.update(("gn", "gateway"))
        await trio.sleep(600)

    assert played(lan, script).told["gn"] == []


def test_another_guest_that_answers_is_a_witness_for_free() -> None:
    async def script(here: Site) -> None:
        await trio.sleep(5)
        here.world.dead.add("gn")
        await trio.sleep(50)

    here = played(lambda: site(["gn", "cs"]), script)
    # The question at 10 may have been lost, and the next one left before the other guest answered at 20.
    assert here.silences("gn") == [(20, 30), (20, 40)]
    assert here.silences("cs") == []


def test_two_guests_that_fall_silent_together_are_no_witnesses_for_each_other() -> None:
    async def script(here: Site) -> None:
        await trio.sleep(5)
        here.world.dead.update(("gn", "cs"))
        await trio.sleep(600)

    here = played(lambda: site(["gn", "cs"]), script)
    assert here.silences("gn") == here.silences("cs") == []


def test_the_network_none_counts_without_a_witness() -> None:
    async def script(here: Site) -> None:
        await trio.sleep(5)
        here.world.is_up = False
        await trio.sleep(25)

    assert played(lambda: site(["gn"], needs_witness=False), script).silences("gn") == [(12 - EVERY_S, 12), (12 - EVERY_S, 22)]


def test_an_ear_that_cannot_ask_proves_nothing_and_says_why() -> None:
    async def script(here: Site) -> None:
        await trio.sleep(5)
        here.world.dead.add("gn")
        await trio.sleep(20)
        again_s = 10 + TIMEOUT_S + ANSWER_S
        assert here.silences("gn") == [pytest.approx((again_s - EVERY_S, again_s + later_s)) for later_s in (0, EVERY_S)]
        here.world.trouble["gn"] = "no more files"
        await trio.sleep(60)
        assert (here.ears["gn"].trouble, len(here.silences("gn"))) == ("no more files", 2)
        here.world.trouble.clear()
        await trio.sleep(20)
        assert here.silences("gn")[2:] == [pytest.approx((again_s + 80 + TIMEOUT_S + ANSWER_S, again_s + 90))]
        assert (here.ears["gn"].trouble,) == (None,)

    played(lan, script)


# --- A service that is stopped ----------------------------------------------------------------------------------------


def stopped(clock: MockClock, seconds: float) -> None:
    """The process was stopped (SIGSTOP, a debugger, a machine that swaps) for so long."""
    clock.jump(seconds)


@pytest.mark.parametrize("at_s", [5.0, 20.5, 22.005])  # between questions; during one; while the witness is asked
def test_a_service_that_was_stopped_proves_nothing_for_that_time(at_s: float) -> None:
    async def main() -> None:
        here = site(["gn"], ["gateway"])

        async def script() -> None:
            await trio.sleep(15 if at_s > 15 else 1)
            here.world.dead.add("gn")
            await trio.sleep_until(at_s)
            stopped(clock, 300)
            await trio.sleep(25)

        await listening(here, script)
        assert all(since_s >= at_s + 300 or asked_at_s <= at_s for since_s, asked_at_s in here.silences("gn"))
        assert here.silences("gn")[-1][0] >= at_s + 300

    clock = MockClock(autojump_threshold=0)
    trio.run(main, clock=clock)


# --- Whatever happens -------------------------------------------------------------------------------------------------

TIMEOUT_OF_BEATS_S = 60.0


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(45, 200), st.floats(1, 400)), min_size=1, max_size=5),
    st.sampled_from((["gateway"], ["gateway", "switch"], [])),
)
def test_outages_of_whatever_length_make_no_guest_silent_that_lives(
    outages: Sequence[tuple[float, float]], witnesses: list[str]
) -> None:
    async def script(here: Site) -> None:
        for up_s, down_s in outages:
            await trio.sleep(up_s)
            here.world.is_up = False
            await trio.sleep(down_s)
            here.world.is_up = True
        await trio.sleep(100)

    here = played(lambda: site(["gn", "cs"], witnesses), script)
    # With a witness of its own, one question may be lost right before the network is back and the witness is asked.
    assert max(here.longest_s("gn"), here.longest_s("cs")) <= 2 * EVERY_S < TIMEOUT_OF_BEATS_S


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(1, 200), st.booleans(), st.booleans()), min_size=1, max_size=10))
def test_a_guest_is_never_silent_for_longer_than_it_has_not_answered(times: Sequence[tuple[float, bool, bool]]) -> None:
    async def script(here: Site) -> None:
        for for_s, is_alive, is_up in times:
            here.world.dead, here.world.is_up = set() if is_alive else {"gn"}, is_up
            await trio.sleep(for_s)
        is_alive_at_s, here.world.dead, here.world.is_up = trio.current_time(), {"gn"}, True
        await trio.sleep(100)
        assert here.longest_s("gn") >= 100 - 3 * EVERY_S
        answers = [at_s for name, at_s in here.world.answered if name == "gn" and at_s <= is_alive_at_s + EVERY_S]
        silences = here.silences("gn")
        assert not [at_s for at_s in answers for since_s, asked_at_s in silences if since_s + 0.001 < at_s <= asked_at_s]

    played(lan, script)


# --- The watchdog -----------------------------------------------------------------------------------------------------


def test_an_ear_shows_that_it_is_well_as_long_as_its_waits_are_bounded() -> None:
    async def main() -> None:
        world = World()
        ear = Ear(FakeEar(fake="gn", world=world, every_s=3600), Hearing(print).add("fake gn", heard=True), Network("lan"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ear.run)
            for _ in range(100):
                await trio.sleep(100)
                assert ear.progress_s >= trio.current_time()
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_while_it_asks_it_is_well_for_as_long_as_a_question_may_take() -> None:
    async def main() -> None:
        at_s: list[float] = []

        class Asking:
            async def ask(self) -> bool:
                await trio.lowlevel.checkpoint()
                at_s.append(ear.progress_s - trio.current_time())
                return True

        class AskingEar(FakeEar):
            def probe(self) -> Probe:
                return Asking()

        config = AskingEar(fake="gn", world=World(), every_s=10)
        ear = Ear(config, Hearing(lambda _fact: None).add("fake gn", heard=True), Network.none())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ear.run)
            await trio.sleep(25)
            nursery.cancel_scope.cancel()
        assert at_s == [config.question_s] * 3

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_a_probe_that_does_not_keep_its_time_is_given_up_and_proves_nothing() -> None:
    class Hung:
        async def ask(self) -> bool:
            await trio.sleep_forever()
            raise AssertionError

    class HungEar(FakeEar):
        def probe(self) -> Probe:
            return Hung()

    async def script() -> None:
        told: list[object] = []
        ear = Ear(HungEar(fake="gn", world=World()), Hearing(told.append).add("fake gn", heard=True), Network.none())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ear.run)
            await trio.sleep(100)
            assert told == []
            assert ear.trouble == "the question took longer than it may"
            nursery.cancel_scope.cancel()

    running(script)


@pytest.mark.parametrize(("every_s", "apart_s"), [(10.0, 20.0), (2.0, TIMEOUT_S + 2 * TRIES * TIMEOUT_S)])
def test_one_question_may_be_missed_without_a_gap_and_asking_the_witnesses_takes_its_time(every_s: float, apart_s: float) -> None:
    async def main() -> None:
        network = Network("lan", within_s=TIMEOUT_S)
        source = Hearing(lambda _fact: None).add("fake", heard=True)
        ear = Ear(FakeEar(fake="gn", world=World(), every_s=every_s, timeout_s=TIMEOUT_S), source, network)
        assert ear.silence.apart_s == apart_s
        await ear.unheard(trio.current_time(), trio.current_time())
        assert ear.progress_s == trio.current_time() + 2 * TRIES * TIMEOUT_S

    trio.run(main, clock=MockClock(autojump_threshold=0))

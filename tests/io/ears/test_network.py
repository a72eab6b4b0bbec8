"""Witnesses: who shows that a network works, and what is told where nobody does."""

import trio

from tests.io.ears.kit import TIMEOUT_S, running, site
from wagman.config.ears import NO_NETWORK
from wagman.io.ears.network import SURE_LOOK_S, TRIES, UNPROVED_S, UNSURE_LOOK_S, Network


def test_any_one_witness_suffices() -> None:
    async def script() -> None:
        lan = site([], ["gateway", "switch"])
        lan.world.dead.add("gateway")
        asked_at_s = trio.current_time()
        shown_at_s = await lan.network.witness(asked_at_s)
        assert shown_at_s is not None
        assert asked_at_s < shown_at_s == trio.current_time() < asked_at_s + TIMEOUT_S

    running(script)


def test_nobody_who_answers_is_no_witness() -> None:
    async def script() -> None:
        lan = site([], ["gateway", "switch"])
        lan.world.is_up = False
        assert await lan.network.witness(trio.current_time()) is None

    running(script)


def test_what_a_witness_answered_before_shows_nothing_of_later() -> None:
    async def script() -> None:
        lan = site([], ["gateway"])
        assert await lan.network.witness(trio.current_time())
        await trio.sleep(1)
        lan.world.is_up = False
        assert await lan.network.witness(trio.current_time()) is None

    running(script)


def test_an_answer_of_later_to_a_question_of_before_shows_nothing() -> None:
    async def script() -> None:
        lan = site([])
        now_s = trio.current_time()
        lan.network.heard(now_s - 1, now_s + 1)
        assert lan.network.shown_at_s(now_s) is None
        lan.network.heard(now_s, now_s + 2)
        assert lan.network.shown_at_s(now_s) == now_s + 2

    running(script)


def test_a_question_may_have_been_asked_in_an_outage_until_a_witness_answers_again() -> None:
    async def script() -> None:
        lan = site([], ["gateway"])
        assert await lan.network.witness(began_s := trio.current_time())
        assert not lan.network.was_out(began_s, began_s - 10)
        await trio.sleep(10)
        lan.world.is_up = False
        failed_s = trio.current_time()
        assert await lan.network.witness(failed_s) is None
        assert lan.network.was_out(failed_s, failed_s - 10)
        assert not lan.network.was_out(failed_s, failed_s + 1)  # a witness that was away before shows nothing of now
        lan.world.is_up = True
        shown_s = await lan.network.witness(trio.current_time())
        assert shown_s is not None
        assert lan.network.was_out(shown_s - 1, failed_s)
        assert not lan.network.was_out(shown_s, failed_s)

    running(script)


def test_witnesses_are_asked_once_for_all_who_wait_whether_they_answer_or_not() -> None:
    async def script() -> None:
        lan = site([], ["gateway"])
        lan.world.is_up = False
        began_s = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(lan.network.witness, began_s)
        assert len(lan.world.asked) == TRIES
        assert trio.current_time() - began_s <= TRIES * TIMEOUT_S

    running(script)


def test_a_witness_that_cannot_be_asked_shows_nothing() -> None:
    async def script() -> None:
        lan = site([], ["gateway"])
        lan.world.trouble["gateway"] = "no more files"
        assert await lan.network.witness(trio.current_time()) is None

    running(script)


def test_a_witness_that_hangs_holds_nobody_up() -> None:
    class Hung:
        async def ask(self) -> bool:
            await trio.sleep_forever()
            raise AssertionError

    async def script() -> None:
        began_s = trio.current_time()
        assert await Network("lan", [Hung()], within_s=3).witness(began_s) is None
        assert trio.current_time() - began_s == TRIES * 3

    running(script)


def test_the_network_none_needs_no_witness() -> None:
    async def script() -> None:
        assert await Network.none().witness(17.0) == 17.0

    running(script)


def test_a_witness_whose_answer_is_lost_is_asked_once_more() -> None:
    answers = [False, True]

    class Lossy:
        async def ask(self) -> bool:
            await trio.sleep(1)
            return answers.pop(0)

    async def script() -> None:
        began_s = trio.current_time()
        assert await Network("lan", [Lossy()]).witness(began_s) == began_s + 2

    running(script)


def test_witnesses_that_never_answer_are_told_of_once() -> None:
    async def script() -> None:
        lan = site([], ["gateway"])
        lan.world.dead.add("gateway")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lan.network.run)
            await trio.sleep(UNPROVED_S - 10)
            assert lan.notices == []
            await trio.sleep(UNPROVED_S)
            lan.network.heard(trio.current_time(), trio.current_time())  # a guest answers: the witness is no better for it
            await trio.sleep(UNPROVED_S)
            assert [(notice.type, notice.fields) for notice in lan.notices] == [("network.unproved", {"network": "lan"})]
            assert lan.network.unproved
            lan.world.dead.clear()
            await trio.sleep(UNSURE_LOOK_S + TIMEOUT_S)
            assert [notice.type for notice in lan.notices] == ["network.unproved", "network.proved"]
            assert (lan.network.unproved,) == (False,)
            nursery.cancel_scope.cancel()

    running(script)


def test_a_witness_that_has_gone_is_found_before_it_is_needed() -> None:
    async def script() -> None:
        lan = site([], ["gateway"])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lan.network.run)
            await trio.sleep(3 * SURE_LOOK_S)
            assert not lan.notices
            assert lan.network.progress_s >= trio.current_time()
            lan.world.dead.add("gateway")
            await trio.sleep(SURE_LOOK_S + UNPROVED_S + UNSURE_LOOK_S)
            assert [notice.type for notice in lan.notices] == ["network.unproved"]
            nursery.cancel_scope.cancel()

    running(script)


def test_witnesses_are_asked_more_often_while_none_answers() -> None:
    async def script() -> None:
        lan = site([], ["gateway"])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lan.network.run)
            await trio.sleep(1)
            assert lan.network.progress_s - trio.current_time() > UNSURE_LOOK_S
            lan.world.is_up = False
            await trio.sleep(SURE_LOOK_S + TRIES * TIMEOUT_S + 1)
            assert lan.network.progress_s - trio.current_time() <= UNSURE_LOOK_S
            nursery.cancel_scope.cancel()

    running(script)


def test_what_is_no_network_is_named_so_and_needs_no_witness() -> None:
    async def script() -> None:
        none = Network.none()
        assert (none.name, none.needs_witness, none.witnesses) == (NO_NETWORK, False, ())

    running(script)


def test_one_round_without_an_answer_is_not_told_of_however_long_the_service_has_been_up() -> None:
    async def script() -> None:
        lan = site([], ["gateway"])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lan.network.run)
            await trio.sleep(SURE_LOOK_S - 1)
            lan.world.dead.add("gateway")
            await trio.sleep(UNPROVED_S - 1)
            assert lan.notices == []
            nursery.cancel_scope.cancel()

    running(script)


def test_a_witness_that_answers_at_once_is_a_good_one_and_the_first_of_two_answers_counts() -> None:
    async def script() -> None:
        lan = site([])
        now_s = trio.current_time()
        lan.network._round_at_s = lan.network._witnessed_at_s = now_s
        lan.network._judge(now_s)
        assert lan.network._doubted_since_s is None
        lan.network._round_at_s = now_s + 1
        for late_s, is_told in ((UNPROVED_S - 1, False), (UNPROVED_S, True)):
            lan.network._judge(now_s + 1 + late_s)
            assert lan.network.unproved == is_told
        lan.network.heard(now_s, now_s + 2)
        lan.network.heard(now_s, now_s + 3)
        assert lan.network.shown_at_s(now_s) == now_s + 2

    running(script)

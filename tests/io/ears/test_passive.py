"""How the silence of a guest is looked at that speaks by itself."""

import trio
from attrs import define
from trio.testing import MockClock

from tests.io.ears.kit import World
from wagman.io.ears.ear import Listening
from wagman.io.ears.hearing import Hearing
from wagman.io.ears.network import Network
from wagman.io.ears.passive import TURN_S, PassiveEar, Shared
from wagman.io.ears.udp import UdpEar
from wagman.model.facts import Listened, PortFact


@define
class Read:
    """A line that is always read, whoever it is read for."""

    @property
    def read_until_s(self) -> float:
        return trio.current_time()


def test_while_nobody_listens_for_a_guest_its_line_proves_nothing() -> None:
    told: list[PortFact] = []

    async def main() -> None:
        ear = PassiveEar(UdpEar(udp=9000), Hearing(told.append).add("udp 9000", heard=True), Network.none())
        ear.line = Read()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ear.run)
            await trio.sleep(35)
            assert told == []
            ear.opened()
            await trio.sleep(30)
            silences = [(fact.silent_since_s, fact.asked_at_s) for fact in told if isinstance(fact, Listened)]
            assert silences == [(40, 50), (40, 60)]
            ear.deaf("the key cannot be read")
            await trio.sleep(60)
            assert len(told) == 2
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_silence_needs_a_witness_here_too() -> None:
    told: list[PortFact] = []
    world = World()

    async def main() -> None:
        class Gateway:
            async def ask(self) -> bool:
                await trio.sleep(0.1)
                return world.is_up

        ear = PassiveEar(UdpEar(udp=9000), Hearing(told.append).add("udp 9000", heard=True), Network("lan", [Gateway()]))
        ear.line = Read()
        ear.opened()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ear.run)
            await trio.sleep(5)
            ear.heard(5, 5)
            await trio.sleep(10)
            world.is_up = False
            await trio.sleep(60)
            assert [(fact.silent_since_s, fact.asked_at_s) for fact in told if isinstance(fact, Listened)] == [(5, 10)]
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_a_line_that_nobody_read_for_a_moment_begins_a_silence_anew() -> None:
    told: list[PortFact] = []

    async def main() -> None:
        ear = PassiveEar(UdpEar(udp=9000), Hearing(told.append).add("udp 9000", heard=True), Network.none())
        ear.line = Read()
        ear.opened()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ear.run)
            await trio.sleep(15)
            ear.deaf("the port was unplugged")
            await trio.sleep(1)
            ear.opened()
            await trio.sleep(15)
            silences = [(fact.silent_since_s, fact.asked_at_s) for fact in told if isinstance(fact, Listened)]
            assert silences == [(0, 10), (20, 30)]
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_the_silence_of_one_who_waits_is_judged_as_of_its_last_turn() -> None:
    async def main() -> None:
        hearing = Hearing(lambda _fact: None)
        waiting = PassiveEar(UdpEar(udp=9000), hearing.add("udp 9000", heard=True), Network.none())
        asking = Listening(UdpEar(udp=9001), hearing.add("udp 9001", heard=True), Network.none())
        assert waiting.silence.apart_s == asking.silence.apart_s + TURN_S

    trio.run(main, clock=MockClock(autojump_threshold=0))


@define
class Reader:
    """A task that serves several ears."""

    progress_s: float = 0.0

    async def run(self) -> None:
        await trio.sleep_forever()


def test_ears_of_one_place_share_a_task_and_those_of_another_have_their_own() -> None:
    shared = Shared()
    first = shared.get(Reader, "/dev/tty1", Reader)
    assert shared.get(Reader, "/dev/tty1", Reader) is first
    other = shared.get(Reader, "/dev/tty2", Reader)
    assert other is not first
    assert list(shared.tasks.values()) == [first, other]


def test_a_question_that_nobody_witnesses_takes_back_the_silence_that_was_proved() -> None:
    async def main() -> None:
        source = Hearing(lambda _fact: None).add("udp 9000", heard=True)
        ear = Listening(UdpEar(udp=9000), source, Network("lan"))
        for asked_s in (1000.0, 1010.0):
            ear._judge(asked_s, asked_s + 1, asked_s + 1)
        assert source.silence is not None
        ear._judge(1020.0, 1021.0, None)
        assert source.silence is None

    trio.run(main, clock=MockClock(autojump_threshold=0))

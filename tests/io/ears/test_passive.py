"""How the silence of a guest is looked at that speaks by itself."""

from collections.abc import Awaitable, Callable, Sequence

import trio
from attrs import define, field
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.io.ears.kit import World
from wagman.io.ears.ear import Listening, Question
from wagman.io.ears.hearing import Hearing
from wagman.io.ears.network import Network
from wagman.io.ears.passive import AGAIN_S, TURN_S, PassiveEar, Shared
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
            silences = [(fact.silent_since_s, fact.asked_at_s) for fact in told if isinstance(fact, Listened)]
            assert silences == [(5, 10.1 + AGAIN_S)]
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_while_nobody_listens_no_witness_is_asked() -> None:
    asked: list[float] = []

    class Gateway:
        async def ask(self) -> bool:
            asked.append(trio.current_time())
            return True

    async def main() -> None:
        ear = PassiveEar(UdpEar(udp=9000), Hearing(print).add("udp 9000", heard=True), Network("lan", [Gateway()]))
        ear.line = Read()
        ear.opened()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ear.run)
            await trio.sleep(15)
            assert asked
            ear.deaf("the port was unplugged")
            asked.clear()
            await trio.sleep(60)
            assert asked == []
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


# --- Times in which nobody listened -----------------------------------------------------------------------------------


@define(eq=False)
class Post:
    """An ear whose reader comes and goes, on a network whose witness takes its time to answer."""

    told: list[PortFact] = field(factory=list)
    world: World = field(factory=World)
    answer_s: float = 0.1
    missed: list[tuple[float, float]] = field(factory=list)  # the times in which nobody listened
    _lost_at_s: float | None = None
    network: Network = field(init=False)
    ear: PassiveEar = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.network = Network("lan", [self])
        self.ear = PassiveEar(UdpEar(udp=9000), Hearing(self.told.append).add("udp 9000", heard=True), self.network)
        self.ear.line = self
        self.ear.opened()

    @property
    def read_until_s(self) -> float:
        return trio.current_time() if self._lost_at_s is None else self._lost_at_s

    @property
    def silences(self) -> list[tuple[float, float]]:
        return [(round(fact.silent_since_s, 3), round(fact.asked_at_s, 3)) for fact in self.told if isinstance(fact, Listened)]

    async def ask(self) -> bool:
        await trio.sleep(self.answer_s)
        return self.world.is_up

    def crashed(self) -> None:
        self._lost_at_s = self.read_until_s

    def deaf(self) -> None:
        self.crashed()
        self.ear.deaf("the broker hung up")

    def opened(self) -> None:
        if self._lost_at_s is not None:
            self.missed.append((self._lost_at_s, trio.current_time()))
        self._lost_at_s = None
        self.ear.opened()

    def heard(self) -> None:
        self.ear.heard(self.read_until_s, trio.current_time())

    def other_heard(self) -> None:
        self.network.heard(trio.current_time(), trio.current_time())


def at_post(script: Callable[[Post], Awaitable[None]]) -> Post:
    """The post after a script, in virtual time that begins at 0."""
    posts: list[Post] = []

    async def main() -> None:
        posts.append(post := Post())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(post.ear.run)
            await script(post)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return posts[0]


def test_a_question_whose_witness_answers_once_nobody_listens_begins_no_silence() -> None:
    async def script(post: Post) -> None:
        post.heard()
        post.answer_s = 1.9
        await trio.sleep(11)
        post.deaf()  # while the witness is asked about the question of 10
        await trio.sleep(15)
        post.opened()
        await trio.sleep(25)

    assert at_post(script).silences == [(31.9, 40)]


def test_a_question_without_a_witness_begins_no_silence_once_nobody_listened() -> None:
    async def script(post: Post) -> None:
        post.world.is_up = False
        await trio.sleep(11)
        post.deaf()
        post.other_heard()
        await trio.sleep(15)
        post.opened()
        post.world.is_up = True
        await trio.sleep(20)

    assert at_post(script).silences == [(30.1, 40)]


def test_a_reader_that_crashed_begins_the_silence_anew() -> None:
    async def script(post: Post) -> None:
        post.heard()
        await trio.sleep(13)
        post.crashed()
        await trio.sleep(2)
        post.opened()
        await trio.sleep(20)

    assert at_post(script).silences == [(2.1, 12.1), (22.2, 32.1)]


MOMENTS = (0.05, 1.0, 1.95, 4.0, 8.0, 10.0, 25.0)


@settings(max_examples=200)
@example([(0.05, "deaf", 0.1), (33.0, "opened", 0.1), (8.0, "crashed", 0.1), (10.0, "deaf", 0.1)])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(MOMENTS),
            st.sampled_from(("deaf", "opened", "opened", "crashed", "heard", "other_heard", "down", "up")),
            st.sampled_from((0.1, 1.9)),
        ),
        max_size=20,
    )
)
def test_no_silence_holds_time_in_which_nobody_listened(events: Sequence[tuple[float, str, float]]) -> None:
    async def script(post: Post) -> None:
        for after_s, event, answer_s in events:
            await trio.sleep(after_s)
            post.answer_s = answer_s
            if event in {"down", "up"}:
                post.world.is_up = event == "up"
            else:
                getattr(post, event)()
        post.opened()
        post.world.is_up = True
        await trio.sleep(60)

    post = at_post(script)
    assert post.silences  # once all is well, silence is seen again
    for fact in post.told:
        if isinstance(fact, Listened):
            assert not [each for each in post.missed if fact.silent_since_s < each[1] and each[0] < fact.asked_at_s]


# --- What ears share --------------------------------------------------------------------------------------------------


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
            ear._judge(Question(asked_s, asked_s + 1), asked_s + 1)
        assert source.silence is not None
        ear._judge(Question(1020.0, 1021.0), None)
        assert source.silence is None

    trio.run(main, clock=MockClock(autojump_threshold=0))

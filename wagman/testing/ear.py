"""The contracts of ears: tests for ears that ask a guest, and for those that wait for a guest which speaks by itself."""

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias, get_args

import pytest
import trio
from attrs import define, field

from wagman.config.ears import EarConfig
from wagman.io.ears.ear import Listening
from wagman.io.ears.hearing import Hearing
from wagman.io.ears.making import ear_of
from wagman.io.ears.passive import PassiveEarConfig, Shared
from wagman.io.ears.silence import SLACK_S
from wagman.model.backend import Probe
from wagman.model.facts import Beat, Listened, PortFact
from wagman.testing.running import MOST_S, T, interrupt, moments, run, within

Does: TypeAlias = Literal["answers", "gone", "refuses", "hangs", "garbage", "half"]
"""What a guest does: *answers*, it is well; *gone*, nobody is there; *refuses*, it says no; *hangs*, its programs hang, and its
kernel goes on; *garbage*, its answer is not of the protocol; *half*, it gives half of an answer.
"""

DOES: tuple[Does, ...] = get_args(Does)

NOT_ALIVE: Collection[Does] = ("gone", "refuses")
"""Behaviour that no ear takes for life."""

GUEST = "gn"
"""The name of the guest in these tests. A guest that speaks by itself may have to say it."""


class _Contract:
    virtual: ClassVar[bool] = False  # everything happens in this process, so time need not really pass

    folder: Path
    """An empty folder, in each test another one."""

    @pytest.fixture(autouse=True)
    def _has_a_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path


class EarContract(_Contract):
    """The tests of an ear that asks. Derive a class from it whose name begins with `Test`, and give it `guest`."""

    can: ClassVar[Collection[Does]] = DOES  # what a guest of the site can do

    def guest(self, does: Does) -> AbstractAsyncContextManager[EarConfig]:
        """Return an asynchronous context manager that yields the ear of a guest which does this; its `timeout` is short."""
        raise NotImplementedError

    def test_a_guest_that_answers_is_alive_each_time(self) -> None:
        """The service uses one probe for as long as it runs, so one probe is asked several times."""

        async def story(ear: EarConfig) -> None:
            probe = ear.probe()
            assert [await _asked(ear, probe) for _ in range(3)] == [True, True, True]

        self._play("answers", story)

    @pytest.mark.parametrize("does", NOT_ALIVE)
    def test_whoever_is_not_there_or_refuses_is_not_alive(self, does: Does) -> None:
        """The probe answers False, and raises nothing."""
        self._play(does, _is_not_alive)

    def test_a_program_that_hangs_is_not_alive(self) -> None:
        """An ear that claims to show a program is not deceived by the answers of the guest's kernel."""

        async def story(ear: EarConfig) -> None:
            if ear.shows == "program":
                await _is_not_alive(ear)
            else:
                await _asked(ear, ear.probe())

        self._play("hangs", story)

    @pytest.mark.parametrize("does", ["garbage", "half"])
    def test_whatever_a_guest_says_is_yes_or_no(self, does: Does) -> None:
        """The probe raises nothing, and ends in time."""

        async def story(ear: EarConfig) -> None:
            await _asked(ear, ear.probe())

        self._play(does, story)

    @pytest.mark.parametrize("does", DOES)
    def test_it_may_be_interrupted_at_any_moment_and_asked_again(self, does: Does) -> None:
        """The answer to an interrupted question is not taken for the answer to the next question."""

        async def story(ear: EarConfig) -> None:
            probe = ear.probe()
            for moment in moments():
                await within("ask", partial(interrupt, probe.ask, moment))
            is_alive = await _asked(ear, probe)
            assert is_alive or does != "answers"
            assert not is_alive or does not in NOT_ALIVE

        self._play(does, story)

    def _play(self, does: Does, story: Callable[[EarConfig], Awaitable[None]]) -> None:
        if does not in self.can:
            pytest.skip(f"no guest of the site can do that: {does}")

        async def main() -> None:
            async with self.guest(does) as ear:
                assert not ear.passive, "it waits to be told: see PassiveEarContract"
                await story(ear)

        run(main, virtual=self.virtual)


async def _asked(ear: EarConfig, probe: Probe) -> bool:
    """Ask the guest; return whether it answers."""
    is_alive = await within("ask", probe.ask, ear.question_s + SLACK_S)
    assert isinstance(is_alive, bool), f"it is alive or not: {is_alive!r} is neither"
    return is_alive


async def _is_not_alive(ear: EarConfig) -> None:
    probe = ear.probe()
    assert [await _asked(ear, probe) for _ in range(2)] == [False, False]


@define(eq=False)
class Speaker:
    """A guest that speaks by itself, and the ear that waits for it. Derive from it."""

    ear: PassiveEarConfig

    async def speak(self) -> None:
        """Give one sign of life."""
        raise NotImplementedError

    async def babble(self) -> None:
        """Send something that is no sign of life of this guest: noise, or a sign of another guest."""
        raise NotImplementedError

    async def deafen(self) -> None:
        """Take away what the ear listens at, as when a port is unplugged."""
        raise NotImplementedError


@define(eq=False)
class _Heard:
    """Collects the facts that the ear reports."""

    facts: list[PortFact] = field(factory=list)
    news: trio.Event = field(factory=trio.Event)

    def tell(self, fact: PortFact) -> None:
        self.facts.append(fact)
        self.news.set()
        self.news = trio.Event()

    def beats(self) -> int:
        return sum(isinstance(fact, Beat) for fact in self.facts)

    async def one(self, kind: type[T], after: int = 0) -> T:
        """Return the first fact of this kind, after skipping so many facts."""
        while not (found := [fact for fact in self.facts[after:] if isinstance(fact, kind)]):
            await self.news.wait()
        return found[0]


class PassiveEarContract(_Contract):
    """The tests of an ear that waits. Derive a class from it whose name begins with `Test`, and give it `speaker`."""

    babbles: ClassVar[bool] = True  # there is something that the ear does not take for a sign of life
    deafens: ClassVar[bool] = True  # the site can take away what it listens at

    def speaker(self) -> AbstractAsyncContextManager[Speaker]:
        """Return an asynchronous context manager that yields a guest called `GUEST`, and its ear, whose `every` is short."""
        raise NotImplementedError

    def test_a_guest_that_speaks_is_heard_and_then_its_silence_is_shown(self) -> None:
        """The ear tells no beat before the guest has spoken; the silence begins afterwards."""

        async def story(speaker: Speaker, heard: _Heard, listening: Listening) -> None:
            await within("silence, before it ever spoke", partial(heard.one, Listened))
            assert heard.beats() == 0
            before_s = trio.current_time()
            await speaker.speak()
            beat = await within("a beat", partial(heard.one, Beat))
            assert beat.at_s <= trio.current_time()
            silence = await within("silence", partial(heard.one, Listened, len(heard.facts)))
            assert silence.asked_at_s > silence.silent_since_s >= before_s
            assert listening.trouble is None

        self._play(story)

    def test_what_is_no_sign_of_life_of_this_guest_is_none(self) -> None:
        """Other messages are no beats, and do not keep the ear from hearing the next beat."""
        if not self.babbles:
            pytest.skip("whatever it hears is a sign of life")

        async def story(speaker: Speaker, heard: _Heard, _listening: Listening) -> None:
            await within("silence, before it ever spoke", partial(heard.one, Listened))
            await speaker.babble()
            await within("silence", partial(heard.one, Listened, len(heard.facts)))
            assert heard.beats() == 0
            await speaker.speak()
            await within("a beat", partial(heard.one, Beat))

        self._play(story)

    def test_an_ear_that_cannot_listen_says_so_and_shows_no_silence(self) -> None:
        """A guest is not called silent because this computer is deaf."""
        if not self.deafens:
            pytest.skip("the site cannot take away what it listens at")

        async def story(speaker: Speaker, heard: _Heard, listening: Listening) -> None:
            await within("silence, before it ever spoke", partial(heard.one, Listened))
            await speaker.deafen()
            with trio.fail_after(MOST_S):
                while listening.trouble is None:  # noqa: ASYNC110 - nothing tells of it but the status
                    await trio.sleep(0.02)
            assert listening.trouble.strip()
            told = len(heard.facts)
            await trio.sleep(3 * speaker.ear.every_s)
            assert heard.facts[told:] == []

        self._play(story)

    def test_it_cannot_be_asked(self) -> None:
        """A listening ear has no probe, so it cannot be a witness."""

        async def story(speaker: Speaker, _heard: _Heard, _listening: Listening) -> None:
            assert speaker.ear.passive
            with pytest.raises(NotImplementedError):
                speaker.ear.probe()

        self._play(story)

    def _play(self, story: Callable[[Speaker, _Heard, Listening], Awaitable[None]]) -> None:
        async def main() -> None:
            heard, shared = _Heard(), Shared()
            async with self.speaker() as speaker, trio.open_nursery() as nursery:
                source = Hearing(heard.tell).add(speaker.ear.source, heard=True)
                listening = ear_of(speaker.ear, GUEST, source, None, shared)
                for task in (listening, *shared.tasks.values()):
                    nursery.start_soon(task.run)
                await story(speaker, heard, listening)
                nursery.cancel_scope.cancel()

        run(main, virtual=self.virtual)

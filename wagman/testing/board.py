"""The contract of a board: tests that each kind passes, on a fake or a real unit."""

import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias, cast, get_args

import pytest
import trio
from attrs import define

from wagman.model.backend import Abilities, Backend, Identity, Look, Pulsing, Readback, Restore
from wagman.model.errors import BoardError, StrangerError
from wagman.model.facts import Supply
from wagman.testing.running import Ask, T, interrupt, moments, run, within

Trouble: TypeAlias = Literal["gone", "hangs", "refuses", "garbage", "half"]
"""What is wrong with a board: *gone*, it cannot be reached; *hangs*, it takes the question and is silent; *refuses*, it says no;
*garbage*, its answer is not of its protocol; *half*, it gives half of an answer.
"""

TROUBLES: tuple[Trouble, ...] = get_args(Trouble)

Power: TypeAlias = Literal["on", "off"]

MOST_WATTS = 100_000.0
"""The most watts of a port (chosen: a rack of them draws less)."""

PULSE_S = 1.0
"""How long a pulse keeps a port off in the tests (chosen: boards count in tenths of a second, or in seconds)."""

LATE_S = 1.0
"""How much later than asked a pulse may end (chosen)."""

RAN_S = 60.0
"""How long a board has run before it restarts, in virtual time: two starts within seconds cannot always be told apart."""

RETRY_S = 0.5
"""The pause before a restarting board is greeted again (chosen)."""


@define(eq=False)
class BoardSite:
    """A board in a test: its back end, and the truth behind it. Derive from it; ports have their names from the file."""

    backend: Backend

    async def power(self, port: str) -> Power:
        """Return the state of a port's contact, whatever the board says."""
        raise NotImplementedError

    async def trouble(self, kind: Trouble | None) -> None:
        """Cause this trouble from now on; None: end it. The contacts stay as they are."""
        raise NotImplementedError

    async def replace(self) -> None:
        """Put another unit of the same kind, with as many ports, at its address; `power` is about that unit from now on."""
        raise NotImplementedError

    async def restart(self) -> None:
        """Restart the unit; this may take its time."""
        raise NotImplementedError


class BoardContract:
    """The tests. Derive a class from it whose name begins with `Test`, and give it `ports`, `absent` and `site`.

    Class attributes say what the kind cannot do; what it can do is tested.
    """

    ports: ClassVar[Sequence[str]]  # two or more that the site has; they are off at first
    absent: ClassVar[str]  # one that such a board may have, and the site does not

    identifies: ClassVar[bool] = True  # it tells which unit it is
    tells_restarts: ClassVar[bool] = True  # it tells of each of its restarts
    troubles: ClassVar[Collection[Trouble]] = TROUBLES  # the troubles that the site can cause
    virtual: ClassVar[bool] = False  # everything happens in this process, so time need not really pass

    folder: Path
    """An empty folder, in each test another one."""

    def site(self) -> AbstractAsyncContextManager[BoardSite]:
        """Return an asynchronous context manager that yields the board for one test."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _has_a_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    # Who it is -------------------------------------------------------------------------------------------------------

    def test_each_greeting_tells_who_it_is(self) -> None:
        """A board that identifies itself gives the same id with each greeting; another board never gives an id."""

        async def story(site: BoardSite) -> None:
            first, second = await _greeted(site), await _greeted(site)
            for identity in (first, second):
                assert identity.boots in range(2**32), f"boots is a count of 32 bits, not {identity.boots!r}"
                assert identity.began_s is None or identity.began_s in range(2**32), f"began_s is {identity.began_s!r}"
                assert (identity.board_id is not None) == self.identifies, f"identifies is {self.identifies}: {identity}"
                assert identity.board_id != "", "an id that is empty is that of every board: None where there is none"
            assert first.board_id == second.board_id
            assert first.same_run(second), f"it did not restart: {first}, then {second}"

        self._play(story)

    def test_a_restart_is_told_by_the_next_greeting(self) -> None:
        """The guests of a restarted board may have lost their power, whatever the board shows now."""
        if not self.tells_restarts:
            pytest.skip("it does not tell of restarts")

        async def story(site: BoardSite) -> None:
            before = await _greeted(site)
            await trio.sleep(RAN_S if self.virtual else 0.0)
            await site.restart()
            after = await within("the first greeting after the restart", partial(_patiently, site.backend.greet))
            assert not before.same_run(after), f"nothing in {after} tells that it is another run than {before}"
            assert after.same_run(await _greeted(site)), "one restart is told of once"

        self._play(story)

    def test_a_stranger_is_refused_and_never_switched(self) -> None:
        """Another unit at the same address has other guests on its ports."""
        if not self.identifies:
            pytest.skip("it does not tell who it is")

        async def story(site: BoardSite) -> None:
            await _greeted(site)
            await site.replace()
            before = await self._powers(site)
            backend, port = site.backend, self.ports[0]
            asked: list[tuple[str, Ask[object]]] = [
                ("greet", backend.greet),
                ("look", partial(backend.look, self.ports)),
                ("switch", partial(backend.switch, port, on=before[port] == "off")),
            ]
            if backend.abilities.pulse:
                asked.append(("pulse", partial(_pulsing(backend).pulse, port, PULSE_S)))
            for name, ask in asked:
                with pytest.raises(StrangerError) as told:
                    await within(name, ask)
                _is_a_sentence(told.value)
            assert await self._powers(site) == before, "the stranger was switched"

        self._play(story)

    # What it shows ---------------------------------------------------------------------------------------------------

    def test_what_was_switched_is_shown_once_it_has_settled(self) -> None:
        """Each port moves alone, on and off. The board shows the state of the contact, or nothing if it cannot be read."""

        async def story(site: BoardSite) -> None:
            await _greeted(site)
            expected = await self._powers(site)
            for on in (True, True, False, False):  # told twice, it stays as it is
                for port in self.ports:
                    await self._switched(site, port, on=on)
                    expected = {**expected, port: "on" if on else "off"}
                    assert await self._powers(site) == expected, f"{port} was switched {expected[port]}"
                    await self._is_shown(site)

        self._play(story)

    def test_of_a_port_that_is_not_there_nothing_is_known(self) -> None:
        """The missing port is not shown as off, nor as another port; the other ports of the same call are shown."""

        async def story(site: BoardSite) -> None:
            await _greeted(site)
            for port in self.ports:
                await self._switched(site, port, on=True)
            await trio.sleep(site.backend.abilities.settle_s)
            assert (await self._looks(site, (*self.ports, self.absent))).get(self.absent, Look()) == Look()
            await self._is_shown(site)
            assert await self._looks(site, ()) == {}

        self._play(story)

    def test_a_port_that_is_not_there_is_refused_and_none_is_switched_for_it(self) -> None:
        """Some boards take an unknown port for their first port, or for all ports."""

        async def story(site: BoardSite) -> None:
            await _greeted(site)
            before = await self._powers(site)
            for on in (True, False):
                with pytest.raises(BoardError) as told:
                    await within("switch", partial(site.backend.switch, self.absent, on=on))
                _is_a_sentence(told.value)
            assert await self._powers(site) == before

        self._play(story)

    def test_its_abilities_are_what_it_shows(self) -> None:
        """The back end's `abilities` are true, and do not change by themselves after the greeting."""

        async def story(site: BoardSite) -> None:
            await _greeted(site)
            abilities = site.backend.abilities
            _are_able(abilities)
            assert hasattr(site.backend, "pulse") or not abilities.pulse, "abilities.pulse, and no method for it"
            for port in self.ports:
                await self._switched(site, port, on=True)
            await trio.sleep(abilities.settle_s)
            looks = await self._looks(site, self.ports)
            for port, look in looks.items():
                assert abilities.meter_w is not None or look.watts is None, f"it has no meter, and shows {look.watts} W on {port}"
                assert abilities.readback != "none" or look == Look(), f"nothing can be read, and it shows {look}"
            assert site.backend.abilities == abilities

        self._play(story)

    def test_its_pulse_ends_by_itself(self) -> None:
        """A pulse switches a port off and on again in one command, even if nobody can reach the board meanwhile."""

        async def story(site: BoardSite) -> bool:
            await _greeted(site)
            if not site.backend.abilities.pulse:
                return False
            port = self.ports[0]
            for each in self.ports:
                await self._switched(site, each, on=True)
            await within("pulse", partial(_pulsing(site.backend).pulse, port, PULSE_S))
            assert await self._powers(site) == {**dict.fromkeys(self.ports, "on"), port: "off"}
            await trio.sleep(PULSE_S + LATE_S)
            assert await self._powers(site) == dict.fromkeys(self.ports, "on")
            return True

        if not self._play(story):
            pytest.skip("it has no pulse")

    # When something goes wrong ---------------------------------------------------------------------------------------

    @pytest.mark.parametrize("kind", TROUBLES)
    def test_what_goes_wrong_is_an_error_of_the_board(self, kind: Trouble) -> None:
        """Answers of a board in trouble are not believed; a board that has recovered is seen again."""
        if kind not in self.troubles:
            pytest.skip(f"the site cannot have that go wrong: {kind}")

        async def story(site: BoardSite) -> None:
            known = await _greeted(site)
            await self._switched(site, self.ports[0], on=True)
            await site.trouble(kind)
            # One port is on, and another off: a made-up answer is wrong about one of them.
            await self._fails("look", partial(site.backend.look, self.ports), is_needed=_readback(site) != "none")
            for port in self.ports[:2]:
                await self._fails("switch", partial(site.backend.switch, port, on=True))
            told = await self._fails("greet", site.backend.greet, is_needed=False)
            is_true = told is None or (told.board_id == known.board_id and known.same_run(told))
            assert is_true, f"it is in trouble, and says that it is {told}, not {known}"
            await site.trouble(None)
            await _greeted(site)
            await self._switched(site, self.ports[0], on=False)
            await self._switched(site, self.ports[1], on=True)
            await self._is_shown(site)
            assert [await site.power(port) for port in self.ports[:2]] == ["off", "on"]

        self._play(story)

    @pytest.mark.parametrize("asked", ["greet", "look", "switch"])
    def test_it_may_be_interrupted_at_any_moment_and_asked_again(self, asked: str) -> None:
        """The answer to an interrupted question is not taken for the answer to the next question."""

        async def story(site: BoardSite) -> None:
            await _greeted(site)
            backend, (port, other) = site.backend, self.ports[:2]
            await self._switched(site, other, on=True)
            for number, moment in enumerate(moments()):
                on = number % 2 == 0
                calls: Mapping[str, Ask[object]] = {
                    "greet": backend.greet,
                    "look": partial(backend.look, [port]),
                    "switch": partial(backend.switch, port, on=not on),
                }
                await within(asked, partial(interrupt, calls[asked], moment))
                shown = (await self._looks(site, [other])).get(other, Look()).relay
                assert shown == ("unknown" if _readback(site) == "none" else "on"), f"interrupted at moment {number}"
                await self._switched(site, port, on=on)
                assert [await site.power(each) for each in (port, other)] == ["on" if on else "off", "on"]
            await self._is_shown(site)

        self._play(story)

    # How --------------------------------------------------------------------------------------------------------------

    def _play(self, story: Callable[[BoardSite], Awaitable[T]]) -> T:
        assert len(self.ports) > 1, "it takes two ports to see that only one is switched"

        async def main() -> T:
            async with self.site() as site:
                return await story(site)

        return run(main, virtual=self.virtual)

    async def _powers(self, site: BoardSite) -> Mapping[str, Power]:
        return {port: await site.power(port) for port in self.ports}

    async def _switched(self, site: BoardSite, port: str, *, on: bool) -> None:
        await within("switch", partial(site.backend.switch, port, on=on))

    async def _looks(self, site: BoardSite, ports: Sequence[str]) -> Mapping[str, Look]:
        looks = await within("look", partial(site.backend.look, ports))
        assert set(looks) <= set(ports), f"asked about {ports}, it tells of {list(looks)}"
        for port, look in looks.items():
            assert look.relay in get_args(Supply), f"the relay of {port} is {look.relay!r}"
            assert look.watts is None or 0 <= look.watts <= MOST_WATTS, f"{look.watts} W on {port}"
        return looks

    async def _is_shown(self, site: BoardSite) -> None:
        """Check that it shows the state of its contacts."""
        await trio.sleep(site.backend.abilities.settle_s)
        looks = await self._looks(site, self.ports)
        shown = {port: looks.get(port, Look()).relay for port in self.ports}
        assert shown == (dict.fromkeys(self.ports, "unknown") if _readback(site) == "none" else await self._powers(site))

    async def _fails(self, name: str, ask: Ask[T], *, is_needed: bool = True) -> T | None:
        """Check that it raises a `BoardError`, if it needs to; return what it answered instead."""
        try:
            answer = await within(name, ask)
        except BoardError as error:
            _is_a_sentence(error)
            return None
        assert not is_needed, f"the board is in trouble, and {name} answers {answer!r}"
        return answer


def _readback(site: BoardSite) -> Readback:
    return site.backend.abilities.readback


def _pulsing(backend: Backend) -> Pulsing:
    return cast("Pulsing", backend)


async def _greeted(site: BoardSite) -> Identity:
    return await within("greet", site.backend.greet)


async def _patiently(ask: Ask[T]) -> T:
    """Return the first answer without an error."""
    while True:
        try:
            return await ask()
        except BoardError:
            await trio.sleep(RETRY_S)


def _are_able(abilities: Abilities) -> None:
    assert abilities.readback in get_args(Readback), f"readback is {abilities.readback!r}"
    assert abilities.on_restore in get_args(Restore), f"on_restore is {abilities.on_restore!r}"
    assert 0 <= abilities.settle_s < math.inf, f"settle_s is {abilities.settle_s}"
    assert abilities.meter_w is None or 0 < abilities.meter_w <= MOST_WATTS, f"meter_w is {abilities.meter_w}"
    assert abilities.meter_w is None or abilities.readback != "none", "it has a meter, and nothing can be read"


def _is_a_sentence(error: BoardError) -> None:
    """Check that the error is text on one line: people read it in the status."""
    assert str(error).strip(), f"{type(error).__name__} does not say what is wrong"
    assert str(error).isprintable(), f"this is shown on one line: {str(error)!r}"

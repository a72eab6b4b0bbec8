"""The dialect `auto`: finds out how a Wagman speaks, and then leaves it to that dialect's driver.

The driver listens first: a log line, or a minute report, gives a board away. Then it asks, in text, and if nothing comes, in
sensorgrams; each board takes the other's question for an unknown word. A question must never do harm. The bootloader of v3 boards
takes the first byte of each packet of 16 bytes for a command, and `e` erases the firmware. Therefore all first bytes of the
questions, and of what goes out before them, are blanks, line ends, or `A`, which sets an address that nothing uses.

There are v3 boards whose firmware speaks sensorgrams. Its ages wrap at 16 bits, so that after half a minute no silence can be
proved; its boot count is a constant, and it does not report the enclosure. Such a board is refused, and asked again for as
long as it is there: its firmware may be replaced.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Literal, Protocol, TypeAlias

import trio
from attrs import define, field

from wagman.config.wagman import PORTS
from wagman.io.board.driver import TIMEOUT_S, Feeds, Raw, Senses, StartsByItself
from wagman.io.board.power import SwitchOff, SwitchOn
from wagman.io.serial.link import Link
from wagman.io.serial.wired import SerialDriver
from wagman.io.v3 import codec as v3
from wagman.io.v3.driver import V3Dialect
from wagman.io.v4 import codec as v4
from wagman.io.v4.asking import number_of
from wagman.io.v4.codec import Sensorgram
from wagman.io.v4.driver import V4Dialect
from wagman.io.v4.requests import HB, fence, parse_report, replies_to
from wagman.model.backend import Identity
from wagman.model.errors import BoardProtocolError, BoardRefusedError, BoardTimeoutError

LISTEN_S = 2.0
"""How long the driver waits for a board to give itself away before it asks (chosen: several main loops)."""

AGAIN_S = 5.0
"""The pause before ages are read again that did not tell the boards apart (chosen)."""

TELLING_S = 45.0
"""How long the ages of the ports are read at most (firmware: 16 bits of milliseconds are 33 s, and a poll or two)."""

WRAP_MS = 0x8000
"""From this age on the sensorgram firmware of v3 boards is wrong: it has 15 bits and a sign (firmware)."""

MODULUS_MS = 0x1_0000_0000

Speech: TypeAlias = Literal["v3", "v4", "v3-sensorgrams"]

WHY_UNSUPPORTED = "a v3 board with sensorgram firmware: its ages wrap after 33 s; flash the text firmware"


class WagmanDriver(SerialDriver, StartsByItself, Feeds, Raw, Protocol):
    """A driver with all the abilities that a Wagman has."""


class Speaker(Protocol):
    """A dialect that the driver can leave the board to."""

    def decoder(self) -> Any:
        """A decoder for a new connection."""
        ...

    def driver(self, link: Link[Any], senses: Senses[int]) -> WagmanDriver:
        """A driver on that link."""
        ...


KNOWN: Mapping[Speech, Speaker] = {"v3": V3Dialect(), "v4": V4Dialect()}
"""The dialects that can be found."""


@define
class Finding:
    """The dialect as far as it is known; the decoders and the driver share this."""

    speech: Speech | None = None


@define
class AutoDecoder:
    """Decodes the dialect that was found; until then, all known dialects."""

    finding: Finding
    _decoders: Mapping[Speech, Any] = field(factory=lambda: {name: dialect.decoder() for name, dialect in KNOWN.items()})

    def feed(self, data: bytes) -> Sequence[Any]:
        """Take bytes; return the events that they complete."""
        found = self.finding.speech
        return [event for name, decoder in self._decoders.items() if found in (None, name) for event in decoder.feed(data)]


@define(eq=False, repr=False)
class AutoDriver:
    """One connection to a Wagman of either version."""

    link: Link[Any]
    senses: Senses[int]
    finding: Finding
    _drivers: dict[Speech, WagmanDriver] = field(factory=dict)
    _told: Speech | None = None  # the dialect that an event was told about
    _lines: Iterator[int] = field(factory=count)
    _sids: Iterator[str] = field(factory=lambda: v3.sids("q"))
    _given_away: trio.Event = field(factory=trio.Event)

    # Finding out -------------------------------------------------------------

    async def greet(self) -> Identity:
        """Find out how the board speaks, and which board it is.

        Raises:
            BoardRefusedError: a board that cannot be supported.
            BoardTimeoutError, BoardProtocolError: it does not answer, or not in a known dialect.
        """
        if self.finding.speech is None:
            self._found(await self._speech())
        if self.finding.speech == "v3-sensorgrams":
            self._forget()
            raise BoardRefusedError(WHY_UNSUPPORTED)
        try:
            return await self._driver.greet()
        except (BoardTimeoutError, BoardProtocolError):
            self._forget()  # by now it may be another board
            raise

    def _found(self, speech: Speech) -> None:
        if speech != self.senses.shown.dialect:
            self.senses.shown.forget()
        self.finding.speech = self.senses.shown.dialect = speech
        if speech != self._told:
            self._told = speech
            if speech in KNOWN:
                self.senses.note("board.dialect", dialect=speech)
            else:
                self.senses.note("board.unsupported", dialect=speech, reason=WHY_UNSUPPORTED)

    def _forget(self) -> None:
        self.finding.speech = None
        self._given_away = trio.Event()

    async def _speech(self) -> Speech:
        """Listen, ask in text, ask in sensorgrams.

        Raises:
            BoardTimeoutError: the board says nothing in a known dialect.
            BoardProtocolError: the ages of its ports do not tell which board it is.
        """
        with trio.move_on_after(LISTEN_S):
            await self._given_away.wait()
        if self.finding.speech is not None:
            return self.finding.speech
        try:
            sid = next(self._sids)
            await self.link.request(v3.encode(sid, ["id"]), v3.frame_of(sid, "id"), TIMEOUT_S)
        except BoardTimeoutError:
            await self._ask_sensorgrams()
            return await self._speech_by_ages()
        return "v3"

    async def _ask_sensorgrams(self, *asked: Sensorgram) -> Sequence[Sensorgram]:
        """Send requests in one line; answers that the text decoder makes something of are ignored."""
        closing = fence(next(self._lines))
        match = replies_to(asked, closing)

        def match_sensorgrams(event: Any) -> tuple[Sensorgram, ...] | None:
            return match(event) if isinstance(event, v4.Event) else None

        return (await self.link.request(v4.encode([*asked, closing]), match_sensorgrams, TIMEOUT_S)).value

    async def _speech_by_ages(self) -> Speech:
        """Tell the boards that speak sensorgrams apart: read ages until one is old enough.

        Raises:
            BoardProtocolError: within `TELLING_S` none was.
        """
        with trio.move_on_after(TELLING_S):
            while True:
                replies = await self._ask_sensorgrams(*map(HB.ask, PORTS))
                speech = speech_by_ages(list(map(number_of, replies))) or self.finding.speech
                if speech is not None:
                    return speech
                await trio.sleep(AGAIN_S)
        raise BoardProtocolError("the ages of all ports stay young: nobody can say which board this is")

    # Listening ---------------------------------------------------------------

    def heard(self, event: Any, at_s: float) -> None:
        """Take what the board said by itself; as long as its dialect is unknown, look for what gives it away."""
        if self.finding.speech in KNOWN:
            self._driver.heard(event, at_s)
            return
        speech = given_away(event)
        if speech is not None:
            self._found(speech)
            self._given_away.set()

    # What the driver of the dialect does -------------------------------------

    @property
    def _driver(self) -> WagmanDriver:
        """The driver of the dialect that was found.

        Raises:
            BoardTimeoutError: none was found yet.
        """
        speech = self.finding.speech
        if speech is None or speech not in KNOWN:
            raise BoardTimeoutError("nobody knows yet how the board speaks")
        if speech not in self._drivers:
            self._drivers[speech] = KNOWN[speech].driver(self.link, self.senses)
        return self._drivers[speech]

    @property
    def survivors(self) -> frozenset[int]:
        """See `Driver`."""
        return self._driver.survivors

    @property
    def doubtful(self) -> frozenset[int]:
        """See `Driver`."""
        return self._driver.doubtful

    async def poll(self, turn: int) -> None:
        """See `Driver`."""
        await self._driver.poll(turn)

    async def take_stock(self) -> None:
        """See `Driver`."""
        await self._driver.take_stock()

    async def hold_off(self) -> None:
        """See `Driver`."""
        await self._driver.hold_off()

    async def switch_on(self, action: SwitchOn[int]) -> None:
        """See `Driver`."""
        await self._driver.switch_on(action)

    async def switch_off(self, action: SwitchOff[int]) -> None:
        """See `Driver`."""
        await self._driver.switch_off(action)

    async def ping(self, port: int) -> None:
        """See `Driver`."""
        await self._driver.ping(port)

    async def stop_later(self, port: int, grace_s: int) -> None:
        """See `Driver`."""
        await self._driver.stop_later(port, grace_s)

    async def raw(self, words: Sequence[str], *, force: bool) -> Sequence[str]:
        """See `Driver`."""
        return await self._driver.raw(words, force=force)


def given_away(event: Any) -> Speech | None:
    """The dialect that an unasked line shows, or None. Only v4 boards measure voltages, and report them each minute."""
    if isinstance(event, v3.Log):
        return "v3"
    if not isinstance(event, v4.Line):
        return None
    try:
        report = parse_report(event.sensorgrams)
    except BoardProtocolError:
        return None
    if report is None or None in report.currents_raw:
        return None  # not a report, or not a whole one
    return "v3-sensorgrams" if all(voltage is None for voltage in report.voltages_raw) else "v4"


def speech_by_ages(ages_ms: Sequence[int]) -> Speech | None:
    """The dialect that the ages of the ports (in ms) show, or None.

    An age that 15 bits cannot hold is a v4 board's; one just below zero has wrapped.
    """
    if any(WRAP_MS <= age < MODULUS_MS - WRAP_MS for age in ages_ms):
        return "v4"
    return "v3-sensorgrams" if any(age >= MODULUS_MS - WRAP_MS for age in ages_ms) else None


@define
class AutoDialect:
    """Boards of any kind."""

    name: str = "auto"
    resync: bytes = v3.RESYNC  # to v4 boards it is a line that means nothing
    _finding: Finding = field(factory=Finding)

    def decoder(self) -> AutoDecoder:
        """A decoder for a new connection."""
        return AutoDecoder(self._finding)

    def driver(self, link: Link[Any], senses: Senses[int]) -> AutoDriver:
        """The driver on that link."""
        return AutoDriver(link, senses, self._finding)

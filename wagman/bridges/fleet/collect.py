"""The collector: takes in the messages of all nodes, each event once, and asks for missing events."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

import trio
from attrs import define, field

from wagman.bridges.fleet.archive import Archive
from wagman.bridges.fleet.broker import LinkError
from wagman.bridges.fleet.config import FleetConfig
from wagman.bridges.fleet.link import Link, Message, connected
from wagman.bridges.fleet.payloads import VERSION, Events, Online, PayloadError, Resend, events_of, online_of, packed, status_of
from wagman.bridges.fleet.shelf import Shelf, Span, Wanted
from wagman.bridges.fleet.staying import stay
from wagman.bridges.programs import leaves

KEEPS_S: Final = 86_400.0
"""How long a broker keeps messages for a collector that is away (chosen). Events that it drops are asked for by their ids."""

MOST_AT_ONCE: Final = 500
"""The most messages that are saved in one step (chosen)."""

AGAIN_S: Final = 10.0
"""How often the database is tried again that takes nothing (chosen: somebody has to make room)."""

ASK_S: Final = 1.0
"""How often missing events are looked for (chosen)."""

MOST_ASKED: Final = 20
"""How many nodes are asked each time (chosen: a broker that lost everything is not to be swamped)."""


@define(eq=False)
class Intake:
    """Takes in messages; no I/O but the archive's.

    Args:
        archive: where everything is kept.
        say: prints a line for the journal.
    """

    archive: Archive
    say: Callable[[str], None]
    shelves: dict[str, Shelf] = field(init=False)
    online: dict[str, Online] = field(factory=dict, init=False)
    _heard: dict[str, str] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.shelves = self.archive.shelves()

    def take(self, node: str, kind: str, payload: bytes, now: str | None) -> None:
        """Take in a message of a node. `now` is the present time as text; None for a message that the broker had kept."""
        try:
            if kind == "events":
                self._events(node, events_of(payload))
            elif kind == "status":
                status = status_of(payload)
                self._shelf(node).heard(status)
                self.archive.node(node, kind, status)
            elif kind == "online":
                self._online(node, online_of(payload), is_kept=now is None)
        except (PayloadError, RecursionError) as error:
            self.say(f"{node}/{kind}: {error}")
        else:
            if now is not None:
                self._heard[node] = now

    def hurry(self) -> None:
        """Ask again soon: the connection is new, and earlier requests have hardly come through."""
        for shelf in self.shelves.values():
            shelf.hurry()

    def begin_anew(self) -> None:
        """Have only what the archive has: it could not save what was taken in since the last commit."""
        self.archive.rollback()
        self.shelves = self.archive.shelves()

    def commit(self) -> None:
        """Have everything last that was taken in."""
        if self._heard:
            self.archive.heard(self._heard)
            self._heard.clear()
        self.archive.commit()

    def wanted(self, now_s: float) -> Iterator[Wanted]:
        """Yield what to ask for now, from nodes that are online."""
        for node, shelf in self.shelves.items():
            is_there = node in self.online and self.online[node]["online"]
            if is_there and (found := shelf.wanted(now_s)) is not None:
                yield found

    def _shelf(self, node: str) -> Shelf:
        if node not in self.shelves:
            self.shelves[node] = self.archive.shelf(node)
        return self.shelves[node]

    def _events(self, node: str, batch: Events) -> None:
        log = batch["log"]
        if log is None:
            return  # these events come again with their ids
        if fresh := self._shelf(node).take(batch):
            self.archive.events(node, log, fresh)
        if "gap" in batch:
            self.archive.gap(node, log, Span(*batch["gap"]))
        if "replaces" in batch and "after" in batch:
            self.archive.replaced(node, batch["replaces"], log, batch["after"])

    def _online(self, node: str, message: Online, *, is_kept: bool) -> None:
        known = self.online.get(node)
        if known is None or message["session"] != known["session"]:
            self._shelf(node).hurry()
            if known is not None and _is_late(message, known, is_kept=is_kept):
                return
        self.online[node] = message
        self.archive.node(node, "online", message)


def _is_late(message: Online, known: Online, *, is_kept: bool) -> bool:
    """Whether a message of another session is the will of a lost connection, which came after the next connection was made.

    A birth never is, whatever its clock says: a node without a battery for its clock comes back in the past. What the broker had
    kept may be the end of a session that nobody here has heard of.
    """
    return not message["online"] and (not is_kept or message["since"] < known["since"])


@define(eq=False)
class Collector:
    """The collector at a broker.

    Args:
        config: the configuration.
        intake: takes in the messages.
        who: the name in the topics of requests for missing events.
        now: returns the present time, as text.
        jitter: returns a random part of a time.
        number: returns an id for a request.
    """

    config: FleetConfig
    intake: Intake
    who: str
    now: Callable[[], str]
    jitter: Callable[[float], float]
    number: Callable[[], str]
    is_ending: trio.Event = field(factory=trio.Event)
    _pending: list[Message] = field(factory=list, init=False)  # received, and not acknowledged yet

    async def run(self) -> None:
        """Run until `is_ending` is set."""
        await stay(self._connect, self.config.broker.reconnect_max_s, self.jitter, self.intake.say, self.is_ending)

    async def _connect(self) -> None:
        """Collect until the connection is lost. While nothing can be saved there is none: the broker keeps what comes."""
        self._pending.clear()
        try:
            await self._collect()
        except ExceptionGroup as group:
            full, others = group.subgroup(sqlite3.OperationalError), group.split((sqlite3.OperationalError, LinkError))[1]
            if full is None or others is not None:
                raise
            await self._until_saved(f"nothing can be saved: {next(leaves(full))}")

    async def _until_saved(self, why: str) -> None:
        """Try to save what is pending until that succeeds. The broker sends it once more, and it is known by its ids then."""
        self.intake.say(f"{why}; trying again")
        while not self.is_ending.is_set():
            with trio.move_on_after(AGAIN_S):
                await self.is_ending.wait()
            with suppress(sqlite3.OperationalError):
                self.intake.begin_anew()
                self._save()
                self.intake.say("what comes can be saved again")
                return

    async def _collect(self) -> None:
        topics = self.config.topics
        name = f"wagman-collect-{self.who}"
        async with connected(self.config.endpoint, name, keeps_s=KEEPS_S, is_ending=self.is_ending) as link:
            self.intake.say(f"connected to {link.address}")
            self.intake.hurry()
            link.subscribe([f"{topics}/+/{kind}" for kind in ("online", "status", "events")])
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, link)
                nursery.start_soon(self._ask, link)
                await self.is_ending.wait()
                nursery.cancel_scope.cancel()

    async def _listen(self, link: Link) -> None:
        """Take in messages, and acknowledge each once it is saved."""
        while True:
            news = await link.receive()
            if isinstance(news, Message):
                self._pending.append(news)
            if self._pending and (not link.has_news or len(self._pending) >= MOST_AT_ONCE):
                self._save()
                for message in self._pending:
                    link.acknowledge(message)
                self._pending.clear()

    def _save(self) -> None:
        """Take in what is pending; raises sqlite3.Error."""
        for message in self._pending:
            self._take(message)
        self.intake.commit()

    def _take(self, message: Message) -> None:
        node, _, kind = message.topic.removeprefix(f"{self.config.topics}/").partition("/")
        self.intake.take(node, kind, message.payload, None if message.retained else self.now())

    async def _ask(self, link: Link) -> None:
        while True:
            await trio.sleep(ASK_S)
            for count, wanted in enumerate(self.intake.wanted(trio.current_time()), 1):
                topic = f"{self.config.topics}/{wanted.node}/resend/{self.who}"
                request: Resend = {
                    "v": VERSION,
                    "id": self.number(),
                    "log": wanted.log,
                    "first": wanted.span.first,
                    "last": wanted.span.last,
                }
                link.publish(topic, packed(request, deflate=False), expires_s=self.config.broker.will_delay_s)
                if count >= MOST_ASKED:
                    break

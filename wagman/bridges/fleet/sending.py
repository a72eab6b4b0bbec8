"""Events from the service's log to the broker, over one connection: new ones, and beside them old ones.

New events are read as they happen, and sent as soon as the link allows. Old ones, the backlog of an outage or events that
somebody asks for again, are read from the log page by page, and sent at a limited rate: they delay a new one by one message at
most. Only the window is held in memory: messages without an acknowledgement are read from the log again on the next connection.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import trio
from attrs import define, field

from wagman.bridges.asking import ask
from wagman.bridges.fleet.config import EventsTable
from wagman.bridges.fleet.link import Link
from wagman.bridges.fleet.payloads import Resend
from wagman.bridges.fleet.shelf import MOST_IDS
from wagman.bridges.fleet.uplink import Sent, Uplink
from wagman.client.asynchronous import Away, Follower
from wagman.client.errors import INTERNAL_ERROR, LOG_UNREADABLE, NO_SUCH_PLACE, NOT_PERMITTED, AnswerError, ClientError, LostError
from wagman.client.following import Happened, Missing, Place, Replaced, is_refusal
from wagman.model.shapes import Event

PAGE: Final = 1000
"""How many old events are read at once (the most that the service gives)."""

RETRY_S: Final = 1.0
RETRY_MAX_S: Final = 60.0
"""The pauses between tries to ask the service: the first, and the longest; they double between these (chosen)."""

MAY_PASS: Final = (LOG_UNREADABLE, INTERNAL_ERROR, NOT_PERMITTED)
"""The errors of the service after which it is asked again: what it does not permit only where that is no refusal for good."""

READ_S: Final = 1.0
"""How long an event may take from the log to here (chosen: a busy node; a status waits so long at most beside `linger`)."""

MOST_JOBS: Final = 50
"""How many spans may wait to be sent again; further requests are ignored, and come again (chosen)."""

SPARE: Final = 3
"""How many of the messages that a broker admits at once are left to the status and to answers (chosen)."""


class Job(NamedTuple):
    """A span of a log to be sent."""

    log: str
    first: int
    last: int


def windows(window: int, admitted: int) -> tuple[int, int]:
    """Return how many messages of old and of new events may be under way, if the broker admits `admitted` in all."""
    old = min(window, max(1, (admitted - SPARE) * 2 // 3))
    return old, min(window, max(1, admitted - SPARE - old))


def told(events: Sequence[Event], job: Job) -> Iterator[Happened | Missing]:
    """Yield what a page of the log shows of a span: its events, and those that are gone."""
    at = job.first - 1
    for event in events:
        number = event["id"]
        if number is None:
            break
        if number > at + 1:
            yield Missing(job.log, at + 1, min(number - 1, job.last))
        if number > job.last:
            return
        yield Happened(event, job.log)
        at = number
    if at < job.first:
        yield Missing(job.log, job.first, job.last)


@define(eq=False)
class Sending:
    """Sends events over one connection.

    Args:
        link: the connection to the broker.
        topic: of the events.
        table: the keys of `[events]`.
        socket: the path of the service's socket.
        place: the broker has all events up to here.
        say: prints a line for the journal.
    """

    _link: Link
    _topic: str
    _table: EventsTable
    _socket: str
    _place: Place
    _say: Callable[[str], None]
    happened: trio.Event = field(factory=trio.Event, init=False)  # replaced each time
    _settings: Mapping[str, Any] = field(init=False)
    _old_window: int = field(init=False)
    _new_window: int = field(init=False)
    _new: Uplink = field(init=False)
    _past: Uplink | None = field(default=None, init=False)
    _past_job: Job | None = field(default=None, init=False)
    _numbers: dict[int, tuple[Uplink, int]] = field(factory=dict, init=False)
    _published: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot, init=False)
    _acknowledged: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot, init=False)
    _free_s: float = field(default=0.0, init=False)  # old events wait until then, so that they keep to their rate
    _jobs: tuple[trio.MemorySendChannel[Job], trio.MemoryReceiveChannel[Job]] = field(
        factory=lambda: trio.open_memory_channel[Job](MOST_JOBS), init=False
    )

    def __attrs_post_init__(self) -> None:
        table = self._table
        self._old_window, self._new_window = windows(table.window, self._link.most_under_way)
        self._settings = {"batch": table.batch, "deflate": table.encoding == "deflate"}
        self._new = Uplink(self._place, window=self._new_window, **self._settings)

    @property
    def place(self) -> Place:
        """The place up to which the broker has all events."""
        return self._new.place if self._past is None else self._past.place

    @property
    def past(self) -> list[int] | None:
        """The first and the last id of the backlog that is on its way; None if there is none."""
        return None if self._past_job is None else [self._past_job.first, self._past_job.last]

    async def run(self) -> None:
        """Send until cancelled.

        Raises:
            DeniedError, AddressError, AnswerError: the service cannot be followed, and trying on would not help.
        """
        await self._begin()
        self._published.unpark_all()  # a backlog was parted from what is new
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send_new)
            nursery.start_soon(self._send_old)

    async def all_sent(self, log_id: str | None, last: int) -> None:
        """Wait until the events of that log up to `last` are sent but for the backlog, for as long as one may wait at most."""
        with trio.move_on_after(self._table.linger_s + READ_S):
            while log_id is not None and not self._new.has_sent(Place(log_id, last)):
                await self._published.park()

    def taken(self, number: int) -> None:
        """Take in that the broker has acknowledged a message."""
        uplink, of_uplink = self._numbers.pop(number, (None, 0))
        if uplink is not None:
            uplink.acknowledged(of_uplink)
            self._acknowledged.unpark_all()

    def again(self, resend: Resend) -> None:
        """Queue a request for missing events."""
        job = Job(resend["log"], resend["first"], min(resend["last"], resend["first"] + MOST_IDS - 1))
        if 0 < job.first <= job.last:
            try:
                self._jobs[0].send_nowait(job)
            except trio.WouldBlock:
                return  # the request will come again

    # --- What is new --------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        """Send a long backlog separately, and events from now on ahead of it."""
        log = await self._ask("events", limit=1)
        name, last, place = log["log_id"], log["last_id"] or 0, self._new.place
        is_same = place.log_id in (None, name)
        after = place.id if is_same else 0
        if name is None or last - after <= self._table.batch:
            return
        self._past = Uplink(place, window=self._old_window, **self._settings)
        self._past_job = Job(name, after + 1, last)
        if not is_same:
            self._past.take(Replaced(place.log_id, place.id, name))
        self._new = Uplink(Place(name, last), window=self._new_window, marks={"past": [after + 1, last]}, **self._settings)

    async def _send_new(self) -> None:
        new, due_s = self._new, math.inf
        async with Follower(self._socket, new.place) as follower:
            while True:
                while (sent := new.next(is_due=new.is_urgent or trio.current_time() >= due_s)) is not None:
                    self._publish(new, sent)
                if not new.has_room:
                    await self._acknowledged.park()
                    continue
                due_s = math.inf if new.is_empty else min(due_s, trio.current_time() + self._table.linger_s)
                with trio.CancelScope(deadline=due_s):
                    self._take(await follower.receive())

    def _take(self, news: Happened | Missing | Replaced | Away) -> None:
        if not isinstance(news, Away):
            self._new.take(news)
        self.happened.set()
        self.happened = trio.Event()

    # --- What is old --------------------------------------------------------------------------------------------------

    async def _send_old(self) -> None:
        if self._past is not None and self._past_job is not None:
            await self._send_job(self._past, self._past_job)
            self._past = self._past_job = None
            self._new.marks.clear()
        async for job in self._jobs[1]:
            try:
                await self._send_again(job)
            except AnswerError as error:
                if is_refusal(error):
                    raise
                self._say(f"the events {job.first} to {job.last}, which somebody asks for, are not read: {error}")

    async def _send_again(self, job: Job) -> None:
        log = await self._ask("events", limit=1)
        last = min(job.last, log["last_id"]) if log["log_id"] == job.log else job.last
        place, marks = Place(job.log, job.first - 1), {"again": True}
        uplink = Uplink(place, window=self._old_window, marks=marks, **self._settings)
        await self._send_job(uplink, job._replace(last=last))

    async def _send_job(self, uplink: Uplink, job: Job) -> None:
        while job.first <= job.last:
            last = job.last
            for news in await self._page(job):
                uplink.take(news)
                last = news.event["id"] or 0 if isinstance(news, Happened) else news.to_id
                await self._publish_slowly(uplink, is_due=False)
            job = job._replace(first=last + 1)
        await self._publish_slowly(uplink, is_due=True)
        while not uplink.is_settled:
            await self._acknowledged.park()

    async def _page(self, job: Job) -> list[Happened | Missing]:
        limit = min(PAGE, job.last - job.first + 1)
        try:
            page = await self._ask("events", since=job.first - 1, log_id=job.log, limit=limit)
        except AnswerError as error:
            if error.code != NO_SUCH_PLACE:
                raise
            return [Missing(job.log, job.first, job.last)]
        return list(told(page["events"], job))

    async def _publish_slowly(self, uplink: Uplink, *, is_due: bool) -> None:
        while not (uplink.is_empty if is_due else uplink.has_room):
            sent = uplink.next(is_due=is_due)
            if sent is None:
                await self._acknowledged.park()
            else:
                await trio.sleep_until(self._free_s)  # meanwhile the next page has been read
                self._publish(uplink, sent)
                self._free_s = trio.current_time() + len(sent.payload) / self._table.catch_up_rate

    def _publish(self, uplink: Uplink, sent: Sent) -> None:
        self._numbers[self._link.publish(self._topic, sent.payload)] = uplink, sent.number
        self._published.unpark_all()

    async def _ask(self, method: str, **params: Any) -> Any:
        """Ask the service until it answers; raises errors that asking again cannot mend."""
        pause_s = RETRY_S
        while True:
            try:
                return await ask(self._socket, method, **params)
            except ClientError as error:
                if not _may_pass(error):
                    raise
            await trio.sleep(pause_s)
            pause_s = min(2 * pause_s, RETRY_MAX_S)


def _may_pass(error: ClientError) -> bool:
    """Whether asking again may help."""
    return isinstance(error, LostError) or (isinstance(error, AnswerError) and error.code in MAY_PASS and not is_refusal(error))

"""The courier of one destination: reads the log on a connection of its own, sends what is due, and tries again.

The couriers are independent: a destination that takes nothing for days holds up no other. Meanwhile only its plan grows, which is
bounded. The service's log is read on, so it does not matter how far back it reaches. A message that a destination refuses again
and again is told in short, so that it silences nobody.
"""

import math
from collections.abc import Callable
from functools import partial

import trio
from attrs import define, field

from wagman.bridges.asking import ask
from wagman.bridges.notify.memory import File, Memory
from wagman.bridges.notify.message import Message, compose, shortened
from wagman.bridges.notify.rules import Moment
from wagman.bridges.notify.sinks import Sink
from wagman.bridges.notify.watch import AWAY, BACK, LOOK_S, Watch, standing
from wagman.client.asynchronous import Away, Follower, News
from wagman.client.errors import AddressError, ClientError
from wagman.client.following import Happened, Missing, Place, Replaced, is_refusal

RETRY_S = 10.0
"""The time after which a failed message is sent again (chosen)."""

RETRY_MAX_S = 600.0
"""The longest such time; it doubles up to this (chosen: an uplink that is back is used soon enough)."""

SHORTEN_TRIES = 5
"""After how many failed attempts a message is tried in short, too (chosen: what waits behind it waits for three minutes)."""

SAVE_EVERY_S = 30.0
"""How often the place in the log is saved if nothing is sent (chosen: reading on from there is quick)."""

STUCK_S = 3600.0
"""A destination is stuck if nothing could be delivered for so long (chosen)."""

LEAVE_S = 5.0
"""How long a delivery may still take when the program is told to end (chosen: systemd waits for 10 s)."""

LEAST_PAUSE_S = 0.2
"""The least time between two looks for what is due, however many events there are (chosen)."""


@define(eq=False, repr=False)
class Courier:
    """Tells one destination.

    Args:
        name: of the destination, for the journal.
        node: the name of this node in messages.
        path: of the service's socket.
        sink: the way to the destination.
        memory: what it remembers over restarts.
        file: where that is kept.
        watch: whether the service answers.
        clock: returns the present moment.
        local: shows a time stamp in local time.
        say: prints a line for the journal.
    """

    name: str
    node: str
    path: str
    sink: Sink
    memory: Memory
    file: File
    watch: Watch
    clock: Callable[[], Moment]
    local: Callable[[str], str]
    say: Callable[[str], None]
    _news: trio.Event = field(factory=trio.Event, init=False)
    _disk: trio.Lock = field(factory=trio.Lock, init=False)
    _failing_since_s: float | None = field(default=None, init=False)
    _complaint: str = field(default="", init=False)  # the latest complaint about the disk or a delivery
    _kept: Place | None = field(default=None, init=False)  # the place that was saved
    _attempt: trio.CancelScope = field(factory=trio.CancelScope, init=False)  # of the message that is being sent

    @property
    def is_stuck(self) -> bool:
        """Whether nothing could be delivered for `STUCK_S`."""
        return self._failing_since_s is not None and trio.current_time() - self._failing_since_s >= STUCK_S

    async def run(self) -> None:
        """Read and send until cancelled.

        Raises:
            DeniedError, AddressError, AnswerError: the service cannot be followed, and trying on would not help.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read)
            nursery.start_soon(self._send)
            nursery.start_soon(self._keep)

    def leave(self, within_s: float = LEAVE_S) -> None:
        """Let a delivery go on for so long after the courier is cancelled: otherwise it would have to be sent again."""
        self._attempt.deadline = trio.current_time() + within_s

    # --- The log ------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while self.memory.place is None:
            if not await self._begin():
                await trio.sleep(RETRY_S)
        async with Follower(self.path, self.memory.place) as follower:
            while True:
                # In this task alone: an answer may be newer than the events that were taken, but never older.
                if self.memory.is_unsure:
                    await self._ask_what_stands()
                self._news.set()
                with trio.move_on_after(LOOK_S if self.memory.is_unsure else math.inf):
                    self._take(await follower.receive())

    async def _begin(self) -> bool:
        """Begin without a saved place: with events from now on, and standing problems; return whether the log can be followed.

        Before the service has opened its log nobody knows which of its events are new. So until then only what stands is told.
        """
        try:
            log = await ask(self.path, "events", limit=1)
        except ClientError as error:
            if isinstance(error, AddressError) or is_refusal(error):
                raise
            self._complain(f"waiting for the service: {error}")
            return False
        await self._ask_what_stands()
        self._news.set()
        if log["log_id"] is None:
            self._complain("waiting for the service: it has not opened its log yet")
            return False
        self.memory.place = Place(log["log_id"], log["last_id"] or 0)
        await self._save()
        return True

    def _take(self, news: News) -> None:
        now, plan = self.clock(), self.memory.plan
        match news:
            case Happened(event, log_id):
                plan.take(event, now)
                if event["id"] is not None:
                    self.memory.place = Place(log_id, event["id"])
            case Missing(log_id, _, to_id):
                plan.missed(str(news), now)
                self.memory.place, self.memory.is_unsure = Place(log_id, to_id), True
            case Replaced(_, _, by):
                plan.missed(str(news), now)
                self.memory.place, self.memory.is_unsure = Place(by, 0), True
            case Away(reason):
                self.say(f"{self.name}: waiting for the service: {reason}")

    async def _ask_what_stands(self) -> None:
        try:
            problems = await standing(self.path)
        except ClientError:
            self.memory.is_unsure = True
        else:
            self.memory.is_unsure = False
            self.memory.plan.stand(problems, self.clock())

    # --- Messages -----------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        pause_s = RETRY_S
        while True:
            await trio.lowlevel.checkpoint()
            self._news = trio.Event()
            if self.memory.under_way is None:
                self._compose()
            if self.memory.under_way is None:
                await self._wait()
            elif await self._deliver():
                pause_s = RETRY_S
            else:
                await trio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)

    def _compose(self) -> None:
        """Put into a message what is due."""
        memory, now = self.memory, self.clock()
        if self.watch.is_away and AWAY["id"] not in memory.plan.own:
            memory.plan.began(AWAY, now)
        elif self.watch.problems is not None:
            memory.plan.ended(AWAY["id"], BACK, now)
        if (digest := memory.plan.next(now)) is not None:
            memory.under_way = compose(self.node, memory.new_id(), digest, self.local)

    async def _wait(self) -> None:
        now = self.clock()
        with trio.move_on_after(min(max(self.memory.plan.due_s(now) - now.s, 0.0), LOOK_S)):
            await self._news.wait()
        await trio.sleep(LEAST_PAUSE_S)

    async def _deliver(self) -> bool:
        """Try once to send the message that is under way; return whether it was taken.

        A cancellation waits for this: see `leave`.
        """
        self._attempt = trio.CancelScope(shield=True)
        with self._attempt:
            return await self._try()
        return False

    async def _try(self) -> bool:
        refusal = reason = await self._try_as(_whole)
        if reason is not None and self.memory.begun.tries >= SHORTEN_TRIES:
            reason = await self._try_as(partial(shortened, self.node))
            if reason is None:
                # It can be reached. So it refuses the whole, or an outage has ended just now: one more try tells.
                refusal = await self._try_as(_whole)
        message = self.memory.begun
        if reason is not None:
            self._failing_since_s = trio.current_time() if self._failing_since_s is None else self._failing_since_s
            self._complain(f"{message.id} was not delivered, and is sent again until it is: {reason}")
            return False
        self.memory.under_way = self._failing_since_s = None
        self._complaint = ""
        await self._save()
        how = "was delivered" if refusal is None else f"is refused ({refusal}), and was delivered in short"
        self.say(f"{self.name}: {message.id} {how}: {message.title}")
        return True

    async def _try_as(self, form: Callable[[Message], Message]) -> str | None:
        """Try once to send the message under way in that form; return None once it was taken, or why not."""
        message = self.memory.begin()
        # Each attempt is saved before it begins, so that a later one can say that it is not the first.
        if not await self._save() and message.tries == 1:
            message = self.memory.rename()
        return await self.sink.deliver(form(message))

    # --- The disk -----------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            await trio.sleep(SAVE_EVERY_S)
            if self.memory.place != self._kept:
                await self._save()

    async def _save(self) -> bool:
        async with self._disk:
            place = self.memory.place
            reason = await self.file.write(self.memory.saved())
        if reason is None:
            self._kept = place
        else:
            self._complain(f"what was told cannot be written down, and may be told again after a restart: {reason}")
        return reason is None

    def _complain(self, words: str) -> None:
        """Print what is in the way, once."""
        if words != self._complaint:
            self._complaint = words
            self.say(f"{self.name}: {words}")


def _whole(message: Message) -> Message:
    return message

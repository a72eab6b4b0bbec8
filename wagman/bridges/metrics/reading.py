"""Asks the service for the metrics, and counts its events."""

import time
from collections.abc import Callable

import trio
from attrs import define, field

from wagman.bridges.metrics.catalogue import text_of
from wagman.bridges.metrics.subject import Snapshot
from wagman.client.asynchronous import Follower, connect
from wagman.client.conversation import ANSWER_S, unanswered
from wagman.client.errors import ClientError, LostError
from wagman.client.following import Happened, is_refusal
from wagman.model.catalogue import EVENT_TYPES

OTHER = "other"
"""The type under which events of a newer service are counted."""

HINT = "the unit is a member of wagman-read: read_group in [service] of /etc/wagman/wagman.toml has to name that group"
"""What to do if the service turns the program away."""

TRY_AGAIN_S = 10.0
"""How long after a refusal the program tries again (chosen)."""


@define(eq=False)
class Reader:
    """Reads the metrics of the service on the socket `path`.

    Args:
        path: of the service's socket.
        say: prints what is in the way, once for each reason.
        wall: returns the present time by the wall clock, in seconds since 1970.
    """

    path: str
    say: Callable[[str], None]
    wall: Callable[[], float] = time.time
    _counts: dict[str, int] | None = field(default=None, init=False)
    _said: str = field(default="", init=False)

    async def told(self) -> str:
        """Return the metrics as text.

        Raises:
            ClientError: the service does not answer, or its answer cannot be understood.
        """
        try:
            with trio.fail_after(ANSWER_S):
                async with await connect(self.path) as connection:
                    status = await connection.call("status")
                    log = await connection.call("events", limit=1)
        except trio.TooSlowError as error:
            raise unanswered(self.path) from error
        try:
            return text_of(Snapshot(status, log, self.wall(), self._counts))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise LostError(f"what the service tells cannot be understood ({type(error).__name__}: {error})") from error

    async def text(self) -> str:
        """Return the metrics as text; if the service does not answer, only that."""
        try:
            text = await self.told()
        except ClientError as error:
            self._say(f"{error}; {HINT}" if is_refusal(error) else str(error))
            return text_of(None)
        self._say("")
        return text

    async def count(self) -> None:
        """Count events from now on, until cancelled."""
        self._counts = counts = dict.fromkeys((*EVENT_TYPES, OTHER), 0)
        while True:
            try:
                async with Follower(self.path) as follower:
                    async for news in follower:
                        if isinstance(news, Happened) and not news.again:
                            type_ = news.event["type"]
                            counts[type_ if type_ in counts else OTHER] += 1
            except ClientError:
                await trio.sleep(TRY_AGAIN_S)  # `text` prints why

    def _say(self, words: str) -> None:
        if words != self._said:
            self._said = words
            self.say(words or "the service answers again")

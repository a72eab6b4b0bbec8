"""A subscription that outlives its connection: every event after a place in the log, without a gap or a repeat."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from wagman.client.blocking import Client
from wagman.client.errors import NO_SUCH_PLACE, NOT_PERMITTED, AnswerError, ClientError, DeniedError, LostError

MOST_AT_ONCE = 1000
"""The largest page that the service gives."""

MOST_PROVISIONAL = 10_000
"""How many events without an id are remembered, to know them again (as many as wait in the service's memory)."""

FULL = "too many clients"
"""What a service says that has no room at present, which is a refusal, too."""

Event = Mapping[str, Any]


class Follower:
    """Events as they come. `note` is told, in words, of what cannot be had any more."""

    def __init__(self, path: str, note: Callable[[str], None]) -> None:
        self.path = path
        self.log_id: str | None = None
        self.last_id: int | None = None  # everything up to here was given, or came before
        self._note = note
        self._client: Client | None = None
        self._subscription = 0
        self._was_denied = False
        self._ready: deque[Event] = deque()
        self._provisional: dict[str, None] = {}

    @property
    def client(self) -> Client:
        """The connection; a new one that resumes where the last one ended, if need be. Raises LostError, or what is final."""
        if self._client is None:
            self._client = self._connected()
            self._was_denied = False
        return self._client

    def _connected(self) -> Client:
        try:
            return self._subscribed()
        except ClientError as error:
            if self.last_id is None or self._is_final(error):
                raise
            raise LostError(str(error)) from error  # it is only just coming up

    def _is_final(self, error: ClientError) -> bool:
        """Whether it is in vain to try again. A socket that is just being made admits nobody yet, so once is not enough."""
        was_denied, self._was_denied = self._was_denied, is_refusal(error) and FULL not in str(error)
        return was_denied and self._was_denied

    def _subscribed(self) -> Client:
        client = Client(self.path)
        try:
            self._resume(client)
        except BaseException:
            client.close()
            raise
        return client

    def drop(self) -> None:
        """This connection is of no use any more."""
        if self._client is not None:
            self._client.close()
            self._client = None
        self._ready.clear()

    def item(self, within_s: float) -> Event | None:
        """The next event; None if there is none within that time, or if it was a repeat. Raises LostError."""
        if self._ready:
            return self._fresh(self._ready.popleft())
        told = self.client.told(within_s)
        if told is None or told.params["subscription"] != self._subscription:
            return None
        if told.method == "lagged":
            self._fetch(told.params["from_id"], told.params["to_id"])
            return None
        event: Event = told.params["event"]
        return self._fresh(event)

    def remember(self, event: Event) -> None:
        """It has been shown without an id, and will come again with one."""
        self._provisional[_likeness(event)] = None
        while len(self._provisional) > MOST_PROVISIONAL:
            del self._provisional[next(iter(self._provisional))]

    # --- Resuming -----------------------------------------------------------------------------------------------------

    def _resume(self, client: Client) -> None:
        place: dict[str, Any] = {} if self.last_id is None else {"since": self.last_id, "log_id": self.log_id}
        try:
            began = client.call("subscribe", **place)
        except AnswerError as error:
            if error.code != NO_SUCH_PLACE:
                raise
            self._note("the log was replaced by a new one: going on with its first event")
            began = client.call("subscribe", since=0)
            self.last_id = 0
        self._subscription, self.log_id = began["subscription"], began["log_id"]
        if self.last_id is None:
            self.last_id = began["last_id"]

    # --- Neither gap nor repeat ---------------------------------------------------------------------------------------

    def _fresh(self, event: Event) -> Event | None:
        """The event, unless it was given before."""
        if event["id"] is None:
            known = _likeness(event) in self._provisional
            self.remember(event)
            return None if known else event
        self.last_id = event["id"]
        if event["type"] == "store.opened":
            self.log_id = event["fields"].get("log_id", self.log_id)
        return None if self._provisional and self._was_provisional(event) else event

    def _was_provisional(self, event: Event) -> bool:
        likeness = _likeness(event)
        known = likeness in self._provisional
        self._provisional.pop(likeness, None)
        return known

    def _fetch(self, from_id: int | None, to_id: int | None) -> None:
        """Get what was missed from the log; without ids it comes again by itself, once it has them."""
        if from_id is None or to_id is None:
            return
        place = from_id - 1
        while place < to_id and (page := self._page(place)):
            self._ready.extend(event for event in page if event["id"] <= to_id)
            place = page[-1]["id"]
        if missing := to_id - from_id + 1 - len(self._ready):
            self._note(f"{missing} events between {from_id} and {to_id} are no longer in the log")

    def _page(self, place: int) -> list[Event]:
        try:
            page = self.client.call("events", since=place, limit=MOST_AT_ONCE, log_id=self.log_id)
        except LostError:
            raise
        except ClientError as error:
            self._note(str(error))
            return []
        return [event for event in page["events"] if event["id"] is not None]


def is_refusal(error: ClientError) -> bool:
    """Whether it says that who asks may not, whatever is asked."""
    return isinstance(error, DeniedError) or (isinstance(error, AnswerError) and error.code == NOT_PERMITTED)


def _likeness(event: Event) -> str:
    """What an event has in common with itself before it had an id."""
    return json.dumps([event[key] for key in ("boot_id", "mono_s", "type", "device", "fields")], sort_keys=True)

"""The rules of following the log, without I/O: what to ask for, which events are new, and which cannot be had any more.

Ids are contiguous within a log, so the next event is the one with the next id. Another id means that events were missed, or that
the log is another one now; `lagged` means that events were missed. The remedy is always the same: ask the log which event is
next, and subscribe anew from that place on. The service reads past events from its log as fast as they are taken; nothing is
buffered here.

An event without an id is given at once, and recognised when it comes again with its id.
"""

import json
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

from wagman.client.conversation import Notification
from wagman.client.errors import NO_SUCH_PLACE, NOT_PERMITTED, AddressError, AnswerError, ClientError, DeniedError, LostError
from wagman.model.shapes import Event, Subscription
from wagman.model.words import counted

MOST_PROVISIONAL = 10_000
"""How many events without an id are remembered, to recognise them later (as many as wait in the service's memory)."""

FULL = "too many clients"
"""The words of a service that has no room for another client. They come as a refusal, but are none for good."""

Steps: TypeAlias = Generator[tuple[str, dict[str, Any]], Any, None]
"""Requests by method and parameters; send each its result, or throw its AnswerError in."""


class Place(NamedTuple):
    """A place in a log: after the event with that id; 0 is before the first event. `log_id` is None if the log is not known."""

    log_id: str | None
    id: int


class Happened(NamedTuple):
    """An event, and the id of its log; `again`: the event was given before, without an id."""

    event: Event
    log_id: str | None
    again: bool = False


class Missing(NamedTuple):
    """Events that the log does not have any more: those with the ids `from_id` to `to_id`, both included."""

    log_id: str | None
    from_id: int
    to_id: int

    def __str__(self) -> str:
        number = self.to_id - self.from_id + 1
        verb = "is" if number == 1 else "are"
        return f"{counted(number, 'event')} between {self.from_id} and {self.to_id} {verb} no longer in the log"


class Replaced(NamedTuple):
    """The followed log is gone after the event `after_id`; the log `by` is followed from its first event on."""

    log_id: str | None
    after_id: int
    by: str | None

    def __str__(self) -> str:
        return "the log was replaced by a new one: going on with its first event"


class Following:
    """A place in the log, kept over as many connections as it takes; the caller moves the messages.

    After each new connection, and whenever `is_behind`, the caller has the requests of `resume` answered. `take` gets all unasked
    messages. The caller empties `notes`.

    Args:
        place: events after this place are wanted; None: events from now on.
    """

    def __init__(self, place: Place | None = None) -> None:
        self.log_id = None if place is None else place.log_id
        self.last_id = None if place is None else place.id  # events up to this id were given, or came before
        self.notes = deque[Missing | Replaced]()
        self.is_behind = False
        self._subscription: int | None = None
        self._is_new = place is None
        self._was_refused = False
        self._provisional: dict[str, None] = {}

    def resume(self) -> Steps:
        """Yield the requests that subscribe from the present place on."""
        if self._subscription is not None:
            yield "unsubscribe", {"subscription": self._subscription}
        try:
            if self.is_behind:
                yield from self._pass_over_what_is_gone()
            began = yield "subscribe", self._place()
        except AnswerError as error:
            if error.code != NO_SUCH_PLACE:
                raise
            began = yield "subscribe", {"since": 0}
            self.notes.append(Replaced(self.log_id, self.last_id or 0, began["log_id"]))
            self.last_id = 0
        self._begin(began)

    def lost(self) -> None:
        """Take in that the connection is gone."""
        self._subscription, self.is_behind = None, False
        if self.last_id is None and not self._is_new:
            self.last_id = 0  # there was no log yet, so nobody knows which of its events are new

    def take(self, told: Notification) -> Happened | None:
        """Return the new event in an unasked message, or None."""
        if told.params["subscription"] != self._subscription or self.is_behind:
            return None
        if told.method == "lagged":
            # Lost events without ids come again by themselves, once they have their ids.
            self.is_behind = told.params["to_id"] is not None
            return None
        event: Event = told.params["event"]
        return self._unwritten(event) if event["id"] is None else self._written(event, event["id"])

    def remember(self, event: Event) -> None:
        """Note that an event without an id was given, to recognise it when it comes with its id."""
        self._provisional[_likeness(event)] = None
        while len(self._provisional) > MOST_PROVISIONAL:
            del self._provisional[next(iter(self._provisional))]

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Use this around connecting and resuming: an error after which trying again may help becomes LostError.

        A socket that is just being made admits nobody for a moment, so one refusal is not final, unless no connection was ever
        permitted.
        """
        try:
            yield
        except ClientError as error:
            was_refused, self._was_refused = self._was_refused, is_refusal(error)
            if self._is_new or isinstance(error, AddressError) or (was_refused and self._was_refused):
                raise
            raise LostError(str(error)) from error

    def _place(self) -> dict[str, Any]:
        return {} if self.last_id is None else {"since": self.last_id, "log_id": self.log_id}

    def _begin(self, began: Subscription) -> None:
        self._subscription, self.log_id = began["subscription"], began["log_id"]
        if self.last_id is not None:
            self._pass_over(began["first_id"])
        elif self.log_id is not None:
            self.last_id = began["last_id"]
        self.is_behind = self._is_new = self._was_refused = False

    def _pass_over_what_is_gone(self) -> Steps:
        page = yield "events", {**self._place(), "limit": 1}
        for event in page["events"]:
            if event["id"] is not None:
                self._pass_over(event["id"])

    def _pass_over(self, next_id: int) -> None:
        """Take in that the log has no events between the present place and that id."""
        if self.last_id is not None and next_id > self.last_id + 1:
            self.notes.append(Missing(self.log_id, self.last_id + 1, next_id - 1))
            self.last_id = next_id - 1

    def _unwritten(self, event: Event) -> Happened | None:
        is_known = _likeness(event) in self._provisional
        self.remember(event)
        return None if is_known else Happened(event, self.log_id)

    def _written(self, event: Event, event_id: int) -> Happened | None:
        opened = event["fields"].get("log_id", self.log_id) if event["type"] == "store.opened" else self.log_id
        if self.last_id is None:
            self.last_id = event_id - 1  # there was no log yet
        if opened is None or (opened == self.log_id and event_id != self.last_id + 1):
            self.is_behind = True
            return None
        self.log_id, self.last_id = opened, event_id
        again = bool(self._provisional) and self._provisional.pop(_likeness(event), event) is None
        return Happened(event, self.log_id, again)


def is_refusal(error: ClientError) -> bool:
    """Whether the error says that this user may not use the socket, whatever the request; that it is full says no such thing."""
    is_denied = isinstance(error, AnswerError) and error.code == NOT_PERMITTED and FULL not in str(error)
    return is_denied or isinstance(error, DeniedError)


def _likeness(event: Event) -> str:
    """Return the parts of an event that stay the same when it gets its id."""
    return json.dumps([event["boot_id"], event["mono_s"], event["type"], event["device"], event["fields"]], sort_keys=True)

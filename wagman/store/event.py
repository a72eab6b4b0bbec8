"""An event in the log, and the bounds on what it may hold."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from attrs import define, field, frozen

from wagman.model.facts import Draft

MAX_FIELDS_BYTES = 8192
"""The most JSON that the fields of one event may take, in bytes (chosen: a traceback fits, a flood does not)."""

HEAD_CHARS = 1024
"""How many characters are kept of a text that is too long (chosen)."""

MAX_DEPTH = 8
"""Fields that are nested deeper are turned into text (chosen)."""

MAX_NAME_CHARS = 128
"""The longest type or guest name that is kept, in characters (chosen)."""


@define(eq=False, repr=False)
class Ref:
    """A handle to an event recorded in this run; `id` and `log_id` are known once it is committed."""

    id: int | None = None
    log_id: str | None = None

    def within(self, log_id: str | None) -> int | None:
        """The id, if the event was committed to that log."""
        return self.id if self.log_id == log_id else None


Cause: TypeAlias = int | Ref | None

Lasting: TypeAlias = str | Ref | None
"""The value of a key in the lasting state: JSON; None forgets the key; a Ref becomes the place of its event in the log."""

PREVIOUS = Ref()
"""The cause of an event to which the event recorded just before it led."""


def place_json(log_id: str | None, event_id: int | None) -> str | None:
    """The place of an event as JSON, with its log, in which alone the id means something; None: the event is in no log."""
    return None if event_id is None else encode({"log_id": log_id, "id": event_id})


def placed(saved: Any) -> Ref | None:
    """The event whose place `place_json` made; None: nothing that can be read."""
    match saved:
        case {"log_id": str() as log_id, "id": int() as event_id}:
            return Ref(event_id, log_id)
        case _:
            return None


# --- Time -------------------------------------------------------------------------------------------------------------


def utc_now() -> datetime:
    """The wall clock, which may jump, and may never have been set."""
    return datetime.now(UTC)


def installed_at() -> datetime:
    """The time at which this file was written."""
    # A clock that is right cannot show an earlier time.
    return datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)


def clock_floor() -> datetime:
    """The least time that a clock shows once it was set; others start at the epoch, or at the build of the system's image."""
    return max(datetime(2024, 1, 1, tzinfo=UTC), installed_at())


def rfc3339(moment: datetime) -> str:
    """A moment as text: UTC with milliseconds, always equally long, so that it sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- Fields -----------------------------------------------------------------------------------------------------------


def encode_fields(fields: Mapping[str, Any]) -> str:
    """The fields as JSON of at most MAX_FIELDS_BYTES. If something had to go, `truncated` gives the full size in bytes."""
    whole = encode(fields)
    return whole if len(whole) <= MAX_FIELDS_BYTES else _cut(json.loads(whole), len(whole))


def encode(value: Any) -> str:
    """Anything as compact JSON in ASCII; a value of a type that JSON does not have becomes text."""
    return json.dumps(_plain(value, MAX_DEPTH), separators=(",", ":"), allow_nan=False)


def clean(text: str) -> str:
    """The text without characters that UTF-8 cannot carry, at most MAX_NAME_CHARS long."""
    return _utf8(text[:MAX_NAME_CHARS])


def _plain(value: Any, depth: int) -> Any:
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping() if depth:
            return {_utf8(str(key)): _plain(each, depth - 1) for key, each in value.items()}
        case list() | tuple() if depth:
            return [_plain(each, depth - 1) for each in value]
        case set() | frozenset() if depth:
            return sorted(_utf8(str(each)) for each in value)
        case _:
            return _utf8(str(value))


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _cut(fields: dict[str, Any], size: int) -> str:
    """Keep the fields in their order as far as they fit; of a long text, its head."""
    kept: dict[str, Any] = {"truncated": size}
    room = MAX_FIELDS_BYTES - len(encode(kept))
    for key, value in fields.items():
        for shorter in (value, str(value)[:HEAD_CHARS]):
            cost = len(encode({key: shorter})) - len("{}") + len(",")
            if cost <= room:
                kept[key] = shorter
                room -= cost
                break
    return encode(kept)


# --- Events -----------------------------------------------------------------------------------------------------------


def _text(fields: Mapping[str, Any] | str) -> str:
    return fields if isinstance(fields, str) else encode_fields(fields)


@frozen
class Event:
    """An event, as the log holds it and as it is shown; `fields` may be given as the JSON that the log holds."""

    id: int | None  # None: provisional, because the store cannot write it at present
    time: str  # RFC 3339, UTC, always with milliseconds: sorts as text
    boot_id: str  # the name of the run of the service
    mono_s: float  # seconds since that run began
    type: str
    device: str | None
    cause: int | None
    text: str = field(alias="fields", converter=_text)  # JSON object, at most MAX_FIELDS_BYTES
    clock_set: bool = field(default=True, converter=bool)

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """The content of the event."""
        # A flipped bit on the disk costs the fields of one event, not the page that they are on.
        try:
            fields = json.loads(self.text)
        except ValueError:
            return {"unreadable": self.text[:HEAD_CHARS]}
        return fields if isinstance(fields, dict) else {"unreadable": self.text[:HEAD_CHARS]}

    @property
    def durable(self) -> bool:
        """Whether the log holds the event."""
        return self.id is not None

    def as_json(self) -> dict[str, Any]:
        """The event object of the control interface."""
        shown: dict[str, Any] = {
            "id": self.id,
            "time": self.time,
            "boot_id": self.boot_id,
            "mono_s": self.mono_s,
            "type": self.type,
            "device": self.device,
            "cause": self.cause,
            "fields": dict(self.fields),
        }
        if not self.durable:
            shown["durable"] = False
        if not self.clock_set:
            shown["clock"] = "unset"
        return shown


def event_of(draft: Draft, now: datetime, boot_id: str, mono_s: float, *, clock_set: bool) -> Event:
    """The event of a draft: provisional, and without a cause."""
    device = None if draft.device is None else clean(draft.device)
    return Event(None, rfc3339(now), boot_id, mono_s, clean(draft.type), device, None, draft.fields, clock_set)

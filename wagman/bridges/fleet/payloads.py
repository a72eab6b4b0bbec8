"""The messages between a node, its broker and the receivers: their shapes, and their bytes. Pure.

A message is JSON, or JSON packed by zlib: the first byte tells. Messages from a broker may hold anything: what is no message is a
`PayloadError`, whose text says why.
"""

import json
import math
import zlib
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    NamedTuple,
    NotRequired,
    TypeAlias,
    TypedDict,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from wagman.bridges.fleet.shorthand import in_full
from wagman.model.errors import WagmanError
from wagman.model.shapes import Event, Status

VERSION: Final = 1
"""The version of these shapes; it is in the topics, too."""

MOST_BYTES: Final = 2**20
"""The longest message, unpacked (chosen: a batch is 64 kB, and an event that is longer comes alone)."""

Version: TypeAlias = Annotated[int, "the version of this shape"]
Log: TypeAlias = Annotated[
    str | None, "the name of the log; null: the event could not be written yet, and comes again with its id"
]


class PayloadError(WagmanError):
    """The bytes are no message of ours."""


class Events(TypedDict):
    """A part of a node's log. The ids from `first` to `last` are all accounted for: here, or in `gap`."""

    v: Version
    log: Log
    first: int
    last: int
    events: Annotated[list[Event], "the events; a packed message may have [short ones](#short-events) in their place"]
    gap: NotRequired[Annotated[list[int], "the first and the last id of events that are gone, and never come"]]
    again: NotRequired[Annotated[bool, "whether somebody asked for these events"]]
    replaces: NotRequired[Annotated[str, "the name of the log that is gone; this one is in its place"]]
    after: NotRequired[Annotated[int, "the id up to which the events of the log that is gone were sent"]]
    past: NotRequired[Annotated[list[int], "the first and the last id of events that come without being asked for"]]


class Online(TypedDict):
    """Whether the bridge is there; the last will of a connection names the same session."""

    online: bool
    session: str
    since: str


class Guest(TypedDict):
    """A guest in a node's summary."""

    state: str
    since: str | None
    reason: str | None
    wanted: str
    enabled: bool
    confirmed: Annotated[bool, "whether the guest's power was seen to be as ordered"]
    media: str | None
    attempts: int
    failures: int
    held: bool
    stuck: bool
    unrecoverable: bool


class Trouble(TypedDict):
    """Something on a node that calls for a person."""

    id: str
    severity: str
    since: str
    text: str


class Summary(TypedDict):
    """How a node is, without what changes each second."""

    v: Version
    at: Annotated[str, "when the summary was made"]
    service: Annotated[str, "whether the service is `up` or `away`"]
    version: str | None
    boot: str | None
    log: Log
    first: Annotated[int, "the id of the first event that the log still has"]
    last: Annotated[int, "the id of the last event in the log"]
    past: NotRequired[Annotated[list[int], "the first and the last id of events that come without being asked for"]]
    link: str | None
    blind: bool | None
    wagman: str | None
    sensors: Annotated[dict[str, str], "the state of each sensor, by name"]
    devices: dict[str, Guest]
    problems: list[Trouble]


class Order(TypedDict):
    """An order. The topic names who gives it, and the broker vouches for that name."""

    v: Version
    id: Annotated[str, "a number of 128 bits; the order is carried out at most once"]
    do: str
    device: str
    until: Annotated[str, "when the order expires: it is carried out before, or not at all"]
    force: NotRequired[Annotated[bool, "whether to give the order with `--force`, as the command of that name takes it"]]
    node: NotRequired[Annotated[str, "the node that the order is for; a signed order has to name it"]]
    who: NotRequired[Annotated[str, "who gives the order; a signed order has to name them"]]


class Signed(TypedDict):
    """An order with a signature, in the place of an order."""

    v: Version
    order: Annotated[str, "the order, as JSON: these bytes are signed, and these are read"]
    signature: Annotated[str, "the signature of these bytes, from `ssh-keygen -Y sign`"]


class Given(NamedTuple):
    """An order as it came: its content, the bytes that were signed, and their signature if there is one."""

    order: Order
    text: bytes
    signature: str | None


class Resend(TypedDict):
    """A request for missing events."""

    v: Version
    id: str
    log: str
    first: int
    last: int


class Answer(TypedDict):
    """The answer to an order. Its effects are told by the events."""

    v: Version
    id: str
    outcome: Annotated[str, "accepted, refused, expired, or unknown: it may have been carried out"]
    reason: str
    state: NotRequired[Annotated[str, "the state of the guest after the order"]]
    event_id: NotRequired[Annotated[int | None, "the id of the event about the order"]]
    again: NotRequired[Annotated[bool, "whether the order had come before"]]


MESSAGES: Final[Mapping[str, type]] = {
    "online": Online,
    "status": Summary,
    "events": Events,
    "resend": Resend,
    "do": Order,
    "done": Answer,
}
"""The messages, by the level of their topic after the node's name."""

_TYPES: Final[Mapping[type, Mapping[str, Any]]] = {shape: get_type_hints(shape) for shape in MESSAGES.values()}


def packed(message: Mapping[str, Any], *, deflate: bool) -> bytes:
    """Return the bytes of a message."""
    return sealed(written(message), deflate=deflate)


def written(message: object) -> str:
    """Return a message as JSON without spaces."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def sealed(text: str, *, deflate: bool) -> bytes:
    """Return the bytes of a message that is text already; a lone surrogate, which UTF-8 lacks, becomes a question mark."""
    data = text.encode("utf-8", "replace")
    return zlib.compress(data, 9) if deflate else data


def opened(data: bytes) -> dict[str, Any]:
    """Return the object in a message; raises PayloadError if it is no JSON object, or too long."""
    try:
        # Decoded first: json itself would also take UTF-16 and lone surrogates.
        text = (data if data[:1] == b"{" else _inflated(data)).decode()
        found = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError, zlib.error) as error:
        raise PayloadError(f"no JSON: {error}") from error
    if not isinstance(found, dict):
        raise PayloadError("no JSON object")
    if "\\u" in text:
        _refuse_half_characters(found)
    return found


def _finite(text: str) -> float | None:
    """Return the number, or null for one that is none: it would be no JSON where it is passed on."""
    return value if math.isfinite(value := float(text)) else None


def _refuse_half_characters(found: dict[str, Any]) -> None:
    """Refuse lone surrogates, which JSON can escape and no file or terminal accepts; raises PayloadError."""
    try:
        written(found).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise PayloadError("no characters that can be written") from error


def _inflated(data: bytes) -> bytes:
    """Unpack a message up to `MOST_BYTES`: a few bytes can unpack to any length."""
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(data, MOST_BYTES)
    if not unpacking.eof:
        raise PayloadError(f"cut off, or more than {MOST_BYTES} bytes")
    return text


def events_of(data: bytes) -> Events:
    """Return the part of a log in a message; raises PayloadError."""
    found = opened(data)
    try:
        found["events"] = in_full(found["events"]) if isinstance(found.get("events"), list) else None
    except (ValueError, TypeError, OverflowError) as error:
        raise PayloadError(f"not the shape of events: {error}") from error
    is_so = _has(found, Events, "log", "first", "last", "events") and all(
        _is_event(each, has_id=found["log"] is not None) for each in found["events"]
    )
    if not is_so:
        raise PayloadError("not the shape of events")
    return found  # type: ignore[return-value] # looked at above


def status_of(data: bytes) -> Summary:
    """Return the summary in a message; raises PayloadError."""
    found = opened(data)
    if not _has(found, Summary, "log", "first", "last", "devices", "problems"):
        raise PayloadError("not the shape of a status")
    return found  # type: ignore[return-value] # looked at above


def online_of(data: bytes) -> Online:
    """Return the `online` in a message; raises PayloadError."""
    found = opened(data)
    if not _has(found, Online, "online", "session", "since"):
        raise PayloadError("not the shape of online")
    return found  # type: ignore[return-value] # looked at above


def resend_of(data: bytes) -> Resend:
    """Return the request for missing events in a message; raises PayloadError."""
    found = opened(data)
    if not (_has(found, Resend, "id", "log", "first", "last") and _is_id(found["id"])):
        raise PayloadError("not the shape of a resend")
    return found  # type: ignore[return-value] # looked at above


def given_of(data: bytes) -> Given:
    """Return the order in a message, signed or not; raises PayloadError."""
    text, signature = _parts(opened(data), data)
    return Given(order_of(text), text, signature)


def _parts(found: Mapping[str, Any], data: bytes) -> tuple[bytes, str | None]:
    """Return the bytes of an order, and their signature or None."""
    order, signature = found.get("order"), found.get("signature")
    return (order.encode(), signature) if isinstance(order, str) and isinstance(signature, str) else (data, None)


def order_of(data: bytes) -> Order:
    """Return the order in these bytes; raises PayloadError."""
    found = opened(data)
    if not (_has(found, Order, "id", "do", "device", "until") and _is_id(found["id"])):
        raise PayloadError("not the shape of an order")
    return found  # type: ignore[return-value] # looked at above


def id_of(data: bytes) -> str | None:
    """Return the id in a message of any kind, to answer it; None if it has none."""
    try:
        found = opened(_parts(opened(data), data)[0]).get("id")
    except PayloadError:
        return None
    return str(found) if _is_id(found) else None


def summary(status: Status, log: tuple[str | None, int, int], at: str) -> Summary:
    """Return the summary of a status; `log` is the log's name, its first and its last event."""
    return {
        **absent(log, at),
        "service": "up",
        "version": status["service"]["version"],
        "boot": status["service"]["boot_id"],
        "link": status["board"]["link"],
        "blind": any(board["blind"] for board in status["boards"]),
        "wagman": status["wagman"]["state"],
        "sensors": {name: each["state"] for name, each in sorted({**status["board"]["sensors"], **status["sensors"]}.items())},
        "devices": {
            row["name"]: {
                "state": row["state"],
                "since": row["since"],
                "reason": row["reason"],
                "wanted": row["wanted"],
                "enabled": row["enabled"],
                "confirmed": row["power"]["confirmed"],
                "media": row["media"],
                "attempts": row["attempts"],
                "failures": row["failures"],
                "held": row["held"],
                "stuck": row["relay_stuck"],
                "unrecoverable": row["unrecoverable"],
            }
            for row in status["devices"]
        },
        "problems": [
            {"id": each["id"], "severity": each["severity"], "since": each["since"], "text": each["text"]}
            for each in status["problems"]
        ],
    }


def absent(log: tuple[str | None, int, int], at: str) -> Summary:
    """Return the summary while the service is away."""
    name, first, last = log
    return {
        "v": VERSION,
        "at": at,
        "service": "away",
        "version": None,
        "boot": None,
        "log": name,
        "first": first,
        "last": last,
        "link": None,
        "blind": None,
        "wagman": None,
        "sensors": {},
        "devices": {},
        "problems": [],
    }


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 8 <= len(value) <= 64 and value.isascii() and value.isprintable()  # noqa: PLR2004 - 32 to 256 bits


def _has(found: Mapping[str, Any], shape: type, *needed: str) -> bool:
    """Whether a message has what is needed of a shape, and whatever else it has of that is of its type."""
    return all(key in found for key in needed) and all(
        _is_a(found[key], kind) for key, kind in _TYPES[shape].items() if key in found
    )


def _is_a(value: Any, kind: Any) -> bool:
    """Whether a value is of a type: whole numbers are ids, a list of them is a span. What an object holds is not looked at."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return any(_is_a(value, part) for part in parts)
    if origin is list:
        is_long = isinstance(value, list) and (parts != (int,) or len(value) == 2)  # noqa: PLR2004 - from and to
        return is_long and all(_is_a(each, *parts) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(_is_a(each, parts[1]) for each in value.values())
    if kind is int:
        return type(value) is int and 0 <= value < 2**63
    return isinstance(value, dict if is_typeddict(kind) else kind)


def _is_event(value: Any, *, has_id: bool) -> bool:
    """Whether it is an event of a log, or one without an id. What else it has is shown, and nothing depends on it."""
    kinds = {"id": int if has_id else NoneType, "time": str, "type": str, "device": str | None, "fields": dict}
    return isinstance(value, dict) and all(key in value and _is_a(value[key], kind) for key, kind in kinds.items())

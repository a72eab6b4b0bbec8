"""What the methods take: each class is the single source for checking parameters and for describing them.

A field carries its `Kind`. `read` turns the parameters of a request into an instance, or raises the error that the
caller is told.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import attrs
from attrs import NOTHING, field, frozen

from wagman.api.wire import INVALID_PARAMS, RpcError

MAX_PAGE = 1000
"""The most events that are given at once (chosen)."""

MAX_ID = 2**53 - 1
"""The largest number that every JSON library tells from its neighbours."""

MAX_NAME_CHARS = 64
"""The longest name of somebody on whose behalf a program asks, or of an order (chosen: a UUID has 36, SHA-256 in hex 64)."""

MAX_COMMAND_CHARS = 128
"""The longest raw board command (chosen: more than any board takes; the board's dialect says what it takes)."""

MAX_FOR_S = 366 * 86_400
"""The longest that something can be ordered for (chosen: a year; what is meant for ever has no end)."""

MAX_REASON_CHARS = 200
"""The longest reason (chosen: a line)."""

T = TypeVar("T")


@frozen
class Kind:
    """`wants` completes "must be ..."; `schema` says the same to machines; `read` converts, or raises ValueError."""

    wants: str
    schema: Mapping[str, Any]
    read: Callable[[Any], Any]


def _only(is_wanted: Callable[[Any], bool], convert: Callable[[Any], Any] = lambda value: value) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not is_wanted(value):
            raise ValueError
        return convert(value)

    return read


def _whole(wants: str, least: int, most: int) -> Kind:
    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Kind(wants, schema, _only(lambda value: type(value) is int and least <= value <= most))


def _place(value: Any) -> int | datetime:
    """An event id, or a moment."""
    return _moment(value) if isinstance(value, str) else int(ID.read(value))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("without a time zone it names no moment")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("it is outside of time") from None


def _is_text(value: Any) -> bool:
    """Text without halves of characters, which JSON can escape and UTF-8 cannot hold."""
    return isinstance(value, str) and not any("\ud800" <= each <= "\udfff" for each in value)


def _is_device(value: Any) -> bool:
    return _is_text(value) or type(value) is int


def _is_name(value: Any) -> bool:
    """Something that can stand in a sentence: no second line, and nothing that a terminal would obey."""
    return isinstance(value, str) and len(value) <= MAX_NAME_CHARS and value.isprintable() and bool(value.strip())


def _is_command(value: Any) -> bool:
    """Printable ASCII, so that no second line can hide in it."""
    return (
        isinstance(value, str)
        and len(value) <= MAX_COMMAND_CHARS
        and value.isascii()
        and value.isprintable()
        and bool(value.strip())
    )


def _is_reason(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_REASON_CHARS and value.isprintable() and bool(value.strip())


FLAG = Kind("true or false", {"type": "boolean"}, _only(lambda value: isinstance(value, bool)))
TEXT = Kind("a string", {"type": "string"}, _only(_is_text))
DEVICE = Kind("the name of a guest or a port number", {"type": ["string", "integer"]}, _only(_is_device, str))
DEVICES = Kind(
    "a list of names of guests or port numbers",
    {"type": "array", "items": DEVICE.schema},
    _only(lambda value: isinstance(value, list) and all(map(_is_device, value)), lambda value: tuple(map(str, value))),
)
ID = _whole("a whole number, 0 or more", 0, MAX_ID)
PLACE = Kind("an event id, or a time as in 2026-01-31T12:00:00Z", {"type": ["integer", "string"]}, _place)
LIMIT = _whole(f"a whole number from 1 to {MAX_PAGE}", 1, MAX_PAGE)
NAME = Kind(
    f"a text of 1 to {MAX_NAME_CHARS} printable characters",
    {"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS},
    _only(_is_name),
)
COMMAND = Kind(
    f"a line of at most {MAX_COMMAND_CHARS} printable ASCII characters",
    {"type": "string", "maxLength": MAX_COMMAND_CHARS},
    _only(_is_command),
)


FOR_S = Kind(
    f"a number of seconds, above 0 and at most {MAX_FOR_S}",
    {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_FOR_S},
    _only(lambda value: type(value) in (int, float) and 0 < value <= MAX_FOR_S, float),
)
REASON = Kind(
    f"one line of at most {MAX_REASON_CHARS} printable characters",
    {"type": "string", "minLength": 1, "maxLength": MAX_REASON_CHARS},
    _only(_is_reason),
)


def _about(kind: Kind, doc: str) -> dict[str, Any]:
    return {"kind": kind, "doc": doc}


def kind_of(attribute: "attrs.Attribute[Any]") -> Kind:
    """What a parameter may be."""
    kind: Kind = attribute.metadata["kind"]
    return kind


_WORDS = _about(FLAG, "with sentences for people, as the commands have them")

# A field whose default is None may also be given as null.


@frozen
class Nothing:
    """No parameters."""


@frozen
class Selection:
    """Which devices are asked about."""

    devices: tuple[str, ...] | None = field(default=None, metadata=_about(DEVICES, "the rows that are wanted; all, if left out"))
    words: bool = field(default=False, metadata=_WORDS)


@frozen(kw_only=True)
class Behalf:
    """For whom something is asked."""

    on_behalf: str | None = field(
        default=None,
        metadata=_about(NAME, "for whom the program at the socket asks, if for somebody; goes into the event"),
    )
    order: str | None = field(
        default=None, metadata=_about(NAME, "what the order is called where it came from; goes into the event")
    )


_A_DEVICE = _about(DEVICE, "the guest")
_FORCE = _about(FLAG, "start it although the environment forbids that, stop it although boards are reached through it")


@frozen
class Order:
    """Something that is asked of a device."""

    device: str = field(metadata=_A_DEVICE)
    force: bool = field(default=False, metadata=_FORCE)


@frozen
class Command(Behalf):
    """The same, by somebody."""

    device: str = field(metadata=_A_DEVICE)
    force: bool = field(default=False, metadata=_FORCE)


@frozen
class StopOrder(Command):
    """A guest that is to stop, perhaps for a while only."""

    for_s: float | None = field(
        default=None, metadata=_about(FOR_S, "start it again by itself, so long after it was asked for; if left out, do not")
    )


@frozen
class MaintenanceOrder(Command):
    """A guest that is to be left alone for a while, or no longer."""

    for_s: float | None = field(default=None, metadata=_about(FOR_S, "for so long; null, or left out: no longer"))


@frozen
class HibernateOrder(Behalf):
    """Why all guests are to be down, and which are not."""

    reason: str = field(metadata=_about(REASON, "why, for whoever looks at it later"))
    keep: tuple[str, ...] | None = field(default=None, metadata=_about(DEVICES, "guests that go on running; none, if left out"))


@frozen
class Excerpt:
    """A part of the log."""

    since: int | datetime | None = field(
        default=None, metadata=_about(PLACE, "oldest first, what comes after this id, or from this time on; else the last ones")
    )
    limit: int = field(default=100, metadata=_about(LIMIT, "how many events at most"))
    device: str | None = field(default=None, metadata=_about(DEVICE, "only those of this guest"))
    type: str | None = field(
        default=None, metadata=_about(TEXT, 'only those of this type, or below it: "device" has all of "device.*"')
    )
    log_id: str | None = field(default=None, metadata=_about(TEXT, "the log that the id is of"))
    words: bool = field(default=False, metadata=_WORDS)


@frozen
class Causes:
    """An event, and what led to it."""

    id: int = field(metadata=_about(ID, "the event"))
    limit: int = field(default=100, metadata=_about(LIMIT, "how many events at most"))
    words: bool = field(default=False, metadata=_WORDS)


@frozen
class Watch:
    """A subscription that is to begin."""

    since: int | None = field(
        default=None, metadata=_about(ID, "first all that comes after this id; if left out, only what is new")
    )
    log_id: str | None = field(default=None, metadata=_about(TEXT, "the log that the id is of"))
    words: bool = field(default=False, metadata=_WORDS)


@frozen
class Watched:
    """A subscription that is to end."""

    subscription: int = field(metadata=_about(ID, "as `subscribe` gave it"))


@frozen
class BoardCommand:
    """A raw command for the board."""

    command: str = field(metadata=_about(COMMAND, "the words of the command"))
    force: bool = field(default=False, metadata=_about(FLAG, "send it although it may fight the service"))


def read(cls: type[T], given: Mapping[str, Any]) -> T:
    """The parameters of a request as an instance of `cls`.

    Raises:
        RpcError: they do not fit.
    """
    fields: Mapping[str, attrs.Attribute[Any]] = attrs.fields_dict(cls)  # type: ignore[arg-type]  # all are attrs classes
    if unknown := sorted(given.keys() - fields.keys()):
        raise RpcError(INVALID_PARAMS, f"unknown parameter {unknown[0]!r}; there is: {', '.join(fields) or 'none'}")
    if missing := [name for name, each in fields.items() if each.default is NOTHING and name not in given]:
        raise RpcError(INVALID_PARAMS, f"parameter {missing[0]!r} is missing")
    return cls(**{name: _value(fields[name], value) for name, value in given.items()})


def _value(attribute: "attrs.Attribute[Any]", value: Any) -> Any:
    if value is None and attribute.default is None:
        return None
    kind = kind_of(attribute)
    try:
        return kind.read(value)
    except ValueError:
        raise RpcError(INVALID_PARAMS, f"{attribute.name} must be {kind.wants}") from None

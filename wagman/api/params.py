"""The parameters of the methods: one class for each set, from which they are checked and described.

Each field carries its `Kind`. `read` turns the parameters of a request into an instance, or raises the error for the caller.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import attrs
from attrs import NOTHING, field, frozen

from wagman.api.wire import INVALID_PARAMS, RpcError
from wagman.model.asked import MAX_FOR_S, MAX_NAME_CHARS, is_name

MAX_PAGE = 1000
"""The most events in one answer (chosen)."""

MAX_ID = 2**53 - 1
"""The largest integer that every JSON library can tell from its neighbours."""

MAX_COMMAND_CHARS = 128
"""The longest raw board command (chosen: more than any board accepts; the board's dialect has its own bound)."""

MAX_REASON_CHARS = 200
"""The longest reason (chosen: a line)."""

T = TypeVar("T")


@frozen
class Kind:
    """The kind of a parameter.

    `wants` completes "must be ..."; `schema` says the same to machines; `read` converts a value, or raises ValueError.
    """

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
    """Return an event id, or a point in time; raises ValueError for anything else."""
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
    """Whether a value is text without lone surrogates, which JSON can escape and UTF-8 cannot encode."""
    return isinstance(value, str) and not any("\ud800" <= each <= "\udfff" for each in value)


def _is_device(value: Any) -> bool:
    return _is_text(value) or type(value) is int


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and is_name(value)


def _is_command(value: Any) -> bool:
    """Whether a value is one line of printable ASCII, so that no second command hides in it."""
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
    """Return the kind of a parameter."""
    kind: Kind = attribute.metadata["kind"]
    return kind


_WORDS = _about(FLAG, "whether to add sentences for people, as the commands show them")

# A field whose default is None may also be given as null.


@frozen
class Nothing:
    """No parameters."""


@frozen
class Selection:
    """The guests whose rows are asked for."""

    devices: tuple[str, ...] | None = field(default=None, metadata=_about(DEVICES, "the guests to tell of; all, if left out"))
    words: bool = field(default=False, metadata=_WORDS)


@frozen(kw_only=True)
class Behalf:
    """On whose behalf something is asked."""

    on_behalf: str | None = field(
        default=None,
        metadata=_about(NAME, "the person for whom the calling program asks, if it does; the event records the name"),
    )
    order: str | None = field(
        default=None, metadata=_about(NAME, "the name of the order where it came from; the event records it")
    )


_A_DEVICE = _about(DEVICE, "the guest")
_FORCE = _about(
    FLAG,
    "whether to start the guest although the environment forbids it, to restart it although its board cannot be seen, or to "
    "stop it although boards are reached through it",
)


@frozen
class Order:
    """A request about a guest."""

    device: str = field(metadata=_A_DEVICE)
    force: bool = field(default=False, metadata=_FORCE)


@frozen
class Command(Behalf):
    """A command for a guest, perhaps on somebody's behalf."""

    device: str = field(metadata=_A_DEVICE)
    force: bool = field(default=False, metadata=_FORCE)


@frozen
class StopOrder(Command):
    """The order to stop a guest, perhaps for a while only."""

    for_s: float | None = field(
        default=None,
        metadata=_about(FOR_S, "after how many seconds the service starts the guest again by itself; if left out, it does not"),
    )


@frozen
class MaintenanceOrder(Command):
    """The order to leave a guest alone for a while, or to end that."""

    for_s: float | None = field(
        default=None, metadata=_about(FOR_S, "for how many seconds; null, or left out: end the maintenance")
    )


@frozen
class HibernateOrder(Behalf):
    """The order to take down all guests: the reason, and the guests that go on running."""

    reason: str = field(metadata=_about(REASON, "the reason, for people who look at it later"))
    keep: tuple[str, ...] | None = field(
        default=None, metadata=_about(DEVICES, "the guests that go on running; none, if left out")
    )


@frozen
class Excerpt:
    """A part of the log."""

    since: int | datetime | None = field(
        default=None,
        metadata=_about(PLACE, "give the events after this id, or from this time on, oldest first; if left out, the last ones"),
    )
    limit: int = field(default=100, metadata=_about(LIMIT, "the most events to give"))
    device: str | None = field(default=None, metadata=_about(DEVICE, "give only the events of this guest"))
    type: str | None = field(
        default=None,
        metadata=_about(
            TEXT, 'give only the events of this type, or of the types below it: "device" stands for all of "device.*"'
        ),
    )
    log_id: str | None = field(default=None, metadata=_about(TEXT, "the log in which `since` is an id"))
    words: bool = field(default=False, metadata=_WORDS)


@frozen
class Causes:
    """An event whose causes are asked for."""

    id: int = field(metadata=_about(ID, "the id of the event"))
    limit: int = field(default=100, metadata=_about(LIMIT, "the most events to give"))
    words: bool = field(default=False, metadata=_WORDS)


@frozen
class Watch:
    """A new subscription."""

    since: int | None = field(
        default=None, metadata=_about(ID, "send first all events after this id; if left out, send only new events")
    )
    log_id: str | None = field(default=None, metadata=_about(TEXT, "the log in which `since` is an id"))
    words: bool = field(default=False, metadata=_WORDS)


@frozen
class Watched:
    """The end of a subscription."""

    subscription: int = field(metadata=_about(ID, "the number that `subscribe` gave"))


@frozen
class BoardCommand:
    """A raw command for the board."""

    command: str = field(metadata=_about(COMMAND, "the raw command, as the board understands it"))
    force: bool = field(
        default=False, metadata=_about(FLAG, "whether to send the command although it may work against the service")
    )
    board: str | None = field(
        default=None,
        metadata=_about(TEXT, "the name of the board; if left out, the first in the configuration that takes raw commands"),
    )


def read(cls: type[T], given: Mapping[str, Any]) -> T:
    """Return the parameters of a request as an instance of `cls`.

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

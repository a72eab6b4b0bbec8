"""What is known of a type of event, and how its sentence is put together.

No event is trusted: it may be of another version, or from a disk with a flipped bit. A field that is missing, or of another
type than it should be, counts as unknown; nothing here raises for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from wagman.model.words import duration, ordinal

Severity: TypeAlias = Literal["info", "warning", "critical"]
"""*critical*: a guest is down, or supervision is at risk, and nothing mends it by itself. *warning*: a person should know.
*info*: the service is at its work.
"""

MOST_DIGITS = 1e15
"""Numbers from here on are no figures of this service (chosen)."""

DEPTH = 3
"""How many levels of lists and tables are put into words (chosen)."""


class EventView:
    """An event as it is read: each field has its type, or is unknown."""

    __slots__ = ("device", "fields", "type", "user")

    def __init__(self, event: Mapping[str, Any], user: Callable[[int], str]) -> None:
        type_, device, fields = (event.get(key) for key in ("type", "device", "fields"))
        self.type = type_ if isinstance(type_, str) else "an event"
        self.device = device if isinstance(device, str) and device else None
        self.fields: Mapping[str, Any] = fields if isinstance(fields, Mapping) else {}
        self.user = user

    @property
    def it(self) -> str:
        """The subject of the sentence."""
        return self.device or "a guest"

    @property
    def board(self) -> str:
        """The board that the event is about, with its name where it has one."""
        name = self.text("name")
        return f"the board {name}" if name else "the board"

    def text(self, key: str) -> str:
        """The field in words; "" if it is unknown."""
        return shown(self.fields.get(key))

    def number(self, key: str) -> float | None:
        """The field as a number; None if it is unknown."""
        return number(self.fields.get(key))

    def is_true(self, key: str) -> bool:
        """Whether the field is known to be true."""
        return self.fields.get(key) is True

    def is_false(self, key: str) -> bool:
        """Whether the field is known to be false."""
        return self.fields.get(key) is False

    def items(self, key: str) -> str:
        """The items of a list in words; "" if there is no list."""
        value = self.fields.get(key)
        return shown(value) if isinstance(value, list | tuple) else ""

    def who(self) -> str:
        """The user who asked."""
        uid = self.number("uid")
        return "somebody" if uid is None else self.user(int(uid))

    def process(self) -> str:
        """The user that the kernel vouches for; if the service asked by itself, its own word."""
        return self.who() if self.number("uid") is not None else self.text("who") or "somebody"

    def asker(self) -> str:
        """The person who wanted it: the one for whom the process asked, if it said so."""
        return self.text("for") or self.process()

    def through(self) -> str:
        """The process that asked for somebody, if one did; who that somebody is, only the process says."""
        return f", through {self.process()}" if self.text("for") else ""


def number(value: object) -> float | None:
    """The value if it is a figure, else None."""
    is_figure = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST_DIGITS
    return value if is_figure else None  # type: ignore[return-value] # it is one of both


def shown(value: object, depth: int = DEPTH) -> str:
    """A value in words; "" for nothing."""
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return "" if number(value) is None else str(value)
        case Mapping() | list() | tuple():
            return ", ".join(_items(value, depth - 1)) if depth else "..."
    return ""


def _items(value: Mapping[Any, Any] | Sequence[Any], depth: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        return (f"{shown(key, depth)} {shown(each, depth)}" for key, each in value.items())
    return (shown(each, depth) for each in value)


# --- Sentences --------------------------------------------------------------------------------------------------------

Part: TypeAlias = Callable[[EventView], str]
"""A piece of a sentence; "" if what it needs is unknown."""


def tell(text: str, *more: Part, why: str = "") -> Part:
    """`text`, the reason in the field `why` after a colon, and the rest after commas.

    In `text`, `{it}` stands for the subject, and `{board}` for the board.
    """

    def sentence(view: EventView) -> str:
        reason = view.text(why) if why else ""
        head = text.replace("{it}", view.it).replace("{board}", view.board) + (f": {reason}" if reason else "")
        return ", ".join(filter(None, [head, *(part(view) for part in more)]))

    return sentence


def lasting(key: str, words: str, otherwise: str = "") -> Part:
    """`words`, in which `{}` stands for the duration; `otherwise` if it is unknown."""

    def part(view: EventView) -> str:
        seconds = view.number(key)
        return otherwise if seconds is None else words.format(duration(seconds))

    return part


def figure(key: str, words: str, otherwise: str = "") -> Part:
    """`words`, in which `{}` stands for the number; `otherwise` if it is unknown."""

    def part(view: EventView) -> str:
        count = view.number(key)
        return otherwise if count is None else words.format(f"{count:g}")

    return part


def if_true(key: str, words: str) -> Part:
    """`words` if that field is true."""
    return lambda view: words if view.is_true(key) else ""


def field(key: str, words: str) -> Part:
    """`words`, in which `{}` stands for the field; "" if it is unknown."""
    return lambda view: words.replace("{}", view.text(key)) if view.text(key) else ""


def start(view: EventView) -> str:
    """Which attempt it was, and from which medium."""
    attempt, media = view.number("attempt"), view.text("media")
    return ", ".join(filter(None, [f"{ordinal(int(attempt))} attempt" if attempt else "", f"from {media}" if media else ""]))


# --- Types ------------------------------------------------------------------------------------------------------------


class Graver(NamedTuple):
    """A condition under which an event is graver, or milder, than most of its type."""

    severity: Severity
    where: str  # for the page, after "where"
    holds: Callable[[EventView], bool]


class EventType(NamedTuple):
    """What is known of a type of event."""

    when: str
    sentence: Part
    fields: tuple[str, ...] = ()  # their names; FIELDS says what they hold
    do: str = ""  # what to do, for whoever is woken; "": nothing
    severity: Severity = "info"
    graver: Graver | None = None
    milder: Graver | None = None  # when an event is less grave than most
    collapses: bool = False  # repeats become one event with a count


REPEATED = ("count", "over_s")
"""The fields of an event that stands for repeats."""

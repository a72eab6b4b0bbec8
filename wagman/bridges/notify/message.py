"""A message as people read it: what happened, what to do, and a number that identifies it. Pure."""

from collections.abc import Callable, Iterator
from typing import Literal

from attrs import evolve, frozen

from wagman.bridges.notify.entries import Entry
from wagman.bridges.notify.plan import Digest
from wagman.model.words import counted

MOST_LINES = 25
"""How many entries a message has; of the rest, it tells the number (chosen: about what a phone shows, and a mail should)."""

MOST_TITLE_CHARS = 120
"""How long a title may be (chosen)."""

Severity = Literal["over", "info", "warning", "critical"]
_SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
_INDENT = 10


@frozen
class Message:
    """A message, which stays the same however often it is sent; only a destination that refuses it gets it in short.

    A second message with the same `id` is the first one sent again; only then does it say so.
    """

    id: str
    title: str
    body: str
    severity: Severity
    count: int  # the number of things in it
    tries: int = 0  # the number of attempts begun

    def text(self) -> str:
        """Return the body with its foot, as the present attempt sends it."""
        things = f", of {counted(self.count, 'thing')}" if self.count else ""
        again = " Sent again: an earlier attempt may have reached you." if self.tries > 1 else ""
        return f"{self.body}\n\nMessage {self.id}{things}.{again}"


def compose(node: str, id_: str, digest: Digest, local: Callable[[str], str]) -> Message:
    """Return the message with a digest; `local` shows a time stamp in local time."""
    lines = [line for entry in digest.entries[:MOST_LINES] for line in _lines(entry, local)]
    more = sum(entry.count for entry in digest.entries[MOST_LINES:]) + digest.left_out
    if more:
        lines.append(f"{'':{_INDENT}}and {more} more, which wagman events has")
    guests = sorted({entry.device for entry in digest.entries if entry.device and not entry.is_over})
    hint = f"wagman why {guests[0]}" if len(guests) == 1 else "wagman status"
    body = "\n".join([*lines, "", f"On {node}, {hint} tells more."])
    return Message(id_, _title(node, digest), body, _severity(digest), digest.things)


def shortened(node: str, message: Message) -> Message:
    """Return a message in short, for a destination that refuses it: as plain as can be, with nothing of what happened in it."""
    body = f"The message with the details was refused here. On {node}, wagman status and wagman events have them."
    return evolve(message, title=f"{node}: {message.severity.upper()} {counted(message.count, 'thing')} to look up", body=body)


def trial(node: str, id_: str) -> Message:
    """Return the message of `--test`."""
    return Message(id_, f"{node}: a test of wagman notify", f"If you read this, {node} can tell you.", "info", 0)


def _severity(digest: Digest) -> Severity:
    return "over" if all(entry.is_over for entry in digest.entries) else _SEVERITIES[digest.rank]


def _title(node: str, digest: Digest) -> str:
    first, *rest = digest.entries
    more = f" (and {len(rest)} more)" if rest else ""
    words = f"{node}: {_label(first)} {first.text}"
    room = MOST_TITLE_CHARS - len(more)
    return (words if len(words) <= room else f"{words[: room - 3]}...") + more


def _label(entry: Entry) -> str:
    return "OVER" if entry.is_over else entry.severity.upper()


def _lines(entry: Entry, local: Callable[[str], str]) -> Iterator[str]:
    yield f"{_label(entry):<{_INDENT}}{entry.text}{_when(entry, local)}"
    if entry.do:
        yield f"{'':{_INDENT}}do: {entry.do}"


def _when(entry: Entry, local: Callable[[str], str]) -> str:
    """Return when it was, and how often. For a problem there is no number: beginning and end are not two times of it."""
    times = f"{entry.count} times" if entry.count > 1 and not entry.is_problem else ""
    if entry.first is None or entry.last is None:
        when = ""
    elif times:
        when = f"{local(entry.first)} to {local(entry.last)}"
    else:
        when = local(entry.last)
    said = ", ".join(filter(None, (times, when)))
    return f" ({said})" if said else ""

"""Writes docs/events.md from the types of events: `python -m docs.make.events`; `--check` sees if it is stale."""

import sys
from collections.abc import Iterator
from itertools import groupby

from docs.make.pages import begin, keep, table
from wagman.model.catalogue import EVENT_TYPES, FIELDS, EventType

MODULE = "docs.make.events"

INTRODUCTION = f"""\
# The events

{begin(MODULE)}

`wagman events` shows the log, `wagman events -f` follows it, `wagman events --device gn` is about one guest, and `--type store`
shows all events of `store.*`. Each event has an id, a time, usually the event that caused it, and the fields that are named here;
the whole shape is on [the socket's page](socket.md#event). If the column *do* is empty, do nothing.
"""

FAMILIES = {
    "device": "A guest",
    "wagman": "The scheduler",
    "environment": "The enclosure",
    "network": "A network through which guests are heard",
    "link": "The serial port",
    "board": "The board",
    "command": "Who asked for what",
    "service": "The service itself",
    "controller": "The controller",
    "problem": "What calls for a person",
    "store": "The log",
    "port": "A port without a table",
    "decisions": "What lies beside the log",
}

REPEATS = """\
## Repeats

Some types have a field `count`: of these, repeats become one event. The service shows the first event at once. It only counts the
next ones of the same type, guest and fields, and reports them together: how many there were (`count`), and within how many
seconds (`over_s`).
"""


def page() -> str:
    """The reference page."""
    return "\n".join([INTRODUCTION, *_families(), "## Fields\n", table(("field", "is"), _fields()), REPEATS])


def _families() -> Iterator[str]:
    for family, names in groupby(EVENT_TYPES, lambda name: name.partition(".")[0]):
        yield f"## {FAMILIES[family]}\n"
        yield table(("event", "means", "how grave", "do", "fields"), map(_row, names))


def _row(name: str) -> tuple[str, ...]:
    kind = EVENT_TYPES[name]
    return f"`{name}`", kind.when, _severity(kind), kind.do, ", ".join(f"`{field}`" for field in kind.fields)


def _severity(kind: EventType) -> str:
    """A blank for what is only information."""
    usual = "" if kind.severity == "info" else kind.severity
    others = [f"{each.severity} where {each.where}" for each in (kind.graver, kind.milder) if each is not None]
    return ", ".join(filter(None, [usual, *others]))


def _fields() -> Iterator[tuple[str, str]]:
    return ((f"`{name}`", words) for name, words in FIELDS.items())


if __name__ == "__main__":
    sys.exit(keep(MODULE, lambda _: {"events.md": page()}))

"""Writes the tables of docs/fleet.md from the code: `python -m docs.make.fleet`; `--check` sees if they are stale."""

import sys
from collections.abc import Iterator

from docs.make.configuration import table_of
from docs.make.pages import keep_part, table
from docs.make.socket import properties
from wagman.api.discovery import schema_of
from wagman.bridges.fleet import shorthand
from wagman.bridges.fleet.config import TABLES
from wagman.bridges.fleet.figures import FAMILIES, UP
from wagman.bridges.fleet.payloads import MESSAGES, Guest, Signed, Trouble

MODULE, PAGE = "docs.make.fleet", "fleet.md"

TOPICS = {
    "online": "`PREFIX/1/NODE/online`, retained; the last will is on the same topic",
    "status": "`PREFIX/1/NODE/status`, retained",
    "events": "`PREFIX/1/NODE/events`",
    "resend": "`PREFIX/1/NODE/resend/WHO`, never retained; who may write there is who may read",
    "do": "`PREFIX/1/NODE/do/WHO`, never retained",
    "done": "`PREFIX/1/NODE/done/WHO`",
}


def tables() -> str:
    """The keys of the file, the messages, and the figures."""
    text = "\n".join([*_keys(), *_messages(), *_figures()])
    return text.replace("(#durations)", "(configuration.md#durations)").replace("(#event)", "(socket.md#event)")


def _keys() -> Iterator[str]:
    yield "## Every key of fleet.toml\n"
    for name, section in TABLES.items():
        yield f"### `[{name}]`\n\n{table_of(section)}"


def _messages() -> Iterator[str]:
    yield "## Every message\n"
    for name, shape in MESSAGES.items():
        yield f"### {shape.__name__}\n\n{shape.__doc__} {TOPICS[name]}.\n\n{_shape(shape)}"
    yield f"### Short events\n\n{_words(shorthand.__doc__)}\n"
    for shape in (Signed, Guest, Trouble):
        yield f"### {shape.__name__}\n\n{shape.__doc__}\n\n{_shape(shape)}"


def _words(text: str | None) -> str:
    """What a module says of itself, below its first line."""
    return (text or "").partition("\n\n")[2].strip()


def _figures() -> Iterator[str]:
    rows = [(f"`{UP.name}`", UP.kind, "", UP.text)]
    for family in FAMILIES:
        labels = ", ".join(f"`{label}`" for label in ("node", *family.labels))
        rows.append((f"`{family.name}`", family.kind, labels, family.text))
    yield f"## Every figure of the fleet\n\n{table(('metric', 'type', 'labels', 'means'), rows)}"


def _shape(shape: type) -> str:
    return table(("property", "is", "means"), properties(schema_of(shape)))


if __name__ == "__main__":
    sys.exit(keep_part(MODULE, PAGE, tables))

"""The demonstration as lines of text: one for each event, and one for each sentence of the story."""

from collections.abc import Iterator
from datetime import timedelta
from textwrap import fill
from typing import TextIO

from attrs import frozen

from wagman.demo.stage import Json

WIDTH = 110
"""A sentence of the story is broken into lines of at most so many characters (chosen)."""


@frozen
class Lines:
    """Writes lines as things happen."""

    stream: TextIO

    def say(self, text: str) -> None:
        """A sentence of the story."""
        self._write(fill(text, WIDTH, initial_indent="-- ", subsequent_indent="   ", break_long_words=False))

    def event(self, event: Json) -> None:
        """An event: the service's time, what, who, the details."""
        self._write(line_of(event))

    def status(self, status: Json) -> None:
        """Lines tell what happens, not how things are."""

    def _write(self, line: str) -> None:
        self.stream.write(f"{line}\n")
        self.stream.flush()


def line_of(event: Json) -> str:
    """An event as one line; its time counts from the start of the service, in its own, faster time."""
    at = str(timedelta(seconds=int(event["mono_s"])))
    return f"{at}  {event['type']:<26}{event['device'] or '':<4}{', '.join(details(event['fields']))}".rstrip()


def details(fields: Json) -> Iterator[str]:
    """The fields of an event in plain words; what says nothing is left out."""
    for key, value in fields.items():
        match value:
            case None | False | "" | [] | {}:
                continue
            case True:
                yield words(key)
            case float() | int() if key.endswith("_s"):
                yield f"{words(key.removesuffix('_s'))} {value:g} s"
            case list():
                yield f"{words(key)} {' and '.join(map(str, value))}"
            case _:
                yield str(value) if key == "reason" else f"{words(key)} {value}"


def words(key: str) -> str:
    """The name of a field as people would write it."""
    return key.replace("_", " ")

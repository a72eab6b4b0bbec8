"""The demonstration as lines of text: one for each event, and one for each sentence of the story."""

from datetime import timedelta
from textwrap import fill
from typing import TextIO

from attrs import frozen

from wagman.cli.sentences import sentence
from wagman.demo.stage import Json
from wagman.model.words import plain

WIDTH = 110
"""A sentence of the story is broken into lines of at most so many characters (chosen)."""


@frozen
class Lines:
    """Writes lines as things happen."""

    stream: TextIO

    def say(self, text: str) -> None:
        """A sentence of the story."""
        self._write(fill(text, WIDTH, initial_indent="-- ", subsequent_indent="   ", break_long_words=False))

    def quote(self, text: str) -> None:
        """What a program says, as it is."""
        self._write(text)

    def event(self, event: Json) -> None:
        """An event: the service's time, and what happened."""
        self._write(line_of(event))

    def status(self, status: Json) -> None:
        """Lines tell what happens, not how things are."""

    def _write(self, line: str) -> None:
        self.stream.write(f"{line}\n")
        self.stream.flush()


def line_of(event: Json) -> str:
    """An event as one line; its time counts from the start of the service, in its own, faster time."""
    return f"{timedelta(seconds=int(event['mono_s']))}  {plain(sentence(event))}"

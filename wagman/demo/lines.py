"""The demonstration as lines of text: one for each event, and one for each sentence of the story."""

from datetime import timedelta
from textwrap import fill
from typing import TextIO

from attrs import frozen

from wagman.cli.sentences import sentence
from wagman.demo.stage import Json
from wagman.model.words import plain

WIDTH = 110
"""The most characters in a line of the story (chosen)."""


@frozen
class Lines:
    """Writes a line for each thing that happens."""

    stream: TextIO

    def say(self, text: str) -> None:
        """Write a sentence of the story."""
        self._write(fill(text, WIDTH, initial_indent="-- ", subsequent_indent="   ", break_long_words=False))

    def quote(self, text: str) -> None:
        """Write the output of a program, unchanged."""
        self._write(text)

    def event(self, event: Json) -> None:
        """Write an event: the service's time, and what happened."""
        self._write(line_of(event))

    def status(self, status: Json) -> None:
        """Do nothing: lines tell what happens, not how things are."""

    def _write(self, line: str) -> None:
        self.stream.write(f"{line}\n")
        self.stream.flush()


def line_of(event: Json) -> str:
    """Return an event as one line; its time counts from the start of the service, on its own, faster clock."""
    return f"{timedelta(seconds=int(event['mono_s']))}  {plain(sentence(event))}"

"""What the programs on the socket have in common as programs: lines for the journal, and what went wrong with several tasks."""

import argparse
import sys
from collections.abc import Iterator

from wagman.config import durations
from wagman.model.words import plain


def say(words: str) -> None:
    """A line for the journal."""
    sys.stdout.write(f"{plain(words)}\n")
    sys.stdout.flush()


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors that a group holds, however deep; an error that is none is its own."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error


def duration(text: str) -> float:
    """A time of the command line, in seconds.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return durations.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not {error}") from None

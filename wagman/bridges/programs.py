"""What the programs on the socket share: lines for the journal, groups of errors, durations on the command line."""

import argparse
import sys
from collections.abc import Iterator

from wagman.config import durations
from wagman.model.words import plain


def say(words: str) -> None:
    """Print a line for the journal."""
    sys.stdout.write(f"{plain(words)}\n")
    sys.stdout.flush()


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors in a group, at any depth; an error that is no group yields itself."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error


def duration(text: str) -> float:
    """Return a duration from the command line, in seconds.

    Raises:
        argparse.ArgumentTypeError: the text is no duration.
    """
    try:
        return durations.typed(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not {error}") from None

"""The problems as lines of text: the block on top of the status and of the live view. No I/O."""

from collections.abc import Iterator, Sequence

from wagman.cli.text import judged
from wagman.model.shapes import Problem, Status
from wagman.model.words import duration, plain

COLOURS = {"critical": "red", "warning": "yellow"}

_INDENT = 10


def problem_lines(status: Status) -> list[str]:
    """Return the problems as lines: severity, text, how long each has stood, and what to do."""
    return [line for problem in told(status) for line in _lines(problem)]


def told(status: Status) -> Sequence[Problem]:
    """Return the problems, the worst first; none if the service is too old to tell of problems."""
    problems: Sequence[Problem] = status.get("problems", ())
    return problems


def _lines(problem: Problem) -> Iterator[str]:
    severity = problem["severity"]
    return judged(severity.upper(), COLOURS.get(severity, ""), said(problem), problem["do"], _INDENT)


def said(problem: Problem) -> str:
    """Return what is wrong, and for how long."""
    return f"{plain(problem['text'])}{stands(problem)}"


def stands(problem: Problem) -> str:
    """Return for how long the problem has stood, as words for the end of a sentence; empty if that is not known."""
    return "" if problem["for_s"] is None else f", for {duration(problem['for_s'])}"

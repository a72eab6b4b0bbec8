"""From the words with which a user names guests to their names."""

from collections.abc import Iterable, Sequence

from wagman.cli.boards import plug
from wagman.cli.outcome import USAGE, CommandError
from wagman.model.shapes import Device, Status

LONGEST_WORD = 40
"""How much of an unknown word is compared with the known words (chosen)."""


SHORT_WORD = 3
"""An unknown word of at most so many letters resembles a known word that shares half of them (chosen)."""


def expanded(asked: Sequence[str], status: Status) -> list[str]:
    """Return the names of the guests, each once; `all` is every guest but the computer that the service runs on.

    Raises:
        CommandError: one of them does not exist, or there are none.
    """
    names = [name for each in asked for name in _named(each, status["devices"])]
    return list(dict.fromkeys(names))


def _named(asked: str, rows: Sequence[Device]) -> list[str]:
    if asked == "all":
        return _guests(rows)
    found = [row["name"] for row in rows if asked in (row["name"], plug(row))] or _at_port(asked, rows)
    if not found:
        names = [row["name"] for row in rows]
        raise CommandError(f"unknown guest {asked!r}{did_you_mean(asked, names)}: there is {', '.join(names)}", USAGE)
    return found


def _at_port(asked: str, rows: Sequence[Device]) -> list[str]:
    """Return the guest on a port that only one board has.

    Raises:
        CommandError: several boards have that port.
    """
    found = [row for row in rows if str(row["port"]) == asked]
    if len(found) > 1:
        raise CommandError(f"port {asked} is on several boards: name one of {', '.join(map(plug, found))}", USAGE)
    return [row["name"] for row in found]


def _guests(rows: Sequence[Device]) -> list[str]:
    found = [row["name"] for row in rows if not row.get("self")]
    if not found:
        own = " or ".join(row["name"] for row in rows)
        raise CommandError(f"there is no guest: add one to the configuration, or name {own}, which 'all' leaves out", USAGE)
    return found


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question that names the most similar known word; an empty text if none is similar."""
    from difflib import get_close_matches  # noqa: PLC0415 - few need it

    # Of a name of two letters, one right letter is half.
    nearest = get_close_matches(word[:LONGEST_WORD], list(known), n=1, cutoff=0.5 if len(word) <= SHORT_WORD else 0.6)
    return f", did you mean {nearest[0]}?" if nearest else ""

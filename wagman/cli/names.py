"""From what the user calls a device to its name."""

from collections.abc import Mapping, Sequence
from typing import Any

from wagman.cli.outcome import USAGE, CommandError


def expanded(asked: Sequence[str], status: Mapping[str, Any]) -> list[str]:
    """The names of the devices, each once; `all` is every device but the computer that the service runs on.

    Raises:
        CommandError: one of them does not exist, or there are none.
    """
    names = [name for each in asked for name in _named(each, status["devices"])]
    return list(dict.fromkeys(names))


def _named(asked: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if asked == "all":
        return _guests(rows)
    found = [row["name"] for row in rows if asked in (row["name"], str(row["port"]))]
    if not found:
        raise CommandError(f"unknown device {asked!r}: there is {', '.join(row['name'] for row in rows)}", USAGE)
    return found


def _guests(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    found = [row["name"] for row in rows if not row.get("self")]
    if not found:
        own = " or ".join(row["name"] for row in rows)
        raise CommandError(f"there is no guest: add one to the configuration, or name {own}, which 'all' leaves out", USAGE)
    return found

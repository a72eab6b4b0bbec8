"""Reads what a collector's database has of each node, for `wagman fleet metrics`."""

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from wagman.bridges.fleet.archive import Database
from wagman.bridges.fleet.broker import words_of
from wagman.bridges.fleet.figures import Tally, text_of
from wagman.bridges.fleet.payloads import PayloadError
from wagman.bridges.fleet.table import existing
from wagman.cli.outcome import CommandError


def tallies(database: Database) -> list[Tally]:
    """Return a tally for each known node, all of one moment; raises sqlite3.Error, PayloadError."""
    with database.at_one_moment():
        lost, heard, logs = database.lost(), database.heard_last(), dict[str, dict[str, tuple[int, int]]]()
        for node, log, held, last in database.logs():
            logs.setdefault(node, {})[log] = held, last
        known = {node: (online, status) for node, online, status in database.nodes()}
    return [
        _tally(node, heard.get(node), known.get(node, (None, None)), logs.get(node, {}), lost) for node in sorted({*known, *logs})
    ]


def _tally(
    node: str,
    heard: str | None,
    told: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None],
    logs: Mapping[str, tuple[int, int]],
    lost: Mapping[tuple[str, str], int],
) -> Tally:
    online, status = told
    log = None if status is None else status.get("log")
    if status is not None and log is not None:
        held, last = logs.get(log, (0, 0))
        logs = {**logs, log: (held, max(last, status["last"]))}
    gone = {each: lost.get((node, each), 0) for each in logs}
    missing = sum(max(last - held - gone[each], 0) for each, (held, last) in logs.items())
    last_id = None if log is None else logs[log][1]
    return Tally(
        node, _moment_s(heard), None if online is None else bool(online["online"]), last_id, missing, sum(gone.values()), status
    )


def _moment_s(stamp: str | None) -> float | None:
    try:
        return None if stamp is None else datetime.fromisoformat(stamp).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None


@define(eq=False)
class Books:
    """The database as a source of figures.

    Args:
        path: of the database.
        say: prints why it cannot be read, once for each reason.
        wall: returns the present time by the wall clock, in seconds since 1970.
    """

    path: Path
    say: Callable[[str], None]
    wall: Callable[[], float] = time.time
    _said: str = field(default="", init=False)

    async def told(self) -> str:
        """Return the figures as text; raises CommandError if the database cannot be read."""
        return await trio.to_thread.run_sync(self._read)

    async def text(self) -> str:
        """Return the figures as text; if the database cannot be read, only that."""
        try:
            text = await self.told()
        except CommandError as error:
            self._complain(str(error))
            return text_of(None, self.wall())
        self._complain("")
        return text

    def _read(self) -> str:
        try:
            with closing(existing(self.path)) as database:
                return text_of(tallies(database), self.wall())
        except (sqlite3.Error, PayloadError, OSError) as error:
            raise CommandError(f"{self.path}: {words_of(error) or error}") from error

    def _complain(self, words: str) -> None:
        if words != self._said:
            self._said = words
            self.say(words or f"{self.path} can be read again")

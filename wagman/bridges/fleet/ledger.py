"""What must outlive the bridge, in SQLite: the place in the log, the orders that were seen, the topics of Home Assistant.

An order is saved to the disk before it is carried out, so that it is carried out once. A new ledger knows no earlier orders, so
all orders are refused until the deadlines of any earlier ones have passed: until a bridge has run with it for that long. No clock
that can be wrong decides on that, nor on which orders are remembered.
"""

import itertools
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from wagman.bridges.fleet.orders import MOST_LATE_S
from wagman.bridges.fleet.payloads import Answer, opened, written
from wagman.client.following import Place

KEPT: Final = 100_000
"""How many orders are remembered, the last ones (chosen: more than a bridge can carry out within the longest deadline)."""

DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""The errors of a file that is no ledger, or none of ours: its schema fails. A full disk is none of them, and passes."""

SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS settled (one INTEGER PRIMARY KEY CHECK (one = 1)) STRICT;
CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), log TEXT, id INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS orders (who TEXT, id TEXT, at_s REAL NOT NULL, answer TEXT, PRIMARY KEY (who, id)) STRICT;
CREATE TABLE IF NOT EXISTS shown (topic TEXT PRIMARY KEY) STRICT;
CREATE TRIGGER IF NOT EXISTS forget AFTER INSERT ON orders BEGIN DELETE FROM orders WHERE rowid <= new.rowid - {KEPT}; END;
CREATE TABLE IF NOT EXISTS meant (who TEXT, id TEXT, what TEXT NOT NULL, PRIMARY KEY (who, id)) STRICT;
CREATE TRIGGER IF NOT EXISTS unmean AFTER INSERT ON meant BEGIN DELETE FROM meant WHERE rowid <= new.rowid - {KEPT}; END;
"""  # noqa: S608 - a number of ours
"""The tables; an order and what is forgotten for it are one transaction."""

# Version 0.2 wrote down when a ledger was new, by the wall clock. A ledger of then that seems old enough has settled.
_OF_0_2: Final = "CREATE TABLE IF NOT EXISTS begun (at_s REAL NOT NULL)"
_HAS_SETTLED: Final = "INSERT OR IGNORE INTO settled SELECT 1 FROM begun WHERE at_s < ?"


class Ledger:
    """The ledger in the file at `path`; a damaged file is set aside and replaced by a new one.

    Args:
        path: of the file.
        now_s: the present time by the wall clock, in seconds since 1970; only for a ledger of version 0.2.

    Raises:
        sqlite3.Error, OSError: it cannot be opened, or not be set aside; a sound one is left as it is.
    """

    def __init__(self, path: Path, now_s: float) -> None:
        try:
            self._file = _opened(path, now_s)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF not in DAMAGED:
                raise
            _set_aside(path)
            self._file = _opened(path, now_s)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def is_settled(self) -> bool:
        """Whether no order can come any more that an earlier ledger, which was lost, had seen."""
        return self._file.execute("SELECT 1 FROM settled").fetchone() is not None

    def settle(self) -> None:
        """Save that a bridge has run with this ledger for as long as a deadline can be away."""
        self._file.execute("INSERT OR IGNORE INTO settled VALUES (1)")

    @property
    def place(self) -> Place:
        """The place up to which the broker has all events; before the first event if nothing is known."""
        found = self._file.execute("SELECT log, id FROM place").fetchone()
        return Place(None, 0) if found is None else Place(*found)

    @place.setter
    def place(self, place: Place) -> None:
        self._file.execute("INSERT OR REPLACE INTO place VALUES (1, ?, ?)", place)

    def enter(self, who: str, number: str, now_s: float, meaning: str) -> bool:
        """Save that an order was seen, and what it meant; return False if it was seen before."""
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            change = self._file.execute("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, NULL)", (who, number, now_s))
            self._file.execute("INSERT OR IGNORE INTO meant VALUES (?, ?, ?)", (who, number, meaning))
        return change.rowcount == 1

    def meant(self, who: str, number: str) -> str | None:
        """Return what an order that was seen meant; None where a release wrote it down that kept no meanings."""
        found = self._file.execute("SELECT what FROM meant WHERE who = ? AND id = ?", (who, number)).fetchone()
        return None if found is None else str(found[0])

    def answered(self, who: str, answer: Answer) -> None:
        """Save the answer, for when the order comes again."""
        self._file.execute("UPDATE orders SET answer = ? WHERE who = ? AND id = ?", (written(answer), who, answer["id"]))

    def seen(self, who: str, number: str) -> bool:
        """Return whether that order was seen before."""
        return self._file.execute("SELECT 1 FROM orders WHERE who = ? AND id = ?", (who, number)).fetchone() is not None

    def answer(self, who: str, number: str) -> Answer | None:
        """Return the answer to an order; None if the bridge ended before it could answer."""
        found = self._file.execute("SELECT answer FROM orders WHERE who = ? AND id = ?", (who, number)).fetchone()
        return None if found is None or found[0] is None else opened(found[0].encode())  # type: ignore[return-value] # our own

    @property
    def shown(self) -> set[str]:
        """The topics on which the broker keeps something for Home Assistant."""
        return {topic for (topic,) in self._file.execute("SELECT topic FROM shown")}

    def show(self, topic: str) -> None:
        """Save that the broker is about to keep something on that topic."""
        self._file.execute("INSERT OR IGNORE INTO shown VALUES (?)", (topic,))

    def forget(self, topic: str) -> None:
        """Save that the broker keeps nothing on that topic any more."""
        self._file.execute("DELETE FROM shown WHERE topic = ?", (topic,))


def _set_aside(path: Path) -> None:
    """Rename the file and what belongs to it, and keep those that were set aside before."""
    names = (f"{path.name}.damaged{'' if count == 1 else f'.{count}'}" for count in itertools.count(1))
    name = next(name for name in names if not path.with_name(name).exists())
    for rest in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            path.with_name(f"{path.name}{rest}").rename(path.with_name(f"{name}{rest}"))


def _opened(path: Path, now_s: float) -> sqlite3.Connection:
    file = sqlite3.connect(path, isolation_level=None)
    try:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=FULL")
        file.executescript(SCHEMA)
        file.execute(_OF_0_2)
        file.execute(_HAS_SETTLED, (now_s - MOST_LATE_S,))
        file.execute("SELECT count(*) FROM orders, place, settled").fetchone()
    except sqlite3.DatabaseError:
        file.close()
        raise
    return file

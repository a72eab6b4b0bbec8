"""What must outlive the bridge, in SQLite: how far the log is with the broker, which orders were seen, what it shows to others.

An order is written down, through to the disk, before it is carried out. Without a ledger nobody knows which were: so one that is
new refuses orders until all that may have been seen before are over.
"""

import sqlite3
from pathlib import Path
from typing import Final

from wagman.bridges.fleet.payloads import Answer, opened, written
from wagman.client.following import Place

KEPT_S: Final = 7 * 86_400.0
"""For so long it is known which orders were seen (chosen: a thousand times their longest deadline)."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS begun (at_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), log TEXT, id INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS orders (who TEXT, id TEXT, at_s REAL NOT NULL, answer TEXT, PRIMARY KEY (who, id)) STRICT;
CREATE TABLE IF NOT EXISTS shown (topic TEXT PRIMARY KEY) STRICT;
"""


class Ledger:
    """The file at `path`; a damaged one is set aside, for a new one does less harm than none.

    Args:
        path: where it is.
        now_s: by the wall clock.
    """

    def __init__(self, path: Path, now_s: float) -> None:
        try:
            self._file = _opened(path)
        except sqlite3.DatabaseError:
            path.replace(path.with_name(f"{path.name}.damaged"))
            for rest in ("-wal", "-shm"):
                path.with_name(f"{path.name}{rest}").unlink(missing_ok=True)
            self._file = _opened(path)
        if self._file.execute("SELECT 1 FROM begun").fetchone() is None:
            self._file.execute("INSERT INTO begun VALUES (?)", (now_s,))
        self._file.execute("DELETE FROM orders WHERE at_s < ?", (now_s - KEPT_S,))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @property
    def begun_s(self) -> float:
        """When it was new, by the wall clock."""
        return float(self._file.execute("SELECT at_s FROM begun").fetchone()[0])

    @property
    def place(self) -> Place:
        """How far all of the log is there; before its first event where nothing is known."""
        found = self._file.execute("SELECT log, id FROM place").fetchone()
        return Place(None, 0) if found is None else Place(*found)

    @place.setter
    def place(self, place: Place) -> None:
        self._file.execute("INSERT OR REPLACE INTO place VALUES (1, ?, ?)", place)

    def enter(self, who: str, number: str, now_s: float) -> bool:
        """Write down that an order was seen; False where it was before."""
        change = self._file.execute("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, NULL)", (who, number, now_s))
        return change.rowcount == 1

    def answered(self, who: str, answer: Answer) -> None:
        """Keep what was answered, for when the order comes again."""
        self._file.execute("UPDATE orders SET answer = ? WHERE who = ? AND id = ?", (written(answer), who, answer["id"]))

    def seen(self, who: str, number: str) -> bool:
        """Whether that order came before."""
        return self._file.execute("SELECT 1 FROM orders WHERE who = ? AND id = ?", (who, number)).fetchone() is not None

    def answer(self, who: str, number: str) -> Answer | None:
        """What was answered to it; None where whoever carried it out has not lived to answer."""
        found = self._file.execute("SELECT answer FROM orders WHERE who = ? AND id = ?", (who, number)).fetchone()
        return None if found is None or found[0] is None else opened(found[0].encode())  # type: ignore[return-value] # our own

    @property
    def shown(self) -> set[str]:
        """The topics on which the broker keeps something for Home Assistant."""
        return {topic for (topic,) in self._file.execute("SELECT topic FROM shown")}

    def show(self, topic: str) -> None:
        """It is about to."""
        self._file.execute("INSERT OR IGNORE INTO shown VALUES (?)", (topic,))

    def forget(self, topic: str) -> None:
        """It does not any more."""
        self._file.execute("DELETE FROM shown WHERE topic = ?", (topic,))


def _opened(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, isolation_level=None)
    try:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=FULL")
        file.executescript(_SCHEMA)
        file.execute("SELECT count(*) FROM orders, place, begun").fetchone()
    except sqlite3.DatabaseError:
        file.close()
        raise
    return file

"""The tables, and how a file of an older version becomes one of this version.

`PRAGMA user_version` holds the version of a file: the number of migrations that it has been through. Migration n takes a
file from version n to n + 1, in one transaction together with the new number, so that a power cut leaves the one or
the other. A released migration is never edited: a change of the tables is another entry at the end.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from wagman.config.files import opened

Migration: TypeAlias = Sequence[str]

MIGRATIONS: Sequence[Migration] = (
    (
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE event (
            id INTEGER PRIMARY KEY,
            time TEXT NOT NULL,
            clock_set INTEGER NOT NULL,
            boot_id TEXT NOT NULL,
            mono_s REAL NOT NULL,
            type TEXT NOT NULL,
            device TEXT,
            cause INTEGER,
            fields TEXT NOT NULL
        )""",
        "CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    ),
)

NEWEST = {18: b"\x02", 47: b"\x04", 60: b"\x7f"}
"""Bytes of the file's header, by offset, with the greatest value of each (https://sqlite.org/fileformat2.html).

These are the formats for writing and of the tables, and the sign of the version. SQLite takes a file with a greater value for one
of a newer SQLite, and leaves it read-only or unread, or counts backwards; none of these errors tells of damage.
"""


def has_sound_header(path: Path) -> bool:
    """Whether SQLite can write to a file, or the file has no header yet; raises OSError, also for a pipe."""
    with opened(path) as file:
        header = file.read(max(NEWEST) + 1)
    return all(header[offset : offset + 1] <= most for offset, most in NEWEST.items())


def version_of(conn: sqlite3.Connection) -> int:
    """The schema version of a file; 0: a file without tables."""
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


def migrate(conn: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Take the file through the migrations that it lacks; raises the errors of SQLite."""
    for version in range(version_of(conn), len(migrations)):
        conn.execute("BEGIN IMMEDIATE")
        for statement in migrations[version]:
            conn.execute(statement)
        conn.execute(f"PRAGMA user_version = {version + 1}")
        conn.execute("COMMIT")


def tables(conn: sqlite3.Connection) -> list[tuple[str, str, str | None]]:
    """The definitions in a file, as they were written there."""
    return conn.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()


def is_intact(conn: sqlite3.Connection, migrations: Sequence[Migration]) -> bool:
    """Whether a file has exactly the definitions that the migrations make."""
    # SQLite's own check lets a misspelt column pass.
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh, migrations)
        return tables(conn) == tables(fresh)

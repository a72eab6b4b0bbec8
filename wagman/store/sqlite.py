"""The log and the lasting state in one SQLite file: synchronous, for one caller at a time.

Why these settings:

- **WAL with synchronous=FULL**: a commit is one sequential write and one sync, and what was committed survives a power
  cut. With NORMAL, acknowledged commits are lost in a power cut.
- **locking_mode=EXCLUSIVE**: no other process can hold a read transaction that keeps the write-ahead log from being
  written back, so that nobody's stuck reader makes it grow. It also does away with the shared-memory file, which
  cannot be made on a full disk: the lasting state can still be read there. Whoever wants to see a live log asks the service.
- **Every query is fetched whole**: no reader of our own stays open either.
"""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from attrs import asdict, astuple, define, field

from wagman.model.errors import FILE_TAKEN, StoreError
from wagman.store.aside import SetAside, leads_nowhere, make_directory, set_aside, sync_directory, with_suffix
from wagman.store.batch import COLUMNS, MARKS, Batch, Opened, Query
from wagman.store.event import Event, utc_now
from wagman.store.limits import Extent, Limits, page_count, transaction
from wagman.store.owner import barred_file, barred_words, entrust, entrust_file, is_at
from wagman.store.schema import MIGRATIONS, Migration, has_sound_header, is_intact, migrate, version_of

BUSY_S = 2.0
"""How long an opening waits for another process (chosen)."""

READ_ERRORS = 3
"""After this many read failures without a successful opening the file counts as damaged (chosen: a bad sector stays bad)."""

DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
READ_FAILURES = frozenset({sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_CORRUPTFS})
_TROUBLE = (sqlite3.Error, UnicodeDecodeError)  # the latter if SQLite's message quotes a damaged name
ADVICE = {
    sqlite3.SQLITE_FULL: "free some space there",
    sqlite3.SQLITE_BUSY: "another process has it open, and has to close it",
    sqlite3.SQLITE_READONLY: "make its file system writable",
    sqlite3.SQLITE_CANTOPEN: "check the directory and its permissions",
}


class HeldError(StoreError):
    """Another process has the file open; waiting for it may help."""


class BarredError(StoreError):
    """This process may not use the file; the error names the owner, and what to type."""


class _UnusableError(StoreError):
    """The service cannot go on with the file; `label` goes into the name that the file gets."""

    def __init__(self, label: str, reason: str) -> None:
        super().__init__(reason)
        self.label = label


@define(eq=False, repr=False)
class Store:
    """The file. Touches no disk before `open`, and a failed `open` can be tried again at any time.

    What touches the disk raises StoreError, whose text says what is wrong and what to do. A file that turns out to be
    damaged is closed; the next `open` sets it aside and begins a new log in its place.
    """

    path: Path
    limits: Limits
    new_log_id: Callable[[], str] = field(kw_only=True)
    now: Callable[[], datetime] = field(default=utc_now, kw_only=True)  # the time in the names of files that are set aside
    migrations: Sequence[Migration] = field(default=MIGRATIONS, kw_only=True)
    _conn: sqlite3.Connection | None = field(default=None, init=False)
    _opened: Opened | None = field(default=None, init=False)
    _held: Extent = field(default=Extent(), init=False)
    _files: tuple[int, ...] = field(default=(), init=False)  # the inodes of the opened files
    _log_id: str | None = field(default=None, init=False)
    _unusable: _UnusableError | None = field(default=None, init=False)
    _set_aside: tuple[SetAside, ...] = field(default=(), init=False)
    _read_errors: int = field(default=0, init=False)
    _severed: bool = field(default=False, init=False)

    def is_there(self) -> bool:
        """Whether there is a file with content, or may be one."""
        # A file that this process may not see counts as there; so does what is no file, or is behind a link that leads nowhere.
        # An empty file is left over when there was no room to begin a log.
        try:
            found = self.path.lstat()
            is_there = found.st_size > 0 or not stat.S_ISREG(found.st_mode)
        except (FileNotFoundError, NotADirectoryError):
            is_there = leads_nowhere(self.path)
        except OSError:
            return True
        return is_there or os.path.lexists(self._wal)

    @property
    def is_open(self) -> bool:
        """Whether a file is open; a file that can no longer be used closes itself."""
        return self._opened is not None

    # --- Opening and closing ------------------------------------------------------------------------------------------

    def open(self) -> Opened:
        """Open the file, or begin one; while it is open, return the same again."""
        if self._severed:
            raise StoreError("the store was severed")
        if self._opened is None:
            with self._explained("open"):
                self._opened = self._open_or_replace()
            self._set_aside, self._read_errors = (), 0
        return self._opened

    def close(self) -> None:
        """Write the write-ahead log back and close; does nothing when closed."""
        conn, self._conn, self._opened = self._conn, None, None
        if conn is not None:
            with suppress(sqlite3.Error):  # what was committed is safe even if it could not be written back
                conn.close()

    def sever(self) -> None:
        """Cut the store off for ever, as `kill -9` does: from now on nothing is committed.

        For the simulation, which runs the store inline and so never cuts a call in two. Closing moves what was
        committed from the write-ahead log to the database, and changes nothing else.
        """
        self._severed = True
        self.close()

    def _open_or_replace(self) -> Opened:
        try:
            return self._open()
        except (*_TROUBLE, _UnusableError) as error:
            self._judge(error)
            if self._unusable is None:
                raise
        return self._open()

    def _open(self) -> Opened:
        self._clear_the_place()
        self._make_file()
        if not has_sound_header(self.path):
            raise _UnusableError("damaged", "its header is not one that SQLite writes")
        conn = self._conn = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        conn.text_factory = _lenient_text
        self._set_up(conn)
        self._check(conn)
        migrate(conn, self.migrations)
        if not is_intact(conn, self.migrations):
            raise _UnusableError("damaged", "its tables are not defined as they were made")
        log_id, fresh = self._name_log(conn)
        self._held = self._compare(log_id, _extent(conn))
        self._log_id = log_id
        self._files = self._inodes()
        return Opened(log_id, self._held, dict(conn.execute("SELECT key, value FROM memory")), fresh, self._set_aside)

    def _clear_the_place(self) -> None:
        """Set aside a file that was found unusable before, or a write-ahead log alone, which SQLite would delete."""
        if self._unusable is None and _size(self.path) == 0 and _size(self._wal) > 0:
            self._unusable = _UnusableError("orphaned", "a write-ahead log without its database")
        if self._unusable is not None:
            path = set_aside(self.path, self._unusable.label, self.now())
            self._set_aside += (SetAside(path, str(self._unusable)),)
            self._unusable = None

    def _make_file(self) -> None:
        """Make a file if there is none, and keep it for its owner alone."""
        make_directory(self.path.parent)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            entrust(fd, self.path)
            if is_at(fd, self.path) and stat.S_IMODE(os.fstat(fd).st_mode) != 0o600:  # noqa: PLR2004 - its owner's only
                os.fchmod(fd, 0o600)
        finally:
            os.close(fd)
        sync_directory(self.path.parent)

    def _set_up(self, conn: sqlite3.Connection) -> None:
        conn.execute("PRAGMA locking_mode = EXCLUSIVE")  # before the first access, otherwise there is a shared-memory file
        if page_count(conn) == 0:
            conn.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table, otherwise never: later it would write
        conn.execute("PRAGMA journal_mode = WAL")
        entrust_file(self._wal)
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute(f"PRAGMA wal_autocheckpoint = {self.limits.wal_pages}")

    def _check(self, conn: sqlite3.Connection) -> None:
        version, known = version_of(conn), len(self.migrations)
        if version > known:
            raise _UnusableError("newer", f"it has schema version {version}, and this program knows {known}")
        if version == 0 and conn.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise _UnusableError("foreign", "it is a database of another program")
        found = conn.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _UnusableError("damaged", found)

    def _compare(self, log_id: str, held: Extent) -> Extent:
        """Refuse an older copy of the log that was open before."""
        # The ids that it lacks were shown already.
        if log_id == self._log_id and held.last_id < self._held.last_id:
            raise _UnusableError("outdated", f"it ends at event {held.last_id}, and had {self._held.last_id} before")
        return held

    def _name_log(self, conn: sqlite3.Connection) -> tuple[str, bool]:
        """The id of the log, and whether it was given just now."""
        row = conn.execute("SELECT value FROM meta WHERE key = 'log_id'").fetchone()
        if row is not None:
            return row[0], False
        log_id = self.new_log_id()
        conn.execute("INSERT INTO meta (key, value) VALUES ('log_id', ?)", (log_id,))
        return log_id, True

    # --- Writing ------------------------------------------------------------------------------------------------------

    def commit(self, batch: Batch) -> Extent:
        """Make a batch durable: all of it, or nothing. A batch that is there already is not written again."""
        # A commit whose end nobody saw is repeated; one that reported an error may still be found when the file is opened next.
        with self._explained("write to"):
            if not self._holds(self._connection(), batch):
                self._held = self._write(self._connection(), batch)
        return self._held

    def _holds(self, conn: sqlite3.Connection, batch: Batch) -> bool:
        """Whether a batch was written before.

        Raises:
            StoreError: its ids do not continue those of the file.
        """
        if not batch.events or batch.events[0].id == self._held.last_id + 1:
            return False
        rows = conn.execute(f"SELECT {COLUMNS} FROM event WHERE id >= ? ORDER BY id", (batch.events[0].id,)).fetchall()  # noqa: S608
        if rows and [Event(*row) for row in rows] == list(batch.events[-len(rows) :]):
            return True
        raise StoreError(f"event {batch.events[0].id} does not go on from {self._held.last_id}")

    def _write(self, conn: sqlite3.Connection, batch: Batch) -> Extent:
        self._check_files()
        self.limits.bound_wal(conn, self._wal)
        with transaction(conn):
            held = self.limits.make_room(conn, self._held, batch.pages())
            _insert(conn, batch)
            held = self.limits.drop_surplus(conn, Extent(held.first_id, held.last_id + len(batch.events)))
        self.limits.give_back(conn)
        return held

    def look(self) -> None:
        """Check that the file is still where the next start looks for it; raises StoreError if not."""
        # Without this nobody might find out for hours, if nothing is written.
        with self._explained("go on with"):
            if self.is_open:
                self._check_files()

    def _check_files(self) -> None:
        """Check that the open files are those that the next start will find; raises StoreError if not."""
        # The content of a deleted file ends with this process.
        if self._inodes() != self._files:
            self.close()
            raise StoreError(f"{FILE_TAKEN}; it is opened anew")

    # --- Reading ------------------------------------------------------------------------------------------------------

    def page(self, query: Query) -> list[Event]:
        """The events that a query asks for, oldest first."""
        with self._explained("read"):
            rows = self._connection().execute(query.sql(), asdict(query)).fetchall()
        found = [Event(*row) for row in rows]
        return found if query.forward else found[::-1]

    def chain(self, event_id: int, limit: int) -> list[Event]:
        """The event, its cause, the cause of that, and so on, as far as they are still there."""
        found: list[Event] = []
        with self._explained("read"):
            record = _event(self._connection(), event_id)
            while record is not None and len(found) < limit:
                found.append(record)
                record = _cause_of(self._connection(), record)
        return found

    # --- What goes wrong ----------------------------------------------------------------------------------------------

    @property
    def _wal(self) -> Path:
        return with_suffix(self.path, "-wal")

    def _inodes(self) -> tuple[int, ...]:
        return tuple(file.stat().st_ino for file in (self.path, self._wal) if file.exists())

    def _connection(self) -> sqlite3.Connection:
        if self._conn is None:
            raise StoreError("it is not open")
        return self._conn

    @contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        """Turn any error into StoreError, and close a file that cannot be used further."""
        try:
            yield
        except (*_TROUBLE, OSError, StoreError) as error:
            self._judge(error)
            raise self._told(f"cannot {verb} {self.path}: ", error) from error

    def _told(self, what: str, error: Exception) -> StoreError:
        """The error for the caller."""
        if _code(error) & 0xFF == sqlite3.SQLITE_BUSY:
            return HeldError(f"{what}{_explanation(error)}")
        barred = barred_file(self.path, self._wal)
        if barred is not None:
            return BarredError(f"{what}{_explanation(error)}; {barred_words(barred)}")
        return StoreError(f"{what}{_explanation(error)}")

    def _judge(self, error: Exception) -> None:
        """Close the file, unless the disk is merely full, and note what the next `open` has to do."""
        code = _code(error)
        if code in READ_FAILURES:
            self._read_errors += 1
        if isinstance(error, _UnusableError):
            self._unusable = error
        elif isinstance(error, UnicodeDecodeError) or code & 0xFF in DAMAGE or self._read_errors >= READ_ERRORS:
            self._unusable, self._read_errors = _UnusableError("damaged", str(error)), 0
        if code != sqlite3.SQLITE_FULL or not self.is_open:
            self.close()


def _code(error: Exception) -> int:
    """The extended result code of SQLite; 0: it is no error of SQLite."""
    return getattr(error, "sqlite_errorcode", 0)


def _explanation(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.strerror}; check the directory and its file system"
    advice = ADVICE.get(_code(error) & 0xFF)
    return f"{error}; {advice}" if advice else str(error)


def _lenient_text(stored: bytes) -> str:
    """The text, with replacements for what is no UTF-8."""
    # A flipped bit must not cost the page that it is on.
    return stored.decode("utf-8", "replace")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _extent(conn: sqlite3.Connection) -> Extent:
    first, last = conn.execute("SELECT min(id), max(id) FROM event").fetchone()
    return Extent(first, last) if last is not None else Extent()


def _insert(conn: sqlite3.Connection, batch: Batch) -> None:
    rows = [astuple(event, recurse=False) for event in batch.events]
    conn.executemany(f"INSERT INTO event ({COLUMNS}) VALUES ({MARKS})", rows)  # noqa: S608 - both are constants
    for key, value in batch.memory.items():
        if value is None:
            conn.execute("DELETE FROM memory WHERE key = ?", (key,))
        else:
            conn.execute("REPLACE INTO memory (key, value) VALUES (?, ?)", (key, value))


def _event(conn: sqlite3.Connection, event_id: int) -> Event | None:
    row = conn.execute(f"SELECT {COLUMNS} FROM event WHERE id = ?", (event_id,)).fetchone()  # noqa: S608 - a constant
    return None if row is None else Event(*row)


def _cause_of(conn: sqlite3.Connection, record: Event) -> Event | None:
    """The event that caused another; None: the log has none."""
    # A cause is earlier than its effect; anything else that a damaged row says would lead in circles.
    if record.cause is None or record.id is None or record.cause >= record.id:
        return None
    return _event(conn, record.cause)

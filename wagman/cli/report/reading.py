"""The source of the events: the service, page by page, or a file."""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, NamedTuple

from wagman.cli.boards import UNNAMED
from wagman.cli.outcome import USAGE, CommandError
from wagman.cli.progress import Progress
from wagman.cli.report.axis import Event
from wagman.cli.report.history import Row
from wagman.cli.status import is_left_alone
from wagman.client.blocking import Client
from wagman.model.shapes import Device, Status
from wagman.model.words import counted

PAGE = 1000
"""The largest page that the service gives."""

_DATABASE = b"SQLite format 3\0"
_COLUMNS = ("id", "time", "clock_set", "boot_id", "mono_s", "type", "device", "cause", "fields")


class ReportSource(NamedTuple):
    """Everything that a report is made from."""

    events: Sequence[Event]
    rows: Sequence[Row] = ()
    running_s: tuple[str, float] | None = None  # the boot id and the uptime of the service that was asked


def from_service(socket: str) -> ReportSource:
    """Read the whole log of the service, and the status at its end. Raises ClientError."""
    progress = Progress()
    with Client(socket) as client:
        try:
            events = list(_pages(client, progress))
        finally:
            progress.clear()
        status: Status = client.call("status")
    service = status["service"]
    return ReportSource(events, [row_of(row) for row in status["devices"]], (service["boot_id"], service["uptime_s"]))


def _pages(client: Client, progress: Progress) -> Iterator[Event]:
    since, taken = 0, 0
    while True:
        page = client.call("events", since=since, limit=PAGE)["events"]
        yield from page
        taken += len(page)
        if len(page) < PAGE or page[-1]["id"] is None:
            return
        progress.show(f"read so far: {counted(taken, 'event')}")
        since = page[-1]["id"]


def row_of(row: Device) -> Row:
    """Return what the status tells of a guest."""
    is_known = row["state"] != "stopped" or not is_left_alone(row)
    has_ears, is_self = bool(row.get("sources")), bool(row.get("self"))
    return Row(row["name"], row["state"], row.get("for_s"), row.get("board", UNNAMED), has_ears, is_self, is_known)


def from_file(path: str) -> ReportSource:
    """Read the events in a file: the output of `wagman events --json`, or a copy of the log, `wagman.db`.

    Raises:
        CommandError: there is no such file, it is neither, or it holds no event.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib is a heavy import
            head = file.read(len(_DATABASE))
        events = list(_rows_of(path) if head == _DATABASE else _lines_of(path))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", USAGE) from error
    except sqlite3.OperationalError as error:
        raise CommandError(f"{path}: {error}; a service that runs is asked without --log", USAGE) from error
    except (ValueError, RecursionError, sqlite3.Error) as error:
        raise CommandError(f"{path} is no log, nor what wagman events --json prints: {error}", USAGE) from error
    if not any(isinstance(event, dict) and isinstance(event.get("type"), str) for event in events):
        raise CommandError(f"{path} holds no event, as a log does, or what wagman events --json prints", USAGE)
    return ReportSource(events)


def _lines_of(path: str) -> Iterator[Event]:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as above
        for line in file:
            if line.strip():
                yield json.loads(line)


def _rows_of(path: str) -> Iterator[Event]:
    with _opened(path) as conn:
        conn.text_factory = lambda stored: stored.decode("utf-8", "replace")
        for row in conn.execute(f"SELECT {', '.join(_COLUMNS)} FROM event ORDER BY id"):  # noqa: S608 - our own words
            event: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
            if not event.pop("clock_set"):
                event["clock"] = "unset"
            event["fields"] = _fields(event["fields"])
            yield event


@contextmanager
def _opened(path: str) -> Iterator[sqlite3.Connection]:
    """Yield a connection that reads the file, and leaves nothing behind that was not there before."""
    path = os.path.realpath(path)
    index, exists = f"{path}-shm", os.path.exists
    # A file that stands alone is all there is. The log of a service that runs has its newest part beside it.
    stands_alone, had_index = not exists(f"{path}-wal") and not exists(f"{path}-journal"), exists(index)
    how = "immutable=1" if stands_alone else "mode=ro"
    try:
        with closing(sqlite3.connect(f"file:{_quoted(path)}?{how}", timeout=0, uri=True)) as conn:
            yield conn
    finally:
        if not stands_alone and not had_index:
            with suppress(OSError):
                os.unlink(index)  # noqa: PTH108 - as above


def _fields(text: Any) -> Any:
    """Decode the fields of an event. A damaged log costs the fields of that event only."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}


def _quoted(path: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - few need it

    return quote(path)

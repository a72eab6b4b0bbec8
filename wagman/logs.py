"""The service's log lines: one per event. For people on a terminal, otherwise one JSON object per line.

Lines for the journal begin with their priority, as sd-daemon(3) has it: `journalctl -p warning` finds what calls for attention.

Where they go may be full, gone, or read by nobody: a thread of their own waits for it, and what finds no room is counted.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from queue import Full, Queue
from typing import Self, TextIO, TypeAlias

from attrs import define, evolve, field

from wagman.event_types import Severity, severity_of
from wagman.store import Event

Words: TypeAlias = Callable[[Event], str]
"""The line for an event, with its end."""

MOST_WAITING = 1000
"""How many events wait for whoever takes the lines (chosen: many minutes of a busy node, and under 1 MB)."""

FLUSH_S = 1.0
"""How long the end of the process waits for what is left to be taken (chosen)."""

ERROR = 3
"""The priority, as syslog numbers them, of why the service ends."""

PRIORITIES: Mapping[Severity, int] = {"critical": 2, "warning": 4, "info": 6}
"""Those of events."""


def is_journal(stream: TextIO) -> bool:
    """Whether the stream leads straight to the journal: systemd names the device and inode of its end (systemd.exec(5))."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def complain(text: str) -> None:
    """Say on standard error why the service ends."""
    mark = f"<{ERROR}>" if is_journal(sys.stderr) else ""
    with suppress(OSError):  # nobody may take that: the exit code tells all the same
        sys.stderr.write("".join(f"{mark}wagman: {line}\n" for line in text.splitlines()))


def words_for(stream: TextIO) -> Words:
    """How an event is told on `stream`."""
    return _for_people() if stream.isatty() else _for_programs(is_marked=is_journal(stream))


def _severity(event: Event) -> Severity:
    return severity_of(event.type, event.fields)


def _for_programs(*, is_marked: bool) -> Words:
    """The whole event; the type comes first, for lines are read from the left."""

    def words(event: Event) -> str:
        known = event.as_json()
        line = json.dumps({"type": event.type, "device": event.device, "fields": known["fields"], **known}, default=str)
        mark = f"<{PRIORITIES[_severity(event)]}>" if is_marked else ""
        return f"{mark}{line}\n"

    return words


def _for_people() -> Words:
    """What a person asks for: no ids of runs."""
    import structlog  # noqa: PLC0415 - a fifth of the start-up time and 5 MB, which only a terminal pays

    render = structlog.dev.ConsoleRenderer(colors=True)

    def words(event: Event) -> str:
        level = _severity(event)
        clock = datetime.fromisoformat(event.time).astimezone().strftime("%H:%M:%S")
        shown = {**event.fields, "event": event.type, "level": level, "timestamp": clock}
        return f"{render(None, level, shown | ({'device': event.device} if event.device else {}))}\n"

    return words


# --- Where they go ----------------------------------------------------------------------------------------------------


@define(eq=False)
class Log:
    """The lines on their way. To tell an event neither waits nor raises, whatever becomes of its line."""

    _words: Words
    _write: Callable[[memoryview], int]
    _encoding: str = "utf-8"
    _queue: "Queue[tuple[int, Event | None]]" = field(factory=lambda: Queue(MOST_WAITING), init=False)
    _untold: int = field(default=0, init=False)  # found no room in the queue since one last did
    _unwritten: int = field(default=0, init=False)  # the thread's: were not taken since one last was
    _is_torn: bool = field(default=False, init=False)  # the thread's: the last line to be written has no end
    _thread: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        # A daemon: where it waits for somebody who takes nothing, the process ends all the same.
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __call__(self, event: Event) -> None:
        """Have an event told."""
        try:
            self._queue.put_nowait((self._untold, event))
        except Full:
            self._untold += 1
        else:
            self._untold = 0

    def close(self) -> None:
        """Wait for what is left to be taken, but not for long."""
        due_s = time.monotonic() + FLUSH_S
        with suppress(Full):
            self._queue.put((self._untold, None), timeout=FLUSH_S)
            self._thread.join(max(due_s - time.monotonic(), 0.0))

    # --- The thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            untold, event = self._queue.get()
            if event is None:
                return
            missing = self._unwritten + untold
            text = (self._words(_notice(event, missing)) if missing else "") + self._words(event)
            self._unwritten = 0 if self._is_taken(text) else missing + 1

    def _is_taken(self, text: str) -> bool:
        """Write it; whether all of it was. A line that a full disk has cut off is ended before the next one."""
        data = (("\n" if self._is_torn else "") + text).encode(self._encoding, "backslashreplace")
        left = memoryview(data)
        with suppress(OSError, ValueError):
            while left:
                left = left[self._write(left) :]
        if len(left) < len(data):
            self._is_torn = bool(left)
        return not left


def _notice(event: Event, missing: int) -> Event:
    """What is told instead of the lines before that of `event`; as it is in no log, it has no id."""
    return evolve(event, id=None, type="service.lines_lost", device=None, cause=None, fields={"lines": missing})


def standard_log() -> Log:
    """The service's: on standard output."""

    def write(data: memoryview) -> int:
        return os.write(sys.stdout.fileno(), data)

    return Log(words_for(sys.stdout), write, sys.stdout.encoding)

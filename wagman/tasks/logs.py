"""The service's log lines: one per event. The journal gets fields, people on a terminal a sentence, anything else JSON.

Plain lines for the journal begin with their priority, as sd-daemon(3) has it.

Whoever reads the lines may be slow or gone. Therefore a thread of its own writes them, and events that find no room are counted.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from queue import Full, Queue
from typing import Literal, Self, TextIO, TypeAlias

from attrs import define, evolve, field

from wagman.model.catalogue import sentence_of, severity_of
from wagman.model.words import plain, user_name
from wagman.store import Event
from wagman.tasks.journald import SOCKET, Journald, priority_of

Words: TypeAlias = Callable[[Event], str]
"""Makes the line of an event, with its line end."""

Form: TypeAlias = Literal["auto", "json", "text"]
"""The form of the lines; *auto*: the journal gets fields, a terminal text, anything else JSON."""

MOST_WAITING = 1000
"""How many events wait for the writing thread (chosen: many minutes of a busy node, and under 1 MB)."""

FLUSH_S = 1.0
"""How long the end of the process waits for the last lines to be written (chosen)."""

ERROR = 3
"""The priority of the line that says why the service ends, as syslog numbers them."""


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
    with suppress(OSError):  # if nobody takes it, the exit code still tells
        sys.stderr.write("".join(f"{mark}wagman: {line}\n" for line in text.splitlines()))


def words_for(stream: TextIO, form: Form = "auto") -> Words:
    """The function that makes the line of an event for `stream`."""
    is_for_people = form == "text" or (form == "auto" and stream.isatty())
    words = _for_people(has_colors=stream.isatty()) if is_for_people else _for_programs
    return _marked(words) if is_journal(stream) else words


def _marked(words: Words) -> Words:
    """The same lines, each with its priority in front, for a journal."""
    return lambda event: f"<{priority_of(event)}>{words(event)}"


def _for_programs(event: Event) -> str:
    """The whole event as JSON; the type comes first, because lines are read from the left."""
    known = event.as_json()
    line = json.dumps({"type": event.type, "device": event.device, "fields": known["fields"], **known}, default=str)
    return f"{line}\n"


def _for_people(*, has_colors: bool) -> Words:
    """A function that makes the line for people: when, how grave, and what happened."""
    import structlog  # noqa: PLC0415 - a fifth of the start-up time and 5 MB, which only a terminal pays

    render = structlog.dev.ConsoleRenderer(colors=has_colors)

    def words(event: Event) -> str:
        clock = datetime.fromisoformat(event.time).astimezone().strftime("%H:%M:%S")
        shown = {
            "event": plain(sentence_of(event.as_json(), user_name)),
            "level": severity_of(event.type, event.fields),
            "timestamp": clock,
        }
        return f"{render(None, 'log', shown)}\n"

    return words


# --- Where they go ----------------------------------------------------------------------------------------------------


@define(eq=False, repr=False)
class Lines:
    """A place that takes events as lines of text, such as standard output."""

    _words: Words
    _write: Callable[[memoryview], int]
    _encoding: str = "utf-8"
    _is_torn: bool = field(default=False, init=False)  # the last line that was written has no end

    def __call__(self, event: Event) -> bool:
        """Write the line of an event; returns whether all of it was written.

        A line that a full disk has cut off is ended before the next one.
        """
        data = (("\n" if self._is_torn else "") + self._words(event)).encode(self._encoding, "backslashreplace")
        left = memoryview(data)
        with suppress(OSError, ValueError):
            while left:
                left = left[self._write(left) :]
        if len(left) < len(data):
            self._is_torn = bool(left)
        return not left


@define(eq=False, repr=False)
class Log:
    """The queue of events for the writing thread. Handing in an event neither waits nor raises, whatever becomes of its line.

    Args:
        take: writes an event, and may take long; returns whether it was written.
    """

    _take: Callable[[Event], bool]
    _queue: "Queue[tuple[int, Event | None]]" = field(factory=lambda: Queue(MOST_WAITING), init=False)
    _untold: int = field(default=0, init=False)  # events that found no room since one last did
    _unwritten: int = field(default=0, init=False)  # of the thread: events that could not be written since one last was
    _thread: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        # A daemon thread: the process can end even if the thread waits for a reader.
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __call__(self, event: Event) -> None:
        """Hand in an event."""
        try:
            self._queue.put_nowait((self._untold, event))
        except Full:
            self._untold += 1
        else:
            self._untold = 0

    def close(self) -> None:
        """Wait up to `FLUSH_S` for the last lines to be written."""
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
            if missing and self._take(_notice(event, missing)):
                missing = 0
            self._unwritten = 0 if not missing and self._take(event) else missing + 1


def _notice(event: Event, missing: int) -> Event:
    """The event that replaces lost lines, told before that of `event`. It is in no log, and so has no id."""
    return evolve(event, id=None, type="service.lines_lost", device=None, cause=None, fields={"lines": missing})


def standard_log(form: Form = "auto", socket: str = SOCKET) -> Log:
    """The log of the service: the journal, if standard output leads there; else standard output."""
    way = Journald(socket)
    is_native = form == "auto" and is_journal(sys.stdout) and way.is_open()
    return Log(way if is_native else _standard_lines(form))


def _standard_lines(form: Form) -> Lines:
    def write(data: memoryview) -> int:
        return os.write(sys.stdout.fileno(), data)

    return Lines(words_for(sys.stdout, form), write, sys.stdout.encoding)

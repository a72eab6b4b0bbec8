"""The service's log lines: one per event. For people on a terminal, otherwise one JSON object per line.

Lines for the journal begin with their priority, as sd-daemon(3) has it: `journalctl -p warning` finds what calls for attention.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from typing import TextIO

from wagman.store import Event

WARNINGS = (
    *("failed", "lost", "stuck", "unrecoverable", "abnormal", "unknown", "brownout", "silent", "damaged", "unavailable"),
    *("config_refused", "unfed", "going_down"),
)
"""Parts of event types that call for attention."""

ERROR, WARNING, INFO = 3, 4, 6
"""Priorities as syslog numbers them."""


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
    sys.stderr.write("".join(f"{mark}wagman: {line}\n" for line in text.splitlines()))


def event_logger(stream: TextIO) -> Callable[[Event], None]:
    """What writes an event as a line on `stream`."""
    return _for_people(stream) if stream.isatty() else _for_programs(stream)


def _is_warning(event: Event) -> bool:
    return any(word in event.type for word in WARNINGS)


def _for_programs(stream: TextIO) -> Callable[[Event], None]:
    """The whole event; the type comes first, for lines are read from the left."""
    is_marked = is_journal(stream)

    def write(event: Event) -> None:
        known = event.as_json()
        line = json.dumps({"type": event.type, "device": event.device, "fields": known["fields"], **known}, default=str)
        mark = f"<{WARNING if _is_warning(event) else INFO}>" if is_marked else ""
        stream.write(f"{mark}{line}\n")
        stream.flush()

    return write


def _for_people(stream: TextIO) -> Callable[[Event], None]:
    """What a person asks for: no ids of runs."""
    import structlog  # noqa: PLC0415 - a fifth of the start-up time and 5 MB, which only a terminal pays

    logger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=True),
        ],
    )

    def write(event: Event) -> None:
        device = {"device": event.device} if event.device else {}
        logger.log(logging.WARNING if _is_warning(event) else logging.INFO, event.type, **device, **event.fields)

    return write


def standard_logger() -> Callable[[Event], None]:
    """The service's: on standard output."""
    return event_logger(sys.stdout)

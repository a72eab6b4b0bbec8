"""The service's log lines: one per event. For people on a terminal, otherwise one JSON object per line.

Lines for the journal begin with their priority, as sd-daemon(3) has it: `journalctl -p warning` finds what calls for attention.
"""

import logging
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

import structlog

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
    logger = structlog.wrap_logger(structlog.PrintLogger(stream), processors=_processors(stream))

    def write(event: Event) -> None:
        fields = {key: value for key, value in event.as_json().items() if key not in ("type", "device", "fields")}
        level = logging.WARNING if any(word in event.type for word in WARNINGS) else logging.INFO
        logger.log(level, event.type, **_shown(stream, event, fields))

    return write


def _shown(stream: TextIO, event: Event, fields: dict[str, Any]) -> dict[str, Any]:
    """A person needs no ids of runs; a program gets the whole event."""
    if not stream.isatty():
        return {"device": event.device, "fields": dict(event.fields), **fields}
    device = {"device": event.device} if event.device else {}
    return {**device, **event.fields}


def _processors(stream: TextIO) -> list[Any]:
    if is_journal(stream):
        return [_type_first, _with_priority]
    if not stream.isatty():
        return [_type_first, _as_json]
    return [
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=stream.isatty()),
    ]


def _type_first(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Lines are read from the left."""
    return {"type": event.pop("event"), **event}


_as_json = structlog.processors.JSONRenderer(default=str)


def _with_priority(logger: object, method: str, event: dict[str, Any]) -> str:
    priority = WARNING if method == "warning" else INFO
    return f"<{priority}>{_as_json(logger, method, event)!s}"


def standard_logger() -> Callable[[Event], None]:
    """The service's: on standard output."""
    return event_logger(sys.stdout)

"""The service's log lines: one per event. For people on a terminal, otherwise one JSON object per line."""

import sys
from collections.abc import Callable
from typing import Any, TextIO

import structlog

from wagman.store import Event

WARNINGS = ("failed", "lost", "stuck", "unrecoverable", "abnormal", "unknown", "brownout", "silent", "damaged", "unavailable")
"""Parts of event types that call for attention."""


def event_logger(stream: TextIO) -> Callable[[Event], None]:
    """What writes an event as a line on `stream`."""
    logger = structlog.wrap_logger(structlog.PrintLogger(stream), processors=_processors(stream))

    def write(event: Event) -> None:
        fields = {key: value for key, value in event.as_json().items() if key not in ("type", "fields")}
        level = "warning" if any(word in event.type for word in WARNINGS) else "info"
        logger.log(_LEVELS[level], event.type, **_shown(stream, event, fields))

    return write


_LEVELS = {"info": 20, "warning": 30}


def _shown(stream: TextIO, event: Event, fields: dict[str, Any]) -> dict[str, Any]:
    """A person needs no ids of runs; a program gets the whole event."""
    if not stream.isatty():
        return {**fields, "fields": dict(event.fields)}
    device = {"device": event.device} if event.device else {}
    return {**device, **event.fields}


def _processors(stream: TextIO) -> list[Any]:
    if not stream.isatty():
        return [_type_first, structlog.processors.JSONRenderer(default=str)]
    return [
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=stream.isatty()),
    ]


def _type_first(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Lines are read from the left."""
    return {"type": event.pop("event"), **event}


def standard_logger() -> Callable[[Event], None]:
    """The service's: on standard output."""
    return event_logger(sys.stdout)

"""The checks of the clock: its time, and whether anybody keeps it right.

The service does not need that; readers of its log do.
"""

import ctypes
import struct
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import wagman
from wagman.doctor.found import Found

MOST_ERROR_US = 16_000_000
"""The error from which on the clock counts as unsynchronised, in microseconds (systemd: an adjtimex(2) beyond it)."""

SLACK_S = 60.0
"""By how much the last event may be later than now (chosen: clocks are set in steps)."""

SET = "have it set: timedatectl shows whether it is synchronised, and by whom"

_TIMEX = struct.Struct("@i4li")
"""The beginning of `struct timex`: modes, offset, freq, maxerror, esterror, status (Linux)."""

_TIMEX_BYTES = 512
"""More bytes than the structure has anywhere."""


def clock(last_event: str | None) -> Iterator[Found]:
    """Yield the results of all checks; `last_event` is the time of the last event in the log, in RFC 3339."""
    yield told(time.time(), Path(wagman.__file__).stat().st_mtime, last_event)
    yield kept(synchronised())


def told(now_s: float, built_s: float, last_event: str | None) -> Found:
    """Check that the clock is not earlier than this program or the last event; times are in seconds since 1970."""
    shown = f"{datetime.fromtimestamp(now_s, UTC):%Y-%m-%d %H:%M} UTC"
    if now_s < built_s:
        return Found("clock", "wrong", f"this computer's clock shows {shown}, which was before this program was installed", SET)
    if last_event is not None and (last_s := _seconds(last_event)) is not None and last_s > now_s + SLACK_S:
        return Found("clock", "warning", f"this computer's clock shows {shown}, and the last event is of {last_event}", SET)
    return Found("clock", "ok", f"this computer's clock shows {shown}")


def kept(is_synchronised: bool | None) -> Found:  # noqa: FBT001 - it is what was found
    """Check that somebody keeps the clock right."""
    if is_synchronised is None:
        return Found("ntp", "unknown", "whether the clock is synchronised cannot be seen from here")
    if not is_synchronised:
        return Found("ntp", "warning", "nobody keeps this computer's clock right: times in the log drift", SET)
    return Found("ntp", "ok", "the clock is synchronised")


def synchronised() -> bool | None:
    """Return whether the kernel takes its clock for synchronised, by any program; None if it does not tell."""
    try:
        kept = ctypes.create_string_buffer(_TIMEX_BYTES)
        state = ctypes.CDLL(None).adjtimex(kept)
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    return bool(_TIMEX.unpack_from(kept)[3] < MOST_ERROR_US)


def _seconds(stamp: str) -> float | None:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError):
        return None

"""The reasons not to begin a drill: it would harm, or prove nothing. No I/O."""

from collections.abc import Container, Iterator
from itertools import chain

from wagman.cli.boards import board_of, in_words
from wagman.cli.drill.steps import RESTS
from wagman.model.shapes import Device, Status

NEEDS = ("maintenance",)
"""The methods that the service must have, so that a drill can be called off."""


def why_not(status: Status, name: str, methods: Container[str]) -> str:
    """Return the first reason not to begin a drill; an empty text where there is none."""
    row = next(row for row in status["devices"] if row["name"] == name)
    return next(chain(_of_service(status, methods), _of_guest(row, status), _of_others(row, status)), "")


def _of_service(status: Status, methods: Container[str]) -> Iterator[str]:
    if any(each not in methods for each in NEEDS):
        yield "this service is older, and could not be kept from cutting a guest that does not halt"
    if status["wagman"]["state"] in RESTS:
        yield "the guests are being taken down, or are kept down: it would not be started again"


def _of_guest(row: Device, status: Status) -> Iterator[str]:
    board = board_of(row, status)
    if row["self"]:
        yield "it is the computer that the service runs on"
    elif row["state"] != "started" or row["wanted"] != "up":
        yield f"it is {row['state']}: a drill is for a guest that runs, and is to run"
    elif not row["has_shutdown"]:
        yield "it has no shutdown command: its power would be cut while it runs"
    elif row["command_trouble"] is not None:
        yield f"it cannot be asked to halt: {row['command_trouble']}"
    elif board["blind"] or row["stale"]:
        yield f"{in_words(board)} cannot be seen: nobody could tell whether it has halted"
    elif row["heartbeat_age_s"] is None:
        yield "it is not heard: nobody could tell when it has halted"
    elif any(alarm["name"] == "stable" for alarm in row["alarms"]):
        yield "it has not been up for long yet: nobody knows whether it stays up"


def _of_others(row: Device, status: Status) -> Iterator[str]:
    for problem in status["problems"]:
        if problem["severity"] == "critical" or problem["device"] == row["name"]:
            yield f"something else is wrong already: {problem['text']}"
    for other in status["devices"]:
        if other["state"] not in ("started", "stopped", "maintenance") and other["name"] != row["name"]:
            yield f"{other['name']} is {other['state']}: one at a time"

"""What keeps a device from starting, and what comes next: what did not happen needs a reason, too. No I/O."""

from collections.abc import Iterator, Mapping
from typing import Any

from wagman.words import duration, ordinal, reading

Row = Mapping[str, Any]
Status = Mapping[str, Any]

_NEXT = {
    "starting": {"timeout": "given up, and its power cut, unless it is heard"},
    "will_stop": {"timeout": "its power is cut, unless it is heard and can be asked to halt"},
    "started": {"heartbeat": "taken for hung, and asked to halt, unless it is heard"},
    "stopping": {"heartbeat": "its power is cut if it stays silent", "timeout": "its power is cut even if it does not halt"},
    "restarting": {"heartbeat": "its power is cut if it stays silent", "timeout": "its power is cut even if it does not halt"},
}
"""For each state what its alarms lead to."""

UNPROVED = "put off, because silence is proved only by a board that was seen and listened all the time"


def obstacle(row: Row, status: Status) -> str | None:
    """Why a device that is stopped is not being started; None for one that is not stopped."""
    return next(_obstacles(row, status)) if row["state"] == "stopped" else None


def _obstacles(row: Row, status: Status) -> Iterator[str]:
    """All that is in the way, what has to be removed first coming first."""
    if not row["enabled"]:
        yield "it is disabled: wagman enable allows it again"
    if row["wanted"] == "down":
        yield "nobody wants it up: wagman start starts it"
    if row.get("held"):
        yield "it is held off after brownouts: wagman start gives it a fresh try"
    yield from _around(status)
    yield from _due(row)
    yield _turn(status["wagman"])


def _around(status: Status) -> Iterator[str]:
    """What is in the way of every device."""
    board, wagman = status["board"], status["wagman"]
    if wagman["state"] in ("will_hibernate", "hibernating"):
        yield f"hibernating{_sensed(board, 'high', 'low')}: wagman start --force starts it all the same"
    if board["link"] != "up":
        yield ": ".join(filter(None, ("the link to the board is down", board.get("reason"))))
    if board["blind"]:
        yield "the board does not answer"
    if cold := _sensed(board, "low"):
        yield f"too cold for a start by itself{cold}: wagman start starts it all the same"
    unjudged = any(sensor["state"] == "unknown" for sensor in board["sensors"].values())
    if unjudged and (wait_s := _in_s(wagman, "first_verdict")) is not None:
        yield f"the enclosure has yet to be judged, which takes {duration(wait_s)} at most"


def _sensed(board: Mapping[str, Any], *states: str) -> str:
    """The sensors in these states, in brackets; nothing, where there are none."""
    found = [
        f"{reading(name, each['value'])}, {each['state']}" for name, each in board["sensors"].items() if each["state"] in states
    ]
    return f" ({'; '.join(found)})" if found else ""


def _due(row: Row) -> Iterator[str]:
    if (wait_s := _in_s(row, "adopt")) is not None:
        yield f"its power is left alone until it is known whether it runs, which takes {duration(wait_s)} at most"
    if row["next_start_in_s"] is not None:
        failed = f", {ordinal(row['failures'])} failed start in a row" if row["failures"] else ""
        yield f"next try in {duration(row['next_start_in_s'])}{failed}"


def _turn(wagman: Mapping[str, Any]) -> str:
    return f"it waits for its turn, after {wagman['device']}" if wagman["device"] else "it waits for its turn"


def _in_s(machine: Mapping[str, Any], alarm: str) -> float | None:
    """When this alarm of a machine is due, in seconds."""
    return next((each["in_s"] for each in machine["alarms"] if each["name"] == alarm), None)


def coming(row: Row) -> Iterator[str]:
    """What happens next if nothing else does. That a healthy guest may hang one day is nothing that is coming."""
    ends = _NEXT.get(row["state"], {})
    for alarm in row["alarms"]:
        what = ends.get(alarm["name"])
        if what is not None and alarm["held"]:
            yield f"{what}; {UNPROVED}"
        elif what is not None and row["state"] != "started":
            yield f"{what}, in {duration(alarm['in_s'])}"

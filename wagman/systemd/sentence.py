"""The state in one line, which `systemctl status` shows of the service."""

from collections.abc import Iterator, Sequence

from wagman.model.shapes import Board, Device, Status

MOST_PROBLEMS = 3
"""How many problems are told in words, the worst; the others are counted (chosen: it is one line)."""


def sentence(status: Status) -> str:
    """Return the problems, the scheduler's state, the boards, and the state of each guest."""
    parts = [*_problems(status), _words(status["wagman"]["state"]), *_boards(status["boards"]), _devices(status["devices"])]
    return "; ".join(part for part in parts if part)


def _problems(status: Status) -> Iterator[str]:
    told = status["problems"]
    for problem in told[:MOST_PROBLEMS]:
        yield f"{problem['severity'].upper()}: {problem['text']}"
    if len(told) > MOST_PROBLEMS:
        yield f"{len(told) - MOST_PROBLEMS} more: wagman status"


def _boards(boards: Sequence[Board]) -> Iterator[str]:
    """Yield each board in words; of many, those that are seen are counted."""
    unseen = [board for board in boards if board["link"] == "down" or board["blind"]]
    if len(boards) > MOST_PROBLEMS:
        yield f"{len(boards) - len(unseen)} of {len(boards)} boards up"
    yield from map(_board, boards if len(boards) <= MOST_PROBLEMS else unseen[:MOST_PROBLEMS])


def _board(board: Board) -> str:
    name = "board" if board["name"] == "board" else f"board {board['name']}"
    if board["link"] == "down":
        return f"{name} link down ({board['device']})"
    if board["blind"]:
        return f"{name} silent"
    sensor = board["sensors"].get("temperature_c")
    return f"{name} up" if sensor is None or sensor["value"] is None else f"{name} up, {sensor['value']:.0f} C"


def _devices(rows: Sequence[Device]) -> str:
    return ", ".join(_device(row) for row in rows)


def _device(row: Device) -> str:
    """Return words such as `gn starting (attempt 2, sd)`."""
    remarks = ", ".join(_remarks(row))
    state = "this controller" if row["self"] else _words(row["state"])
    return f"{row['name']} {state}{f' ({remarks})' if remarks else ''}"


def _remarks(row: Device) -> list[str]:
    if row["self"]:
        return []
    remarks = ["disabled"] if not row["enabled"] else []
    if row["state"] == "starting":
        remarks += [f"attempt {row['attempts']}"] if row["attempts"] > 1 else []
        remarks += [row["media"]] if row["media"] else []
    elif row["state"] == "stopped" and row["enabled"]:
        remarks += (
            ["locked out after brownouts"] if row["held"] else ["wanted down"] if row["wanted"] == "down" else ["wanted up"]
        )
    return remarks if row["power"]["confirmed"] or row["state"] == "maintenance" else [*remarks, "power unconfirmed"]


def _words(name: str) -> str:
    return name.replace("_", " ")

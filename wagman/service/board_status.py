"""What the service shows of a board and of the enclosure: a part of the result of the control interface's `status`."""

from wagman.config.enclosure import SENSORS
from wagman.fsm.environment import Environment
from wagman.io.board.task import Board
from wagman.model import shapes
from wagman.service.problems import Unseen
from wagman.service.status import Now, age_s
from wagman.tasks.moments import Beginning


def board_status(board: Board, environment: Environment, since: Beginning, now: Now) -> shapes.Board:
    """The row of a board in the status, with the way to it.

    `environment` has the judged sensors; it has none for a board whose sensors are not those of the enclosure. `since` is when
    the link to the board came to be as it is.
    """
    identity = board.shown.identity
    return {
        "name": board.name,
        "kind": board.wiring.board.kind,
        "link": "up" if board.is_up else "down",
        "dialect": board.shown.dialect,
        "device": board.wiring.board.address,
        "firmware": identity.firmware if identity else None,
        "board_id": identity.board_id if identity else None,
        "boots": identity.counted if identity else None,
        "since": since.wall,
        "for_s": since.for_s(now.stamp),
        "reason": unseen_reason(board),
        "blind": board.blind,
        "last_answer_age_s": age_s(board.answered_s, now.s),
        "sensors": {name: _sensor(name, board, environment, now.s) for name in (SENSORS if board.wiring.board.measures else ())},
    }


def unseen_reason(board: Board) -> str | None:
    """Return the reason why the board cannot be seen; None while it can be, and before anybody has looked for it."""
    return board.down_reason or board.silent_reason


def unseen(board: Board) -> Unseen:
    """Return the reasons why a board cannot be seen, one for each thing that may be in the way."""
    return Unseen(board.down_reason, board.silent_reason, board.unsteady_reason)


def _sensor(name: str, board: Board, environment: Environment, now_s: float) -> shapes.Sensor:
    """The row of a sensor.

    `value` is None, and `state` unknown, once the reading is older than `stale_s` or the board is blind.
    """
    value, at_s = board.shown.sensors.get(name, (None, None))
    is_known = not board.blind and at_s is not None and now_s - at_s <= environment.config.stale_s
    last, judged = None if value is None else round(value, 2), environment.sensors.get(name)
    known = last if is_known else None
    state = "unknown" if known is None else judged.state if judged else "normal"
    return {"value": known, "last": last, "age_s": age_s(at_s, now_s), "state": state}

"""What keeps a guest from starting, and what comes next, in words. No I/O."""

from collections.abc import Iterator

from wagman.cli.boards import UNNAMED, board_of, in_words, sensors_of
from wagman.cli.status import order_words, term_s
from wagman.model.shapes import Alarm, Device, Problem, Status, Wagman
from wagman.model.words import duration, enumerated, reading

_NEXT = {
    "starting": {"timeout": "given up, and its power cut, unless it is heard"},
    "will_stop": {"timeout": "its power is cut, unless it is heard and can be asked to halt"},
    "started": {"heartbeat": "taken for hung, and asked to halt, unless it is heard"},
    "stopping": {"heartbeat": "its power is cut if it stays silent", "timeout": "its power is cut even if it does not halt"},
    "restarting": {"heartbeat": "its power is cut if it stays silent", "timeout": "its power is cut even if it does not halt"},
}
"""What happens in each state when a timer is up."""

UNHEARD = "put off, until the board has listened long enough to show that it is silent"
UNASKED = "put off, until the board answers"
PROBE = "wagman probe asks both once"
NOT_SEEN = "put off: while the board is not seen, nobody can tell whether it is alive"


def unseen(row: Device, status: Status) -> str | None:
    """Return for how long the guest's board has not been seen, in a sentence; None while the board is seen."""
    board = board_of(row, status)
    if board["link"] == "up" and not board["blind"]:
        return None
    age_s = board["last_answer_age_s"]
    ago = "since the service came up" if age_s is None else f"for {duration(age_s)}"
    return f"nobody has seen {in_words(board)} {ago}: all that is shown of it is from before"


def troubles(row: Device, status: Status) -> Iterator[str]:
    """Yield the problems that concern this guest, with what to do."""
    for problem in status.get("problems", ()):
        if problem["device"] == row["name"] or _unseen(problem, row) or _keeps_down(problem, row):
            yield f"{problem['text']}: {problem['do']}"


def _unseen(problem: Problem, row: Device) -> bool:
    """Whether the problem is that the guest's board cannot be seen."""
    return problem["id"] == f"link:{row.get('board', UNNAMED)}"


def _keeps_down(problem: Problem, row: Device) -> bool:
    """Whether the problem keeps the guest down: nobody knows whether an operator stopped it, so what is off stays off."""
    return bool(problem["id"] == "memory" and problem["severity"] == "critical" and row["state"] == "stopped")


def obstacle(row: Device, status: Status) -> str | None:
    """Return why a stopped guest is not being started; None for a guest that is not stopped."""
    return next(_obstacles(row, status)) if row["state"] == "stopped" else None


def _obstacles(row: Device, status: Status) -> Iterator[str]:
    """Yield all obstacles to a start, in the order in which they have to be removed."""
    if row.get("disabled_by") == "configuration":
        yield "its table in the configuration says enabled = false: change that, then systemctl reload wagman"
    if not row["enabled"]:
        yield "it is disabled: wagman enable allows it again"
    if (left_s := term_s(row)) is not None:
        yield f"it was stopped for a while, and is to run again in {duration(left_s)}: wagman start starts it now"
    elif row["wanted"] == "down":
        yield "nobody wants it up: wagman start starts it"
    if row.get("held"):
        yield "it is locked out after brownouts: wagman start gives it a fresh try"
    yield from _around(row, status)
    if any(_keeps_down(problem, row) for problem in status.get("problems", ())):
        yield "nobody can read whether somebody has stopped it: wagman start starts it all the same"
    yield from _due(row, status)
    if row.get("waits_for"):
        yield f"it waits for {enumerated(row['waits_for'])} to be started{_at_most(row, status['wagman'], 'after')}"
    yield _turn(status["wagman"])


def _around(row: Device, status: Status) -> Iterator[str]:
    """Yield the obstacles that lie in the board, the enclosure or an order for all guests."""
    board, wagman = board_of(row, status), status["wagman"]
    if (order := order_words(wagman)) and not _is_kept(row, wagman):
        yield f"hibernating{order}: wagman wake ends that, wagman start --force starts it all the same"
    if wagman["state"] in ("will_hibernate", "hibernating"):
        why = _sensed(status, "high", "low") or _rest(wagman)
        yield f"hibernating{why}: wagman start --force starts it all the same"
    if board["link"] != "up":
        yield ": ".join(filter(None, (f"the link to {in_words(board)} is down", board.get("reason"))))
    if board["blind"]:
        yield f"{in_words(board)} does not answer"
    if low := _sensed(status, "low"):
        yield f"{_too(status)} for a start by itself{low}: wagman start starts it all the same"
    unjudged = any(sensor["state"] == "unknown" for sensor in sensors_of(status).values())
    if unjudged and (wait_s := _in_s(wagman, "first_verdict")) is not None:
        yield f"the enclosure has yet to be judged, which takes {duration(wait_s)} at most"


def _is_kept(row: Device, wagman: Wagman) -> bool:
    """Whether an operator's hibernation lets the guest go on running."""
    order = wagman.get("hibernation")
    return order is not None and row["name"] in order["keep"]


def _rest(wagman: Wagman) -> str:
    """Return for how long a hibernation still lasts although its cause is over; empty if there is no such time."""
    wait_s = _in_s(wagman, "minimum")
    return "" if wait_s is None else f", for another {duration(wait_s)} at least (hibernate_min), though it is cool again"


def _too(status: Status) -> str:
    """Return the words for a low reading of a sensor."""
    temperature = sensors_of(status).get("temperature_c")
    return "too cold" if temperature is not None and temperature["state"] == "low" else "too low"


def _sensed(status: Status, *states: str) -> str:
    """Return the sensors in these states, in brackets; an empty text if there are none."""
    found = [
        f"{reading(name, each['value'])}, {each['state']}" for name, each in sensors_of(status).items() if each["state"] in states
    ]
    return f" ({'; '.join(found)})" if found else ""


def _due(row: Device, status: Status) -> Iterator[str]:
    for alarm in row["alarms"]:
        if alarm["name"] == "adopt" and alarm["held"]:  # the time is up, and still nobody knows: no clock ends that
            board = in_words(board_of(row, status))
            yield f"its power is left alone, for neither {board} nor a heartbeat shows whether it runs: {PROBE}"
        elif alarm["name"] == "adopt":
            wait = duration(alarm["in_s"])
            yield f"its power is left alone until it is known whether it runs, which takes {wait} at most"
    if row["next_start_in_s"] is not None:
        yield f"next try in {duration(row['next_start_in_s'])}{_failures(row['failures'])}"


def _failures(count: int) -> str:
    """Return how often in a row a start has failed; the guest may have come up each time, without staying up."""
    times = {1: "once", 2: "twice"}.get(count, f"{count} times")
    return f", as it has failed {times} in a row to come up and stay up" if count else ""


def _turn(wagman: Wagman) -> str:
    return f"it waits for its turn, after {wagman['device']}" if wagman["device"] else "it waits for its turn"


def _at_most(row: Device, wagman: Wagman, alarm: str) -> str:
    """Return for how long at most the guest waits for others; empty while the timer of one of them does not run."""
    left_s = [_in_s(wagman, f"{alarm}:{name}") for name in row["waits_for"]]
    known_s = [each for each in left_s if each is not None]
    return f", at most {duration(max(known_s))} more" if len(known_s) == len(left_s) else ""


def _in_s(machine: Wagman | Device, alarm: str) -> float | None:
    """Return in how many seconds this timer of a machine is due; None if it does not run."""
    return next((each["in_s"] for each in machine["alarms"] if each["name"] == alarm), None)


def coming(row: Device, status: Status) -> Iterator[str]:
    """Yield what happens next if nothing else does. A healthy guest's heartbeat timer is left out, though it runs."""
    if row["state"] == "maintenance" and (left_s := term_s(row)) is not None:
        yield f"nothing is done about it for another {duration(left_s)}: wagman maintenance {row['name']} --end ends that"
    if row["state"] == "started" and row.get("waits_for"):
        others = f"once {enumerated(row['waits_for'])} {'is' if len(row['waits_for']) == 1 else 'are'} stopped"
        yield f"asked to halt {others}{_at_most(row, status['wagman'], 'before')}"
    ends = _NEXT.get(row["state"], {})
    for alarm in row["alarms"]:
        what = ends.get(alarm["name"])
        if what is not None and alarm["held"]:
            yield f"{what}; {_put_off(alarm, row, status)}"
        elif what is not None and row["state"] != "started":
            yield f"{what}, in {duration(alarm['in_s'])}"


def _put_off(alarm: Alarm, row: Device, status: Status) -> str:
    """Return why a timer that is up has no effect yet."""
    if unseen(row, status) is not None:
        return NOT_SEEN if alarm.get("waits_for") == "silence" else UNASKED
    return UNHEARD if alarm.get("waits_for") == "silence" else UNASKED

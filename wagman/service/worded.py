"""The status in the words of the commands, for programs without words of their own, such as a page.

The functions of the commands make these words. They are imported at the first request, so that a service which is never asked
for them does not pay for the imports.
"""

from wagman.model.shapes import Device, DeviceWords, Status, StatusWords, Wagman


def worded(status: Status) -> Status:
    """Return the status with `words` about the node and about each guest."""
    source: Status = {**status, "wagman": _unnamed(status["wagman"])}
    return {**status, "words": _node(source)}


def _unnamed(wagman: Wagman) -> Wagman:
    """Return the scheduler's row with a user's number for the name: looking up a name may take long, and hold up everything."""
    order = wagman["hibernation"]
    if order is None or order["uid"] is None:
        return wagman
    return {**wagman, "hibernation": {**order, "who": f"user {order['uid']}", "uid": None}}


def _node(status: Status) -> StatusWords:
    from wagman.cli import status as said  # noqa: PLC0415 - see above
    from wagman.cli.boards import sensors_of  # noqa: PLC0415 - see above
    from wagman.cli.problems import said as problem_said  # noqa: PLC0415 - see above

    wagman = status["wagman"]
    about = f" ({wagman['device']})" if wagman["device"] else ""
    return {
        "boards": {board["name"]: said.board_words(board) for board in status["boards"]},
        "sensors": list(said.sensor_words(sensors_of(status))),
        "wagman": f"{wagman['state']}{about}{said.for_words(wagman)}{said.order_words(wagman)}",
        "problems": [problem_said(problem) for problem in status["problems"]],
        "devices": {row["name"]: _device(row, status) for row in status["devices"]},
    }


def _device(row: Device, status: Status) -> DeviceWords:
    from wagman.cli import prospects  # noqa: PLC0415 - see above
    from wagman.cli import status as said  # noqa: PLC0415 - see above

    return {
        "lasting": said.for_words(row).strip(),
        "beat": said.beat_age(row),
        "current": said.current(row),
        "notes": list(said.notes(row)),
        "unseen": prospects.unseen(row, status),
        "not_started": prospects.obstacle(row, status),
        "coming": list(prospects.coming(row, status)),
    }

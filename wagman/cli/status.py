"""`wagman status`: the board, the scheduler's state, and a row for each guest."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence

from wagman.cli.boards import UNNAMED, boards_of, plug, sensors_of
from wagman.cli.connection import add_socket_argument
from wagman.cli.names import expanded
from wagman.cli.outcome import DONE
from wagman.cli.problems import problem_lines
from wagman.cli.text import short, table
from wagman.client.blocking import Client
from wagman.model.shapes import Board, Device, Port, PortReadings, Readings, Sensor, Status, Wagman
from wagman.model.words import duration, enumerated, plain, reading, user_name

_HEAD = ("GUEST", "PORT", "STATE", "FOR", "POWER", "MEDIA", "BEAT", "CURRENT", "NOTES")
WHOLE_W = 100
"""From so many watts on, tenths are not shown (chosen)."""

_COLOURS = {"started": "green", "stopped": ""}


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """Add the arguments of the command."""
    parser.add_argument("devices", nargs="*", metavar="GUEST", help="name, port number or all (default: every guest)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_socket_argument(parser)


def run(args: Namespace) -> int:
    """Show the status."""
    with Client(args.socket) as client:
        status = client.call("status")
    if args.devices:
        names = expanded(args.devices, status)
        status["devices"] = [row for row in status["devices"] if row["name"] in names]
    print(json.dumps(status) if args.json else "\n".join(lines(status)))
    return DONE


def lines(status: Status) -> list[str]:
    """Return the status for people, as lines."""
    wagman = status["wagman"]
    about = f" ({wagman['device']})" if wagman["device"] else ""
    heading = [
        *((board.get("name", UNNAMED), plain(board_words(board))) for board in boards_of(status)),
        ("sensors", plain(", ".join(sensor_words(sensors_of(status))) or "none")),
        ("wagman", plain(f"{wagman['state']}{about}{for_words(wagman)}{order_words(wagman)}")),
    ]
    rows, told = status["devices"], problem_lines(status)
    left = [port_cells(port) for port in status.get("ports", ())]
    parts = ([*told, ""] if told else []), table(heading), (["", *device_lines(rows, left)] if rows else [])
    return [line for part in parts for line in part]


def device_lines(rows: list[Device], left: Sequence[tuple[str, ...]] = ()) -> list[str]:
    """Return the table of the guests, and of ports that have no table in the configuration any more."""
    colours = ["", *(_COLOURS.get(row["state"], "yellow") for row in rows), *("yellow" for _ in left)]
    return table([_HEAD, *(device_cells(row) for row in rows), *left], colours)


def port_cells(port: Port) -> tuple[str, ...]:
    """Return the cells of a port without a table."""
    about = f"no table, was {plain(port['was'])}"
    return ("-", plug(port), "-", "-", port["power"], "-", "-", current(port), about)


def device_cells(row: Device) -> tuple[str, ...]:
    """Return the cells of a guest."""
    return (
        row["name"],
        plug(row),
        row["state"],
        short(row.get("for_s")),
        power(row),
        row["media"] or "-",
        beat_age(row),
        current(row),
        ", ".join(notes(row)),
    )


def power(row: Device) -> str:
    """Return the power that is wanted, unless the guest is left alone."""
    return "alone" if is_left_alone(row) else row["power"]["wanted"]


def is_left_alone(row: Device) -> bool:
    """Return whether the guest's power is left as it is: in maintenance, and while nobody knows whether the guest runs."""
    return row["state"] == "maintenance" or any(alarm["name"] == "adopt" for alarm in row["alarms"])


def current(row: PortReadings) -> str:
    """Return what the guest draws, or drew when its board was last seen: in mA or W, or raw if the board's scale is not known."""
    drawn = _drawn(row)
    before = _drawn(row["last"]) if drawn == "-" and row.get("stale") else "-"
    return drawn if before == "-" else f"was {before}"


def _drawn(readings: Readings | PortReadings) -> str:
    if readings["current_ma"] is not None:
        return f"{readings['current_ma']:g} mA"
    watts = readings.get("watts")  # an older service has no watts
    if watts is not None:
        return f"{watts:.{0 if watts >= WHOLE_W else 1}f} W"
    return "-" if readings["current_raw"] is None else f"{readings['current_raw']:g} raw"


def beat_age(row: Device) -> str:
    """Return the age of the last known heartbeat; while the board is not seen, there may have been later ones."""
    return in_doubt(row, short(row["heartbeat_age_s"]))


def in_doubt(row: Device, text: str) -> str:
    """Return the text, with a question mark while the board is not seen: it was true when the board was last seen."""
    return f"{text}?" if row.get("stale") and text != "-" else text


def notes(row: Device) -> Iterator[str]:
    """Yield what the columns do not show."""
    remarks = (
        (not row["power"]["confirmed"] and not is_left_alone(row), "unconfirmed"),
        (row["state"] == "maintenance", f"for another {short(term_s(row))}"),
        (not row["enabled"], "disabled in the file" if row.get("disabled_by") == "configuration" else "disabled"),
        (row.get("held"), "locked out"),
        (row.get("relay_stuck"), "relay stuck"),
        (row.get("relay_dead"), "relay dead"),
        (row.get("heard_off"), "heard though off"),
        (row.get("command_trouble"), "cannot be asked to halt"),
        (row["failures"], f"{row['failures']} failed"),
        (row.get("waits_for"), f"waits for {enumerated(row.get('waits_for', ()))}"),
        (row["next_start_in_s"] is not None, f"start in {short(row['next_start_in_s'])}"),
    )
    yield from (words for is_so, words in remarks if is_so)
    yield from (f"{alarm['name']} held" for alarm in row["alarms"] if alarm["held"])


def term_s(row: Device) -> float | None:
    """Return in how many seconds a limited order ends; None if there is none, or the service is too old to tell."""
    term = row.get("term")
    return None if term is None else term["in_s"]


def board_words(board: Board) -> str:
    """Return where the board is, and whether it can be seen."""
    if board["link"] != "up":
        place, reason = board["device"], board.get("reason") or ""
        where = reason if place in reason else ": ".join(filter(None, (place, reason)))
        return f"link down{for_words(board)}, {where}"
    kind = " ".join(str(each) for each in (board["dialect"], board["firmware"]) if each)
    where, age = f"{kind} on {board['device']}", board["last_answer_age_s"]
    # An open link is no board that answers: "up" is said of a board that does.
    if age is None:
        return f"not answered yet, {where}"
    return f"not answering for {duration(age)}, {where}" if board["blind"] else f"up, {where}, answered {duration(age)} ago"


def sensor_words(sensors: Mapping[str, Sensor]) -> Iterator[str]:
    """Yield the readings of the sensors."""
    for name, sensor in sensors.items():
        verdict = f" ({sensor['state']})" if sensor["state"] in ("high", "low") else ""
        yield reading(name, sensor["value"], sensor.get("last"), sensor.get("age_s")) + verdict


def order_words(wagman: Wagman) -> str:
    """Return the hibernation that an operator has ordered; empty if there is none."""
    order = wagman.get("hibernation")
    if order is None:
        return ""
    kept = f", but for {', '.join(order['keep'])}" if order["keep"] else ""
    who = order["who"] if order["uid"] is None else user_name(order["uid"])
    return f", ordered by {who}{kept}: {order['reason']}"


def for_words(lasting: Board | Wagman | Device) -> str:
    """Return for how long the present state has lasted; empty if that is not known."""
    for_s = lasting.get("for_s")
    return "" if for_s is None else f" for {duration(for_s)}"

"""The picture of the live view: the service's status, the latest events and the state of the keys as lines of text.

Problems come first. Each line is cut to the width; only the help is wrapped, so that no key is lost. Columns that find no room
are left out. If the height is not enough, first the timers are left out, then boards and other lines without a problem, then the
rows far from the chosen one. The events get what is left, and the bottom line is always there.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wagman.cli.boards import UNNAMED, boards_of, plug, sensors_of
from wagman.cli.problems import COLOURS, said, told
from wagman.cli.sentences import sentence
from wagman.cli.status import (
    beat_age,
    board_words,
    current,
    for_words,
    in_doubt,
    is_left_alone,
    notes,
    order_words,
    power,
    sensor_words,
)
from wagman.cli.text import clock, short
from wagman.cli.top_keys import HELP, HINTS, SHORT_HINTS, State, help_lines, question
from wagman.model.shapes import Board, Device, Event, Status
from wagman.model.words import duration, plain

TIMER_ROWS = 3
"""The most lines that timers may take (chosen: leaves six events on a terminal of 24 lines)."""

PROBLEM_ROWS = 4
"""The most lines that problems may take (chosen: two of them, with what to do)."""

BOARD_ROWS = 4
"""The most lines that boards may take (chosen). Of more boards, those not seen come first, and the others are counted."""

EVENT_ROWS = 3
"""The least number of events to be shown before the rest is shortened (chosen)."""

SMALL_ROWS = 20
"""A terminal with fewer lines has one line for the keys (chosen)."""

_LABEL_WIDTH = 9
_HEAD = ("GUEST", "STATE", "FOR", "BEAT", "POWER", "TRIES", "MEDIA", "CURRENT", "TEMP", "NOTES")
_OPTIONAL = ("TEMP", "MEDIA", "TRIES", "PORT", "CURRENT")
"""The columns that are left out for want of room, in this order."""

_STYLES = {"started": "green", "stopped": ""}


class Line(NamedTuple):
    """A line of the screen."""

    text: str
    style: str = ""


class Picture(NamedTuple):
    """Everything that is shown."""

    status: Status
    events: Sequence[str]
    state: State
    away: str = ""  # why the service cannot be asked, and for how long; the status is then the last known one


def screen(picture: Picture, width: int, height: int) -> list[Line]:
    """Return exactly `height` lines of at most `width` characters."""
    bottom = _bottom(picture.state, width, height)[-height:]
    room = height - len(bottom)
    upper = (_help() if picture.state.helps else _upper(picture, width, room))[:room]
    events = [] if picture.state.helps else _events(picture, room - len(upper))
    filler = [Line("")] * (room - len(upper) - len(events))
    return [line._replace(text=cut(line.text, width)) for line in (*upper, *events, *filler, *bottom)]


def _upper(picture: Picture, width: int, room: int) -> list[Line]:
    """Return the lines above the events: all of them, or as many as leave room for some events."""
    problems, heading, table = _problems(picture.status), list(_heading(picture)), list(_devices(picture, width))
    for timers in (_timers(picture.status, width), _timers(picture.status, width, rows=1), []):
        lines = _joined(problems, heading, table, timers)
        if len(lines) + EVENT_ROWS <= room:
            return lines
    above = [line for line in heading if line.style]
    above = [*_problems(picture.status, rows=2), *above] if room < SMALL_ROWS else _joined(problems, above)
    rows = room - len(above) - len(("head", "about", "")) - EVENT_ROWS
    return [*above, *_joined(_window(picture, table, max(rows, 1)))]


def _joined(*parts: Sequence[Line]) -> list[Line]:
    """Join the parts, with an empty line after each."""
    return [line for part in parts if part for line in (*part, Line(""))]


def _window(picture: Picture, table: Sequence[Line], rows: int) -> list[Line]:
    """Return the head, as many rows as fit around the chosen one, the text below, and which rows of how many they are."""
    head, *lines, about = table
    names = [row["name"] for row in picture.status["devices"]]
    at = names.index(picture.state.chosen) if picture.state.chosen in names else 0
    first = max(min(at - rows // 2, len(lines) - rows), 0)
    shown = lines[first : first + rows]
    where = f"  {first + 1} to {first + len(shown)} of {len(lines)}" if len(shown) < len(lines) else ""
    return [head, *shown, about._replace(text=f"{where}{';' if where else ''}{about.text[1:] if where else about.text}")]


def _events(picture: Picture, room: int) -> list[Line]:
    """Return the latest events that fit; or older ones, and how many are newer."""
    back = min(picture.state.back, max(len(picture.events) - 1, 0))
    if room <= 0:
        return []
    if not back:
        return [Line(event) for event in picture.events[-room:]]
    shown = picture.events[: len(picture.events) - back][-(room - 1) :] if room > 1 else []
    return [*map(Line, shown), Line(f"{back} newer events: space goes on", "bold")]


def _help() -> list[Line]:
    return [Line(f"{keys:<13}{does}") for keys, does in HELP]


def event_line(event: Event) -> str:
    """Return an event as a line: when, and what happened."""
    return plain(f"{clock(event['time'])}  {sentence(event)}")


def cut(text: str, width: int) -> str:
    """Return the text, cut to the width with an ellipsis."""
    return text if len(text) <= width else f"{text[: width - 1]}…"[:width]


def can_be_chosen(status: Status) -> list[str]:
    """Return the guests that the keys can act on: all but the computer that the service runs on."""
    return [row["name"] for row in status["devices"] if not row.get("self")]


# --- Parts ------------------------------------------------------------------------------------------------------------


def _problems(status: Status, rows: int = PROBLEM_ROWS) -> list[Line]:
    """Return the problems, the worst first; those that do not fit are counted."""
    problems = told(status)
    most = rows // 2 if len(problems) <= rows // 2 else max(rows // 2 - 1, 1)
    lines = list[Line]()
    for problem in problems[:most]:
        lines.append(Line(f"{problem['severity'].upper()} {said(problem)}", f"bold {COLOURS.get(problem['severity'], '')}"))
        lines.append(Line(f"  do: {plain(problem['do'])}"))
    if len(problems) > most:
        more = ", ".join(plain(problem["id"]) for problem in problems[most:])
        lines.append(Line(f"and {len(problems) - most} more: {more}", "bold yellow"))
    return lines


def _heading(picture: Picture) -> Iterator[Line]:
    service, wagman = picture.status["service"], picture.status["wagman"]
    about = f" ({wagman['device']})" if wagman["device"] else ""
    if picture.away:
        yield _labelled("service", picture.away, "bold red")
    else:
        yield _labelled("service", f"{service['version']}, up for {duration(service['uptime_s'])}")
    yield from _boards(boards_of(picture.status))
    yield _labelled("sensors", ", ".join(sensor_words(sensors_of(picture.status))) or "none")
    yield _labelled("wagman", f"{wagman['state']}{about}{for_words(wagman)}{order_words(wagman)}")


def _boards(boards: Sequence[Board]) -> Iterator[Line]:
    """Yield a line for each board; of many, those not seen come first, and the others are counted."""
    shown = boards
    if len(boards) > BOARD_ROWS:
        shown = sorted(boards, key=lambda board: not board["blind"])[: BOARD_ROWS - 1]
    for board in shown:
        yield _labelled(board.get("name", UNNAMED), board_words(board), "red" if board["blind"] else "")
    rest = [board for board in boards if board not in shown]
    if rest:
        blind = sum(board["blind"] for board in rest)
        yield _labelled("boards", f"{len(rest)} more, {blind or 'none'} of them not seen", "red" if blind else "")


def _labelled(label: str, text: str, style: str = "") -> Line:
    return Line(f"{label:<{_LABEL_WIDTH - 1}} {plain(text)}", style)


def _devices(picture: Picture, width: int) -> Iterator[Line]:
    """Yield the table of the guests, and below it the reason for the state of the chosen one."""
    rows, chosen = picture.status["devices"], picture.state.chosen
    cells = _fitting(_with_boards([_HEAD, *(device_cells(row) for row in rows)], picture.status), width - 2)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    head, *lines = ("  ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)).rstrip() for each in cells)
    yield Line(f"  {head}", "bold")
    for row, line in zip(rows, lines, strict=True):
        is_chosen = row["name"] == chosen
        style = _STYLES.get(row["state"], "yellow")
        yield Line(f"{'>' if is_chosen else ' '} {line}", f"{style} reverse" if is_chosen else style)
    yield Line(next((f"  {_about(row)}" for row in rows if row["name"] == chosen), ""))


def _with_boards(table: Sequence[Sequence[str]], status: Status) -> Sequence[Sequence[str]]:
    """Return the table with the outlet of each guest, if there are several boards."""
    if len(boards_of(status)) == 1:
        return table
    plugs = ["PORT", *map(plug, status["devices"])]
    return [(name, where, *cells) for (name, *cells), where in zip(table, plugs, strict=True)]


def _fitting(table: Sequence[Sequence[str]], width: int) -> Sequence[Sequence[str]]:
    """Return the table without the columns that do not fit; the notes may be cut instead."""
    columns = {head: column for head, *column in zip(*table, strict=True)}
    for name in (each for each in _OPTIONAL if each in columns):
        *fixed, _ = ((head, *column) for head, column in columns.items())
        if sum(max(map(len, cells)) + 2 for cells in fixed) <= width:
            break
        del columns[name]
    return list(zip(*((head, *column) for head, column in columns.items()), strict=True))


def device_cells(row: Device) -> tuple[str, ...]:
    """Return the cells of a guest."""
    return (
        row["name"],
        row["state"],
        short(row.get("for_s")),
        beat(row),
        in_doubt(row, power(row)) if row["power"]["confirmed"] else _unconfirmed(row),
        str(row["attempts"]),
        row["media"] or "-",
        current(row),
        "-" if row["temperature_raw"] is None else f"{row['temperature_raw']:g}",
        ", ".join(note for note in notes(row) if note != "unconfirmed"),  # POWER has that
    )


def _unconfirmed(row: Device) -> str:
    return power(row) if is_left_alone(row) else f"{power(row)}?"


def beat(row: Device) -> str:
    """Return the age of the last heartbeat and the age at which its timer is up, or `held` if that time is past."""
    age_s = row["heartbeat_age_s"]
    alarm = next((alarm for alarm in row["alarms"] if alarm["name"] == "heartbeat"), None)
    if age_s is None or alarm is None:
        return beat_age(row)
    return f"{short(age_s)}/{'held' if alarm['held'] else short(age_s + alarm['in_s'])}"


def _about(row: Device) -> str:
    return plain("; ".join(filter(None, [f"{row['name']}: {row['reason'] or row['state']}", ", ".join(notes(row))])))


def _timers(status: Status, width: int, rows: int = TIMER_ROWS) -> list[Line]:
    """Return the timers side by side, the next one first; those that do not fit are counted."""
    texts = timer_texts(status)
    cell = max(map(len, texts), default=0) + 2
    columns = max((width - _LABEL_WIDTH) // cell, 1)
    room = columns * rows
    if len(texts) > room:
        texts = [*texts[: room - 1], f"and {len(texts) - room + 1} more"]
    lines = [texts[start : start + columns] for start in range(0, len(texts), columns)] or [["none"]]
    return [
        _labelled("" if number else "timers", "".join(text.ljust(cell) for text in row).rstrip())
        for number, row in enumerate(lines)
    ]


def timer_texts(status: Status) -> list[str]:
    """Return all running timers, the next one first: when it is due, its machine, its name."""
    machines = [("wagman", status["wagman"]), *((row["name"], row) for row in status["devices"])]
    alarms = [(alarm["in_s"], name, alarm) for name, machine in machines for alarm in machine.get("alarms", ())]
    alarms.sort(key=lambda each: each[:2])
    return [
        f"{'held' if alarm['held'] else short(in_s):>5} {name} {alarm['name'].replace('_', ' ')}" for in_s, name, alarm in alarms
    ]


def _bottom(state: State, width: int, height: int) -> list[Line]:
    if state.asked:
        return [Line(question(state.asked), "bold yellow")]
    if state.said:
        return [Line(plain(state.said), "bold")]
    if state.helps:
        return [Line("q quits, any other key goes back", "dim")]
    return [Line(line, "dim") for line in help_lines(width, SHORT_HINTS if height < SMALL_ROWS else HINTS)]

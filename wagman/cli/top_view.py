"""The picture of the live view: the service's status, the latest events and the state of the keys as lines of text.

What is wrong comes first. Each line is cut to the width, and none is wrapped but the help, so that no key is lost; the table
leaves out columns that find no room. The events get what height is left, and the bottom is always there.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wagman.cli.boards import UNNAMED, boards_of, sensors_of
from wagman.cli.problems import COLOURS, said, told
from wagman.cli.sentences import sentence
from wagman.cli.status import beat_age, board_words, current, for_words, in_doubt, notes, order_words, power, sensor_words
from wagman.cli.text import clock, short
from wagman.cli.top_keys import State, help_lines, question
from wagman.model.shapes import Device, Event, Status
from wagman.model.words import duration, plain

TIMER_ROWS = 3
"""The most lines that timers may take (chosen: leaves six events on a terminal of 24 lines)."""

PROBLEM_ROWS = 4
"""The most lines that problems may take (chosen: two of them, with what to do)."""

_LABEL_WIDTH = 9
_HEAD = ("DEVICE", "STATE", "FOR", "BEAT", "POWER", "TRIES", "MEDIA", "CURRENT", "TEMP", "NOTES")
_OPTIONAL = ("TEMP", "MEDIA", "TRIES", "CURRENT")
"""Columns that are left out where there is no room for all, in this order."""

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
    away: str = ""  # why the service cannot be asked, and for how long; the status is then the last one known


def screen(picture: Picture, width: int, height: int) -> list[Line]:
    """Exactly `height` lines of at most `width` characters."""
    bottom = _bottom(picture.state, width)[-height:]
    parts = _problems(picture.status), _heading(picture), _devices(picture, width), _timers(picture.status, width)
    upper = [line for part in map(list, parts) if part for line in (*part, Line(""))][: height - len(bottom)]
    room = height - len(bottom) - len(upper)
    shown = [Line(event) for event in picture.events[-room:]] if room else []
    filler = [Line("")] * (room - len(shown))
    return [line._replace(text=cut(line.text, width)) for line in (*upper, *shown, *filler, *bottom)]


def event_line(event: Event) -> str:
    """An event: when, and what happened."""
    return plain(f"{clock(event['time'])}  {sentence(event)}")


def cut(text: str, width: int) -> str:
    """The text; where it is too long, an ellipsis stands for its end."""
    return text if len(text) <= width else f"{text[: width - 1]}…"[:width]


def can_be_chosen(status: Status) -> list[str]:
    """The devices that the keys can be about: all but the computer that the service runs on."""
    return [row["name"] for row in status["devices"] if not row.get("self")]


# --- Parts ------------------------------------------------------------------------------------------------------------


def _problems(status: Status) -> list[Line]:
    """What calls for a person, the worst first; those that find no room are counted."""
    problems = told(status)
    most = PROBLEM_ROWS // 2 if len(problems) <= PROBLEM_ROWS // 2 else PROBLEM_ROWS // 2 - 1
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
    for board in boards_of(picture.status):
        yield _labelled(board.get("name", UNNAMED), board_words(board), "red" if board["blind"] else "")
    yield _labelled("sensors", ", ".join(sensor_words(sensors_of(picture.status))) or "none")
    yield _labelled("wagman", f"{wagman['state']}{about}{for_words(wagman)}{order_words(wagman)}")


def _labelled(label: str, text: str, style: str = "") -> Line:
    return Line(f"{label:<{_LABEL_WIDTH}}{plain(text)}", style)


def _devices(picture: Picture, width: int) -> Iterator[Line]:
    """The table, and below it the reason for the state of the device that is chosen."""
    rows, chosen = picture.status["devices"], picture.state.chosen
    cells = _fitting([_HEAD, *(device_cells(row) for row in rows)], width - 2)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    head, *lines = ("  ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)).rstrip() for each in cells)
    yield Line(f"  {head}", "bold")
    for row, line in zip(rows, lines, strict=True):
        is_chosen = row["name"] == chosen
        style = _STYLES.get(row["state"], "yellow")
        yield Line(f"{'>' if is_chosen else ' '} {line}", f"{style} reverse" if is_chosen else style)
    yield Line(next((f"  {_about(row)}" for row in rows if row["name"] == chosen), ""))


def _fitting(table: Sequence[Sequence[str]], width: int) -> Sequence[Sequence[str]]:
    """The table without the columns that have to be left out for the others to find room; the notes may be cut."""
    columns = {head: column for head, *column in zip(*table, strict=True)}
    for name in _OPTIONAL:
        *fixed, _ = ((head, *column) for head, column in columns.items())
        if sum(max(map(len, cells)) + 2 for cells in fixed) <= width:
            break
        del columns[name]
    return list(zip(*((head, *column) for head, column in columns.items()), strict=True))


def device_cells(row: Device) -> tuple[str, ...]:
    """What the columns show of a device."""
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
    return power(row) if row["state"] == "maintenance" else f"{power(row)}?"


def beat(row: Device) -> str:
    """The age of the last heartbeat, and the age at which its alarm is due; no number where that is past, and held."""
    age_s = row["heartbeat_age_s"]
    alarm = next((alarm for alarm in row["alarms"] if alarm["name"] == "heartbeat"), None)
    if age_s is None or alarm is None:
        return beat_age(row)
    return f"{short(age_s)}/{'held' if alarm['held'] else short(age_s + alarm['in_s'])}"


def _about(row: Device) -> str:
    return plain("; ".join(filter(None, [f"{row['name']}: {row['reason'] or row['state']}", ", ".join(notes(row))])))


def _timers(status: Status, width: int) -> list[Line]:
    """Side by side, the next one first; those that find no room are counted."""
    texts = timer_texts(status)
    cell = max(map(len, texts), default=0) + 2
    columns = max((width - _LABEL_WIDTH) // cell, 1)
    room = columns * TIMER_ROWS
    if len(texts) > room:
        texts = [*texts[: room - 1], f"and {len(texts) - room + 1} more"]
    rows = [texts[start : start + columns] for start in range(0, len(texts), columns)] or [["none"]]
    return [
        _labelled("" if number else "timers", "".join(text.ljust(cell) for text in row).rstrip())
        for number, row in enumerate(rows)
    ]


def timer_texts(status: Status) -> list[str]:
    """All that run, the next one first: in how long it is due, of which machine, which one."""
    machines = [("wagman", status["wagman"]), *((row["name"], row) for row in status["devices"])]
    alarms = [(alarm["in_s"], name, alarm) for name, machine in machines for alarm in machine.get("alarms", ())]
    alarms.sort(key=lambda each: each[:2])
    return [
        f"{'held' if alarm['held'] else short(in_s):>5} {name} {alarm['name'].replace('_', ' ')}" for in_s, name, alarm in alarms
    ]


def _bottom(state: State, width: int) -> list[Line]:
    if state.asked:
        return [Line(question(state.asked), "bold yellow")]
    if state.said:
        return [Line(plain(state.said), "bold")]
    return [Line(line, "dim") for line in help_lines(width)]

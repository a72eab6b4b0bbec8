"""The picture of a run: a row for each guest, coloured by its state, the faults below, and the moment when a promise broke."""

from collections.abc import Iterator
from html import escape

from attrs import define, field

from wagman.config.durations import show
from wagman.config.schema import Config
from wagman.simulation.play import Outcome
from wagman.simulation.promises import STATES
from wagman.simulation.records import Began, Did, Ended, EventShown, Record, RelayMoved

WIDTH, ROW, LEFT = 1200.0, 22, 60
COLOURS = {
    "stopped": "#bbbbbb",
    "starting": "#f0c419",
    "will_stop": "#f09a19",
    "started": "#4caf50",
    "stopping": "#e57f4a",
    "restarting": "#7e9fe0",
    "on": "#333333",
    "down": "#d32f2f",
}
"""The colours of the states, of a relay that is on, and of a service that is down."""

LEGEND = {"will_stop": "will stop", "on": "relay on", "down": "service down"}
"""Words for the legend, if the name alone is not clear."""

TICKS_S = (60.0, 600.0, 3600.0, 21_600.0, 86_400.0, 864_000.0)
"""The possible distances of marks on the axis; the smallest one that leaves room for their texts is used."""

MOST_TICKS = 15


@define
class Row:
    """A row of the picture: what it shows from when on."""

    name: str
    spans: list[tuple[float, str]] = field(factory=lambda: [(0.0, "")])

    def becomes(self, at_s: float, what: str) -> None:
        """Show `what` from now on; empty: nothing."""
        self.spans.append((at_s, what))


@define
class Timeline:
    """Takes in the records of a run, and draws it."""

    config: Config
    rows: dict[str, Row] = field(init=False)
    marks: list[tuple[float, str]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        names = [name for guest in self.config.guests for name in (guest.name, f"{guest.name} relay")]
        self.rows = {name: Row(name) for name in [*names, "service"]}

    def __call__(self, record: Record) -> None:
        """Take in a record."""
        match record:
            case EventShown() if record.event.type.removeprefix("device.") in STATES and record.event.device in self.rows:
                self.rows[record.event.device].becomes(record.at_s, record.event.type.removeprefix("device."))
            case RelayMoved():
                for guest in self.config.guests:
                    if guest.plug == record.plug:
                        self.rows[f"{guest.name} relay"].becomes(record.at_s, "on" if record.on else "")
            case Began() | Ended():
                self.rows["service"].becomes(record.at_s, "" if isinstance(record, Began) else "down")
            case Did():
                self.marks.append((record.at_s, record.words))

    def svg(self, outcome: Outcome) -> str:
        """Return the picture as SVG."""
        return "\n".join(self._parts(outcome)) + "\n"

    def _parts(self, outcome: Outcome) -> Iterator[str]:
        scale, bottom = WIDTH / max(outcome.length_s, 1.0), ROW * len(self.rows)
        height = bottom + 3 * ROW
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + LEFT:.0f} {height}" '
            'font-family="sans-serif" font-size="10">'
        )
        yield '<rect width="100%" height="100%" fill="white"/>'
        for index, row in enumerate(self.rows.values()):
            yield from self._row(row, index * ROW, scale, outcome.length_s)
        yield _text(0, bottom, "happenings")
        for at_s, words in self.marks:
            yield _mark(LEFT + at_s * scale, bottom, "#888888", f"{at_s:.0f} s: {words}", ROW)
        yield from _axis(bottom + ROW, scale, outcome.length_s)
        yield from _legend(bottom + 2 * ROW)
        if outcome.violation is not None:
            yield _mark(LEFT + outcome.violation.at_s * scale, 0, "#d32f2f", str(outcome.violation), height)
        yield "</svg>"

    def _row(self, row: Row, top: float, scale: float, end_s: float) -> Iterator[str]:
        yield _text(0, top, row.name)
        ends = [at_s for at_s, _ in row.spans[1:]] + [end_s]
        for (at_s, what), until_s in zip(row.spans, ends, strict=True):
            if what:
                yield (
                    f'<rect x="{LEFT + at_s * scale:.2f}" y="{top + 3:.0f}" width="{max(0.3, (until_s - at_s) * scale):.2f}" '
                    f'height="{ROW - 6}" fill="{COLOURS[what]}"><title>{what}, {at_s:.0f} to {until_s:.0f} s</title></rect>'
                )


def _text(x: float, top: float, words: str) -> str:
    return f'<text x="{x:.0f}" y="{top + ROW / 2 + 4:.0f}">{escape(words)}</text>'


def _axis(top: float, scale: float, length_s: float) -> Iterator[str]:
    """Yield the axis with the time since the simulation began."""
    step_s = next((each for each in TICKS_S if length_s / each <= MOST_TICKS), TICKS_S[-1])
    for number in range(int(length_s / step_s) + 1):
        at_s = number * step_s
        yield _mark(LEFT + at_s * scale, top, "#888888", f"{at_s:.0f} s", 4)
        yield _text(LEFT + at_s * scale + 3, top, show(at_s))


def _legend(top: float) -> Iterator[str]:
    """Yield the meaning of the colours."""
    for index, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + index * WIDTH / len(COLOURS)
        yield f'<rect x="{x:.0f}" y="{top + 5:.0f}" width="12" height="12" fill="{colour}"/>'
        yield _text(x + 16, top, LEGEND.get(name, name))


def _mark(x: float, top: float, colour: str, title: str, height: float) -> str:
    return (
        f'<rect x="{x:.2f}" y="{top:.0f}" width="1.5" height="{height:.0f}" fill="{colour}"><title>{escape(title)}</title></rect>'
    )

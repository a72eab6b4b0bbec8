"""The demonstration as a live table, for a terminal. Only this module needs rich."""

from collections import deque
from types import TracebackType
from typing import Self

from attrs import define, field
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from wagman.demo.lines import line_of
from wagman.demo.stage import Json

EVENTS = 10
"""How many of the latest events are shown (chosen: half of a small terminal)."""

STYLES = {"started": "green", "stopped": "dim", "starting": "yellow", "stopping": "red", "restarting": "red", "will_stop": "red"}


@define
class LiveTable:
    """The state of everything, above the latest events; the story scrolls by above both."""

    console: Console = field(factory=Console)
    _live: Live = field(init=False)
    _status: Json | None = field(default=None, init=False)
    _latest: deque[str] = field(factory=lambda: deque(maxlen=EVENTS), init=False)

    def __attrs_post_init__(self) -> None:
        self._live = Live(console=self.console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """Print a sentence of the story, which stays on the screen."""
        self.console.print(Text(f"-- {text}", style="bold"))

    def quote(self, text: str) -> None:
        """Print the output of a program, unchanged."""
        self.console.print(Text(text), soft_wrap=True)

    def event(self, event: Json) -> None:
        """Add an event to the latest ones."""
        self._latest.append(line_of(event))
        self._draw()

    def status(self, status: Json) -> None:
        """Draw the table anew."""
        self._status = status
        self._draw()

    def _draw(self) -> None:
        events = Text("\n".join(self._latest), no_wrap=True, overflow="ellipsis")
        above = (headline(self._status), guests(self._status)) if self._status else ()
        self._live.update(Group(*above, events), refresh=True)


def headline(status: Json) -> Text:
    """Return one line with the board, the enclosure if it is measured, and the scheduler."""
    board, temperature = status["board"], status["board"]["sensors"].get("temperature_c")
    seen = "link down" if board["link"] != "up" else "not answering" if board["blind"] else "answers"
    parts = [f"board {seen}", f"wagman {status['wagman']['state']}"]
    if temperature is not None:  # a plug has no sensors
        degrees = "?" if temperature["value"] is None else f"{temperature['value']:.0f} °C"
        parts.insert(1, f"enclosure {degrees}, {temperature['state']}")
    is_bad = board["blind"] or (temperature is not None and temperature["state"] == "high")
    return Text("   ".join(parts), style="red" if is_bad else "cyan")


def guests(status: Json) -> Table:
    """Return a table with a row for each guest."""
    table = Table("guest", "state", "why", "power", "media", "attempts", "heard", "next timer")
    for row in status["devices"]:
        table.add_row(*cells(row), style=STYLES.get(row["state"], ""))
    return table


def cells(row: Json) -> list[str]:
    """Return the cells of a guest."""
    power = row["power"]["wanted"] if row["power"]["confirmed"] else f"{row['power']['wanted']} (unconfirmed)"
    heard = "" if row["heartbeat_age_s"] is None else f"{row['heartbeat_age_s']:.0f} s ago"
    alarm = next(map(alarm_text, row["alarms"]), "")
    return [row["name"], row["state"], row["reason"] or "", power, row["media"] or "", str(row["attempts"]), heard, alarm]


def alarm_text(alarm: Json) -> str:
    """Return when a timer is due; a held one waits for the proof of a silence."""
    return f"{alarm['name']} held" if alarm["held"] else f"{alarm['name']} in {alarm['in_s']:.0f} s"

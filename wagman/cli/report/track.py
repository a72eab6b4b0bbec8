"""The history of one guest: its states and its power over time, how it was cut, and what took it down. No I/O.

An event is recorded when the service learns of something. If the event says for how long that had been so, as for a lost
heartbeat, the change is placed at the beginning of that time.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from wagman.cli.report.axis import Event, number
from wagman.model.words import NOT_KNOWN_YET

Cut: TypeAlias = Literal["clean", "hard", "unproved"]
"""*clean*: it was asked to halt, and fell silent. *hard*: it ran, or was hung. *unproved*: nobody can tell, as of a guest that
gives no signs of life, or that never came up."""

UP = "started"
MAINTENANCE = "maintenance"
SILENT = "silent"
"""The name here of a started guest that has fallen silent; the service still has it as started."""

OPERATOR, ENVIRONMENT = "operator", "environment"
KEPT = frozenset({OPERATOR, ENVIRONMENT, MAINTENANCE})
"""The causes that keep a guest down on purpose. In maintenance a guest is left alone, and may be up."""

CAUSES = {
    "silent": "it fell silent",
    "power": "its power was lost",
    "start": "it did not come up",
    "board": "the board was about to stop it",
    "found": "it was found off",
    "doubt": "it was not as it should be",
    OPERATOR: "an operator asked for it",
    ENVIRONMENT: "the environment forbade it",
    MAINTENANCE: "it was in maintenance",
    "": "it was not up yet",
}
"""The causes that take a guest down, in words."""

WANTED_DOWN = ("command.stop", "command.kill", "command.disable")
"""Requests of an operator who wants the guest down."""

_BY_REASON = {
    "asked by the operator": OPERATOR,
    "asked for while stopping": OPERATOR,
    "disabled by the operator": OPERATOR,
    "killed by the operator": OPERATOR,
    "an operator decided so before": OPERATOR,
    "disabled in the configuration": OPERATOR,
    "the environment forbids that it runs": ENVIRONMENT,
    "the environment forbids its restart": ENVIRONMENT,
    "its start failed": "start",
    "its start failed, though it may have come up unheard": "start",
    "its heartbeat was lost": "silent",
    "its heartbeat was lost before it was stable": "silent",
    "power lost": "power",
    "no sign of life found": "found",
}
"""The cause for each reason that the service records; used where earlier events do not tell the cause."""


class State(NamedTuple):
    """The state of a guest from a moment on; None if nobody knows it."""

    at_s: float
    name: str | None
    cause: str = ""  # what took the guest down, if it is not up


class Track:
    """The history of one guest, collected event by event."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.states: list[State] = []
        self.power: list[tuple[float, str]] = []  # on, off, switching
        self.cuts: list[tuple[float, Cut]] = []
        self.cycles: list[float] = []  # when its power went off
        self.losses: list[float] = []  # those of them that nobody had asked for
        self.failed_starts: list[float] = []
        self.troubles: list[tuple[float, Event]] = []
        self._cause = ""
        self._wish: tuple[str, int] | None = None  # the cause and the number of states before the latest wish to have it down
        self._hint = ""  # what an event said about the next change of state
        self._answered = False  # a message has got through since the guest was asked to halt
        self._was_heard = False  # the guest was up when it was asked to halt
        self._is_lost = False  # its power was lost, and has not come back

    @property
    def state(self) -> str | None:
        """The present state of the guest."""
        return self.states[-1].name if self.states else None

    def take(self, at_s: float, event: Event, asked_by: str | None) -> None:
        """Take in an event about the guest; `asked_by` is the type of the event that caused it, if that is known."""
        handler = _HANDLERS.get(event["type"])
        if handler is not None:
            handler(self, at_s, event["fields"], asked_by)

    def forget(self, at_s: float) -> None:
        """The guest's state and power are unknown from now on."""
        self._becomes(at_s, None)
        self._powers(at_s, "unknown")

    # --- States -------------------------------------------------------------------------------------------------------

    def on_started(self, at_s: float, _fields: Mapping[str, Any], _asked_by: str | None) -> None:
        """The first heartbeat was heard, or the guest was to be started and was up already."""
        if self.state != UP:
            self._becomes(at_s, UP)
        self._powers(at_s, "on")

    def on_starting(self, at_s: float, fields: Mapping[str, Any], asked_by: str | None) -> None:
        """The power is switched on, or a stop was taken back while the guest boots."""
        before = self.state
        if before in ("restarting", "stopping"):
            self._count_cut(at_s, fields)
        if before is None:
            self._cause = ""
        elif before in (UP, SILENT):
            self._cause = self._why(fields, asked_by)
        self._becomes(at_s, "starting")
        if before != "will_stop":
            self._powers(at_s, "switching")

    def on_stopping(self, at_s: float, fields: Mapping[str, Any], asked_by: str | None) -> None:
        """The guest is asked to halt."""
        self._is_asked(fields, asked_by)
        self._becomes(at_s, "stopping")

    def on_restarting(self, at_s: float, fields: Mapping[str, Any], asked_by: str | None) -> None:
        """The guest is asked to halt, to be started again."""
        self._is_asked(fields, asked_by)
        self._becomes(at_s, "restarting")

    def _is_asked(self, fields: Mapping[str, Any], asked_by: str | None) -> None:
        """Note that the guest is asked to halt; it may have been asked already, to end another way."""
        if self.state not in ("stopping", "restarting"):
            self._answered, self._was_heard = False, self.state == UP
        self._leave(fields, asked_by)

    def on_will_stop(self, at_s: float, fields: Mapping[str, Any], asked_by: str | None) -> None:
        """The guest is to be stopped once it has booted."""
        self._leave(fields, asked_by)
        self._becomes(at_s, "will_stop")

    def on_stopped(self, at_s: float, fields: Mapping[str, Any], asked_by: str | None) -> None:
        """The power is cut, or is to stay off."""
        if fields.get("reason") == NOT_KNOWN_YET:
            self._becomes(at_s, None)
            return
        before = self.state
        if before not in ("stopped", None):
            killed = asked_by == "command.kill" or fields.get("reason") == "killed by the operator"
            self._count_cut(at_s, fields, killed=killed)
        self._leave(fields, asked_by)
        self._becomes(at_s, "stopped")

    def on_wanted_down(self, at_s: float, _fields: Mapping[str, Any], _asked_by: str | None) -> None:
        """An operator wants the guest down. If it is on its way down already, no other event tells that."""
        self._wish = None
        if self.state not in (UP, SILENT, None):
            self._wish = self._cause, len(self.states)
            self._cause = OPERATOR
            self._becomes(at_s, self.state)

    def on_refused(self, _at_s: float, _fields: Mapping[str, Any], asked_by: str | None) -> None:
        """A request was refused: if it was the wish to have the guest down, that never was."""
        if asked_by in WANTED_DOWN and self._wish is not None:
            self._cause, count = self._wish
            del self.states[count:]
            self._wish = None

    def _leave(self, fields: Mapping[str, Any], asked_by: str | None) -> None:
        """Take in a new cause for the guest's being down. An operator's wish replaces any other cause."""
        why = self._why(fields, asked_by)
        if why == "power" and self._cause in KEPT and self.state in ("stopping", "stopped", "will_stop"):
            return  # it was to go down, and has only gone down faster
        if self.state in (UP, None) or why in KEPT or (self._cause in ("", *KEPT) and why not in ("", "doubt")):
            self._cause = why

    def _why(self, fields: Mapping[str, Any], asked_by: str | None) -> str:
        if self._hint in ("silent", "power", "start"):
            return self._hint
        if asked_by is not None and asked_by.startswith("command."):
            return OPERATOR
        if asked_by is not None and asked_by.startswith("wagman."):
            return ENVIRONMENT
        reason = fields.get("reason")
        found = _BY_REASON.get(reason) if isinstance(reason, str) else None
        return found or ("board" if asked_by == "board.log" or self.state == UP else "doubt" if reason else "")

    def _becomes(self, at_s: float, name: str | None) -> None:
        if name in (UP, None):
            self._cause = ""
        cause, self._hint = "" if name == UP else self._cause, ""
        if not self.states or self.states[-1][1:] != (name, cause):
            self.states.append(State(at_s, name, cause))

    def on_maintenance(self, at_s: float, _fields: Mapping[str, Any], _asked_by: str | None) -> None:
        """The guest is left alone."""
        self._cause = MAINTENANCE
        self._becomes(at_s, MAINTENANCE)

    def on_maintenance_over(self, at_s: float, _fields: Mapping[str, Any], _asked_by: str | None) -> None:
        """The guest is looked at anew, and nothing is known of it before it is found up or off."""
        self._becomes(at_s, None)

    # --- What comes with them -----------------------------------------------------------------------------------------

    def on_heartbeat_lost(self, at_s: float, fields: Mapping[str, Any], _asked_by: str | None) -> None:
        """The guest has been silent for `silent_s` by then."""
        silent_s = number(fields.get("silent_s")) or 0.0
        since_s = max(at_s - max(silent_s, 0.0), self.states[-1].at_s if self.states else at_s)
        self._cause = "silent"
        self._becomes(min(since_s, at_s), SILENT)
        self._hint = "silent"

    def on_power_lost(self, at_s: float, _fields: Mapping[str, Any], _asked_by: str | None) -> None:
        """The power was cut, and not by this service."""
        self._hint = "power"
        self.losses.append(at_s)
        self._goes_off(at_s, was_on=True)
        self._is_lost = True

    def on_off(self, at_s: float, _fields: Mapping[str, Any], _asked_by: str | None) -> None:
        """The power was seen off; if it was lost, that has been counted."""
        if not self._is_lost:
            self._goes_off(at_s, was_on=self._was_on())

    def _was_on(self) -> bool:
        """Whether power that is seen off now was on. If it may have been off all the time, as on the first day, it was not."""
        told = [what for _, what in self.power]
        if self.state == "starting" and told[-1:] == ["switching"]:  # the off that comes before the new power
            return told[-2:-1] == ["on"]
        return told[-1:] in (["on"], ["switching"])

    def on_start_failed(self, at_s: float, fields: Mapping[str, Any], _asked_by: str | None) -> None:
        """The guest was not heard in time."""
        self.failed_starts.append(at_s)
        waited_s = number(fields.get("waited_s"))
        if waited_s is not None and self.power and self.power[-1][1] == "switching":
            self._powers(max(at_s - max(waited_s, 0.0), self.power[-1][0]), "on")
        self._cause = self._hint = "start"

    def on_stop_failed(self, _at_s: float, _fields: Mapping[str, Any], _asked_by: str | None) -> None:
        """The guest did not halt in time, and is cut."""
        self._hint = "cut"

    def on_message(self, _at_s: float, fields: Mapping[str, Any], _asked_by: str | None) -> None:
        """The command that asks the guest to halt has ended."""
        self._answered = self._answered or fields.get("ok") is True

    def on_found(self, at_s: float, _fields: Mapping[str, Any], _asked_by: str | None) -> None:
        """The guest runs, or may run, although this service has not started it."""
        self._powers(at_s, "on")

    # --- Power and cuts -----------------------------------------------------------------------------------------------

    def _count_cut(self, at_s: float, fields: Mapping[str, Any], *, killed: bool = False) -> None:
        """Count a cut: the service switches the power off, if there was any."""
        booting = self.state in ("starting", "will_stop")
        if self._hint == "power" or (booting and self._hint != "start" and not killed and self.state == "starting"):
            return
        self.cuts.append((at_s, self._kind_of_cut(fields, killed=killed, booting=booting)))

    def _kind_of_cut(self, fields: Mapping[str, Any], *, killed: bool, booting: bool) -> Cut:
        if self._hint == "cut" or killed:
            return "hard"
        if number(fields.get("silent_s")) is None or booting:
            return "unproved"
        # A guest that was silent before it was asked may have hung. If a message reached it, it did not.
        if self._was_heard or self._answered:
            return "clean"
        return "unproved" if self._cause == "start" else "hard"

    def _goes_off(self, at_s: float, *, was_on: bool) -> None:
        if was_on:
            self.cycles.append(at_s)
        self._powers(at_s, "off")
        if self.state == "starting":  # the off that comes before the new power
            self._powers(at_s, "switching")

    def _powers(self, at_s: float, what: str) -> None:
        self._is_lost = self._is_lost and what != "on"
        if not self.power or self.power[-1][1] != what:
            self.power.append((at_s, what))


_Handler: TypeAlias = Callable[[Track, float, Mapping[str, Any], str | None], None]

_HANDLERS: Mapping[str, _Handler] = {
    **dict.fromkeys(WANTED_DOWN, Track.on_wanted_down),
    "command.refused": Track.on_refused,
    "device.started": Track.on_started,
    "device.starting": Track.on_starting,
    "device.will_stop": Track.on_will_stop,
    "device.stopping": Track.on_stopping,
    "device.restarting": Track.on_restarting,
    "device.stopped": Track.on_stopped,
    "device.heartbeat_lost": Track.on_heartbeat_lost,
    "device.power_lost": Track.on_power_lost,
    "device.off": Track.on_off,
    "device.start_failed": Track.on_start_failed,
    "device.stop_failed": Track.on_stop_failed,
    "device.message": Track.on_message,
    "device.adopted": Track.on_found,
    "device.unexpected_heartbeat": Track.on_found,
    "device.unexpected_power": Track.on_found,
    "device.power_found": Track.on_found,
    "device.maintenance": Track.on_maintenance,
    "device.maintenance_over": Track.on_maintenance_over,
}

"""The one verdict: what calls for a person, found in how everything is. Pure: (facts) -> problems.

Each problem has its function below, and a place in FINDERS. A function looks at `Facts` and yields a `Problem` for as long
as there is one; since when it stands, and what is told of its beginning and its end, is the business of `wagman.service.spells`.

- `id` is stable: the same trouble has the same id whenever it is found.
- `text` says what is wrong, with the true reason, and holds no durations: for how long it stands is shown beside it.
- `do` says what to type or to look at; there is no problem without it.
- *critical*: a guest is down, or may lose its power, or nobody can tell. *warning*: all runs, and something is to be mended.
"""

import errno
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from wagman.config.schema import Config
from wagman.model.errors import FILE_TAKEN, PLACE_GONE

Severity: TypeAlias = Literal["critical", "warning"]

LINK_PATIENCE_S = 4.0
"""A board that restarts takes its port with it for a moment: no problem before that (chosen: less than a poll)."""

DOUBT_S = 300.0
"""So long may pass until the board shows that a relay is off (chosen: many rounds of switching it off)."""

FEEDS_MISSED_S = 180.0
"""So long without the controller's heartbeat is no chance: it is sent every minute (chosen: three of them)."""

UNFED_S = 900.0
"""From so long on without the controller's heartbeat a person is called; the board waits for an hour (chosen)."""

ENCLOSURE_S = 120.0
"""So long after the link came up each board has told of the enclosure again (chosen: a v4 board tells every minute)."""

FAILED_STARTS = 2
"""From so many failed starts in a row on a guest is told of (chosen: one is tried again, and mostly mended by that)."""

BOARD = "board"
"""The name of the only board that there is."""


@frozen
class Problem:
    """One thing that calls for a person."""

    id: str
    severity: Severity
    text: str
    do: str
    device: str | None = None
    board: str | None = None
    patience_s: float = 0.0  # it counts once it has been so for so long
    for_s: float | None = None  # for how long it has been so; None: since it is found


@frozen
class Refusal:
    """A configuration that was refused."""

    instead: str  # what the service goes by
    problems: tuple[str, ...]  # each with its line


@frozen
class Facts:
    """What problems are found in: the status, and what the service knows beside it."""

    config: Config
    status: Mapping[str, Any]  # as the control interface gives it, all devices
    link_reason: str | None = None  # why the port is not open
    silent_reason: str | None = None  # why the board counts as silent
    unsteady_reason: str | None = None  # why one connection after the other is lost
    log_reason: str | None = None  # why the log cannot be written
    refusal: Refusal | None = None
    needs_restart: tuple[str, ...] = ()  # keys that count once the service is restarted
    socket_reason: str | None = None  # why no client can connect
    stuck_tasks: tuple[str, ...] = ()
    unknown_sensors: tuple[str, ...] = ()  # those that are watched
    clock_set: bool = True
    unfed_s: float | None = None  # for how long the board has not had the controller's heartbeat; None where it needs none
    extra: tuple[Problem, ...] = field(default=())  # what a part of the service has found out by itself

    @property
    def guests(self) -> Iterator[Mapping[str, Any]]:
        """The rows of all devices but the controller."""
        return (row for row in self.status["devices"] if not row["self"])

    @property
    def wanted(self) -> Iterator[Mapping[str, Any]]:
        """The rows of the guests that are to run."""
        return (row for row in self.guests if row["enabled"] and row["wanted"] == "up")


Finder: TypeAlias = Callable[[Facts], Iterator[Problem]]


def problems(facts: Facts) -> dict[str, Problem]:
    """All problems by id, the worst first."""
    found = [problem for finder in FINDERS for problem in finder(facts)]
    found.sort(key=lambda problem: problem.severity)  # "critical" comes first by its letter
    return {problem.id: problem for problem in found}


# --- The board ---------------------------------------------------------------------------------------------------------

IS_IN = "is the cable in, and has the board power?"
NO_PORT = "board.device has to name a serial port: correct it, then systemctl restart wagman"
HELD = "another program holds it: fuser -v {device} names it; end that program"

REMEDIES: tuple[tuple[str, str], ...] = (
    (
        os.strerror(errno.EACCES),
        "let the service's user open it: ls -lL {device} shows who may; wagman install-service puts the rule for it in place",
    ),
    (os.strerror(errno.ENOENT), f"{IS_IN} If its port has another name: board.device in the configuration"),
    (os.strerror(errno.EISDIR), NO_PORT),
    (os.strerror(errno.ENOTTY), NO_PORT),
    (os.strerror(errno.EBUSY), HELD),
    (os.strerror(errno.EWOULDBLOCK), HELD),
    (
        "another program reads this port",
        "fuser -v {device} names it: end that program",
    ),
    (os.strerror(errno.ENXIO), IS_IN),
    (os.strerror(errno.ENODEV), IS_IN),
    (os.strerror(errno.EIO), IS_IN),
    ("hung up", IS_IN),
)
"""What to do about a port that cannot be opened or kept, by what is said of it."""

SEE_THE_PORT = "look at the cable, the board's power, and {device}; the service opens it by itself once it can"
SEE_THE_BOARD = "press the board's reset button only if its guests may lose their power; else look at board.dialect and the cable"


def remedy(reason: str, device: str, otherwise: str) -> str:
    """What to do about a port that gives this reason."""
    return next((do for said, do in REMEDIES if said in reason), otherwise).format(device=device)


def board_unseen(facts: Facts) -> Iterator[Problem]:
    """The port cannot be opened, or nobody answers there."""
    device = facts.status["board"]["device"]
    if facts.status["board"]["link"] != "up" and facts.link_reason is not None:
        text = f"the board cannot be reached: {facts.link_reason}"
        do = remedy(facts.link_reason, device, SEE_THE_PORT)
        yield Problem("link:board", "critical", text, do, board=BOARD, patience_s=LINK_PATIENCE_S)
    elif facts.unsteady_reason is not None:
        text = f"the connection to the board is lost again and again: {facts.unsteady_reason}"
        yield Problem("link:board", "critical", text, remedy(facts.unsteady_reason, device, SEE_THE_PORT), board=BOARD)
    elif facts.silent_reason is not None:
        text = f"the board does not answer on {device}: {facts.silent_reason}"
        yield Problem("link:board", "critical", text, SEE_THE_BOARD, board=BOARD)


def sensor_unknown(facts: Facts) -> Iterator[Problem]:
    """A sensor of the enclosure that is watched does not tell."""
    board = facts.status["board"]
    if board["blind"]:
        return  # nothing can be told by a board that is not seen
    for name in facts.unknown_sensors:
        text = f"the sensor {name} does not tell; what it told last goes on to count"
        do = "check the sensor and its plug; wagman status shows what it told last, and when"
        patience_s = 0.0 if _told_since_link_up(board, name) else ENCLOSURE_S
        yield Problem(f"sensor:{name}", "warning", text, do, board=BOARD, patience_s=patience_s)


def _told_since_link_up(board: Mapping[str, Any], sensor: str) -> bool:
    age_s, link_for_s = board["sensors"].get(sensor, {}).get("age_s"), board["for_s"]
    return age_s is not None and link_for_s is not None and age_s < link_for_s


# --- The guests --------------------------------------------------------------------------------------------------------


def relay_stuck(facts: Facts) -> Iterator[Problem]:
    """A relay stays on against repeated commands."""
    for row in facts.guests:
        if row["relay_stuck"]:
            name = row["name"]
            text = f"the relay of {name} stays on although it was switched off again and again: {name} may still have power"
            yield Problem(f"relay_stuck:{name}", "critical", text, "replace the board", device=name)


def held(facts: Facts) -> Iterator[Problem]:
    """Switching a guest on has pulled the board down again and again."""
    for row in facts.wanted:
        if row["held"]:
            name = row["name"]
            text = f"{name} is held off: the board restarted each time that it was switched on"
            yield Problem(f"held:{name}", "critical", text, f"mend its supply, then wagman start {name}", device=name)


def command_trouble(facts: Facts) -> Iterator[Problem]:
    """A guest that cannot be asked to halt: the next stop would cut it while it runs."""
    commands = {device.name: device.shutdown or () for device in facts.config.devices}
    for row in facts.guests:
        if (why := row["command_trouble"]) is not None:
            name = row["name"]
            severity: Severity = "critical" if row["state"] in ("will_stop", "stopping", "restarting") else "warning"
            text = f"{name} cannot be asked to halt, and would be cut while it runs: its command fails ({why})"
            command = shlex.join(commands.get(name, ()))
            do = f"mend it, and try it as the service's user, which halts {name} where it works: {command}"
            yield Problem(f"shutdown:{name}", severity, text, do, device=name)


def power_in_doubt(facts: Facts) -> Iterator[Problem]:
    """A guest is stopped, and nothing shows that its power is off: no meter, or the board does not keep it off."""
    if facts.status["board"]["blind"]:
        return
    for row in facts.guests:
        in_question = row["state"] == "stopped" and not row["power"]["confirmed"] and not row["relay_stuck"]
        if in_question and not any(alarm["name"] == "adopt" for alarm in row["alarms"]):
            name = row["name"]
            text = f"{name} is stopped, and nothing shows that its power is off for good: it may have power, or get it again"
            do = f"do not touch its wiring; wagman why {name}, and look at the board's sensors: wagman board cu"
            yield Problem(f"power:{name}", "warning", text, do, device=name, patience_s=DOUBT_S)


def failing(facts: Facts) -> Iterator[Problem]:
    """A guest does not come up."""
    for row in facts.wanted:
        name, failures = row["name"], row["failures"]
        if row["unrecoverable"]:
            tried = "" if row["media"] is None else ", from either medium"
            text = f"{name} does not come up{tried}; it is tried again now and then"
            do = f"send somebody; wagman why {name} shows the attempts, wagman start {name} tries at once"
            yield Problem(f"failing:{name}", "critical", text, do, device=name)
        elif failures >= FAILED_STARTS:
            text = f"{name} does not come up; it goes on being tried"
            yield Problem(f"failing:{name}", "warning", text, f"wagman why {name} shows the attempts", device=name)


def on_recovery_medium(facts: Facts) -> Iterator[Problem]:
    """A guest runs from the medium that is there for rescue."""
    primary = {device.name: device.primary for device in facts.config.devices}
    for row in facts.guests:
        name, media = row["name"], row["media"]
        if row["state"] == "started" and media is not None and primary.get(name) not in (None, media):
            text = f"{name} runs from its recovery medium ({media}): it did not come up from {primary[name]}"
            yield Problem(
                f"recovery:{name}",
                "warning",
                text,
                f"mend its {primary[name]}, then wagman restart {name}",
                device=name,
            )


def hibernating(facts: Facts) -> Iterator[Problem]:
    """The guests are down, or on their way, since the enclosure forbids that they run."""
    if facts.status["wagman"]["state"] not in ("will_hibernate", "hibernating"):
        return
    text = f"hibernating: no guest runs {_until(facts)}"
    yield Problem(
        "hibernating", "warning", text, "look at fan, filter, shade; wagman start --force GUEST starts one all the same"
    )


def _until(facts: Facts) -> str:
    board = facts.status["board"]
    states = {name: sensor["state"] for name, sensor in board["sensors"].items()}
    if bad := ", ".join(f"{name} {state}" for name, state in states.items() if state in ("high", "low")):
        return f"until the enclosure is as it should be again ({bad})"
    if board["blind"] or facts.unknown_sensors or "normal" not in states.values():
        return "until the enclosure is as it should be again (it was not, when last seen)"
    return "before hibernate_min is over, though the enclosure is as it should be again"


# --- The service itself ------------------------------------------------------------------------------------------------


MAKE_PLACE = (
    "note what wagman status shows as stopped or disabled, then systemctl restart wagman, which makes {place} anew;"
    " a restart forgets those, and starts them: wagman disable GUEST at once"
)

DISK_REMEDIES: tuple[tuple[str, str], ...] = (
    (PLACE_GONE, MAKE_PLACE),
    (FILE_TAKEN, "find out who deletes files under {place}; the log goes on by itself"),
    ("sudo ", "type what is said there: it then goes on by itself; do not restart the service before"),
)
"""What to do where nothing can be written, by what is said of it."""

MAKE_ROOM = "make room, or mend the disk, under {place}: it then goes on by itself; do not restart the service before"


def disk_remedy(reason: str, place: str) -> str:
    """What to do where nothing can be written, for this reason."""
    return next((do for said, do in DISK_REMEDIES if said in reason), MAKE_ROOM).format(place=place)


def log_not_written(facts: Facts) -> Iterator[Problem]:
    """The disk does not take the log."""
    if facts.log_reason is not None:
        text = f"the log cannot be written: {facts.log_reason}"
        yield Problem("log", "warning", text, disk_remedy(facts.log_reason, facts.config.service.state_dir))


def config_refused(facts: Facts) -> Iterator[Problem]:
    """The operator's file is wrong."""
    if facts.refusal is not None:
        more = f" (and {len(facts.refusal.problems) - 1} more)" if len(facts.refusal.problems) > 1 else ""
        first = facts.refusal.problems[0] if facts.refusal.problems else "it cannot be used"
        text = f"the configuration was refused, and the service runs on {facts.refusal.instead}: {first}{more}"
        yield Problem("config", "warning", text, "wagman check-config lists all; mend it, then systemctl reload wagman")


def restart_pending(facts: Facts) -> Iterator[Problem]:
    """Something that was configured counts only once the service is restarted."""
    if facts.needs_restart:
        text = f"the service has to be restarted for {', '.join(facts.needs_restart)} to count"
        yield Problem("restart_pending", "warning", text, "systemctl restart wagman: no guest loses its power by that")


def socket_lost(facts: Facts) -> Iterator[Problem]:
    """No command reaches the service: this is read in the journal, and in what systemctl shows."""
    if facts.socket_reason is not None:
        text = f"commands cannot reach the service: {facts.socket_reason}"
        do = "make way for the socket, and it is made anew within a minute; or systemctl restart wagman, which no guest notices"
        yield Problem("socket", "warning", text, do)


def controller_unfed(facts: Facts) -> Iterator[Problem]:
    """The board hears nothing of the controller, and will cut its power."""
    if facts.unfed_s is not None and facts.unfed_s >= FEEDS_MISSED_S:
        own = next((row["name"] for row in facts.status["devices"] if row["self"]), None)
        text = "the board does not hear this computer, and power-cycles it one hour after it heard it last"
        do = "mend what keeps the service from reaching the board; it then feeds the board by itself"
        yield Problem("unfed", "critical", text, do, device=own, board=BOARD, patience_s=UNFED_S, for_s=facts.unfed_s)


def task_stuck(facts: Facts) -> Iterator[Problem]:
    """A task of the service makes no progress."""
    for task in facts.stuck_tasks:
        do = "systemd restarts the service; report it, with what journalctl -u wagman says"
        yield Problem(f"stuck:{task}", "critical", f"the task {task} of the service hangs", do)


def clock_unset(facts: Facts) -> Iterator[Problem]:
    """The controller does not know what time it is."""
    if not facts.clock_set:
        do = "have it set: timedatectl shows whether it is synchronised; the service itself does not go by it"
        yield Problem("clock", "warning", "the clock of this computer has not been set: times in the log mean nothing", do)


def told_by_others(facts: Facts) -> Iterator[Problem]:
    """What a part of the service has found out by itself."""
    yield from facts.extra


FINDERS: tuple[Finder, ...] = (
    board_unseen,
    relay_stuck,
    held,
    command_trouble,
    power_in_doubt,
    failing,
    on_recovery_medium,
    hibernating,
    sensor_unknown,
    log_not_written,
    config_refused,
    restart_pending,
    socket_lost,
    controller_unfed,
    task_stuck,
    clock_unset,
    told_by_others,
)
"""Each of them looks for one kind of problem."""

"""Problems of the service itself: its configuration, its socket, its tasks, and the computer that it runs on."""

from collections.abc import Iterator

from wagman.model.facts import DEFAULT_BOARD
from wagman.service.problems.facts import Facts, Problem, board_words

FEEDS_MISSED_S = 180.0
"""So long without a heartbeat of the controller is no accident (chosen: three heartbeats, one is sent every minute)."""

UNFED_S = 900.0
"""Without a heartbeat of the controller for so long, a person is called (chosen; the board waits for an hour)."""


def config_refused(facts: Facts) -> Iterator[Problem]:
    """The operator's configuration file is refused."""
    if facts.refusal is not None:
        more = f" (and {len(facts.refusal.problems) - 1} more)" if len(facts.refusal.problems) > 1 else ""
        first = facts.refusal.problems[0] if facts.refusal.problems else "it cannot be used"
        text = f"the configuration was refused, and the service runs on {facts.refusal.instead}: {first}{more}"
        yield Problem("config", "warning", text, "wagman check-config lists all errors; mend them, then systemctl reload wagman")


def restart_pending(facts: Facts) -> Iterator[Problem]:
    """A change of the configuration waits for a restart of the service."""
    if facts.needs_restart:
        text = f"the service has to be restarted for {', '.join(facts.needs_restart)} to count"
        yield Problem("restart_pending", "warning", text, "systemctl restart wagman: no guest loses its power by that")


def socket_lost(facts: Facts) -> Iterator[Problem]:
    """No command reaches the service. No command can show this: it is read in the journal and with systemctl."""
    if facts.socket_reason is not None:
        text = f"commands cannot reach the service: {facts.socket_reason}"
        do = (
            "remove what is in the way of the socket: the service then makes it anew within a minute; "
            "or systemctl restart wagman, which no guest notices"
        )
        yield Problem("socket", "warning", text, do)


def controller_unfed(facts: Facts) -> Iterator[Problem]:
    """The board does not hear the controller, and will cut its power."""
    if facts.unfed_s is not None and facts.unfed_s >= FEEDS_MISSED_S:
        own = next((row for row in facts.status["devices"] if row["self"]), None)
        name, board = (None, DEFAULT_BOARD) if own is None else (own["name"], own["board"])
        text = f"{board_words(board)} does not hear this computer, and power-cycles it one hour after it heard it last"
        do = "mend what keeps the service from reaching the board: the board then hears this computer again"
        yield Problem("unfed", "critical", text, do, device=name, board=board, patience_s=UNFED_S, for_s=facts.unfed_s)


def task_stuck(facts: Facts) -> Iterator[Problem]:
    """A task of the service makes no progress."""
    for task in facts.stuck_tasks:
        do = "systemd restarts the service; report this to the project, with what journalctl -u wagman says"
        yield Problem(f"stuck:{task}", "critical", f"the task {task} of the service hangs", do)


def clock_unset(facts: Facts) -> Iterator[Problem]:
    """The clock of the controller has not been set."""
    if not facts.clock_set:
        do = "set the clock: timedatectl shows whether it is synchronised; the service itself does not depend on it"
        yield Problem("clock", "warning", "the clock of this computer has not been set: times in the log mean nothing", do)

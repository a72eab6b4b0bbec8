"""Events about the service: who asked for what, the service itself, the controller, problems, the log."""

from collections.abc import Mapping

from wagman.model.catalogue.kind import REPEATED, EventType, EventView, Graver, Part, field, figure, if_true, lasting, tell

VERBS = ("start", "stop", "restart", "kill", "enable", "disable")

_ASKED = ("uid", "who", "for", "order", "force")
_FOR_A_WHILE = (*_ASKED, "for_s")
_PROBLEM = ("id", "severity", "text", "do")
_REPORT = "report it, with all its fields"


def _asked(verb: str) -> Part:
    def sentence(view: EventView) -> str:
        how = (if_true("force", "by force"), lasting("for_s", "for {}"))
        return tell(f"{view.asker()} asked to {verb} {view.it}", *how)(view) + view.through()

    return sentence


def _maintenance(view: EventView) -> str:
    what = "leave {it} alone, for maintenance" if view.number("for_s") is not None else "end the maintenance of {it}"
    return tell(f"{view.asker()} asked to {what}", lasting("for_s", "for {}"))(view) + view.through()


def _hibernate(view: EventView) -> str:
    return tell(f"{view.asker()} had all guests hibernate{view.through()}", field("keep", "but for {}"), why="reason")(view)


def _denied(view: EventView) -> str:
    return f"{view.who()} asked for {view.text('method') or 'something'}, and may not"


def _forced(view: EventView) -> str:
    return tell(f"{view.who()} forced a command upon the board", why="command")(view)


def _defect(view: EventView) -> str:
    where = view.text("task") or view.text("method") or "the service"
    return tell(f"a defect in {where} was contained", why="error")(view)


def _hung(view: EventView) -> str:
    return f"the task {view.text('task') or 'of the service'} hung: the service will be restarted"


def _reloaded(view: EventView) -> str:
    changed, waiting = (view.items(key) or "nothing" for key in ("changed", "needs_restart"))
    tables = f" ({view.items('tables')})" if view.items("tables") else ""
    return f"another configuration was taken over: changed: {changed}; left for a restart: {waiting}{tables}"


def _refused(view: EventView) -> str:
    instead = view.text("instead") or "another one"
    return tell(f"the configuration was refused, and the service goes by {instead}", why="problems")(view)


def _unfed(view: EventView) -> str:
    when = lasting("in_s", "in {}", "within an hour")(view)
    return f"nobody feeds the controller any more: the board power-cycles it {when}"


def _going_down(view: EventView) -> str:
    how = "it could not be shut down" if view.is_false("shut_down") else "it shuts down"
    return tell(f"the board was about to cut the controller: {how}", why="error")(view)


def _ended(view: EventView) -> str:
    return tell(f"a problem ended{lasting('after_s', ' after {}')(view)}", why="text")(view)


def _opened(view: EventView) -> str:
    return "a new log was begun" if view.is_true("new") else "the log was opened"


def _damaged(view: EventView) -> str:
    aside = view.text("set_aside")
    return tell("the log could not be used, and was set aside" + (f" as {aside}" if aside else ""), why="reason")(view)


SERVICE: Mapping[str, EventType] = {
    **{
        f"command.{verb}": EventType(f"somebody asked to {verb} it", _asked(verb), _FOR_A_WHILE if verb == "stop" else _ASKED)
        for verb in VERBS
    },
    "command.maintenance": EventType("somebody asked to leave it alone for a while, or no longer", _maintenance, _FOR_A_WHILE),
    "command.hibernate": EventType(
        "somebody asked to take all guests down, but for those in `keep`, until `wagman wake`",
        _hibernate,
        ("uid", "who", "for", "order", "reason", "keep"),
    ),
    "command.wake": EventType(
        "somebody ended what `wagman hibernate` had ordered",
        lambda view: f"{view.asker()} had the guests wake{view.through()}",
        ("uid", "who", "for", "order"),
    ),
    "command.refused": EventType(
        "what was asked for is not done; who asked was told the reason",
        tell("what was asked of {it} was refused", why="reason"),
        ("reason",),
    ),
    "command.denied": EventType(
        "somebody asked for what he may not do",
        _denied,
        ("method", "uid", *REPEATED),
        "see [who may](socket.md#who-may)",
        "warning",
        collapses=True,
    ),
    "command.board": EventType("a raw command was forced upon the board", _forced, ("uid", "command")),
    "service.started": EventType(
        "the service is about to supervise",
        tell("the service started", field("begun_anew", "nothing was remembered of {}"), field("warnings", "with warnings: {}")),
        ("version", "begun_anew", "warnings", "speed"),
        "read the warnings",
        graver=Graver("warning", "there are `warnings`", lambda view: bool(view.items("warnings"))),
    ),
    "service.stopping": EventType(
        "the service ends; no guest is touched", tell("the service ended", why="because"), ("because",)
    ),
    "service.task_failed": EventType(
        "a defect of the service; contained", _defect, ("task", "error", "where"), _REPORT, "warning"
    ),
    "service.request_failed": EventType(
        "a defect of the service; contained",
        _defect,
        ("method", "error", "where", "uid", *REPEATED),
        _REPORT,
        "warning",
        collapses=True,
    ),
    "service.task_stuck": EventType(
        "a task hangs; the watchdog restarts the service, and no guest notices",
        _hung,
        ("task",),
        "report it, with what `journalctl -u wagman` says after it",
        "warning",
    ),
    "service.reloaded": EventType(
        "another configuration was taken over",
        _reloaded,
        ("changed", "needs_restart", "tables"),
        "`systemctl restart wagman` when it suits",
        graver=Graver("warning", "a restart is needed", lambda view: bool(view.items("needs_restart"))),
    ),
    "service.config_refused": EventType(
        "the configuration is wrong",
        _refused,
        ("problems", "instead"),
        "mend what `problems` lists, then `systemctl reload wagman`",
        "warning",
    ),
    "service.config_not_kept": EventType(
        "no copy of the configuration could be kept for a start with a wrong one",
        tell("no copy of the configuration could be kept", why="warnings"),
        ("warnings",),
        "make room in `/var/lib/wagman`",
        "warning",
    ),
    "service.socket_lost": EventType(
        "the file of the control socket was taken away, or another one is in its place: no command reaches the service",
        tell("the control socket was lost, and no command reached the service", why="reason"),
        ("reason",),
        "nothing if `service.socket_recovered` follows, but find out who cleans up there; else do away with what `reason` names",
        "warning",
    ),
    "service.socket_recovered": EventType(
        "the control socket was made anew; clients that were connected stayed so", tell("the control socket was made anew")
    ),
    "service.lines_lost": EventType(
        "the journal, or whatever else takes the lines of the service, took none for a while; it is no event of the log, "
        "which has all of them",
        tell("lines were lost, which wagman events has", figure("lines", "{} of them")),
        ("lines",),
        "`wagman events` has what is missing",
        "warning",
    ),
    "controller.going_down": EventType(
        "the board is about to cut the controller, which shuts down in time; the board starts it again",
        _going_down,
        ("reason", "shut_down", "error"),
        "find out why: was the service away for an hour, or was a restart asked for?",
        "warning",
        Graver("critical", "`shut_down` is false", lambda view: view.is_false("shut_down")),
    ),
    "controller.unfed": EventType(
        "the service was stopped; the board will restart the controller",
        _unfed,
        ("power_cycle_at", "in_s"),
        "start the service before the time in `power_cycle_at`: **the board power-cycles this computer then**",
        "warning",
    ),
    "problem.began": EventType(
        "something calls for a person; told once, however long it lasts, and again only after it has ended",
        tell("a problem began", field("do", "what to do: {}"), why="text"),
        _PROBLEM,
        "what `do` says",
        "warning",
        Graver("critical", "`severity` says so", lambda view: view.text("severity") == "critical"),
        Graver("info", "`severity` is `notice`", lambda view: view.text("severity") == "notice"),
    ),
    "problem.changed": EventType(
        "something else is to be done about it by now, or it has become graver; each remedy is told once until it has ended",
        tell("a problem changed", field("do", "what to do: {}"), why="text"),
        _PROBLEM,
        "what `do` says",
        "warning",
        Graver("critical", "`severity` says so", lambda view: view.text("severity") == "critical"),
        Graver("info", "`severity` is `notice`", lambda view: view.text("severity") == "notice"),
    ),
    "problem.ended": EventType("it has not been found any more for a while", _ended, (*_PROBLEM, "after_s")),
    "store.opened": EventType(
        "the log was opened",
        _opened,
        ("log_id", "new"),
        "where it is `new`, and this is not the first start: see [the log](store.md)",
        graver=Graver("warning", "it is `new`", lambda view: view.is_true("new")),
    ),
    "store.damaged": EventType(
        "the log could not be used, and was set aside",
        _damaged,
        ("reason", "set_aside"),
        "see [files that were set aside](store.md#files-that-were-set-aside)",
        "warning",
    ),
    "store.unavailable": EventType(
        "the disk does not take it",
        tell("the log could not be written", why="reason"),
        ("reason",),
        "see [the log cannot be written](operations.md#the-log-cannot-be-written)",
        "warning",
    ),
    "store.recovered": EventType(
        "the disk takes it again", tell("the log could be written again", lasting("after_s", "after {}")), ("after_s",)
    ),
    "store.dropped": EventType(
        "the memory did not suffice meanwhile: so many events are missing here",
        tell("events were lost before they could be written", figure("count", "{} of them")),
        ("count",),
        "see [the log cannot be written](operations.md#the-log-cannot-be-written)",
        "warning",
    ),
}

"""Events about the service: who asked for what, the service itself, the controller, problems, the log."""

from collections.abc import Mapping

from wagman.model.catalogue.kind import REPEATED, EventType, EventView, Graver, Part, field, figure, if_true, lasting, tell

VERBS = ("start", "stop", "restart", "kill", "enable", "disable")

_ASKED = ("uid", "who", "for", "order", "force")
_FOR_A_WHILE = (*_ASKED, "for_s")
_PROBLEM = ("id", "severity", "text", "do")
_REPORT = "report this event to the project, with all its fields"


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
    return tell(f"{view.who()} forced a command upon {{board}}", why="command")(view)


def _defect(view: EventView) -> str:
    where = view.text("task") or view.text("method") or "the service"
    return tell(f"a defect in {where} was contained", why="error")(view)


def _hung(view: EventView) -> str:
    return f"the task {view.text('task') or 'of the service'} hung: the service will be restarted"


def _reloaded(view: EventView) -> str:
    changed, waiting = (view.items(key) for key in ("changed", "needs_restart"))
    tables = f" ({view.items('tables')})" if view.items("tables") else ""
    if not changed and not waiting:
        return f"the configuration was read anew: no value in it has changed{tables}"
    parts = f"changed: {changed or 'nothing'}; left for a restart: {waiting or 'nothing'}"
    return f"another configuration was taken over: {parts}{tables}"


def _refused(view: EventView) -> str:
    instead = view.text("instead") or "another one"
    return tell(f"the configuration was refused, and the service goes by {instead}", why="problems")(view)


def _unfed(view: EventView) -> str:
    when = lasting("in_s", "in {}", "within an hour")(view)
    return f"the service was stopped, so the board power-cycles the node controller {when}"


def _going_down(view: EventView) -> str:
    how = "it could not be shut down" if view.is_false("shut_down") else "it shuts down"
    return tell(f"the board was about to cut the controller: {how}", why="error")(view)


def _ended(view: EventView) -> str:
    return tell(f"a problem ended{lasting('after_s', ' after {}')(view)}", why="text")(view)


def _opened(view: EventView) -> str:
    return "a new log was begun" if view.is_true("new") else "the log was opened"


def _illegible(view: EventView) -> str:
    return f"what the log had kept of {view.items('keys') or 'some things'} is not legible, and begins anew"


def _damaged(view: EventView) -> str:
    aside = view.text("set_aside")
    return tell("the log could not be used, and was set aside" + (f" as {aside}" if aside else ""), why="reason")(view)


SERVICE: Mapping[str, EventType] = {
    **{
        f"command.{verb}": EventType(
            f"somebody asked to {verb} the guest", _asked(verb), _FOR_A_WHILE if verb == "stop" else _ASKED
        )
        for verb in VERBS
    },
    "command.maintenance": EventType(
        "somebody asked to leave the guest alone for a while, or to end that", _maintenance, _FOR_A_WHILE
    ),
    "command.hibernate": EventType(
        "somebody asked to stop all guests, except those in `keep`, until `wagman wake`",
        _hibernate,
        ("uid", "who", "for", "order", "reason", "keep"),
    ),
    "command.wake": EventType(
        "somebody ended what `wagman hibernate` had ordered",
        lambda view: f"{view.asker()} had the guests wake{view.through()}",
        ("uid", "who", "for", "order"),
    ),
    "command.refused": EventType(
        "the service refused a request, and told the caller the reason",
        tell("a request for {it} was refused", why="reason"),
        ("reason",),
    ),
    "command.denied": EventType(
        "somebody asked for something that this user may not do",
        _denied,
        ("method", "uid", *REPEATED),
        "see [who may](socket.md#who-may)",
        "warning",
        collapses=True,
    ),
    "command.board": EventType("somebody sent the board a raw command with `--force`", _forced, ("name", "uid", "command")),
    "service.started": EventType(
        "the service has started, and begins to look after the guests",
        tell("the service started", field("begun_anew", "nothing was remembered of {}"), field("warnings", "with warnings: {}")),
        ("version", "begun_anew", "warnings", "speed"),
        "read the warnings",
        graver=Graver("warning", "there are `warnings`", lambda view: bool(view.items("warnings"))),
    ),
    "service.stopping": EventType(
        "the service ends, and leaves all guests as they are", tell("the service ended", why="because"), ("because",)
    ),
    "service.task_failed": EventType(
        "a task of the service failed by a defect in the program; the service started the task again",
        _defect,
        ("task", "error", "where"),
        _REPORT,
        "warning",
    ),
    "service.request_failed": EventType(
        "a request failed by a defect in the program; the service goes on",
        _defect,
        ("method", "error", "where", "uid", *REPEATED),
        _REPORT,
        "warning",
        collapses=True,
    ),
    "service.task_stuck": EventType(
        "a task of the service hangs; systemd restarts the service, and all guests stay as they are",
        _hung,
        ("task",),
        "report this event to the project, with what `journalctl -u wagman` says after it",
        "warning",
    ),
    "service.reloaded": EventType(
        "the service has taken over a changed configuration",
        _reloaded,
        ("changed", "needs_restart", "tables"),
        "type `systemctl restart wagman` when it suits you",
        graver=Graver("warning", "a restart is needed", lambda view: bool(view.items("needs_restart"))),
    ),
    "service.config_refused": EventType(
        "the configuration file has errors; the service goes by the file in `instead`",
        _refused,
        ("problems", "instead"),
        "mend the errors in `problems`, then type `systemctl reload wagman`",
        "warning",
    ),
    "service.config_not_kept": EventType(
        "the service could not keep a copy of the configuration, which it needs for a start with a wrong file",
        tell("no copy of the configuration could be kept", why="warnings"),
        ("warnings",),
        "make room on the disk of `/var/lib/wagman`",
        "warning",
    ),
    "service.socket_lost": EventType(
        "the file of the control socket was removed, or another file is in its place: no command reaches the service",
        tell("the control socket was lost, and no command reached the service", why="reason"),
        ("reason",),
        "if `service.socket_recovered` follows, only find out who removes files there; else remove the cause that `reason` names",
        "warning",
    ),
    "service.socket_recovered": EventType(
        "the service has made the control socket anew; connected clients stayed connected",
        tell("the control socket was made anew"),
    ),
    "service.lines_lost": EventType(
        "the journal, or another reader of the service's output, took no lines for a while. The log has all events that "
        "these lines were about, and does not have this one",
        tell("lines for the journal were lost", figure("lines", "{} of them"), lambda _: "which wagman events has"),
        ("lines",),
        "type `wagman events`: it shows what is missing in the journal",
        "warning",
    ),
    "controller.going_down": EventType(
        "the board is about to cut the power of the node controller, which shuts down in time; the board starts it again",
        _going_down,
        ("reason", "shut_down", "error"),
        "find out why: did the service not run for an hour, or did somebody ask for a restart?",
        "warning",
        Graver("critical", "`shut_down` is false", lambda view: view.is_false("shut_down")),
    ),
    "controller.unfed": EventType(
        "the service was stopped, so the board will power-cycle the node controller",
        _unfed,
        ("power_cycle_at", "in_s"),
        "start the service before the time in `power_cycle_at`: **the board power-cycles this computer then**",
        "warning",
    ),
    "problem.began": EventType(
        "a problem began: something that calls for a person; reported once, however long it lasts, and again only after it "
        "has ended",
        tell("a problem began", field("do", "what to do: {}"), why="text"),
        _PROBLEM,
        "do what `do` says",
        "warning",
        Graver("critical", "`severity` is `critical`", lambda view: view.text("severity") == "critical"),
        Graver("info", "`severity` is `notice`", lambda view: view.text("severity") == "notice"),
    ),
    "problem.changed": EventType(
        "a problem needs another remedy now, or has become graver; each remedy is reported once until the problem ends",
        tell("a problem changed", field("do", "what to do: {}"), why="text"),
        _PROBLEM,
        "do what `do` says",
        "warning",
        Graver("critical", "`severity` is `critical`", lambda view: view.text("severity") == "critical"),
        Graver("info", "`severity` is `notice`", lambda view: view.text("severity") == "notice"),
    ),
    "problem.ended": EventType("a problem has not been found for a while", _ended, (*_PROBLEM, "after_s")),
    "store.opened": EventType(
        "the service has opened the log",
        _opened,
        ("log_id", "new"),
        "if `new` is true, and this is not the first start: see [the log](store.md)",
        graver=Graver("warning", "`new` is true", lambda view: view.is_true("new")),
    ),
    "store.damaged": EventType(
        "the service could not use the log, and set it aside",
        _damaged,
        ("reason", "set_aside"),
        "see [files that were set aside](store.md#files-that-were-set-aside)",
        "warning",
    ),
    "store.illegible": EventType(
        "parts of what the log keeps for the next start are not legible, as where the disk has changed a bit: they begin anew",
        _illegible,
        ("keys",),
        "see [what is not legible](store.md#what-is-not-legible)",
        "warning",
    ),
    "store.unavailable": EventType(
        "the service cannot write the log to the disk",
        tell("the log could not be written", why="reason"),
        ("reason",),
        "see [the log cannot be written](operations.md#the-log-cannot-be-written)",
        "warning",
    ),
    "store.recovered": EventType(
        "the service can write the log to the disk again",
        tell("the log could be written again", lasting("after_s", "after {}")),
        ("after_s",),
    ),
    "store.dropped": EventType(
        "the log could not be written for so long that there was no memory left for the events: `count` of them are missing here",
        tell("events were lost before they could be written", figure("count", "{} of them")),
        ("count",),
        "see [the log cannot be written](operations.md#the-log-cannot-be-written)",
        "warning",
    ),
}

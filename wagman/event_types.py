"""Every type of event: when there is one, what it carries, and what whoever is woken by it does.

Nothing at run time looks here. The reference of the events is made from it, and tests hold it against what really happens.
"""

from collections.abc import Mapping

from attrs import frozen

from wagman.events import VERBS


@frozen
class EventType:
    """What there is to know of a type of event."""

    when: str
    fields: tuple[str, ...] = ()  # their names; what they hold is in FIELDS
    do: str = ""  # nothing


FIELDS: Mapping[str, str] = {
    "after_s": "how long it took, or was waited, in seconds",
    "attempt": "the number of the start, since it was last stable; 0 where there was none, as of a guest that was taken over",
    "because": "the signal or the shutdown that ended the service",
    "before": "the board's boot count before",
    "begun_anew": "machines whose saved state was missing or could not be used",
    "board": "the board's identity",
    "board_name": "the board's own name of a port that no device is configured on",
    "boots": "the board's boot count, where it has one",
    "changed": "keys that count from now on",
    "command": "what was sent to the board",
    "count": "how many more there were, see below",
    "detail": "the exit status, or what was in the way",
    "device": "the serial port",
    "dialect": "what the board speaks",
    "do": "what to do about it",
    "due_in_s": "the wait before the next try, in seconds",
    "error": "the error",
    "failures": "failed starts in a row; of `board.unmanaged`: those that the board has counted",
    "force": "`--force` was given",
    "id": "names the problem: the same trouble has the same id",
    "in_s": "seconds from now",
    "instead": "the file that the service goes by",
    "limit": "the count at which the board gives the port up",
    "log_id": "the identity of the log",
    "media": "what it boots from: `emmc`, `sd`, or null where the port has no selector, or the guest was taken over",
    "message": "`shutdown` or `restart`",
    "method": "of the control socket",
    "needs_restart": "keys that count once the service is restarted",
    "new": "the log begins here",
    "ok": "the command ended with 0",
    "output": "the end of what the command printed, 2 kB at most",
    "over_s": "the seconds in which `count` of them came, see below",
    "port": "of the board, where no device is configured on it",
    "power_cycle_at": "when the board will restart the controller; null if that is not known",
    "problems": "every error in the file, with its line",
    "reason": "why",
    "recover": "it is a start from the other medium",
    "resets": "how often the board has restarted right after this relay went on",
    "rounds": "how often it was switched off in vain",
    "sensor": "`temperature_c`, `humidity_pct` or `current_ma`",
    "sensors": "which of them",
    "set_aside": "where the damaged file is now",
    "severity": "`critical` or `warning`",
    "shut_down": "the controller shuts down; if not, `error` says why",
    "silent_s": "the silence that was proved, in seconds",
    "stable": "it had been up long enough to count as stable",
    "state": "`normal`, `high`, `low` or `unknown`",
    "task": "which task of the service",
    "text": "what the board said; of a problem: what is wrong",
    "uid": "the user id of who asked",
    "value": "the reading, in the unit of the sensor's name",
    "version": "of the service",
    "waited_s": "the start time-out of that attempt, in seconds",
    "warnings": "what was odd, but no reason to stop",
    "where": "the place in the code",
    "who": "the process that asked, as `pid 1102`; or on whose behalf the service asks",
    "why": "what was seen",
}

_ASKED = ("uid", "who", "force")
_START = ("attempt", "media")
_SENSED = ("sensor", "state", "value")
_PORT = ("port", "board_name")
_PROBLEM = ("id", "severity", "text", "do")
_REPEATED = ("count", "over_s")

EVENT_TYPES: Mapping[str, EventType] = {
    "device.starting": EventType("its power goes on, or a stop was taken back while it boots", ("reason", *_START, "recover")),
    "device.started": EventType(
        "its first heartbeat was heard, or, if it gives none, its power was seen on; or somebody asked for what is so already",
        (*_START, "reason"),
    ),
    "device.stable": EventType("it has been up for `stable_after`: attempts and failures are forgotten", _START),
    "device.start_failed": EventType(
        "no heartbeat within the start time-out; tried again after a wait that grows from a minute to an hour",
        (*_START, "waited_s"),
        "see [a guest does not come up](operations.md#a-guest-does-not-come-up)",
    ),
    "device.heartbeat_lost": EventType(
        "silent for `heartbeat_timeout`, proved; it is stopped and started again",
        ("stable", "silent_s"),
        "if it repeats, look at the guest",
    ),
    "device.unrecoverable": EventType(
        "both media have failed as often as is allowed; it goes on being tried once an hour", ("failures",), "send somebody"
    ),
    "device.will_stop": EventType("it is to be stopped once it has booted", ("reason",)),
    "device.stopping": EventType("it is asked to halt", ("reason",)),
    "device.restarting": EventType("it is asked to halt, for a new start", ("reason",)),
    "device.stop_failed": EventType(
        "it did not halt within `stop_timeout`, and was cut", ("after_s",), "look at what keeps it from halting"
    ),
    "device.stopped": EventType("its power goes off; or somebody asked for what is so already", ("reason", "due_in_s")),
    "device.message": EventType(
        "its `shutdown` or `restart` command has ended",
        ("message", "ok", "detail", "output", *_REPEATED),
        "where `ok` is false: a hung guest cannot be told; if it fails for guests that run, try the command by hand",
    ),
    "device.adopted": EventType("it runs already, and was taken over without a power cycle", ("why",)),
    "device.unexpected_heartbeat": EventType(
        "it runs though it should not; it is asked to halt", ("why",), "find out who switched it on"
    ),
    "device.unexpected_power": EventType(
        "it has power though it should not; it is asked to halt", ("why",), "find out who switched it on"
    ),
    "device.power_lost": EventType(
        "the board cut it, or restarted; it is started again at once", ("why",), "if it repeats, look at the supply"
    ),
    "device.brownout": EventType(
        "three times the board restarted right after switching it on; it is held off",
        ("resets",),
        "mend the supply or the guest, then `wagman start`",
    ),
    "device.relay_stuck": EventType(
        "its relay stays on against repeated commands; told once, then hourly", ("rounds",), "replace the board"
    ),
    "wagman.start_next_device": EventType("it is this guest's turn to start", ("recover",)),
    "wagman.start_refused": EventType(
        "the guest did not carry that out; the others go on", ("reason",), "if it repeats, `wagman why`"
    ),
    "wagman.start_stalled": EventType("its start came to no end in time; the others go on", (), "if it repeats, `wagman why`"),
    "wagman.normal": EventType("all that is due runs"),
    "wagman.will_hibernate": EventType(
        "too hot: guests are taken down, the last started first", (), "look at fan, filter, shade"
    ),
    "wagman.hibernating": EventType("all guests are down until the environment is normal", (), "look at fan, filter, shade"),
    "environment.normal": EventType("the sensor is within its bounds again", _SENSED),
    "environment.abnormal": EventType("the sensor is out of its bounds", _SENSED, "look at fan, filter, shade"),
    "environment.unknown": EventType("the sensor does not tell; what was decided stands", _SENSED, "check the sensor"),
    "environment.released": EventType(
        "it has not told for `unknown_release` while that kept guests down; they are started all the same",
        ("sensors", "after_s"),
        "check the sensor",
    ),
    "link.up": EventType("the serial port is open", ("device", *_REPEATED)),
    "link.down": EventType(
        "the serial port is gone, or cannot be opened",
        ("device", "reason", *_REPEATED),
        "see [the cable is out](operations.md#the-cable-is-out)",
    ),
    "board.silent": EventType(
        "the port is open and nobody answers; it is opened anew each minute",
        ("reason", *_REPEATED),
        "if it stays so, replug the board",
    ),
    "board.reset": EventType(
        "the board has restarted, or is another one",
        ("boots", "before", "board"),
        "if it repeats, look at its supply",
    ),
    "board.log": EventType(
        "the board is about to stop a guest by itself; the guest is told to halt first", ("text", *_PORT, *_REPEATED)
    ),
    "board.dialect": EventType('`dialect = "auto"` has found out what the board speaks', ("dialect",)),
    "board.unsupported": EventType(
        "the board speaks what cannot be supported; it is asked again and again",
        ("dialect", "reason"),
        "load other firmware, see [the boards](boards.md)",
    ),
    "board.unmanaged": EventType(
        "the board has counted 80 % of the failures after which it stops looking after a port",
        ("failures", "limit", *_PORT),
        "of a v3 board: `wagman board --force eereset`, then `wagman board --force reset` when the guests may lose power",
    ),
    **{f"command.{verb}": EventType(f"somebody asked to {verb} it", _ASKED) for verb in VERBS},
    "command.refused": EventType("what was asked for is not done", ("reason",), "read the reason"),
    "command.denied": EventType(
        "somebody asked for what he may not do", ("method", "uid", *_REPEATED), "see [who may](socket.md#who-may)"
    ),
    "command.board": EventType("a raw command was forced upon the board", ("uid", "command")),
    "service.started": EventType("the service is about to supervise", ("version", "begun_anew", "warnings"), "read the warnings"),
    "service.stopping": EventType("the service ends; no guest is touched", ("because",)),
    "service.task_failed": EventType(
        "a defect of the service; contained", ("task", "error", "where"), "report it, with all its fields"
    ),
    "service.request_failed": EventType(
        "a defect of the service; contained", ("method", "error", "where", "uid", *_REPEATED), "report it, with all its fields"
    ),
    "service.task_stuck": EventType(
        "a task hangs; the watchdog restarts the service, and no guest notices",
        ("task",),
        "report it, with what `journalctl -u wagman` says after it",
    ),
    "service.reloaded": EventType(
        "another configuration was taken over", ("changed", "needs_restart"), "`systemctl restart wagman` when it suits"
    ),
    "service.config_refused": EventType(
        "the configuration is wrong",
        ("problems", "instead"),
        "mend what `problems` lists, then `systemctl reload wagman`",
    ),
    "service.config_not_kept": EventType(
        "no copy of the configuration could be kept for a start with a wrong one", ("warnings",), "make room in `/var/lib/wagman`"
    ),
    "service.socket_lost": EventType(
        "the file of the control socket was taken away, or another one is in its place: no command reaches the service",
        ("reason",),
        "nothing if `service.socket_recovered` follows, but find out who cleans up there; else do away with what `reason` names",
    ),
    "service.socket_recovered": EventType("the control socket was made anew; clients that were connected stayed so"),
    "controller.going_down": EventType(
        "the board is about to cut the controller, which shuts down in time; the board starts it again",
        ("reason", "shut_down", "error"),
        "find out why: was the service away for an hour, or was a restart asked for?",
    ),
    "controller.unfed": EventType(
        "the service was stopped; the board will restart the controller",
        ("power_cycle_at", "in_s"),
        "start the service before, or expect it",
    ),
    "problem.began": EventType(
        "something calls for a person; told once, however long it lasts, and again only after it has ended",
        _PROBLEM,
        "what `do` says",
    ),
    "problem.ended": EventType("it has not been found any more for a while", (*_PROBLEM, "after_s")),
    "store.opened": EventType("the log was opened", ("log_id", "new")),
    "store.damaged": EventType(
        "the log could not be used, and was set aside",
        ("reason", "set_aside"),
        "see [files that were set aside](store.md#files-that-were-set-aside)",
    ),
    "store.unavailable": EventType(
        "the disk does not take it", ("reason",), "see [the disk](operations.md#the-disk-is-full-or-dead)"
    ),
    "store.recovered": EventType("the disk takes it again", ("after_s",)),
    "store.dropped": EventType("the memory did not suffice meanwhile: so many events are missing here", ("count",)),
}

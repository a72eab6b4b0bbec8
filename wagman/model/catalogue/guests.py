"""Events about a guest."""

from collections.abc import Mapping

from wagman.model.catalogue.kind import REPEATED, EventType, EventView, Graver, figure, if_true, lasting, start, tell

_START = ("attempt", "media")


def _started(view: EventView) -> str:
    return tell("{it} had started already", why="reason")(view) if view.text("reason") else tell("{it} started", start)(view)


def _start_failed(view: EventView) -> str:
    within = lasting("waited_s", "within {}", "in time")(view)
    return tell(f"a start of {{it}} failed: no heartbeat {within}", start)(view)


def _heartbeat_lost(view: EventView) -> str:
    """The sentence; before the guest was stable it counts as a failed start, though no start has failed."""
    early = "before it was stable, which counts as a failure" if view.is_false("stable") else ""
    return tell("the heartbeat of {it} stopped" + lasting("silent_s", ": silent for {}")(view), lambda _: early)(view)


def _unrecoverable(view: EventView) -> str:
    return tell("{it} failed on both media", figure("failures", "{} times in a row", "again and again"))(view)


def _stop_failed(view: EventView) -> str:
    return tell(f"{{it}} did not halt {lasting('after_s', 'within {}', 'in time')(view)}", lambda _: "so its power was cut")(view)


def _brownout(view: EventView) -> str:
    times = figure("resets", "{} times", "again and again")(view)
    return tell(f"the board restarted {times} right after switching {{it}} on: locked out until somebody starts it")(view)


def _relay_stuck(view: EventView) -> str:
    return tell(f"the relay of {{it}} was stuck: it stayed on {figure('rounds', 'after {} rounds of off', 'after off')(view)}")(
        view
    )


def _message(view: EventView) -> str:
    """How the command ended. Only the guest's silence, not its command, shows whether it obeys."""
    command = f"{view.text('message') or 'shutdown'} command"
    if view.is_true("ok"):
        return tell(f"{{it}} was told to halt by its {command}", why="detail")(view)
    detail, said = view.text("detail"), view.text("output").strip().splitlines()
    how = f"ended with {detail}" if detail.startswith("exit status") else detail or "ended"
    again = "; it had been told before" if view.is_true("told_before") else ""
    return f"the {command} of {view.it} {how}" + (f" ({said[-1].strip()})" if said else "") + again


_SILENT = lasting("silent_s", "after it fell silent")

GUESTS: Mapping[str, EventType] = {
    "device.starting": EventType(
        "its power goes on, or a stop was taken back while it boots",
        tell("{it} began to start", start, if_true("recover", "to recover it"), _SILENT, why="reason"),
        ("reason", *_START, "recover", "silent_s"),
    ),
    "device.started": EventType(
        "its first heartbeat was heard, or, if it gives none, its power was seen on; or somebody asked for what is so already",
        _started,
        (*_START, "reason"),
    ),
    "device.stable": EventType(
        "it has been up for `stable_after`: attempts and failures are forgotten",
        tell("{it} was up long enough to count as stable"),
        _START,
    ),
    "device.start_failed": EventType(
        "no heartbeat within the start time-out; tried again after a wait that grows from a minute to an hour",
        _start_failed,
        (*_START, "waited_s"),
        "see [gn does not come up](operations.md#gn-does-not-come-up)",
        "warning",
    ),
    "device.heartbeat_lost": EventType(
        "silent for `heartbeat_timeout`, proved; it is stopped and started again",
        _heartbeat_lost,
        ("stable", "silent_s"),
        "if it repeats, look at the guest",
        "warning",
    ),
    "device.unrecoverable": EventType(
        "both media have failed as often as is allowed; it goes on being tried once an hour",
        _unrecoverable,
        ("failures",),
        "send somebody",
        "critical",
    ),
    "device.will_stop": EventType(
        "it is to be stopped once it has booted", tell("{it} was to be stopped once it had booted", why="reason"), ("reason",)
    ),
    "device.stopping": EventType("it is asked to halt", tell("{it} was asked to halt", why="reason"), ("reason",)),
    "device.restarting": EventType(
        "it is asked to halt, for a new start", tell("{it} was asked to halt, for a new start", why="reason"), ("reason",)
    ),
    "device.stop_failed": EventType(
        "it did not halt within `stop_timeout`, and was cut",
        _stop_failed,
        ("after_s",),
        "look at what keeps it from halting",
        "warning",
    ),
    "device.stopped": EventType(
        "its power goes off; or somebody asked for what is so already",
        tell("{it} stopped", _SILENT, lasting("due_in_s", "next try in {}"), why="reason"),
        ("reason", "due_in_s", "silent_s"),
    ),
    "device.off": EventType(
        "the board has shown that its power is off, once each time that it goes off", tell("the power of {it} was seen off")
    ),
    "device.message": EventType(
        "its `shutdown` or `restart` command has ended",
        _message,
        ("message", "ok", "detail", "output", "told_before", *REPEATED),
        "where `ok` is false: a hung guest cannot be told; if it fails for guests that run, try the command by hand",
        # A guest that is halting beats for a while, and is told again; by then it may not listen any more.
        graver=Graver(
            "warning",
            "`ok` is false and `told_before` is not true",
            lambda view: view.is_false("ok") and not view.is_true("told_before"),
        ),
        collapses=True,
    ),
    "device.adopted": EventType(
        "it runs already, and was taken over without a power cycle",
        tell("{it} was found running, and taken over", why="why"),
        ("why",),
    ),
    "device.unexpected_heartbeat": EventType(
        "it runs though it should not; it is asked to halt",
        tell("{it} ran though it should not", why="why"),
        ("why",),
        "find out who switched it on",
        "warning",
    ),
    "device.unexpected_power": EventType(
        "it has power though it should not; it is asked to halt",
        tell("{it} had power though it should not", why="why"),
        ("why",),
        "find out who switched it on",
        "warning",
    ),
    "device.power_lost": EventType(
        "the board cut it, or restarted; it is started again at once, unless it is in maintenance",
        tell("{it} lost its power", why="why"),
        ("why",),
        "if it repeats, look at the supply",
        "warning",
    ),
    "device.brownout": EventType(
        "three times the board restarted right after switching it on; it is locked out",
        _brownout,
        ("resets",),
        "mend the supply or the guest, then `wagman start`",
        "critical",
    ),
    "device.stop_over": EventType(
        "the time is over for which it was stopped; it is started in its turn",
        tell("the time for which {it} was stopped was over"),
    ),
    "device.maintenance": EventType(
        "somebody works on it: until its time is over, nothing is done about it, neither power nor messages",
        tell("{it} was left alone, for maintenance", why="reason"),
        ("reason",),
    ),
    "device.maintenance_over": EventType(
        "its maintenance ended; it is looked at anew: taken over where it runs, else started if it is to run",
        tell("the maintenance of {it} ended", why="reason"),
        ("reason",),
    ),
    "device.heard": EventType("in maintenance, it was heard", tell("{it} was heard, in maintenance")),
    "device.silent": EventType(
        "in maintenance, it has been silent for `heartbeat_timeout`, proved; nothing is done about it",
        tell("{it} fell silent, in maintenance", _SILENT),
        ("silent_s",),
    ),
    "device.power_found": EventType(
        "in maintenance, its power came on, and not by the service's doing",
        tell("the power of {it} came on, in maintenance", why="why"),
        ("why",),
    ),
    "device.relay_stuck": EventType(
        "its relay stays on against repeated commands; told once, then hourly",
        _relay_stuck,
        ("rounds",),
        "replace the board, or the plug",
        "critical",
    ),
}

"""Events about a guest."""

from collections.abc import Mapping

from wagman.model.catalogue.kind import REPEATED, EventType, EventView, Graver, figure, if_true, lasting, start, tell
from wagman.model.words import NOT_KNOWN_YET

_START = ("attempt", "media")

_SEEN_OFF = "the power of {it} was seen off"


def _started(view: EventView) -> str:
    return tell("{it} had started already", why="reason")(view) if view.text("reason") else tell("{it} started", start)(view)


def _start_failed(view: EventView) -> str:
    within = lasting("waited_s", "within {}", "in time")(view)
    return tell(f"a start of {{it}} failed: no heartbeat {within}", start)(view)


def _stopped(view: EventView) -> str:
    """The sentence; a request to stop is no sign that a guest which nobody has seen yet is off."""
    if view.text("reason") == NOT_KNOWN_YET:
        return f"{view.it} is to be off, and it is not known yet whether it runs"
    return tell("{it} stopped", _SILENT, lasting("due_in_s", "next try in {}"), why="reason")(view)


def _off(view: EventView) -> str:
    """The sentence; a reply of the board is no sight of the power."""
    is_assumed = view.text("evidence") == "assumed"
    return tell("the power of {it} counts as off: its board has replied, and can show nothing" if is_assumed else _SEEN_OFF)(view)


def _stopping(view: EventView) -> str:
    """The sentence; a guest that cannot be asked was not."""
    unasked = "{it} is to be cut without being asked, as the file has it"
    return tell(unasked if view.is_false("asked") else "{it} was asked to halt", why="reason")(view)


def _restarting(view: EventView) -> str:
    unasked = "{it} is to be cut without being asked, as the file has it, for a new start"
    return tell(unasked if view.is_false("asked") else "{it} was asked to halt, for a new start", why="reason")(view)


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
        "the guest's power goes on, or somebody took a stop back while the guest boots",
        tell("{it} began to start", start, if_true("recover", "to recover it"), _SILENT, why="reason"),
        ("reason", *_START, "recover", "silent_s"),
    ),
    "device.started": EventType(
        "the guest's first heartbeat was heard; or, of a guest without a heartbeat, its power was seen on; or somebody "
        "asked to start a guest that was started already",
        _started,
        (*_START, "reason"),
    ),
    "device.stable": EventType(
        "the guest has been up for `stable_after`: its attempts and failures are forgotten",
        tell("{it} was up long enough to count as stable"),
        _START,
    ),
    "device.start_failed": EventType(
        "the guest gave no heartbeat within the start time-out; the service tries again, after a wait that grows from a "
        "minute to an hour",
        _start_failed,
        (*_START, "waited_s"),
        "see [gn does not come up](operations.md#gn-does-not-come-up)",
        "warning",
    ),
    "device.heartbeat_lost": EventType(
        "the guest was silent for `heartbeat_timeout`, and that is proved; the service stops the guest and starts it again",
        _heartbeat_lost,
        ("stable", "silent_s"),
        "if this happens again and again, look at the guest",
        "warning",
    ),
    "device.unrecoverable": EventType(
        "the guest failed on both media as often as is allowed; the service goes on trying, once an hour",
        _unrecoverable,
        ("failures",),
        "send somebody to the guest",
        "critical",
    ),
    "device.will_stop": EventType(
        "the guest still boots; the service will stop it once it has booted",
        tell("{it} was to be stopped once it had booted", why="reason"),
        ("reason",),
    ),
    "device.stopping": EventType(
        "the service asks the guest to halt; one with `shutdown = []` is cut without being asked", _stopping, ("reason", "asked")
    ),
    "device.restarting": EventType(
        "the service asks the guest to halt, to start it anew; one with `shutdown = []` is cut without being asked",
        _restarting,
        ("reason", "asked"),
    ),
    "device.stop_failed": EventType(
        "the guest did not halt within `stop_timeout`, and the service cut its power",
        _stop_failed,
        ("after_s",),
        "find out what keeps the guest from halting",
        "warning",
    ),
    "device.stopped": EventType(
        "the guest's power goes off; or somebody asked to stop a guest that was stopped already, or not seen yet",
        _stopped,
        ("reason", "due_in_s", "silent_s"),
    ),
    "device.off": EventType(
        "the board has shown that the guest's power is off, or, where it can show nothing, has replied that it did so; once each "
        "time that it goes off",
        _off,
        ("evidence",),
    ),
    "device.message": EventType(
        "the guest's `shutdown` or `restart` command has ended",
        _message,
        ("message", "ok", "detail", "output", "told_before", *REPEATED),
        "if `ok` is false: of a guest that hangs, do nothing, for it cannot take the command; if the command fails though "
        "the guest runs, try it by hand",
        # A guest that is halting beats for a while, and is told again; by then it may not listen any more.
        graver=Graver(
            "warning",
            "`ok` is false and `told_before` is not true",
            lambda view: view.is_false("ok") and not view.is_true("told_before"),
        ),
        collapses=True,
    ),
    "device.adopted": EventType(
        "the guest runs already; the service takes it over without a power cycle",
        tell("{it} was found running, and taken over", why="why"),
        ("why",),
    ),
    "device.unexpected_heartbeat": EventType(
        "the guest runs though it should not; the service asks it to halt",
        tell("{it} ran though it should not", why="why"),
        ("why",),
        "find out who switched the guest on",
        "warning",
    ),
    "device.unexpected_power": EventType(
        "the guest has power though it should not; the service asks it to halt",
        tell("{it} had power though it should not", why="why"),
        ("why",),
        "find out who switched the guest on",
        "warning",
    ),
    "device.power_lost": EventType(
        "the board cut the guest's power, or the board restarted; the service starts the guest again at once, unless the "
        "guest is in maintenance",
        tell("{it} lost its power", why="why"),
        ("why",),
        "if this happens again, look at the power supply",
        "warning",
    ),
    "device.power_doubted": EventType(
        "the board shows the guest off, which was on when the service came up, or is heard: it may have lost its power, or "
        "the board shows an old state; the service switches it on once more",
        tell("{it} may have lost its power unseen, and was switched on once more", why="why"),
        ("why",),
    ),
    "device.brownout": EventType(
        "three times the board restarted right after it had switched the guest on; the guest is locked out",
        _brownout,
        ("resets",),
        "mend the power supply or the guest, then type `wagman start` with the guest's name",
        "critical",
    ),
    "device.stop_over": EventType(
        "the time for which the guest was stopped is over; it is started in its turn",
        tell("the time for which {it} was stopped was over"),
    ),
    "device.maintenance": EventType(
        "somebody works on the guest: until that time is over, the service neither switches its power nor sends it messages",
        tell("{it} was left alone, for maintenance", why="reason"),
        ("reason",),
    ),
    "device.maintenance_over": EventType(
        "the guest's maintenance ended; the service looks at it anew: it takes over a guest that runs, and starts one that "
        "should run",
        tell("the maintenance of {it} ended", why="reason"),
        ("reason",),
    ),
    "device.heard": EventType("a guest in maintenance was heard", tell("{it} was heard, in maintenance")),
    "device.silent": EventType(
        "a guest in maintenance has been silent for `heartbeat_timeout`, and that is proved; the service does nothing about it",
        tell("{it} fell silent, in maintenance", _SILENT),
        ("silent_s",),
    ),
    "device.power_found": EventType(
        "the power of a guest in maintenance came on, and it was not the service that switched it on",
        tell("the power of {it} came on, in maintenance", why="why"),
        ("why",),
    ),
    "device.relay_stuck": EventType(
        "the guest's relay stays on, though the service switches it off again and again; reported once, then every hour",
        _relay_stuck,
        ("rounds",),
        "replace the board, or the plug",
        "critical",
    ),
}

"""Problems of guests."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from wagman.service.problems.facts import Facts, Problem, Severity

DOUBT_S = 300.0
"""How long the board may take to show that a guest's power is off, or on (chosen: many rounds of switching it)."""

FAILED_STARTS = 2
"""From so many failed starts in a row on, a guest is a problem (chosen: after one, the second start mostly works)."""


def in_maintenance(facts: Facts) -> Iterator[Problem]:
    """A guest is in maintenance, so that nothing is done about it."""
    for name in sorted(facts.maintained):
        text = f"{name} is in maintenance: the service leaves it alone"
        yield Problem(f"maintenance:{name}", "notice", text, f"wagman maintenance {name} --end ends it sooner", device=name)


def relay_stuck(facts: Facts) -> Iterator[Problem]:
    """A relay stays on although it was switched off again and again."""
    for row in facts.guests:
        if row["relay_stuck"]:
            name = row["name"]
            text = f"the relay of {name} stays on although it was switched off again and again: {name} may still have power"
            yield Problem(f"relay_stuck:{name}", "critical", text, "replace the board, or the plug", device=name)


def relay_dead(facts: Facts) -> Iterator[Problem]:
    """A relay stays off although it was switched on again and again."""
    for row in facts.guests:
        if row["relay_dead"] and not facts.boards[row["board"]]["blind"]:
            name = row["name"]
            text = f"the relay of {name} stays off although it was switched on again and again: {name} most likely has no power"
            do = f"look at the plug, its fuse and its own rules{_or_cut(row)}; wagman why {name}"
            yield Problem(f"relay_dead:{name}", "critical", text, do, device=name, patience_s=DOUBT_S)


def heard_off(facts: Facts) -> Iterator[Problem]:
    """A guest is heard though its outlet is off: it is on another one, has a supply of its own, or the outlet is welded."""
    for row in facts.guests:
        if row["heard_off"]:
            name = row["name"]
            text = f"{name} is heard though its outlet is off: it has power from elsewhere, and the service cannot cut it"
            do = f"do not touch its wiring; find out which outlet {name} is on, and whether it has a supply of its own"
            yield Problem(f"heard_off:{name}", "critical", text, do, device=name, patience_s=DOUBT_S)


def held(facts: Facts) -> Iterator[Problem]:
    """A guest is locked out: switching it on pulled down the board's supply again and again."""
    for row in facts.wanted:
        if row["held"]:
            name = row["name"]
            text = f"{name} is locked out: the board restarted each time that it was switched on"
            yield Problem(f"held:{name}", "critical", text, f"mend its power supply, then wagman start {name}", device=name)


def command_trouble(facts: Facts) -> Iterator[Problem]:
    """A guest cannot be asked to halt, so the next stop would cut it while it runs."""
    commands = {device.name: device.shutdown or () for device in facts.config.devices}
    for row in facts.guests:
        if (why := row["command_trouble"]) is not None:
            name = row["name"]
            severity: Severity = "critical" if row["state"] in ("will_stop", "stopping", "restarting") else "warning"
            text = f"{name} cannot be asked to halt, and a stop would cut its power while it runs: its command fails ({why})"
            command = shlex.join(commands.get(name, ()))
            do = f"mend the command, and try it as the service's user (if it works, {name} halts): {command}"
            yield Problem(f"shutdown:{name}", severity, text, do, device=name)


def power_in_doubt(facts: Facts) -> Iterator[Problem]:
    """A guest is stopped, and its power is not confirmed off: there is no meter, or the board does not keep the port off."""
    for row in _unshown(facts, "stopped"):
        name = row["name"]
        text = f"{name} is stopped, and nothing shows that its power is off for good: it may have power, or get it again"
        board = facts.config.board_named(row["board"])
        sensors = f", and look at the board's sensors: {board.typed} cu" if board.takes_commands else ""
        do = f"do not touch its wiring; wagman why {name}{sensors}"
        yield Problem(f"power:{name}", "warning", text, do, device=name, patience_s=DOUBT_S)


def power_unshown(facts: Facts) -> Iterator[Problem]:
    """A guest is switched on, and the board shows neither off nor on: it has no such port, or tells nothing of it."""
    for row in _unshown(facts, "starting", "restarting", "will_stop"):
        name = row["name"]
        text = f"nothing shows the power of {name}: its {'stop' if row['state'] == 'will_stop' else 'start'} waits for that"
        do = f"does its board have that port, and tell of it? wagman probe {name} says{_or_cut(row)}; wagman why {name}"
        yield Problem(f"unshown:{name}", "warning", text, do, device=name, patience_s=DOUBT_S)


def _or_cut(row: Mapping[str, Any]) -> str:
    """Words for whoever does not want to wait for a guest that is to halt once it has booted; empty for any other."""
    return f", or wagman kill {row['name']} gives its start up" if row["state"] == "will_stop" else ""


def _unshown(facts: Facts, *states: str) -> Iterator[Mapping[str, Any]]:
    """Guests in these states whose power nothing shows, on boards that can be seen."""
    for row in facts.guests:
        if facts.boards[row["board"]]["blind"] or row["relay_dead"] or row["heard_off"] or row["held"]:
            continue
        is_shown = row["power"]["confirmed"] or row["relay_stuck"] or row["name"] in facts.left_on
        in_question = row["state"] in states and not is_shown
        # While it is looked for, nothing is wrong; once that time is up, nobody can tell: a port that the board does not have.
        if in_question and not any(alarm["name"] == "adopt" and not alarm["held"] for alarm in row["alarms"]):
            yield row


def failing(facts: Facts) -> Iterator[Problem]:
    """A guest does not come up, after two starts or after everything was tried."""
    for row in facts.wanted:
        name, failures = row["name"], row["failures"]
        if row["unrecoverable"]:
            tried = "" if row["media"] is None else ", from either medium"
            text = f"{name} does not come up{tried}; the service tries again now and then"
            do = f"send somebody; wagman why {name} shows the attempts, wagman start {name} tries at once"
            yield Problem(f"failing:{name}", "critical", text, do, device=name)
        elif failures >= FAILED_STARTS:
            text = f"{name} does not come up; the service goes on trying"
            yield Problem(f"failing:{name}", "warning", text, f"wagman why {name} shows the attempts", device=name)


def on_recovery_medium(facts: Facts) -> Iterator[Problem]:
    """A guest runs from another medium than its primary one."""
    primary = {device.name: device.primary for device in facts.config.devices}
    for row in facts.guests:
        name, media = row["name"], row["media"]
        if row["state"] == "started" and media is not None and primary.get(name) not in (None, media):
            text = f"{name} runs from its recovery medium ({media}): no start from {primary[name]} proved stable"
            yield Problem(
                f"recovery:{name}",
                "warning",
                text,
                f"mend its {primary[name]}, then wagman restart {name}",
                device=name,
            )

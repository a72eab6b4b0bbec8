"""Problems of hearing: sources that never heard anything, ears that cannot listen, networks without an answering witness."""

from collections.abc import Iterator

from wagman.service.problems.facts import Facts, Problem

NEVER_S = 600.0
"""How long a running guest may go unheard by a source that never heard it (chosen: twice the usual heartbeat time-out)."""

DEAF_S = 60.0
"""How long an ear may be unable to listen before that is a problem (chosen: an update of a program takes less)."""


def never_heard(facts: Facts) -> Iterator[Problem]:
    """A source of a guest has never heard the guest since it was configured, so its silence proves nothing."""
    for row in facts.guests:
        # A guest that was not seen running may wait for ever here, if its board does not tell that its power is off.
        waits = any(alarm["name"] == "adopt" and alarm["held"] for alarm in row["alarms"])
        for source in row["sources"]:
            is_never = not source["heard"] and source["trouble"] is None and not source["still_on"]
            if is_never and (waits or row["state"] != "stopped"):
                name, what = row["name"], source["name"]
                text = f"{name} was never heard by {what}: its silence there proves nothing, and the service does not act on it"
                do = f"check that the address is right, and that {name} answers there"
                if waits:
                    do += f"; wagman kill {name}, then wagman start {name}, starts it anew, and cuts its power if it runs"
                yield Problem(f"never_heard:{name}:{what}", "warning", text, do, device=name, patience_s=NEVER_S)


def deaf(facts: Facts) -> Iterator[Problem]:
    """An ear cannot listen."""
    for row in facts.guests:
        for source in row["sources"]:
            if source["trouble"] is not None:
                name, what = row["name"], source["name"]
                text = f"the service cannot listen to {name} by {what}: {source['trouble']}"
                yield Problem(
                    f"deaf:{name}:{what}", "warning", text, "mend what the reason names", device=name, patience_s=DEAF_S
                )


def unproved(facts: Facts) -> Iterator[Problem]:
    """No witness of a network answers, so a hung guest cannot be told from a network that is down."""
    for network in facts.status["networks"]:
        if network["unproved"]:
            name = network["name"]
            text = f"no witness of the network {name} answers, so nobody notices a guest behind it that hangs"
            do = f"look at the network; if it works, name another witness in [network.{name}]"
            yield Problem(f"network:{name}", "warning", text, do)

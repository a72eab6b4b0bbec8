"""What must hold for how guests are heard: only silence that proves something may lead to a cut."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from attrs import evolve

from wagman.config import durations
from wagman.config.checks.guests import value
from wagman.config.checks.subject import Subject, too_short
from wagman.config.ears import NO_NETWORK, RARE_BEAT_S, SILENT_BEATS, EarConfig, StillDraws
from wagman.config.findings import Finding
from wagman.config.kinds import show
from wagman.config.places import is_this_computer
from wagman.config.positions import Path
from wagman.config.reading import listed, nearest_first
from wagman.config.schema import DeviceConfig

LEAST_UNWITNESSED_S = 1800.0
"""The least patience with a guest whose silence no witness confirms, in seconds.

Chosen: a switch restarts within minutes, and a provider mends a line in the time of a walk.
"""

LONGEST_WITNESS_S = 150.0
"""The longest time that a witness may be given for an answer, in seconds.

Chosen: a witness is asked twice, and a network without one that answers is reported after five minutes.
"""


def check_board_hears(subject: Subject) -> Iterator[Finding]:
    """Only some boards have inputs for heartbeats."""
    for device, board in subject.hung:
        if device.hears_board and not device.is_self and not board.hears:
            path = subject.source(device, "heartbeat")
            message = (
                f'board {show(board.name)} hears nobody: say how it is heard, as in {{ http = "http://{device.name}/health" }}'
            )
            stated = "" if subject.states(path) else "missing: "
            yield Finding(path, f"{stated}{message}, or false", subject.of_place(device))


def check_evidence(subject: Subject) -> Iterator[Finding]:
    """There is at least one way to know something of each guest."""
    for device, board in subject.hung:
        if not device.is_self and not device.has_heartbeat and board.stated_readback == "none":
            message = (
                f"board {show(board.name)} does not show whether a port is on, and nothing at all would ever be known of this "
                "guest: say how it is heard"
            )
            rests_on = (*subject.of_place(device), subject.of_board(board, "readback"))
            yield Finding(subject.source(device, "heartbeat"), message, rests_on)


def check_still_on(subject: Subject) -> Iterator[Finding]:
    """Only boards with a meter show what a guest draws."""
    for device, board in subject.hung:
        if isinstance(device.still_on, StillDraws) and not board.may_meter:
            message = f"board {show(board.name)} has no meter: take an ear, or remove this key"
            yield Finding(subject.source(device, "still_on"), message, subject.of_place(device))


def check_every(subject: Subject) -> Iterator[Finding]:
    """A guest is asked so often that one lost answer does not count as silence."""
    for guest in subject.config.guests:
        for ear, path in subject.ears(guest):
            least_s, patience = SILENT_BEATS * ear.every_s, subject.source(guest, "heartbeat_timeout")
            message = too_short("heartbeat_timeout", guest.heartbeat_timeout_s, least_s, f"{SILENT_BEATS} times every", "every")
            if message:
                every = (*path, "every")
                yield Finding(subject.first_stated(every, patience, path), message, (every, patience))


def check_networks(subject: Subject) -> Iterator[Finding]:
    """Each network has a witness, and each ear on a network says which network."""
    for network in subject.config.networks:
        if not network.witnesses:
            message = 'missing: name who answers as long as this network works, and is no guest, as in { ping = "192.168.1.1" }'
            yield Finding(("network", network.name, "witness"), message, (("network", network.name),))
    for guest in subject.config.guests:
        for ear, path in _networked(subject, guest):
            yield from _check_network(subject, guest, ear, path)


def _networked(subject: Subject, guest: DeviceConfig) -> Iterator[tuple[EarConfig, Path]]:
    """The ears that ask this guest over a network, and where each is stated."""
    still_on = [(guest.still_on, subject.source(guest, "still_on"))] if isinstance(guest.still_on, EarConfig) else []
    return ((ear, path) for ear, path in (*subject.ears(guest), *still_on) if ear.networked)


def _check_network(subject: Subject, guest: DeviceConfig, ear: EarConfig, path: Path) -> Iterator[Finding]:
    names = [network.name for network in subject.config.networks]
    stated = subject.first_stated((*path, "network"), subject.source(guest, "network"), path)
    if ear.network is None:
        message = (
            "it is heard over a network, whose outage must not be taken for its silence: say by network which of "
            f"{listed(names)} that is"
            if names
            else "it is heard over a network, whose outage must not be taken for its silence: describe that in [network.NAME], "
            "with a witness"
        )
        yield Finding(path, message, (subject.source(guest, "network"), ("network",)))
    elif ear.network == NO_NETWORK:
        yield from _check_patience(subject, guest, stated)
    elif ear.network not in names:
        known = listed(nearest_first(ear.network, [*names, NO_NETWORK]))
        yield Finding(stated, f"there is no network called {show(ear.network)}; those that there are: {known}")


def _check_patience(subject: Subject, guest: DeviceConfig, stated: Path) -> Iterator[Finding]:
    """Without a witness silence counts only after a long time."""
    if durations.is_shorter(guest.heartbeat_timeout_s, LEAST_UNWITNESSED_S):
        patience = subject.source(guest, "heartbeat_timeout")
        message = (
            f"heartbeat_timeout is {durations.show(guest.heartbeat_timeout_s)}, and must be at least "
            f"{durations.show(LEAST_UNWITNESSED_S)} where nobody shows that the network works: raise it, or name a network "
            "that has a witness"
        )
        yield Finding(subject.first_stated(patience, stated), message, (patience, stated))


def check_witnesses(subject: Subject) -> Iterator[Finding]:
    """A witness is neither a guest, which may be off, nor this computer, which always hears itself."""
    hosts = _hosts_of_guests(subject)
    for network in subject.config.networks:
        for witness, path in subject.witnesses(network):
            host = _host(witness)
            if host in hosts:
                message = f"{host} is {show(hosts[host])}, which does not answer while it is off: take somebody who is no guest"
                yield Finding((*path, witness.kind), message)
            elif host is not None and is_this_computer(host):
                message = f"{host} is this computer, which answers whatever the network does: take somebody else on that network"
                yield Finding((*path, witness.kind), message)


def _hosts_of_guests(subject: Subject) -> Mapping[str | None, str]:
    asked = ((guest.name, _host(ear)) for guest in subject.config.guests for ear, _ in _networked(subject, guest))
    return {host: name for name, host in asked if host is not None}


def _host(ear: EarConfig) -> str | None:
    """The host that an ear asks, as far as its table says."""
    whom = getattr(ear, ear.kind)
    if not isinstance(whom, str) or ear.passive or not ear.networked:
        return None
    is_bare = whom.count(":") > 1 and "[" not in whom  # an IPv6 address
    try:
        return urlsplit(whom if "://" in whom else f"//[{whom}]" if is_bare else f"//{whom}").hostname
    except ValueError:
        return None


# --- What is right, and may not be what somebody wants ----------------------------------------------------------------


def advise_kernel(subject: Subject) -> Iterator[Finding]:
    """A guest that is asked to halt runs programs, but its kernel answers even if all of them hang."""
    for guest in subject.config.guests:
        only = {ear.shows for ear in guest.ears} == {"kernel"} and not guest.hears_board
        if only and guest.shutdown:
            path = subject.source(guest, "heartbeat")
            kinds = " and ".join(sorted({ear.kind for ear in guest.ears}))
            message = (
                f"warning: {kinds} is answered by a kernel, and goes on when every program of this guest hangs: take http or "
                "banner, which a program answers"
            )
            yield Finding(path, message)


def advise_silence(subject: Subject) -> Iterator[Finding]:
    """The file may state a silence that a v4 board shows even while the guest beats."""
    for device, board in subject.hung:
        rare = device.hears_board and not device.is_self and device.port in board.rare_ports
        if rare and not subject.states(subject.source(device, "beat_interval")):
            yield from _short_silence(subject, device)


def _short_silence(subject: Subject, device: DeviceConfig) -> Iterator[Finding]:
    wanted_s = SILENT_BEATS * RARE_BEAT_S
    for key in ("stop_silence", "heartbeat_timeout"):
        source, stated_s = subject.source(device, key), value(device, key)
        if subject.states(source) and durations.is_shorter(stated_s, wanted_s):
            message = (
                f"warning: {key} is {durations.show(stated_s)}, and a v4 board shows the beats of a slow pin on port 2 up to "
                f"{durations.show(RARE_BEAT_S)} apart: a guest that runs may be taken for silent. Take "
                f"{durations.show(wanted_s)}; where it beats faster or over its line, say so with beat_interval"
            )
            yield Finding(source, message)


def advise_timeout(subject: Subject) -> Iterator[Finding]:
    """The next question waits for the end of the one before, and no silence counts while a witness is waited for."""
    for guest in subject.config.guests:
        for ear, path in subject.ears(guest):
            most_s, most = guest.heartbeat_timeout_s / SILENT_BEATS, "a third of heartbeat_timeout"
            if not ear.passive:
                yield from _long_timeout(ear, path, most_s, most, "one lost answer may count as silence")
    for network in subject.config.networks:
        for witness, path in subject.witnesses(network):
            most = durations.show(LONGEST_WITNESS_S)
            yield from _long_timeout(witness, path, LONGEST_WITNESS_S, most, "no silence counts while a witness is waited for")


def _long_timeout(ear: EarConfig, path: Path, most_s: float, most: str, because: str) -> Iterator[Finding]:
    if durations.is_shorter(most_s, ear.timeout_s):
        message = f"warning: timeout is {durations.show(ear.timeout_s)}, and should be at most {most}: {because}"
        yield Finding((*path, "timeout"), message)


def advise_patience(subject: Subject) -> Iterator[Finding]:
    """A board that has to be pinged for a silent guest never shows that it was silent for longer."""
    for device, board in subject.hung:
        heard = device.hears_board and not device.is_self
        if heard and not durations.is_shorter(device.heartbeat_timeout_s, board.longest_silence_s):
            longest = durations.show(board.longest_silence_s)
            message = (
                f"warning: heartbeat_timeout is {durations.show(device.heartbeat_timeout_s)}, and board {show(board.name)} shows "
                f"no silence of {longest} or more: it is pinged for this guest then, which it would stop otherwise, so a hang is "
                "never noticed. Take less"
            )
            yield Finding(subject.source(device, "heartbeat_timeout"), message)


def advise_alike(subject: Subject) -> Iterator[Finding]:
    """Of two guests that are heard in the same way, nobody notices that one hangs."""
    whose = dict[EarConfig, str]()
    for guest in subject.config.guests:
        for ear, path in subject.ears(guest):
            first = whose.setdefault(evolve(ear, every_s=0.0, timeout_s=0.0, network=None), guest.name)
            if first != guest.name:
                message = (
                    f"warning: {show(guest.name)} is heard by {ear.source}, and so is {show(first)}: while one of them runs, "
                    "nobody notices that the other hangs. Say how each is heard by itself"
                )
                yield Finding((*path, ear.kind), message)


def advise_deaf(subject: Subject) -> Iterator[Finding]:
    """A guest that nobody hears is never silent."""
    for guest in subject.config.guests:
        path = ("device", guest.name, "heartbeat_timeout")
        if not guest.has_heartbeat and subject.states(path):
            message = (
                "warning: nobody hears this guest (heartbeat = false), so that it is never restarted for its silence: say how it "
                "is heard, or remove this key"
            )
            yield Finding(path, message)


CHECKS = (check_board_hears, check_evidence, check_still_on, check_every, check_networks, check_witnesses)
ADVICE = (advise_kernel, advise_silence, advise_timeout, advise_patience, advise_alike, advise_deaf)

"""Whether the hosts of a configuration can be looked up and reached: boards, ears and witnesses, all at once and briefly.

A check opens a connection and closes it, or sends an echo request. It sends no command, so nothing can be switched.
"""

import socket
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import urlsplit

import trio
from attrs import define, field, frozen

from wagman.config.ears import EarConfig
from wagman.config.places import split
from wagman.config.schema import Config
from wagman.doctor.found import Found, Verdict
from wagman.doctor.parts import ears
from wagman.io.ears.addresses import Address, Place, connect
from wagman.io.ears.ping import ALL_GROUPS, why_forbidden
from wagman.io.names import look_up_apart
from wagman.model.errors import EarError

ANSWER_S = 3.0
"""How long one check may take (chosen: a radio link takes a second)."""

ALL_S = 8.0
"""How long all checks together may take (chosen); the results of those that are not over are unknown."""

AT_ONCE = 64
"""How many are checked at once (chosen: no file has as many, and a process may open a thousand)."""

HTTP, MQTT, MQTT_TLS = 80, 1883, 8883
"""The default ports (specified)."""


@frozen
class Question:
    """A host to be reached."""

    what: str
    host: str
    port: int | None  # None: an echo request
    if_not: Verdict  # the verdict if it does not answer
    is_witness: bool = False


@define(eq=False)
class _Asked:
    answers: dict[int, Found] = field(factory=dict)
    places: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(AT_ONCE))


def reached(config: Config) -> list[Found]:
    """Check all hosts."""
    asked = list(dict.fromkeys(questions(config)))
    may_ping = next(pings(asked), None)
    rest = [each for each in asked if each.port is not None or may_ping is None or may_ping.verdict == "ok"]
    return [*([] if may_ping is None else [may_ping]), *trio.run(_all, rest)]


def questions(config: Config) -> Iterator[Question]:
    """Yield all hosts to be checked."""
    for board in config.boards:
        if board.place is not None:
            yield Question(f"board {board.name} ({board.kind})", *board.place, if_not="wrong")
    witnesses = [witness for network in config.networks for witness in network.witnesses]
    for whose, ear in ears(config):
        if (at := _of_ear(ear)) is not None:
            # A guest may be down, which is no fault of this computer.
            yield Question(f"{whose} ({ear.kind})", *at, if_not="warning", is_witness=ear in witnesses)


def pings(asked: list[Question]) -> Iterator[Found]:
    """Check whether echo requests may be sent, if any host needs one."""
    if all(each.port is not None for each in asked):
        return
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except PermissionError:
        do = f'sysctl -w net.ipv4.ping_group_range="{ALL_GROUPS}", and the same in /etc/sysctl.d'
        yield Found("ping", "wrong", why_forbidden(), do, for_want_of_right=True)
    except OSError as error:
        yield Found("ping", "unknown", f"whether pings may be sent: {error.strerror}")
    else:
        yield Found("ping", "ok", "pings may be sent")


def _of_ear(ear: EarConfig) -> tuple[str, int | None] | None:
    whom = getattr(ear, ear.kind)
    match ear.kind:
        case "http":
            parts = urlsplit(whom)
            return parts.hostname or "", parts.port or HTTP
        case "banner" | "tcp":
            return split(whom, 0)
        case "ping":
            return whom.strip("[]"), None
        case "mqtt":
            return split(getattr(ear, "host", ""), _broker_port(ear))
    return None


def _broker_port(section: object) -> int:
    return MQTT_TLS if getattr(section, "tls", False) or getattr(section, "tls_ca", None) else MQTT


async def _all(asked: list[Question]) -> list[Found]:
    look_up_apart()
    kept = _Asked()
    with trio.move_on_after(ALL_S):
        async with trio.open_nursery() as nursery:
            for number, question in enumerate(asked):
                nursery.start_soon(_put, number, question, kept)
    return [kept.answers.get(number, _late(question)) for number, question in enumerate(asked)]


async def _put(number: int, question: Question, kept: _Asked) -> None:
    async with kept.places:
        kept.answers[number] = await _answer(question)


async def _answer(question: Question) -> Found:
    place = Place(question.host, question.port or 0, ANSWER_S)
    where = question.host if question.port is None else f"{question.host} port {question.port}"
    try:
        came = await _asker(question)(place)
    except EarError as error:
        do = "mend the name, or what looks names up on this computer"
        return Found("way", question.if_not, f"{question.what}: {error}", do)
    if question.is_witness and place.is_own():
        text = f"{question.what}: {question.host} is this computer, which answers whatever the network does"
        return Found("way", "wrong", text, "take somebody else on that network, who is no guest")
    if came:
        return Found("way", "ok", f"{question.what}: {where} answers")
    text = f"{question.what}: {where} does not answer: {place.why or 'nothing came'}"
    return Found("way", question.if_not, text, "look at its power and at the way to it; wagman probe asks it what it is")


def _asker(question: Question) -> Callable[[Place], Awaitable[bool]]:
    if question.port is not None:
        return lambda place: place.ask(_connects)
    from wagman.io.ears.ping import PingProbe  # noqa: PLC0415 - few configurations need it

    return lambda place: PingProbe(place).ask()


async def _connects(address: Address) -> bool:
    async with await connect(address):
        return True


def _late(question: Question) -> Found:
    return Found("way", "unknown", f"{question.what}: {question.host} was not reached within {ALL_S:g} s of looking at all")

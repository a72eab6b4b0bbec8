"""`{ ping = "10.0.0.11" }`: the guest's kernel answers an ICMP echo request.

The sockets are those that Linux gives to programs without privileges: the kernel numbers each socket (the identity of a request),
and hands it the echo replies to its own requests only.
"""

import os
import socket
import struct
from itertools import count
from pathlib import Path

import trio
from attrs import define, field, frozen

from wagman.config.ears import HOST, EarConfig
from wagman.config.setting import setting
from wagman.io.ears.addresses import Address, Place, own_trouble
from wagman.model.backend import Probe
from wagman.model.errors import EarError

HEADER = struct.Struct("!BBHHH")
"""Type, code, checksum, identity, sequence (RFC 792, RFC 4443)."""

ECHO = {socket.AF_INET: (8, 0, socket.IPPROTO_ICMP), socket.AF_INET6: (128, 129, socket.IPPROTO_ICMPV6)}
"""The types of request and reply, and the protocol, by family (RFC 792, RFC 4443)."""

MARK_BYTES = 16
"""How many random bytes each request carries (chosen): whoever returns them has seen this very request."""

RANGE = Path("/proc/sys/net/ipv4/ping_group_range")
"""The range of groups that may open such a socket, over IPv6 too (Linux): from the first number to the second."""


ALL_GROUPS = "0 2147483647"
"""The widest range there can be (Linux), which systemd sets by default: a narrower one may shut out others who ping now."""


@frozen(kw_only=True)
class PingEar(EarConfig):
    """An ear that asks the guest's kernel, by ICMP."""

    kind = "ping"
    about = (
        "The guest answers an ICMP echo request. That shows that its kernel runs: a guest whose programs all hang answers, too."
    )
    shows = "kernel"

    ping: str = field(metadata=setting(HOST, "The host name or the IP address to ask."))

    def probe(self) -> Probe:
        """The probe that sends a request and waits for the reply."""
        return PingProbe(Place(self.ping.strip("[]"), 0, self.timeout_s))


@define(eq=False)
class PingProbe:
    """Sends an echo request, and waits for the reply to it."""

    place: Place
    _numbers: "count[int]" = field(factory=count, init=False)

    async def ask(self) -> bool:
        """See `Probe`."""
        return await self.place.ask(self._ask)

    async def _ask(self, address: Address) -> bool:
        request, reply, protocol = ECHO[socket.AddressFamily(address.family)]
        sequence, mark = next(self._numbers) % 0x10000, os.urandom(MARK_BYTES)
        with _opened(address, protocol) as ours, own_trouble("no ping can be sent"):
            await ours.connect(address.at)
            await ours.send(HEADER.pack(request, 0, 0, 0, sequence) + mark)  # the kernel fills in checksum and identity
            identity = ours.getsockname()[1]
            while not is_reply(await ours.recv(HEADER.size + MARK_BYTES + 1), (reply, identity, sequence, mark)):
                pass
        return True


def is_reply(data: bytes, wanted: tuple[int, int, int, bytes]) -> bool:
    """Whether this is the message with the wanted type, identity, sequence and mark."""
    if len(data) < HEADER.size:
        return False
    kind, _, _, identity, sequence = HEADER.unpack_from(data)
    return (kind, identity, sequence, data[HEADER.size :]) == wanted


def _opened(address: Address, protocol: int) -> trio.socket.SocketType:
    try:
        with own_trouble("no ping can be sent"):
            return trio.socket.socket(address.family, socket.SOCK_DGRAM, protocol)
    except EarError as error:
        if isinstance(error.__cause__, PermissionError):
            raise EarError(_forbidden()) from error
        raise


def why_forbidden() -> str:
    """Return why this process may send no ping: the range of groups that the kernel lets do so."""
    try:
        first, last = map(int, RANGE.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return "no ping may be sent, and net.ipv4.ping_group_range, which says who may, cannot be read"
    who = "no group do so" if first > last else f"only the groups {first} to {last} do so, and the service's is {os.getegid()}"
    return f"no ping may be sent: net.ipv4.ping_group_range lets {who}"


def _forbidden() -> str:
    return f'{why_forbidden()}; try: sysctl -w net.ipv4.ping_group_range="{ALL_GROUPS}"'

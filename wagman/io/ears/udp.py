"""`{ udp = 9000 }`: the guest sends a datagram with its name, now and then; with a key, also the time and a proof of both.

    gn                                              without a key
    gn 1764410000.5 9f86d081884c7d659a2feaa0c55a... with one: HMAC-SHA256 over `gn 1764410000.5`, in hexadecimal

A datagram that was recorded and is sent again is refused: its time must be later than that of the latest datagram of this guest.
It must also be near this computer's clock, because a service that was restarted has forgotten the latest time.
"""

import hmac
import math
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain

import trio
from attrs import define, field, frozen

from wagman.config.hosts import MOST_PORT
from wagman.config.kinds import whole
from wagman.config.secrets import SECRET_FILE, read_secret
from wagman.config.setting import setting
from wagman.io.ears.hearing import Source
from wagman.io.ears.network import Network
from wagman.io.ears.passive import TURN_S, PassiveEar, PassiveEarConfig, Shared

MOST_APART_S = 60.0
"""How far the guest's clock may be from this computer's, in seconds (chosen).

So long a datagram can be sent again after a restart of the service. A guest whose clock is set back by less is not heard until
its clock has caught up.
"""

MOST_BYTES = 512
"""How many bytes of a datagram are read (chosen: a name, a time and a proof take a third)."""

MOST_AT_ONCE = 64
"""How many datagrams are read before others get their turn (chosen)."""

RETRY_S = 5.0
"""The pause before a port that cannot be opened is tried again (chosen)."""

_TIME = re.compile(rb"[0-9]{1,11}(?:\.[0-9]{1,9})?")


@frozen(kw_only=True)
class UdpEar(PassiveEarConfig):
    """An ear for datagrams that the guest sends by itself."""

    kind = "udp"
    about = "The guest sends a UDP datagram with its name to this computer, at least as often as `every` says."
    shows = "program"

    udp: int = field(
        metadata=setting(
            whole(1, MOST_PORT), "The UDP port of this computer that the guest sends to. All guests may send to the same port."
        )
    )
    key_file: str | None = field(
        default=None,
        metadata=setting(
            SECRET_FILE,
            "A file with a key that only this computer and the guest know. Without it, whoever can reach the port can say "
            "that the guest is alive.",
        ),
    )

    def ear(self, guest: str, source: Source, network: Network, shared: Shared) -> PassiveEar:
        """See `PassiveEarConfig`."""
        ear = PassiveEar(self, source, network)
        shared.get(UdpEars, self.udp, lambda: UdpEars(self.udp)).add(guest, ear, self)
        return ear

    def key(self) -> bytes | None:
        """The shared key, without its line end; None: none is configured.

        Raises:
            OSError: the file cannot be read.
            ValueError: the file is empty.
        """
        if self.key_file is None:
            return None
        if key := read_secret(self.key_file).strip():
            return key
        raise ValueError(f"the file with the key is empty: {self.key_file}")


@define(eq=False)
class Datagrams:
    """Judges the datagrams of one guest."""

    name: bytes
    key: bytes | None
    _latest_s: float = field(default=-math.inf, init=False)  # the time in the latest datagram, by the guest's clock

    def doubt(self, words: list[bytes], wall_s: float) -> str | None:
        """Why a datagram is no sign of life; None: it is one.

        Args:
            words: the datagram, split at blanks.
            wall_s: when it came, by this computer's clock.
        """
        if self.key is None:
            return None if words == [self.name] else "it holds more than a name, and no key is configured"
        told, proof = words[1:] if len(words) == 3 else (b"", b"")  # noqa: PLR2004 - name, time, proof
        if _TIME.fullmatch(told) is None:
            return "it holds no time and proof"
        wanted = hmac.new(self.key, self.name + b" " + told, "sha256").hexdigest().encode()
        if not hmac.compare_digest(wanted, proof.lower()):
            return "its proof was made with another key"
        return self._doubted_time(float(told), wall_s)

    def _doubted_time(self, told_s: float, wall_s: float) -> str | None:
        if abs(told_s - wall_s) > MOST_APART_S:
            return f"the guest's clock and this computer's are {abs(told_s - wall_s):.0f} s apart"
        if told_s <= self._latest_s:
            return "its time is not later than that of the one before"
        self._latest_s = told_s
        return None


@define(eq=False)
class UdpListener:
    """One ear of a guest at the port, and which datagrams it believes."""

    ear: PassiveEar
    config: UdpEar
    datagrams: Datagrams
    is_open: bool = False  # its key was read since the port was opened

    def open(self) -> None:
        """Try to read the key. The guest's latest time is kept."""
        try:
            self.datagrams.key = self.config.key()
        except (OSError, ValueError) as error:
            self.ear.deaf(f"the key cannot be read: {error}")
        else:
            self.is_open = True
            self.ear.opened()

    def received(self, words: list[bytes], wall_s: float, sent_after_s: float) -> None:
        """Judge a datagram with the guest's name, split at blanks."""
        self.ear.refused = self.datagrams.doubt(words, wall_s)
        if self.ear.refused is None:
            self.ear.heard(sent_after_s, trio.current_time())


@define(eq=False)
class UdpEars:
    """The task that reads a port for all guests that send to it.

    Args:
        wall_s: returns the wall clock, in seconds since 1970.
    """

    port: int
    wall_s: Callable[[], float] = time.time
    read_until_s: float = field(default=-math.inf, init=False)
    progress_s: float = field(factory=trio.current_time, init=False)  # for the watchdog: when its present wait ends at the latest
    # by the name of the guest, which may have a heartbeat and something that shows that it is still on
    _ears: dict[bytes, list[UdpListener]] = field(factory=dict, init=False)

    def add(self, name: str, ear: PassiveEar, config: UdpEar) -> None:
        """Add an ear of a guest that sends to this port, by the name in its datagrams."""
        listener = UdpListener(ear, config, Datagrams(name.encode(), None))
        self._ears.setdefault(name.encode(), []).append(listener)
        ear.line = self

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            try:
                with closing(_bound(self.port)) as ours:
                    await self._read(ours)
            except OSError as error:
                for each in self._all():
                    each.ear.deaf(f"the UDP port {self.port} cannot be read: {error.strerror or error}")
            self.progress_s = trio.current_time() + RETRY_S
            await trio.sleep(RETRY_S)

    def _all(self) -> Iterator[UdpListener]:
        return chain.from_iterable(self._ears.values())

    async def _read(self, ours: socket.socket) -> None:
        for each in self._all():
            each.is_open = False
        self.read_until_s = trio.current_time()
        while True:
            for each in self._all():
                if not each.is_open:
                    each.open()
            self.progress_s = trio.current_time() + TURN_S
            with trio.move_on_after(TURN_S):
                await trio.lowlevel.wait_readable(ours)
            if self._read_some(ours):
                self.read_until_s = trio.current_time()

    def _read_some(self, ours: socket.socket) -> bool:
        """Read the datagrams that wait; returns whether those were all."""
        for _ in range(MOST_AT_ONCE):
            try:
                data = ours.recv(MOST_BYTES)
            except BlockingIOError:
                return True
            self._received(data.split())
        return False

    def _received(self, words: list[bytes]) -> None:
        for each in self._ears.get(words[0], ()) if words else ():
            if each.is_open:
                each.received(words, self.wall_s(), self.read_until_s)


def _bound(port: int) -> socket.socket:
    """A socket for both versions of IP, or for IPv4 alone if the kernel knows nothing else.

    Raises:
        OSError: somebody else has the port, or the service may not open it.
    """
    try:
        ours = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        anybody = "::"
    except OSError:
        ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        anybody = ""
    try:
        if ours.family == socket.AF_INET6:
            ours.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        ours.bind((anybody, port))
    except BaseException:
        ours.close()
        raise
    return ours

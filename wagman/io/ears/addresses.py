"""Where a guest is: its name is looked up at each question, and trouble on our own side never counts as its silence.

A name server that is down must not make guests silent. While a name cannot be looked up, the guest is asked at the addresses that
it had last; if none is known yet, it cannot be asked (`EarError`).
"""

import errno
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import trio
from attrs import define, field, frozen

from wagman.model.errors import EarError

MOST_ADDRESSES = 4
"""How many addresses of a name are asked (chosen: a few interfaces, both versions of IP)."""

LOOK_UP_SHARE = 0.5
"""The share of a question's time that a look-up may take, so that the last addresses can still be asked (chosen)."""

OWN_TROUBLE = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EACCES, errno.EPERM, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
)
"""Errors that mean: this computer could not send the question. "No route" is not among them, because a witness judges that."""

NO_FAMILY = frozenset((errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT))
"""Those of them that this computer gives for addresses of a version of IP that it does not have."""


@frozen
class Address:
    """One address of a guest."""

    family: int  # socket.AF_INET or socket.AF_INET6
    at: tuple[Any, ...]  # as `connect` takes it


@define(eq=False)
class Place:
    """The host and port that a probe asks; it remembers the addresses that were found last."""

    host: str
    port: int
    timeout_s: float
    why: str | None = field(default=None, init=False)  # why the latest question was not answered as expected, as far as is known
    _last: Sequence[Address] = field(default=(), init=False)

    @classmethod
    def of(cls, text: str, timeout_s: float) -> "Place":
        """The place that `HOST:PORT` names; an IPv6 address stands between brackets."""
        host, _, port = text.rpartition(":")
        return cls(host.strip("[]"), int(port), timeout_s)

    async def ask(self, question: Callable[[Address], Awaitable[bool]]) -> bool:
        """Put a question to all addresses at once; returns whether one of them answered as expected in time.

        Raises:
            EarError: the question could not be put.
        """
        self.why = None
        addresses: Sequence[Address] = ()
        troubles: dict[Address, EarError] = {}
        with trio.move_on_after(self.timeout_s) as in_time:
            addresses = await self.addresses()
            if await self._any_of(question, addresses, troubles):
                return True
        if in_time.cancelled_caught:
            self.why = f"nothing came within {self.timeout_s:g} s"
        _check(addresses, troubles)
        return False

    async def addresses(self) -> Sequence[Address]:
        """The addresses of the guest now, or else the last ones that are known.

        Raises:
            EarError: none is known.
        """
        reason = "nobody who knows it answers"
        try:
            with trio.move_on_after(self.timeout_s * LOOK_UP_SHARE):
                self._last = await _look_up(self.host, self.port)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
        if not self._last:
            raise EarError(f"the name {self.host} cannot be looked up: {reason}")
        return self._last

    def is_own(self) -> bool:
        """Whether one of the addresses that were found last is this computer's."""
        return any(map(is_own, self._last))

    async def _any_of(
        self, question: Callable[[Address], Awaitable[bool]], addresses: Sequence[Address], troubles: dict[Address, EarError]
    ) -> bool:
        """Whether one of the addresses answers; those that could not be asked are put into `troubles`.

        Raises:
            EarError: there is one address alone, and it could not be asked.
        """
        if len(addresses) == 1:  # a nursery would cost a tenth of the whole question
            return await self._put(question, addresses[0])
        answered = False
        async with trio.open_nursery() as nursery:

            async def put(address: Address) -> None:
                nonlocal answered
                try:
                    if await self._put(question, address):
                        answered = True
                        nursery.cancel_scope.cancel()
                except EarError as error:
                    troubles[address] = error

            for address in addresses:
                nursery.start_soon(put, address)
        return answered

    async def _put(self, question: Callable[[Address], Awaitable[bool]], address: Address) -> bool:
        """Whether one address answers as expected."""
        try:
            return await question(address)
        except OSError as error:  # the guest refuses, or there is no way to it
            self.why = os.strerror(error.errno) if error.errno else str(error)
        except trio.BrokenResourceError:
            self.why = "it hung up"
        return False


def _check(addresses: Sequence[Address], troubles: Mapping[Address, EarError]) -> None:
    """Check that what could not be asked is of a version of IP that this computer does not have, and that others were asked.

    Raises:
        EarError: it is not so: nobody knows what the guest would have answered.
    """
    asked = {address.family for address in addresses if address not in troubles}
    for address, error in troubles.items():
        is_without = getattr(error.__cause__, "errno", None) in NO_FAMILY and address.family not in asked
        if not (is_without and asked):
            raise error


def is_own(address: Address) -> bool:
    """Whether it is an address of this computer, which reaches that from the same one, or over the loopback. Nothing is sent."""
    # That a socket can be bound to it shows nothing where the kernel lets programs bind to any address (`ip_nonlocal_bind`).
    try:
        with socket.socket(address.family, socket.SOCK_DGRAM) as ours:
            ours.connect(address.at)
            host = ours.getsockname()[0]
    except OSError:
        return False
    return host == address.at[0] or ip_address(host).is_loopback


async def _look_up(host: str, port: int) -> Sequence[Address]:
    found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)  # asks no name server for a number
    return [Address(family, at) for family, _, _, _, at in found[:MOST_ADDRESSES]]


@contextmanager
def own_trouble(doing: str) -> Iterator[None]:
    """Turn an error of this computer into `EarError`; an error of the guest, or of the way to it, stays `OSError`."""
    try:
        yield
    except OSError as error:
        if error.errno in OWN_TROUBLE:
            raise EarError(f"{doing}: {os.strerror(error.errno or 0)}") from error
        raise


async def connect(address: Address) -> trio.SocketStream:
    """Open a TCP connection.

    Raises:
        OSError: the guest refuses, or there is no way to it.
        EarError: this computer cannot open one.
    """
    with own_trouble("no connection can be made"):
        opened = trio.socket.socket(address.family, socket.SOCK_STREAM)
        try:
            await opened.connect(address.at)
        except BaseException:
            opened.close()
            raise
    return trio.SocketStream(opened)

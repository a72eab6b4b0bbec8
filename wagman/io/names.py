"""Names are looked up in threads of their own, a few for each name: one that hangs holds up nothing but itself.

trio has 40 threads for everything that cannot wait otherwise, and the start of each program is among it. A name server that is
down holds a look-up for half a minute, and a plug is asked again after seconds.
"""

import socket
from typing import Any

import trio
from attrs import define, field

AT_ONCE = 2
"""How many look-ups of one name are under way at once (chosen: one that hangs, and one that finds the name server back)."""


@define(eq=False)
class Names(trio.abc.HostnameResolver):
    """Looks up names as this computer does."""

    _places: dict[object, trio.CapacityLimiter] = field(factory=dict, init=False)  # by what is looked up

    # A look-up that hangs cannot be ended: whoever asked may leave, but its thread and its place are taken until it ends.

    async def getaddrinfo(  # noqa: PLR0913, PLR0917 - as trio calls it
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002 - as trio calls it
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        """See `socket.getaddrinfo`.

        Raises:
            socket.gaierror: it is not found, or this process has as many threads as it may have.
        """
        try:
            return await trio.to_thread.run_sync(
                socket.getaddrinfo, host, port, family, type, proto, flags, abandon_on_cancel=True, limiter=self._of(host)
            )
        except RuntimeError as error:
            raise socket.gaierror(socket.EAI_AGAIN, f"no thread can be started: {error}") from error

    async def getnameinfo(self, sockaddr: tuple[str, int] | tuple[str, int, int, int], flags: int) -> tuple[str, str]:
        """See `socket.getnameinfo`."""
        return await trio.to_thread.run_sync(
            socket.getnameinfo, sockaddr, flags, abandon_on_cancel=True, limiter=self._of(sockaddr[0])
        )

    def _of(self, what: object) -> trio.CapacityLimiter:
        return self._places.setdefault(what, trio.CapacityLimiter(AT_ONCE))


def look_up_apart() -> None:
    """Have all names looked up so, from now on until the end of `trio.run`."""
    trio.socket.set_custom_hostname_resolver(Names())

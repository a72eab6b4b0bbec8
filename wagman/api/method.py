"""What a method of the control socket is."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeAlias

from attrs import frozen

from wagman.api.access import Peer, Role
from wagman.api.params import Watch
from wagman.api.service import Service


class Caller(Protocol):
    """The connection that a request came by."""

    @property
    def service(self) -> Service:
        """What is served."""
        ...

    @property
    def peer(self) -> Peer:
        """Who asks."""
        ...

    def subscribe(self, watch: Watch) -> Mapping[str, Any]:
        """Begin to send events once the answer to this request has been sent."""
        ...

    async def unsubscribe(self, subscription: int) -> None:
        """Send no more of them."""
        ...


Handler: TypeAlias = Callable[[Caller, Any], Awaitable[Any]]


@frozen
class Method:
    """One method: what it takes and gives, who may call it, and what it does."""

    name: str
    summary: str
    params: type  # a class of `wagman.api.params`
    result: str  # a name in `wagman.api.discovery.SCHEMAS`
    run: Handler
    role: Role = Role.READER
    in_batch: bool = True

"""The description of a method of the control socket."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeAlias

from attrs import frozen

from wagman.api.access import Peer, Role
from wagman.api.params import Watch
from wagman.api.service import Service


class Caller(Protocol):
    """The connection that a request came over."""

    @property
    def service(self) -> Service:
        """The service that is asked."""
        ...

    @property
    def peer(self) -> Peer:
        """The peer that asks."""
        ...

    def subscribe(self, watch: Watch) -> Mapping[str, Any]:
        """Begin to send events once the answer to this request has been sent."""
        ...

    async def unsubscribe(self, subscription: int) -> None:
        """Stop sending the events of a subscription."""
        ...


Handler: TypeAlias = Callable[[Caller, Any], Awaitable[Any]]


@frozen
class Method:
    """A method: its parameters and result, the role that it needs, and its function."""

    name: str
    summary: str
    params: type  # a class of `wagman.api.params`
    result: str  # a name in `wagman.api.discovery.SCHEMAS`
    run: Handler
    role: Role = Role.READER
    in_batch: bool = True

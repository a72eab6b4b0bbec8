"""`{ tcp = "gn:22" }`: the guest accepts a connection. Its kernel does that, even if the program behind it hangs."""

from attrs import define, field, frozen

from wagman.config.ears import HOST_PORT, EarConfig
from wagman.config.setting import setting
from wagman.io.ears.addresses import Address, Place, connect
from wagman.model.backend import Probe


@frozen(kw_only=True)
class TcpEar(EarConfig):
    """An ear that is a port of the guest."""

    kind = "tcp"
    about = "The guest takes a TCP connection. That shows that its kernel runs, not that the program behind the port does."
    shows = "kernel"

    tcp: str = field(metadata=setting(HOST_PORT, "The host and the port to connect to."))

    def probe(self) -> Probe:
        """The probe that connects."""
        return TcpProbe(Place.of(self.tcp, self.timeout_s))


@define(eq=False)
class TcpProbe:
    """Connects, and hangs up."""

    place: Place

    async def ask(self) -> bool:
        """See `Probe`."""
        return await self.place.ask(_connects)


async def _connects(address: Address) -> bool:
    async with await connect(address):
        return True

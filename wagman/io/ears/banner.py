"""`{ banner = "gn:22" }`: a program of the guest speaks first on a connection, as sshd, SMTP and FTP servers do."""

from attrs import define, field, frozen

from wagman.config.ears import HOST_PORT, EarConfig
from wagman.config.kinds import TEXT
from wagman.config.setting import setting
from wagman.io.ears.addresses import Address, Place, connect
from wagman.model.backend import Probe

MOST_BYTES = 1024
"""How many bytes of a banner are read (chosen: an SSH banner is one line of at most 255 bytes)."""


@frozen(kw_only=True)
class BannerEar(EarConfig):
    """An ear for a program that speaks at once on a connection."""

    kind = "banner"
    about = "The service connects, and the program that answers says something by itself, as sshd does."
    shows = "program"

    banner: str = field(metadata=setting(HOST_PORT, "The host and the port to connect to."))
    expect: str | None = field(default=None, metadata=setting(TEXT, "A text that the first 1024 bytes must contain."))

    def probe(self) -> Probe:
        """The probe that connects and listens."""
        return BannerProbe((self.expect or "").encode(), Place.of(self.banner, self.timeout_s))


@define(eq=False)
class BannerProbe:
    """Connects, and waits for the banner."""

    expect: bytes
    place: Place

    async def ask(self) -> bool:
        """See `Probe`."""
        return await self.place.ask(self._ask)

    async def _ask(self, address: Address) -> bool:
        said = b""
        async with await connect(address) as stream:
            while len(said) < MOST_BYTES and (more := bytes(await stream.receive_some(MOST_BYTES - len(said)))):
                said += more
                if self.expect in said:
                    return True
        return False

"""`{ http = "http://gn:8081/health" }`: a page of the guest says by its status (200 to 299) that the guest is well."""

from urllib.parse import urlsplit

import trio
from attrs import define, field, frozen

from wagman.config.ears import URL, EarConfig
from wagman.config.kinds import TEXT
from wagman.config.setting import setting
from wagman.io.ears.addresses import Address, Place, connect
from wagman.io.http import HTTP_PORT, fetch
from wagman.model.backend import Probe
from wagman.model.errors import BoardError

WELL = range(200, 300)
"""The statuses of success (specified). A redirect says where to ask, not how the guest is."""


@frozen(kw_only=True)
class HttpEar(EarConfig):
    """An ear that is a page of the guest."""

    kind = "http"
    about = "The service asks the guest for a page; a status of 200 to 299 is a heartbeat."
    shows = "program"

    http: str = field(
        metadata=setting(URL, "The address of the page. The page should answer 503, for example, while the guest is not well.")
    )
    expect: str | None = field(
        default=None,
        metadata=setting(
            TEXT,
            "A text that the answer must contain, in its first 64 KiB: for example the guest's name, so that no other "
            "computer is taken for the guest.",
        ),
    )

    def probe(self) -> Probe:
        """The probe that asks for the page."""
        parts = urlsplit(self.http)
        return HttpProbe(self, Place(parts.hostname or "", parts.port or HTTP_PORT, self.timeout_s))


@define(eq=False)
class HttpProbe:
    """Asks for a page."""

    config: HttpEar
    place: Place

    async def ask(self) -> bool:
        """See `Probe`."""
        return await self.place.ask(self._ask)

    async def _ask(self, address: Address) -> bool:
        async def reach(_host: str, _port: int) -> trio.abc.Stream:
            return await connect(address)

        try:
            answer = await fetch(self.config.http, timeout_s=self.config.timeout_s, whole=False, connect=reach)
        except BoardError as error:
            self.place.why = str(error)
            return False
        if answer.status not in WELL:
            self.place.why = f"it answers {answer.status}"
            return False
        self.place.why = "the answer does not hold what is expected"
        return (self.config.expect or "").encode() in answer.body

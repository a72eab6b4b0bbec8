"""`heartbeat = { ... }` of a guest, and `witness = { ... }` of a network: the keys of every ear's table.

Each kind of ear brings a class of its own, derived from `EarConfig`, beside the code that listens in that way.
"""

from typing import ClassVar, Literal, TypeAlias
from urllib.parse import urlsplit

from attrs import field, frozen

from wagman.config.hosts import is_ipv6, is_name, place
from wagman.config.kinds import DURATION, NUMBER_ABOVE_0, TEXT, Kind
from wagman.config.setting import setting
from wagman.model.backend import Probe

Shows: TypeAlias = Literal["kernel", "program", "power"]
"""What a sign of life shows: the guest's kernel runs; a program on it does, too; the guest has power at least."""

NO_NETWORK = "none"
"""The network that needs no witness: a guest that is not heard over it is silent."""

HOST = place("a host name or an IP address", port="none")
HOST_PORT = place('a host and a port, as in "gn:22" or "[fd00::1]:22"', port="must")


def _read_url(value: object) -> str:
    try:
        is_http = isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value and _is_http(value)
    except ValueError:
        is_http = False
    if not is_http:
        raise ValueError(URL.wants)
    return str(value)


def _is_http(text: str) -> bool:
    parts = urlsplit(text)
    host = parts.hostname or ""
    return parts.scheme == "http" and (is_name(host) or is_ipv6(host)) and parts.port != 0 and "@" not in parts.netloc


URL = Kind("an address as http://HOST[:PORT]/PATH", _read_url)


@frozen(kw_only=True)
class EarConfig:
    """The keys of every ear's table. Class attributes describe the kind; they are no keys.

    The key that says whom to listen to has the name of the kind: `{ http = "http://gn/health" }`.
    """

    kind: ClassVar[str]
    about: ClassVar[str]  # what the kind is, for the reference page
    shows: ClassVar[Shows]
    passive: ClassVar[bool] = False  # the guest speaks by itself: it cannot be asked, is no witness, and has no probe
    networked: ClassVar[bool] = True  # the way to the guest is a network, whose outage must not count as the guest's silence

    every_s: float = field(
        default=10.0,
        metadata=setting(
            DURATION,
            "How often the guest is asked (if the guest speaks by itself: how often the service checks for what it said): "
            "at most a third of the guest's `heartbeat_timeout`.",
        ),
    )
    timeout_s: float = field(
        default=2.0,
        metadata=setting(
            DURATION,
            "How long the service waits for an answer, from the look-up of the name to the last byte. It should be at "
            "most a third of the guest's `heartbeat_timeout`, and 2min30s for a witness.",
        ),
    )
    network: str | None = field(
        default=None,
        metadata=setting(
            TEXT,
            "The name of the network that the guest is heard through. Without it, the one in `[defaults]` counts. `none`: "
            "the guest's silence counts without a witness, which is right only for an uplink.",
        ),
    )

    @property
    def source(self) -> str:
        """The ear's name, for people and in the memory of what was ever heard: another address is another source."""
        whom = getattr(self, self.kind)
        return f"{self.kind} {whom if isinstance(whom, str | int) else ' '.join(whom)}"

    @property
    def question_s(self) -> float:
        """How long a question takes at most, in seconds, until it is given up."""
        return self.timeout_s

    def probe(self) -> Probe:
        """The probe that asks the guest; it opens nothing before it is first asked."""
        raise NotImplementedError


SILENT_BEATS = 3
"""How many heartbeats must be missing before silence means anything (chosen: one may be lost and one late)."""

RARE_BEAT_S = 75.0
"""How far apart a v4 board shows the beats of a pin that moves once a second (seen on the firmware: up to 72 s)."""


@frozen
class StillDraws:
    """`still_on = { watts = ... }`: a guest that draws this much has not halted yet."""

    watts: float = field(metadata=setting(NUMBER_ABOVE_0, "A guest that draws this many watts or more has not halted yet."))

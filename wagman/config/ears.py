"""`heartbeat = { ... }` of a guest, and `witness = { ... }` of a network: what the table of any ear may hold.

Each kind of ear brings a class of its own, derived from `EarConfig`, beside the code that listens in that way.
"""

from typing import ClassVar, Literal, TypeAlias

from attrs import field, frozen

from wagman.config.kinds import DURATION, TEXT
from wagman.config.setting import setting
from wagman.model.backend import Probe

Shows: TypeAlias = Literal["kernel", "program", "power"]
"""What a sign of life stands for: the guest's kernel runs; a program on it, too; it has power at least."""

NO_NETWORK = "none"
"""The network that needs no witness: whoever is not heard is silent."""


@frozen(kw_only=True)
class EarConfig:
    """What any ear has. Class attributes say what its kind is like; they are no keys.

    The key that says whom to listen to is named as the kind: `{ http = "http://gn/health" }`.
    """

    kind: ClassVar[str]
    about: ClassVar[str]  # what it is, for the reference page
    shows: ClassVar[Shows]
    passive: ClassVar[bool] = False  # the guest speaks by itself: it cannot be asked, is no witness, and has no probe
    networked: ClassVar[bool] = True  # the way to the guest is a network, whose outage must not be taken for silence

    every_s: float = field(
        default=10.0,
        metadata=setting(
            DURATION,
            "From one question to the next (of a guest that speaks by itself: from one look to the next): at most a third of "
            "the guest's `heartbeat_timeout`.",
        ),
    )
    timeout_s: float = field(
        default=2.0,
        metadata=setting(DURATION, "How long an answer is waited for, from the look-up of the name to its last byte."),
    )
    network: str | None = field(
        default=None,
        metadata=setting(
            TEXT,
            "The network that the guest is heard through; without it, the one in `[defaults]`. `none` counts silence without a "
            "witness, as is right for an uplink only.",
        ),
    )

    @property
    def source(self) -> str:
        """The ear's name, for people and in the memory of what was ever heard: another address is another source."""
        whom = getattr(self, self.kind)
        return f"{self.kind} {whom if isinstance(whom, str | int) else ' '.join(whom)}"

    def probe(self) -> Probe:
        """What asks the guest; nothing is opened before it is asked for the first time."""
        raise NotImplementedError

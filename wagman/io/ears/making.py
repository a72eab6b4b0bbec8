"""Makes ears, and the networks that they hear through, from the configuration."""

from collections.abc import Callable, Sequence

from wagman.config.ears import EarConfig
from wagman.io.ears.ear import Ear, Listening
from wagman.io.ears.hearing import Source
from wagman.io.ears.network import Network
from wagman.io.ears.passive import PassiveEarConfig, Shared
from wagman.model.facts import Draft


def network_of(name: str, witnesses: Sequence[EarConfig], tell: Callable[[Draft], None], shared: Shared) -> Network:
    """The network of that name."""
    within_s = max((witness.question_s for witness in witnesses), default=0.0)
    return Network(name, [shared.probe(witness) for witness in witnesses], within_s, tell)


def ear_of(config: EarConfig, guest: str, source: Source, network: Network | None, shared: Shared) -> Listening:
    """The ear of a guest. What it shares with others is put into `shared`, whose tasks must run, too.

    `network` is the one that the configuration names; None: no witness is needed.
    """
    through = Network.none() if network is None or not config.networked else network
    if isinstance(config, PassiveEarConfig):
        return config.ear(guest, source, through, shared)
    return Ear(config, source, through, shared.probe(config))

"""The inputs of a guest's machine, except facts about the board; and its effects."""

from typing import Literal, TypeAlias

from attrs import frozen

from wagman.config.schema import DeviceConfig
from wagman.fsm.alarms import Fired
from wagman.model.facts import (
    Beat,
    BoardStopping,
    Draft,
    PowerDoubted,
    PowerFound,
    PowerLost,
    RelayAsked,
    RelayOff,
    RelayOn,
    RelayStuck,
    Verb,
)


@frozen
class Operator:
    """An operator's command."""

    verb: Verb
    force: bool = False
    # how long it holds, for `stop` and `maintenance`; None: until further notice, or the end of the maintenance
    for_s: float | None = None


@frozen
class Review:
    """The configuration or a decision about the guest has changed: it may have to halt."""

    recalled: bool = False  # the decision is from an earlier run, and was only now read from the store


@frozen
class WagmanStart:
    """The scheduler asks the guest to start."""


@frozen
class WagmanStop:
    """The scheduler asks the guest to stop; `wanted` stays as it is."""

    reason: str = "the environment forbids that it runs"


@frozen
class Hibernation:
    """The scheduler says whether guests may run."""

    active: bool


@frozen
class MessageDone:
    """An attempt to deliver a message has ended, well or not."""

    at_s: float  # trio's clock
    cycle: int  # the power cycle in which it was sent


PowerFact: TypeAlias = RelayAsked | RelayOn | RelayOff | PowerLost | PowerDoubted | PowerFound | RelayStuck | BoardStopping
Input: TypeAlias = Beat | PowerFact | Operator | Review | WagmanStart | WagmanStop | Hibernation | MessageDone | Fired

# --- Effects ----------------------------------------------------------------------------------------------------------


@frozen
class Message:
    """Ask the guest to halt. `restart` tells it that its power will come back."""

    kind: Literal["shutdown", "restart"]
    cycle: int = 0  # the power cycle that the message is to end

    def command(self, config: DeviceConfig) -> tuple[str, ...]:
        """The command that asks the guest to halt; empty if its power may simply be cut."""
        if self.kind == "restart" and config.restart is not None:
            # mark command-of-its-own-for-a-restart
            return config.restart
        return config.shutdown or ()


@frozen
class StartRefused:
    """Tell the scheduler that the guest does not carry out its start."""

    reason: str


Effect: TypeAlias = Draft | Message | StartRefused

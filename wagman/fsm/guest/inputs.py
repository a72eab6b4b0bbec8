"""The inputs of a guest's machine besides the facts about the board, and what it asks for in return."""

from typing import Literal, TypeAlias

from attrs import frozen

from wagman.config.schema import DeviceConfig
from wagman.fsm.alarms import Fired
from wagman.model.facts import Beat, BoardStopping, Draft, PowerFound, PowerLost, RelayAsked, RelayOff, RelayOn, RelayStuck, Verb


@frozen
class Operator:
    """A command from outside."""

    verb: Verb
    force: bool = False
    for_s: float | None = None  # with `stop` and `maintenance`: for so long only; None with the latter: no longer


@frozen
class Review:
    """What was decided about the guest, or its configuration, is another than before: it may have to halt."""

    recalled: bool = False  # what was decided is of before this run of the service, and is known only now


@frozen
class WagmanStart:
    """The scheduler's own start."""

    recover: bool = False


@frozen
class WagmanStop:
    """The scheduler's own stop: it does not change what is wanted."""

    reason: str = "the environment forbids that it runs"


@frozen
class Hibernation:
    """Whether the scheduler allows guests to run."""

    active: bool


@frozen
class MessageDone:
    """An attempt to deliver a message to the guest has ended, well or not."""

    at_s: float  # trio's clock
    cycle: int  # the power cycle in which it was sent


PowerFact: TypeAlias = RelayAsked | RelayOn | RelayOff | PowerLost | PowerFound | RelayStuck | BoardStopping
Input: TypeAlias = Beat | PowerFact | Operator | Review | WagmanStart | WagmanStop | Hibernation | MessageDone | Fired

# --- Effects ----------------------------------------------------------------------------------------------------------


@frozen
class Message:
    """Ask the guest to halt; a restart says that power will come back."""

    kind: Literal["shutdown", "restart"]
    cycle: int = 0  # the power cycle that it is to end

    def command(self, config: DeviceConfig) -> tuple[str, ...]:
        """What asks the guest to halt; empty where it may simply be cut."""
        if self.kind == "restart" and config.restart is not None:
            # mark command-of-its-own-for-a-restart
            return config.restart
        return config.shutdown or ()


@frozen
class StartRefused:
    """Tell the scheduler that its start was not carried out."""

    reason: str


Effect: TypeAlias = Draft | Message | StartRefused

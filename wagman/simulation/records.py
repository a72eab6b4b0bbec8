"""What can be seen of a node from outside, as it happens: the only thing that the checkers are given.

Times are seconds since the simulation began. None of these says anything of the service's own variables: events, the answers
of its socket and its status are what everybody is shown.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from attrs import frozen

from wagman.config.schema import Config
from wagman.fake.hardware import By
from wagman.model.facts import Plug
from wagman.store import Event


@frozen
class RelayMoved:
    """The relay of an outlet moved."""

    at_s: float
    plug: Plug
    on: bool
    by: By
    guest: str  # how the guest was just before: off, dead, booting, running, halting, halted, hung
    silent_s: float  # since the guest last moved its pin, or since it got power where it never did
    medium: str | None = None  # of a relay-on: what the selector shows
    request: str | None = None  # of the service, that licensed it; None: the board did it of its own accord, or somebody's hands

    @property
    def ours(self) -> bool:
        """Whether the service made the relay move."""
        return self.request is not None


@frozen
class Silence:
    """What the service could know of a guest's silence: what had been read from the cable by then, and the guest's own beats."""

    told_s: float = 0.0  # up to when the board had told of it
    since_s: float = 0.0  # its latest beat of which the board could tell by then, or its power
    beats: int = 0  # up to then, since it got its power

    @property
    def for_s(self) -> float:
        """How long a silence was proved."""
        return self.told_s - self.since_s


@frozen
class Sent:
    """The service sent a board a command."""

    at_s: float
    verb: str
    plug: Plug | None = None  # the outlet that it is about
    silence: Silence = Silence()  # with `disable`: of the outlet's guest


@frozen
class Messaged:
    """The service ran the command that asks a guest to halt."""

    at_s: float
    device: str
    kind: str


@frozen
class Heard:
    """A guest answered when it was asked over a network."""

    at_s: float
    plug: Plug


@frozen
class Told:
    """The service showed an event for the first time."""

    at_s: float
    event: Event
    silence: Silence = Silence()  # of the guest that it is about, when the service decided what it tells of


@frozen
class Asked:
    """An operator asks for something."""

    at_s: float
    verb: str
    device: str
    force: bool = False
    for_s: float | None = None  # with `stop` and `maintenance`: for so long only


@frozen
class Answered:
    """The service's answer (None: there was none, and nobody knows whether the service has heard)."""

    at_s: float
    asked: Asked
    answer: Mapping[str, Any] | None

    @property
    def accepted(self) -> bool:
        """Whether the service said that it would."""
        return self.answer is not None and self.answer.get("accepted") is True

    @property
    def is_kept(self) -> bool:
        """Whether the service said so, and not that it could write it nowhere."""
        return self.answer is not None and "NOT KEPT" not in str(self.answer.get("reason"))


@frozen
class Did:
    """Something of the script happened."""

    at_s: float
    words: str


@frozen
class Began:
    """The service came up; the `number`th of its lives."""

    at_s: float
    number: int


@frozen
class Read:
    """The service has read what it kept: the log (`open`), or the file beside it (`read`)."""

    at_s: float
    what: str


@frozen
class Configured:
    """What the service goes by from now on: it comes up, or was told to read its file again."""

    at_s: float
    config: Config


@frozen
class Ended:
    """The service is gone: killed, stopped in order, or by an error of its own."""

    at_s: float
    how: str  # "killed", "stopped", or the error
    log: "Log | None"  # what it left on disk


@frozen
class Log:
    """The rolling log as it lies on disk."""

    log_id: str
    rows: Sequence[tuple[int, str]]  # id, and the event as text
    bytes: int


@frozen
class Truth:
    """How an outlet really is."""

    on: bool
    since_s: float  # when its relay last moved
    guest: str
    can_be_seen: bool  # its current sensor works


@frozen
class Look:
    """Somebody asked the service for its status, and looked at the node itself."""

    at_s: float
    status: Mapping[str, Any]
    truth: Mapping[Plug, Truth]
    selector: str | None  # what the controller would boot from


Lives: TypeAlias = Configured | Began | Read | Ended
"""What is told of the service's lives."""

Record: TypeAlias = RelayMoved | Sent | Messaged | Heard | Told | Asked | Answered | Did | Look | Lives

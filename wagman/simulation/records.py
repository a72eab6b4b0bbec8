"""Records: what can be seen of a node from outside, as it happens. The checkers get nothing else.

Times are seconds since the simulation began. No record has variables of the service: events, the answers of its socket and its
status are what everybody is shown.
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
    guest: str  # the guest's state just before: off, dead, booting, running, halting, halted, hung
    silent_s: float  # since the guest last moved its pin, or got its power if it never did
    medium: str | None = None  # the position of the selector, if the relay went on
    request: str | None = None  # the service's request that licensed it; None: the board did it by itself, or somebody by hand

    @property
    def ours(self) -> bool:
        """Whether the service made the relay move."""
        return self.request is not None


@frozen
class Silence:
    """What the service could know of a guest's silence: what it had read from the cable by then, and the guest's own beats."""

    told_s: float = 0.0  # the time up to which the board had told
    since_s: float = 0.0  # the latest beat of which the board could tell by then, or the power
    beats: int = 0  # since it got its power, up to then

    @property
    def for_s(self) -> float:
        """The silence that was proved, in seconds."""
        return self.told_s - self.since_s


@frozen
class Sent:
    """The service sent a board a command."""

    at_s: float
    verb: str
    plug: Plug | None = None  # the outlet in question
    silence: Silence = Silence()  # of the outlet's guest, if the verb is `disable`


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
class EventShown:
    """The service showed an event for the first time."""

    at_s: float
    event: Event
    silence: Silence = Silence()  # of the guest in question, when the service decided


@frozen
class Asked:
    """An operator asked for something."""

    at_s: float
    verb: str
    device: str
    force: bool = False
    for_s: float | None = None  # for a limited time, with `stop` and `maintenance`


@frozen
class Answered:
    """The service's answer; None: there was none, and nobody knows whether the service has got the request."""

    at_s: float
    asked: Asked
    answer: Mapping[str, Any] | None

    @property
    def accepted(self) -> bool:
        """Whether the service accepted the request."""
        return self.answer is not None and self.answer.get("accepted") is True

    @property
    def is_kept(self) -> bool:
        """Whether the service answered, and did not say that it could save nothing."""
        return self.answer is not None and "NOT KEPT" not in str(self.answer.get("reason"))


@frozen
class Did:
    """Something of the script happened."""

    at_s: float
    words: str


@frozen
class Began:
    """The service came up, for the `number`th time."""

    at_s: float
    number: int


@frozen
class Read:
    """The service has read what it had saved: the log (`open`), or the file beside it (`read`)."""

    at_s: float
    what: str


@frozen
class Configured:
    """The service goes by this configuration from now on: it came up, or read its file again."""

    at_s: float
    config: Config


@frozen
class Ended:
    """The service is gone: killed, stopped in order, or by an error of its own."""

    at_s: float
    how: str  # "killed", "stopped", or the error
    log: "Log | None"  # as left on disk


@frozen
class Log:
    """The rolling log on disk."""

    log_id: str
    rows: Sequence[tuple[int, str]]  # id, and the event as text
    bytes: int


@frozen
class Truth:
    """The truth of an outlet."""

    on: bool
    since_s: float  # when its relay last moved
    guest: str
    can_be_seen: bool  # its current sensor works


@frozen
class Look:
    """The service's status, and the truth at the same time."""

    at_s: float
    status: Mapping[str, Any]
    truth: Mapping[Plug, Truth]
    selector: str | None  # the medium that the controller would boot from


Lives: TypeAlias = Configured | Began | Read | Ended
"""The records of the service's lives."""

Record: TypeAlias = RelayMoved | Sent | Messaged | Heard | EventShown | Asked | Answered | Did | Look | Lives

"""What the scheduler hears, and what it asks for in return."""

from typing import TypeAlias

from attrs import frozen

from wagman.fsm.alarms import Fired
from wagman.model.facts import Draft, Rest, Sample


@frozen
class View:
    """A guest as the scheduler sees it."""

    name: str
    state: str
    starts: int = 0  # of the scheduler's, how many it has carried out in this run of the service
    due: bool = False
    exempt: bool = False
    hibernating: bool = False  # what it was told last
    recover: bool = False  # its next start is one to recover
    start_timeout_s: float = 120.0
    stop_timeout_s: float = 600.0
    known: bool = True  # it has been seen whether it runs
    wanted: bool = True  # it is to run: nobody has decided otherwise, and neither brownouts nor the environment forbid it
    leaving: bool = False  # it runs, and is to stop once nobody leans on it any more


@frozen
class GuestChanged:
    """A guest's view has changed."""

    view: View


@frozen
class GuestRefused:
    """A guest does not carry out the start that it was asked for."""

    name: str
    reason: str


@frozen
class PowerFailed:
    """The board restarted, and these guests lost their power with it; each of them has yet to say what follows."""

    names: frozenset[str]


@frozen
class Visibility:
    """The board of these guests is seen from now on; or, `blind`, it is not any more."""

    names: frozenset[str]
    blind: bool


@frozen
class Ordered:
    """An operator has the guests hibernate, or (None) wakes them."""

    rest: Rest | None


Input: TypeAlias = GuestChanged | GuestRefused | PowerFailed | Visibility | Ordered | Sample | Fired


@frozen
class StartGuest:
    """Ask a guest to start; `recover`: from the other medium."""

    name: str
    recover: bool


@frozen
class StopGuest:
    """Ask a guest to stop: because the environment forbids that it runs, or because an operator has it hibernate."""

    name: str
    by_order: bool = False


@frozen
class ReviewGuest:
    """Have a guest look again at whether it may run: nobody leans on it any more."""

    name: str
    freed_by: str | None = None  # the guest that was the last to lean on it, where its end is what led to this


@frozen
class Hibernate:
    """Tell a guest (None: all of them) whether guests may run."""

    active: bool
    name: str | None = None


Effect: TypeAlias = Draft | StartGuest | StopGuest | ReviewGuest | Hibernate

"""The inputs of the scheduler, and its effects."""

from typing import TypeAlias

from attrs import frozen

from wagman.fsm.alarms import Fired
from wagman.model.facts import Draft, HibernationOrder, Sample


@frozen
class View:
    """A guest as the scheduler sees it."""

    name: str
    state: str
    starts: int = 0  # how many starts by the scheduler it has carried out in this run of the service
    due: bool = False
    exempt: bool = False
    hibernating: bool = False  # what the scheduler told it last
    recover: bool = False  # its next start is a recovery
    start_timeout_s: float = 120.0
    stop_timeout_s: float = 600.0
    known: bool = True  # it is known whether it runs
    wanted: bool = True  # it is to run: no decision, no brownouts and no environment forbid it
    leaving: bool = False  # it runs, and is to stop once no guest that comes after it is up


@frozen
class GuestChanged:
    """A guest's view has changed."""

    view: View


@frozen
class GuestRefused:
    """A guest does not carry out the start that the scheduler asked for."""

    name: str
    reason: str


@frozen
class PowerFailed:
    """The board restarted, and these guests lost their power. Their machines have yet to say what follows."""

    names: frozenset[str]


@frozen
class Visibility:
    """The board of these guests can be seen from now on; `blind`: it cannot any more."""

    names: frozenset[str]
    blind: bool


@frozen
class Ordered:
    """An operator orders hibernation, or (None) ends it."""

    hibernation: HibernationOrder | None


Input: TypeAlias = GuestChanged | GuestRefused | PowerFailed | Visibility | Ordered | Sample | Fired


@frozen
class StartGuest:
    """Ask a guest to start; `recover`: from the other medium."""

    name: str
    recover: bool


@frozen
class StopGuest:
    """Ask a guest to stop, because of the environment or (`by_order`) because an operator ordered hibernation."""

    name: str
    by_order: bool = False


@frozen
class ReviewGuest:
    """Have a guest look again at whether it may run: no guest that comes after it holds up its stop any more."""

    name: str
    freed_by: str | None = None  # the guest whose end led to this, if one did


@frozen
class Hibernate:
    """Tell a guest (None: all guests) whether guests may run."""

    active: bool
    name: str | None = None


Effect: TypeAlias = Draft | StartGuest | StopGuest | ReviewGuest | Hibernate

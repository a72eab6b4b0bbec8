"""Who hears what: facts from the board to the machines, and what the guests ask of the board and of the Wagman machine."""

from collections.abc import Mapping

from attrs import define, field

from wagman.fsm.wagman.inputs import GuestChanged, GuestRefused, PowerFailed, View
from wagman.io.board.driver import PORT_NAMES
from wagman.io.board.task import Board
from wagman.model.facts import (
    Blindness,
    BoardFact,
    BoardRestarted,
    BoardStopping,
    Draft,
    Notice,
    PortFact,
    PowerGoal,
    PowerLost,
    RelayOff,
    Sample,
)
from wagman.service.controller import Controller
from wagman.service.recollection import Recollection
from wagman.service.watch import News
from wagman.store import Journal
from wagman.tasks.guest import Guest
from wagman.tasks.moments import Beginning, Clocks
from wagman.tasks.supervisor import Supervisor


@define(eq=False, repr=False)
class Routes:
    """The ways between the parts of the service, which are made one after the other and connected as they are.

    Args:
        news: is told of what may be a problem, and is no event.
    """

    journal: Journal
    clocks: Clocks
    news: News
    link_since: Beginning = field(init=False)  # since when the link to the board is as it is
    recollection: Recollection = field(init=False)
    supervisor: Supervisor = field(init=False)
    io: Board = field(init=False)
    controller: Controller = field(init=False)
    _by_port: dict[int, Guest] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.link_since = self.clocks.beginning()

    def lead_to(self, guests: Mapping[str, Guest]) -> None:
        """These are the guests."""
        self._by_port = {guest.config.port: guest for guest in guests.values()}

    # From the board ----------------------------------------------------------

    def board_fact(self, fact: PortFact | BoardFact) -> None:
        """Where a fact about the board goes."""
        match fact:
            case Notice():
                self._notice(fact)
            case Blindness() | Sample():
                if isinstance(fact, Blindness):
                    self.news.heard()
                kind = (type(fact), fact.sensor) if isinstance(fact, Sample) else None
                self.supervisor.inbox.tell(fact, kind)
            case BoardRestarted():
                names = frozenset(self._by_port[port].config.name for port in fact.lost if port in self._by_port)
                self.supervisor.inbox.tell(PowerFailed(names))
            case _ if fact.port in self._by_port:
                self._by_port[fact.port].tell(fact)
            case BoardStopping():
                self.controller.board_stopping(fact)
            case PowerLost() | RelayOff():
                self.recollection.decided.seen_off(fact.port)

    def _notice(self, notice: Notice) -> None:
        if notice.type in ("link.up", "link.down"):
            self.link_since = self.clocks.beginning()
        guest = self._by_port.get(notice.port) if notice.port is not None else None
        port = {} if guest is not None or notice.port is None else {"port": notice.port, "board_name": PORT_NAMES[notice.port]}
        self.journal.record([(Draft(notice.type, guest.config.name if guest else None, {**notice.fields, **port}), None)])

    # From the guests ---------------------------------------------------------

    def want(self, port: int, goal: PowerGoal) -> None:
        """A guest's state asks for a level of power."""
        self.io.want(port, goal)

    def view_changed(self, view: View) -> None:
        """A guest has changed, as far as the Wagman machine is concerned."""
        if view.state != "stopped":
            self.recollection.seen_up(view.name)
        self.supervisor.inbox.tell(GuestChanged(view), kind=view.name)

    def start_refused(self, name: str, reason: str) -> None:
        """A guest did not carry out the Wagman machine's start."""
        self.supervisor.inbox.tell(GuestRefused(name, reason), kind=("refused", name))

    def decided(self) -> None:
        """What holds for a guest has changed, and is to be kept beside the log, too."""
        self.recollection.file.keeper.note()

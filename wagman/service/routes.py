"""Who hears what: facts from the boards to the machines, and what the guests ask of the boards and of the scheduler."""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field

from wagman.fsm.wagman.inputs import GuestChanged, GuestRefused, PowerFailed, View, Visibility
from wagman.io.board.task import Board
from wagman.model.facts import (
    DEFAULT_BOARD,
    Blindness,
    BoardFact,
    BoardRestarted,
    BoardStopping,
    Draft,
    Plug,
    Port,
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
    boards: Mapping[str, Board] = field(init=False)
    enclosure: str | None = field(init=False)
    link_since: dict[str, Beginning] = field(init=False)  # since when the link to each board is as it is
    recollection: Recollection = field(init=False)
    supervisor: Supervisor = field(init=False)
    controller: Controller = field(init=False)
    listen: Callable[[str], None] = field(default=lambda _name: None, init=False)  # has the ears of a guest listen now
    _guests: dict[str, Guest] = field(factory=dict, init=False)
    _by_plug: dict[Plug, Guest] = field(factory=dict, init=False)
    _hearers: dict[Plug, Callable[[PortFact], None]] = field(factory=dict, init=False)  # of facts about each guest's port

    def lead_to(self, guests: Mapping[str, Guest]) -> None:
        """These are the guests."""
        self._guests, self._by_plug = dict(guests), {guest.config.plug: guest for guest in guests.values()}
        self._hearers = {plug: guest.tell for plug, guest in self._by_plug.items()}

    def hear_through(self, plug: Plug, hearer: Callable[[PortFact], None]) -> None:
        """Facts about the port of a guest that has ears of its own go there first."""
        self._hearers[plug] = hearer

    def come_from(self, boards: Mapping[str, Board], enclosure: str | None) -> None:
        """These are the boards, and whose sensors tell of the enclosure."""
        self.enclosure, self.boards, self.link_since = enclosure, boards, {name: self.clocks.beginning() for name in boards}

    # From the boards ---------------------------------------------------------

    def port_fact(self, board: str, port: Port, fact: PortFact) -> None:
        """Where a fact about a port goes."""
        plug = Plug(board, port)
        if plug in self._hearers:
            self._hearers[plug](fact)
        elif isinstance(fact, BoardStopping):
            self.controller.board_stopping(plug)
        elif isinstance(fact, PowerLost | RelayOff):
            self.recollection.decided.seen_off(plug)

    def board_fact(self, board: str, fact: BoardFact) -> None:
        """Where a fact about a board goes."""
        match fact:
            case Draft():
                self._remember(board, fact)
            case Blindness():
                self.news.heard()
                self._tell_supervisor(Visibility(self._names(board), fact.blind), board)
            case Sample() if board == self.enclosure:
                self.sampled(fact)
            case BoardRestarted():
                self._tell_supervisor(PowerFailed(self._names(board, fact.lost)), board)

    def sampled(self, sample: Sample) -> None:
        """A reading of a sensor, whoever has read it."""
        self._tell_supervisor(sample, sample.sensor)

    def _tell_supervisor(self, fact: Any, about: str) -> None:
        self.supervisor.inbox.tell(fact, (type(fact), about))

    def _names(self, board: str, ports: Container[Port] | None = None) -> frozenset[str]:
        """The guests on a board, or on these ports of it."""
        plugs = [plug for plug in self._by_plug if plug.board == board and (ports is None or plug.port in ports)]
        return frozenset(self._by_plug[plug].config.name for plug in plugs)

    def _remember(self, board: str, draft: Draft) -> None:
        """What a board wants remembered; a `port` among its fields is known by its guest's name, where it has one."""
        if draft.type in ("link.up", "link.down"):
            self.link_since[board] = self.clocks.beginning()
        fields = dict(draft.fields)
        guest = self._by_plug.get(Plug(board, fields["port"])) if "port" in fields else None
        if guest is not None:
            del fields["port"]
        elif "port" in fields:
            fields["board_name"] = self.boards[board].port_name(fields["port"])
        if board != DEFAULT_BOARD:
            fields["name"] = board
        self.journal.record([(Draft(draft.type, guest.config.name if guest else None, fields), None)])

    # From the guests ---------------------------------------------------------

    def want(self, name: str, goal: PowerGoal) -> None:
        """A guest's state asks for a level of power."""
        plug = self._guests[name].config.plug
        self.boards[plug.board].want(plug.port, goal)

    def view_changed(self, view: View) -> None:
        """A guest has changed, as far as the scheduler is concerned."""
        if view.state != "stopped":
            self.recollection.seen_up(view.name)
        self.supervisor.inbox.tell(GuestChanged(view), kind=view.name)

    def neighbours(self, name: str) -> tuple[Sequence[str], Sequence[str]]:
        """Those that a start of a guest waits for, and those that a stop of it waits for, as they are at this moment."""
        now = self.supervisor.situation
        beside = (*now.after.get(name, ()), *now.behind(name))
        now = evolve(now, views={**now.views, **{each: self._guests[each].view() for each in beside}}) if beside else now
        return now.waits_for(name), now.leaning(name)

    def waits_for(self, name: str) -> Sequence[str]:
        """Those that a guest waits for, to be started or to be stopped."""
        guest, (waits_for, leaning) = self._guests[name], self.neighbours(name)
        view = guest.view()
        return waits_for if view.wanted and view.state == "stopped" else leaning if view.leaving else ()

    def look(self, name: str) -> None:
        """Have a guest and its board looked at now: an alarm has fallen due that waits for that."""
        self.boards[self._guests[name].config.board].look()
        self.listen(name)

    def start_refused(self, name: str, reason: str) -> None:
        """A guest did not carry out the scheduler's start."""
        self.supervisor.inbox.tell(GuestRefused(name, reason), kind=("refused", name))

    def decided(self) -> None:
        """What holds for a guest has changed, and is to be kept beside the log, too."""
        self.recollection.file.keeper.note()

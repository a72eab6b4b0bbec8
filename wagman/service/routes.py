"""The routes between the parts: facts from boards to machines, requests of guests to boards and the scheduler."""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field

from wagman.fsm.scheduler.inputs import GuestChanged, GuestRefused, PowerFailed, View, Visibility
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
    """The connections between the parts of the service. The parts are made one after the other, and connected as each is made.

    Args:
        news: rung where something may be a problem and is recorded as no event.
    """

    journal: Journal
    clocks: Clocks
    news: News
    boards: Mapping[str, Board] = field(init=False)
    enclosure: str | None = field(init=False)
    link_since: dict[str, Beginning] = field(init=False)  # since when each link is up or down
    recollection: Recollection = field(init=False)
    supervisor: Supervisor = field(init=False)
    controller: Controller = field(init=False)
    listen: Callable[[str], None] = field(default=lambda _name: None, init=False)  # has the ears of a guest listen now
    _guests: dict[str, Guest] = field(factory=dict, init=False)
    _by_plug: dict[Plug, Guest] = field(factory=dict, init=False)
    _hearers: dict[Plug, Callable[[PortFact], None]] = field(factory=dict, init=False)  # of facts about each guest's port

    def lead_to(self, guests: Mapping[str, Guest]) -> None:
        """Connect the guests."""
        self._guests, self._by_plug = dict(guests), {guest.config.plug: guest for guest in guests.values()}
        self._hearers = {plug: guest.tell for plug, guest in self._by_plug.items()}

    def hear_through(self, plug: Plug, hearer: Callable[[PortFact], None]) -> None:
        """Lead facts about a guest's port to its ears (`hearer`) instead of directly to the guest."""
        self._hearers[plug] = hearer

    def come_from(self, boards: Mapping[str, Board], enclosure: str | None) -> None:
        """Connect the boards; `enclosure` is the name of the one whose sensors measure the enclosure."""
        self.enclosure, self.boards, self.link_since = enclosure, boards, {name: self.clocks.beginning() for name in boards}

    # From the boards ---------------------------------------------------------

    def port_fact(self, board: str, port: Port, fact: PortFact) -> None:
        """Pass a fact about a port to the guest there, to the controller, or to the ports without a table."""
        plug = Plug(board, port)
        if plug in self._hearers:
            self._hearers[plug](fact)
        elif isinstance(fact, BoardStopping):
            self.controller.board_stopping(plug)
        elif isinstance(fact, PowerLost | RelayOff):
            self.recollection.decided.seen_off(plug)

    def board_fact(self, board: str, fact: BoardFact) -> None:
        """Pass a fact about a board to the scheduler or the journal."""
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
        """Pass a reading of a sensor to the scheduler, from a board or a gauge."""
        self._tell_supervisor(sample, sample.sensor)

    def _tell_supervisor(self, fact: Any, about: str) -> None:
        self.supervisor.inbox.tell(fact, (type(fact), about))

    def _names(self, board: str, ports: Container[Port] | None = None) -> frozenset[str]:
        """Return the names of the guests on a board, or on these ports of it."""
        plugs = [plug for plug in self._by_plug if plug.board == board and (ports is None or plug.port in ports)]
        return frozenset(self._by_plug[plug].config.name for plug in plugs)

    def _remember(self, board: str, draft: Draft) -> None:
        """Record what a board reports. A `port` in its fields is replaced by the guest there, if there is one."""
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
        """Pass the power that a guest's state asks for to the board."""
        plug = self._guests[name].config.plug
        self.boards[plug.board].want(plug.port, goal)

    def view_changed(self, view: View) -> None:
        """Pass a change of a guest to the scheduler."""
        if view.state != "stopped":
            self.recollection.seen_up(view.name)
        self.supervisor.inbox.tell(GuestChanged(view), kind=view.name)

    def neighbours(self, name: str) -> tuple[Sequence[str], Sequence[str]]:
        """Return the guests that a start of this guest waits for, and those that a stop of it waits for, at this moment."""
        now = self.supervisor.situation
        beside = (*now.after.get(name, ()), *now.behind(name))
        now = evolve(now, views={**now.views, **{each: self._guests[each].view() for each in beside}}) if beside else now
        return now.waits_for(name), now.leaning(name)

    def waits_for(self, name: str) -> Sequence[str]:
        """Return the guests that this one waits for before it is started or stopped."""
        guest, (waits_for, leaning) = self._guests[name], self.neighbours(name)
        view = guest.view()
        return waits_for if view.wanted and view.state == "stopped" else leaning if view.leaving else ()

    def look(self, name: str) -> None:
        """Have a guest and its board looked at now: a timer that waits for what they show has fallen due."""
        self.boards[self._guests[name].config.board].look()
        self.listen(name)

    def start_refused(self, name: str, reason: str) -> None:
        """Tell the scheduler that a guest did not carry out a start."""
        self.supervisor.inbox.tell(GuestRefused(name, reason), kind=("refused", name))

    def decided(self) -> None:
        """Have the decisions file written, since a decision about a guest has changed."""
        self.recollection.file.keeper.note()

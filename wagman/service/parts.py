"""The parts of the service: each is made once, in the order in which they need each other, and connected to the others."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import trio
from attrs import define, field

from wagman.config.boards import BoardConfig
from wagman.config.schema import Config, DeviceConfig
from wagman.io.board.driver import Wiring
from wagman.io.board.pace import Pace
from wagman.io.board.task import BLIND_MISSES, Board
from wagman.model.catalogue import COLLAPSING
from wagman.model.facts import Draft, Plug
from wagman.service.controller import Controller
from wagman.service.decided import Decided
from wagman.service.decisions_file import DecisionsFile
from wagman.service.gauges import TASK as GAUGES_TASK
from wagman.service.gauges import Gauges
from wagman.service.health import Listener, Progress
from wagman.service.hitches import Hitches
from wagman.service.problems import Refusal
from wagman.service.recollection import Recollection
from wagman.service.routes import Routes
from wagman.service.seams import Seams
from wagman.service.watch import News
from wagman.store import Cause, Event, Journal, Keeper, SmallFile, Store
from wagman.store.event import rfc3339
from wagman.tasks.contain import describe
from wagman.tasks.guest import Guest
from wagman.tasks.loop import LATE_S, Alarms
from wagman.tasks.moments import Beginning, Clocks
from wagman.tasks.supervisor import Supervisor

if TYPE_CHECKING:
    from wagman.service.ears import Hearings

COUNT_S = 1.0
"""How long the count of events that were shown and not written may wait to be kept (chosen: one write for many events)."""


@define
class Conditions:
    """Findings about the place in which the service runs, written by those who find them."""

    refusal: Refusal | None = None  # of the operator's configuration
    needs_restart: tuple[str, ...] = ()  # keys that were changed, and do not count yet
    socket_reason: str | None = None  # why no client can connect


@define(eq=False, repr=False)
class Parts:
    """The guests, the scheduler, the boards, the journal, and what looks after them. Must be made within a trio run.

    Args:
        tell: called with each event when it is first shown.
        power_off: has the controller shut down; None where the service has no means to do so.
    """

    config: Config
    seams: Seams
    store: Store
    tell: Callable[[Event], None]
    power_off: Callable[[], None] | None = None
    conditions: Conditions = field(factory=Conditions, init=False)
    boot_id: str = field(init=False)
    clocks: Clocks = field(init=False)
    began: Beginning = field(init=False)
    began_s: float = field(factory=trio.current_time, init=False)
    news: News = field(factory=News, init=False)
    journal: Journal = field(init=False)
    routes: Routes = field(init=False)
    guests: dict[str, Guest] = field(init=False)
    recollection: Recollection = field(init=False)
    supervisor: Supervisor = field(init=False)
    pace: Pace = field(init=False)
    boards: dict[str, Board] = field(init=False)
    hearings: "Hearings | None" = field(init=False)  # None: all guests are heard on their boards alone
    gauges: Gauges = field(init=False)
    controller: Controller = field(init=False)
    progress: Progress = field(init=False)
    hitches: Hitches = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.boot_id = self.seams.new_id()
        self.clocks = Clocks(lambda: rfc3339(self.seams.wall()), self.seams.stamp)
        self.began = self.clocks.beginning()
        self.journal = self._make_journal()
        self.routes = Routes(self.journal, self.clocks, self.news)
        self.guests = {guest.name: self._make_guest(guest) for guest in self.config.guests}
        self.routes.lead_to(self.guests)
        self.recollection = self.routes.recollection = self._make_recollection()
        inboxes = {name: guest.inbox for name, guest in self.guests.items()}
        self.supervisor = Supervisor(self.config, self.journal, inboxes, self.clocks, lambda name: self.guests[name].last_event)
        self.routes.supervisor = self.supervisor
        self.pace = Pace(self.config.wagman.stagger_s, self.began_s)
        self.boards = {board.name: self._make_board(board) for board in self.config.boards}
        self.routes.come_from(self.boards, self.config.enclosure)
        self.hearings = self._make_hearings()
        self.controller = self.routes.controller = self._make_controller()
        self.gauges = Gauges(self.config.environment.gauges, self.routes.sampled, self.crashed)
        tasks: dict[str, Listener] = dict(self.hearings.tasks()) if self.hearings else {}
        tasks[GAUGES_TASK] = self.gauges
        self.progress = Progress(self.guests, self.supervisor, self.boards, tasks, self.journal)
        self.hitches = Hitches(lambda: self.config, self.seams.inspect, self.news.heard)

    def _make_journal(self) -> Journal:
        return Journal(
            self.store,
            boot_id=self.boot_id,
            wall=self.seams.wall,
            blocking=self.seams.blocking,
            tell=self._tell,
            collapse=COLLAPSING,
            late=lambda memory: self.recollection.recall(memory),  # noqa: PLW0108 - it is made later
            counted=lambda: self.recollection.file.keeper.note(COUNT_S),
            heard=self.news.heard,
            began_s=self.began_s,
            speed=self.seams.speed,
        )

    def _tell(self, event: Event) -> None:
        """Show an event, and have problems looked for: the event may be a sign of one."""
        self.tell(event)
        self.news.heard()

    def _make_guest(self, config: DeviceConfig) -> Guest:
        alarms = Alarms(late_s=late_s(config, self.config.board_of(config)))
        return Guest(config, self.journal, self.routes, self.seams.messenger, self.clocks, alarms=alarms)

    def _make_recollection(self) -> Recollection:
        """Make the recollection. Its functions read parts that are made only later, hence the functions inside."""
        path = self.store.path.with_name("decisions.json")

        def text() -> str:
            return decided.text()

        def turned(broken: str | None) -> None:
            file.turned(broken)

        def leave(plug: Plug) -> None:
            self.boards[plug.board].leave(plug.port)

        keeper = Keeper(SmallFile(path), self.seams.blocking, text, turned, speed=self.seams.speed)
        file = DecisionsFile(self.journal, keeper)
        decided = Decided(self.config, self.guests, self.journal, file, leave, lambda: self.supervisor)
        return Recollection(self.config, self.guests, self.journal, file, decided)

    def _make_board(self, config: BoardConfig) -> Board:
        board = Board(
            wiring(self.config, config.name),
            self.seams.connector(config),
            self.pace,
            tell=partial(self.routes.port_fact, config.name),
            tell_board=partial(self.routes.board_fact, config.name),
            healthy=lambda: not self.progress.stuck(),
            remember=lambda identity: void(self.journal.record([], {board.task: dict(identity)})),
        )
        return board

    def _make_hearings(self) -> "Hearings | None":
        if not any(guest.config.ears or guest.config.still_on for guest in self.guests.values()):
            return None
        # Imports are most of the start: not those of ears that nobody has.
        from wagman.service.ears import joined  # noqa: PLC0415

        return joined(self.config, self.guests, self.journal, self.routes, self.seams.probe)

    def _make_controller(self) -> Controller:
        """Make the controller: it is on the board that needs its heartbeat, or on none."""
        own = next((each for each in self.config.devices if each.is_self and self.config.board_of(each).feeds), None)
        io = None if own is None else self.boards[own.board]
        return Controller(own, io, self.journal, self.seams.wall, self.power_off)

    def last_event(self, device: str) -> Cause:
        """Return the latest event about a guest, or None."""
        guest = self.guests.get(device)
        return None if guest is None else guest.last_event

    def crashed(self, name: str, error: BaseException) -> None:
        """Record the crash of a task of the service; the task is restarted."""
        self.journal.record([(Draft("service.task_failed", None, {"task": name, **describe(error)}), None)])


def late_s(guest: DeviceConfig, board: BoardConfig) -> float:
    """Return how late in seconds a timer may fall due before it was missed: neither board nor ears could see the guest then."""
    return max(LATE_S, BLIND_MISSES * board.poll_s, *(BLIND_MISSES * ear.every_s for ear in guest.ears))


def wiring(config: Config, board: str) -> Wiring:
    """Return the wiring of the board of that name: the board's table and those of its guests."""
    return Wiring(config.board_named(board), config.devices_on(board))


def void(_: Any) -> None:
    """Ignore a result, so that a function which has one can be called as one which has none."""

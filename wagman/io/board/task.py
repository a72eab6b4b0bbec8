"""The io task: keeps the connection, polls the board, switches relays, and is the only writer of facts about the board.

One loop talks to the board; what a connection reads by itself is reported beside the loop, and never waits. Everything that the
board shows becomes a fact, told in the order in which it was seen. The task does not decide what should be: the goals are in
`Power`. Nor does it know how the board is reached, or what it can do: it asks the connection, and the driver for the ability.
"""

from collections.abc import Callable, Mapping
from typing import Any

import trio
from attrs import asdict, define, field

from wagman.io.board.connection import Connection, Connector
from wagman.io.board.driver import Driver, Feeds, Pulses, Raw, Senses, Shown, StartsByItself, Wiring
from wagman.io.board.pace import Pace
from wagman.io.board.power import Action, Power, SwitchOff, SwitchOn, Tell
from wagman.io.board.sightings import Sightings
from wagman.model.backend import Identity
from wagman.model.errors import BoardError, BoardProtocolError, BoardRefusedError, CallerError, LinkGoneError, StrangerError
from wagman.model.facts import DEFAULT_BOARD, Blindness, BoardFact, BoardRestarted, Draft, Port, PowerGoal

BLIND_MISSES = 3
"""After this many polls without an answer the board counts as unseen (specified)."""

REOPEN_MISSES = 12
"""After this many the connection is opened anew (chosen: almost two minutes of silence may be the port's fault)."""

AFTER_SWITCH_S = 2.0
"""How soon after a relay command the board is polled for its evidence (chosen: several main loops of the board)."""

PROGRESS_S = 10.0
"""How often at least the io task reports progress, however rarely the board is polled (chosen: a watchdog waits longer)."""

STEADY_S = 60.0
"""A connection on which the board still answers after this time has lasted (chosen: many polls)."""

LOSSES = 3
"""This many connections lost since one lasted are no matter of chance (chosen)."""

NO_ANSWER = "the board does not answer"
"""The reason for which the service itself drops a connection."""

FEED_S = 60.0
"""How often the board is fed the controller's heartbeat (chosen: the board waits for an hour)."""


@define(eq=False, repr=False)
class Visit:
    """One connection to the board, as long as it is up."""

    is_over: bool = False
    is_seen: bool = False  # it has answered all along since its outlets were last looked at anew


@define
class Board:
    """A board, as the rest of the service knows it.

    Args:
        connector: makes the connection to the board.
        pace: whose turn it is among all boards.
        tell: takes every fact about a port, in order; must not wait.
        tell_board: takes every fact about the board itself, in order with those; must not wait.
        healthy: whether the service is healthy: only then the board is fed the controller's own heartbeat.
        known: the identity that the board had in an earlier run, or None.
        remember: keeps the identity for the next run.
    """

    wiring: Wiring
    connector: Connector
    pace: Pace
    tell: Tell[Any]
    tell_board: Callable[[BoardFact], None]
    healthy: Callable[[], bool]
    remember: Callable[[Mapping[str, Any]], None]
    known: Identity | None = None
    power: Power[Any] = field(init=False)
    shown: Shown = field(init=False)
    connection: Connection | None = None
    since_s: float = field(init=False)  # when the connection came up or went down
    answered_s: float | None = None
    blind: bool = True
    silent_reason: str | None = None  # why the board counts as silent, from BLIND_MISSES polls on; None once it answers
    progress_s: float = 0.0  # for the watchdog: when the task's present wait ends at the latest
    fed_at_s: float | None = None  # when the controller's heartbeat was last fed
    _talker: trio.lowlevel.Task | None = field(init=False, default=None)
    _senses: Senses[Any] = field(init=False)
    _visit: Visit | None = field(init=False, default=None)  # while there is a connection
    _arrived: trio.Event = field(init=False, factory=trio.Event)  # set once there is a connection
    _wake: trio.Event = field(init=False, factory=trio.Event)
    _to_look: bool = field(init=False, default=False)  # poll at once, and not only when the next poll is due
    _restarted: bool = field(init=False, default=False)  # the board restarted since its outlets were last looked at
    _misses: int = field(init=False, default=0)
    _told: set[str] = field(init=False, factory=set)  # types of the events that were told since the board was last seen
    _losses: int = field(init=False, default=0)  # connections lost since one lasted
    _loss_reason: str = field(init=False, default="")  # why the latest of them was lost
    _turn: int = field(init=False, default=0)
    _down_s: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        now_s = trio.current_time()
        self.power = Power(self.wiring.off_times_s, self.pace, now_s, self.tell, self.wiring.mute, self.wiring.ways)
        self.pace.tell_when_free(self._look_again)
        self.shown = Shown(self.connector.name)
        sightings = Sightings.of(self.power.ports, self.power, self.tell)
        self._senses = Senses(self.wiring, self.power, sightings, self.shown, self.tell, self.tell_board)
        self.since_s = self._down_s = now_s

    @property
    def unsteady_reason(self) -> str | None:
        """Why connections do not last, if one after the other is lost though the port can be opened; else None."""
        return self._loss_reason if self._losses >= LOSSES else None

    # What is wanted ----------------------------------------------------------

    def want(self, port: Port, goal: PowerGoal) -> None:
        """Take over what a guest's state wants of its relay."""
        self.power.want(port, goal, trio.current_time())
        self._look_again()

    def heard(self, port: Port, at_s: float) -> None:
        """The guest on a port was heard elsewhere, and so has power."""
        self.power.beat(port, at_s)

    def watts(self, port: Port) -> float | None:
        """The watts that a port drew at the latest look; None: unknown."""
        reading = self.shown.ports.get(port)
        return None if reading is None else reading.watts

    def look(self) -> None:
        """Poll the board now: somebody waits for what that shows."""
        self._to_look = True
        self._wake.set()

    def _look_again(self) -> None:
        """Wake the task: a command may be due."""
        self._wake.set()

    def leave(self, port: Port) -> None:
        """Leave the power of a port that has no guest any more: it counts as on until it is seen off, and is never switched."""
        if port not in self.power.ports:
            self.power.leave(port)
            self._senses.sightings.leave(port)

    def reconfigure(self, wiring: Wiring) -> None:
        """Go on with another configuration of the same guests on the same ports."""
        self.wiring = self._senses.wiring = wiring
        self.power.configure(wiring.off_times_s, wiring.mute, wiring.ways)

    async def raw(self, words: list[str], *, force: bool) -> list[str]:
        """Send an operator's own command; returns the lines of the answer.

        Raises:
            CallerError: refused, or this kind of board takes none.
            BoardError: the board cannot be reached, did not answer, or said no.
        """
        driver = self._speaking
        if not isinstance(driver, Raw):
            raise CallerError(f"board {self.name} takes no raw commands: only a Wagman does")
        return list(await driver.raw(words, force=force))

    async def stop_later(self, port: Port, grace_s: int) -> None:
        """Have the board stop a port by itself, and cut its power after `grace_s` seconds.

        Raises:
            CallerError: this kind of board stops nothing by itself.
            BoardError: the board cannot be reached, did not answer, or said no.
        """
        driver = self._speaking
        if not isinstance(driver, Feeds):
            raise CallerError(f"board {self.name} stops nothing by itself")
        await driver.stop_later(port, grace_s)

    @property
    def name(self) -> str:
        """The name of the board in the configuration."""
        return self.wiring.board.name

    @property
    def task(self) -> str:
        """The name of the task. The store keeps under it which board was seen last."""
        return "board" if self.name == DEFAULT_BOARD else f"board.{self.name}"

    def port_name(self, port: Port) -> str:
        """The board's own name of a port."""
        return self.wiring.board.port_names.get(port, str(port))

    @property
    def is_up(self) -> bool:
        """Whether the way to the board is open."""
        return self.connection is not None and self.connection.is_up

    @property
    def down_reason(self) -> str | None:
        """Why the way to the board is not open; None: it is, or was not tried yet."""
        return None if self.connection is None else self.connection.down_reason

    @property
    def _speaking(self) -> Driver[Any]:
        if self.connection is None:
            raise LinkGoneError("the link to the board is down")
        return self.connection.driver

    # What the connection tells -----------------------------------------------

    def on_up(self) -> None:
        """The board can be spoken to."""
        self.since_s = trio.current_time()
        self.power.connected()
        self._visit = Visit()
        self._arrived.set()

    def on_down(self, reason: str) -> None:
        """The connection is lost, or cannot be opened."""
        self.since_s = self._down_s = trio.current_time()
        if self._visit is not None:
            self._visit.is_over = True
        self._visit, self._arrived = None, trio.Event()
        self._wake.set()
        self.power.placed()
        if reason != NO_ANSWER:
            self._losses, self._loss_reason = self._losses + 1, reason
        self._go_blind()

    def progressed(self, within_s: float = 0.0) -> None:
        """A request of the io task has ended, or begins and ends within `within_s`.

        Requests of other tasks are no progress of this one.
        """
        if trio.lowlevel.current_task() is self._talker:
            self.progress_s = trio.current_time() + within_s

    # The task ----------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """One incarnation: keep the connection up and talk to the board until cancelled.

        Raises:
            LinkBusyError: another process holds the port when the first incarnation opens it.
        """
        self._talker = trio.lowlevel.current_task()
        is_first = self.connection is None
        connection = self.connection = self.connector.connect(self._senses, self, is_first=is_first)
        async with trio.open_nursery() as nursery:
            await nursery.start(connection.run)
            task_status.started()
            await self._talk(connection)

    async def _talk(self, connection: Connection) -> None:
        while True:
            self.progressed()
            with trio.move_on_after(PROGRESS_S):
                await self._arrived.wait()
            if (visit := self._visit) is None:
                continue
            try:
                await self._attend(connection.driver, visit)
            except LinkGoneError:
                self._go_blind()
            except BoardError as error:
                # Who says no was there all the time: nothing can have been started behind our back.
                visit.is_seen &= isinstance(error, BoardRefusedError)
                await self._missed(connection, error)

    async def _attend(self, driver: Driver[Any], visit: Visit) -> None:
        """Look after a board that answers, until it does not or the visit is over: by the next one it may have restarted."""
        is_first = self.known is None
        await self._greet(driver)
        self.power.placed()
        await self._poll(driver)
        if self._restarted:
            await self._settle(driver)
        if self._restarted and isinstance(driver, StartsByItself):
            await driver.take_stock()
        if self._restarted or not visit.is_seen:
            self.power.link_up(trio.current_time(), is_first=is_first)
        self._restarted, visit.is_seen = False, True
        await self._reconcile(driver, visit)
        while not visit.is_over:
            await self._poll(driver)
            await self._reconcile(driver, visit)

    async def _settle(self, driver: Driver[Any]) -> None:
        """Look again once looks count after a restart. Until then nothing is switched."""
        # A guest may have come back with its board, and be booting: what is off is shown by a look alone.
        looks_s, now_s = self.power.shown_from_s(), trio.current_time()
        if looks_s > now_s:
            self.progressed(looks_s - now_s)
            await trio.sleep_until(looks_s)
            await self._poll(driver)

    async def _greet(self, driver: Driver[Any]) -> None:
        """Find out which board this is, and whether it has restarted since it was last seen."""
        identity, before = await driver.greet(), self.known
        if before is not None and not before.same_run(identity):
            first, identity = identity, await driver.greet()  # one changed digit must not cost all guests their power
            if not before.same_run(identity) and not first.agrees(identity):
                raise BoardProtocolError("the board does not say twice in a row which one it is and since when it runs")
        if before is None or before.same_run(identity):
            self._learn(identity.with_start_of(before))
            return
        if isinstance(driver, StartsByItself):
            await driver.hold_off()  # if this fails, the restart counts as not seen yet
        self.shown.forget()
        self._learn(identity)
        self.tell_board(
            Draft("board.reset", None, {"boots": identity.counted, "before": before.counted, "board": identity.board_id})
        )
        self._senses.sightings.forget()
        seen_s = max(self._down_s, self.answered_s or self._down_s)
        lost = self.power.board_reset(seen_s, survivors=driver.survivors, doubtful=driver.doubtful)
        self.tell_board(BoardRestarted(lost))
        self._restarted = True

    def _learn(self, identity: Identity) -> None:
        self.shown.identity = identity
        if identity != self.known:
            self.known = identity
            self.remember(asdict(identity))

    async def _poll(self, driver: Driver[Any]) -> None:
        self._to_look = False
        await driver.poll(self._turn)
        self._turn += 1
        self._misses, self.silent_reason = 0, None
        self._told.clear()
        self.answered_s = trio.current_time()
        if self.answered_s >= self.since_s + STEADY_S:
            self._losses = 0
        if self.blind:
            self.blind = False
            self.tell_board(Blindness(blind=False, at_s=self.answered_s))
        await self._feed(driver)
        self.progressed()

    async def _feed(self, driver: Driver[Any]) -> None:
        """Feed the board the controller's heartbeat if that is due, and only while the service is healthy."""
        own, now_s = self.wiring.own, trio.current_time()
        # An unhealthy service must not be kept alive: the board is to power-cycle its computer.
        is_due = self.fed_at_s is None or now_s >= self.fed_at_s + FEED_S
        if own is not None and is_due and isinstance(driver, Feeds) and self.healthy():
            await driver.ping(own.port)
            self.fed_at_s = now_s

    async def _reconcile(self, driver: Driver[Any], visit: Visit) -> None:
        """Send the commands that are due until the next poll, which comes soon if evidence is awaited."""
        until_s = min(trio.current_time() + self.wiring.board.poll_s, self.power.look_s(trio.current_time()))
        while not (visit.is_over or self._to_look) and (now_s := trio.current_time()) < until_s:
            self.progressed()
            self._wake = trio.Event()
            action = self.power.next(now_s)
            if isinstance(action, float):
                with trio.move_on_at(min(action, until_s, now_s + PROGRESS_S)):
                    await self._wake.wait()
                continue
            await self._switch(driver, action)
            until_s = min(until_s, trio.current_time() + AFTER_SWITCH_S)

    async def _switch(self, driver: Driver[Any], action: Action[Any]) -> None:
        self.power.begin(action, trio.current_time())
        try:
            if isinstance(action, SwitchOn):
                await driver.switch_on(action)
            elif isinstance(action, SwitchOff):
                await driver.switch_off(action)
            elif isinstance(driver, Pulses):
                await driver.pulse(action)
            else:
                raise BoardRefusedError(f"board {self.name} cannot switch a port off and on by one command")
            self.power.replied(action)
        finally:
            self.power.sent(action, trio.current_time())

    async def _missed(self, connection: Connection, error: BoardError) -> None:
        """Count a request that failed: no answer, or not the expected one."""
        self._misses += 1
        if isinstance(error, StrangerError):
            self._unseen(Draft("board.stranger", None, {"reason": str(error)}))  # what it shows belongs to another board
        elif self._misses >= BLIND_MISSES:
            self._unseen(Draft("board.silent", None, {"reason": str(error)}))
        if self._misses % REOPEN_MISSES == 0:
            connection.hang_up(NO_ANSWER)
        await trio.sleep(connection.pause_s)

    def _unseen(self, draft: Draft) -> None:
        """Nobody can see the board: tell it once until it is seen again."""
        self.silent_reason = draft.fields["reason"]
        if draft.type not in self._told:
            self._told.add(draft.type)
            self.tell_board(draft)
        self._go_blind()

    def _go_blind(self) -> None:
        if self._visit is not None:
            self._visit.is_seen = False
        if not self.blind:
            self.blind = True
            self.tell_board(Blindness(blind=True, at_s=trio.current_time()))

"""The composition root: every part of the service, and the nurseries that hold their tasks.

The nurseries stand inside one another, so that the shutdown has an order: the control socket first, then the machines, the
board, and the store, which writes what is left. Stopping the service stops no guest: nothing is switched off.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import trio
from attrs import asdict, define, evolve, field

from wagman import __version__
from wagman.api.access import Peer
from wagman.api.server import serve
from wagman.api.service import UnknownDeviceError
from wagman.config.changes import change
from wagman.config.schema import Config, DeviceConfig
from wagman.fsm.inputs import Operator
from wagman.fsm.wagman import DeviceChanged, DeviceRefused, PowerFailed, View
from wagman.io.board import BLIND_MISSES, Board, Dialect
from wagman.io.driver import PORT_NAMES, Identity
from wagman.model.catalogue import COLLAPSING
from wagman.model.errors import BoardTimeoutError, CallerError, StoreError
from wagman.model.facts import (
    Beat,
    Blindness,
    BoardFact,
    BoardRestarted,
    Draft,
    Notice,
    PortFact,
    PowerGoal,
    PowerLost,
    RelayOff,
    Sample,
    Verb,
    Verdict,
)
from wagman.service.controller import REFUSES, Controller
from wagman.service.health import NUDGE_S, Health
from wagman.service.hitches import Hitches
from wagman.service.problems import Facts, Refusal
from wagman.service.recollection import Found, Recollection
from wagman.service.seams import Seams
from wagman.service.spells import KEY as PROBLEMS_KEY
from wagman.service.spells import Watch
from wagman.service.status import Now, board_status, device_status, port_status, rows, self_status, service_status, wagman_status
from wagman.store import Cause, Event, Journal, Keeper, Loaded, Receipt, SmallFile, Store
from wagman.store.decisions import sentences
from wagman.store.event import rfc3339
from wagman.tasks.contain import FirstStart, contained, describe
from wagman.tasks.guest import Guest, Nudge
from wagman.tasks.loop import LATE_S, Alarms
from wagman.tasks.moments import Beginning, Clocks, place_key
from wagman.tasks.supervisor import KEY as WAGMAN_KEY
from wagman.tasks.supervisor import Reconfigured, Supervisor

BOARD_KEY = "board"
"""The name under which the store keeps which board was seen last."""

COMMIT_S = 2.0
"""How long a caller waits for the id of the event that its request became (chosen)."""

COUNT_S = 1.0
"""How late it may be kept how many events were shown and not written (chosen: not once for each of many)."""

BOARD_TIMEOUT_S = 20.0
"""How long an operator's raw board command may take, its turn included (chosen)."""


@define(eq=False)
class WagmanService:
    """The whole service: guests, Wagman machine, board, journal.

    Args:
        tell: takes each event when it is shown first.
        power_off: has the controller shut down; None where there is no way to.
        successor: another service, or another run of the controller, is known to follow this one.
    """

    config: Config
    seams: Seams
    store: Store
    dialect: Dialect
    tell: Callable[[Event], None]
    power_off: Callable[[], None] | None = None
    because: str = "it was told to"  # why it stops
    successor: bool = False
    journal: Journal = field(init=False)
    guests: dict[str, Guest] = field(init=False)
    supervisor: Supervisor = field(init=False)
    io: Board = field(init=False)
    controller: Controller = field(init=False)
    watch: Watch = field(init=False)
    hitches: Hitches = field(init=False)
    recollection: Recollection = field(init=False)
    refusal: Refusal | None = None  # of the operator's configuration
    needs_restart: tuple[str, ...] = ()  # keys that were changed, and do not count yet
    socket_reason: str | None = None  # why clients cannot connect
    boot_id: str = field(init=False)
    clocks: Clocks = field(init=False)
    began: Beginning = field(init=False)
    began_s: float = field(factory=trio.current_time)
    link_since: Beginning = field(init=False)
    health: Health = field(factory=Health, init=False)
    stopping: trio.Event = field(factory=trio.Event)
    _by_port: dict[int, Guest] = field(init=False)
    _stuck: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        self.boot_id = self.seams.new_id()
        self.clocks = Clocks(lambda: rfc3339(self.seams.wall()), self.seams.stamp)
        self.began = self.link_since = self.clocks.beginning()
        self.journal = self._make_journal()
        self.guests = {guest.name: self._make_guest(guest) for guest in self.config.guests}
        self.recollection = self._make_recollection()
        self._by_port = {guest.config.port: guest for guest in self.guests.values()}
        inboxes = {name: guest.inbox for name, guest in self.guests.items()}
        self.supervisor = Supervisor(self.config, self.journal, inboxes, self.clocks, lambda name: self.guests[name].last_event)
        self.io = self._make_board()
        own = next((device for device in self.config.devices if device.is_self), None)
        self.controller = Controller(own, self.io, self.journal, self.seams.wall, self.power_off)
        self.watch = Watch(self.facts, self.journal, self.seams.stamp, self.clocks.wall, self._last_event)
        self.hitches = Hitches(lambda: self.config.guests, self.seams.inspect, self.watch.heard)

    def _make_journal(self) -> Journal:
        return Journal(
            self.store,
            boot_id=self.boot_id,
            wall=self.seams.wall,
            blocking=self.seams.blocking,
            tell=self._tell,
            collapse=COLLAPSING,
            late=self.recall,
            counted=self._counted,
            heard=self._heard,
            began_s=self.began_s,
        )

    def _make_recollection(self) -> Recollection:
        """It and its keeper hear of each other: what is to be kept, and whether it can be. The board is made later."""
        path = self.store.path.with_name("decisions.json")

        def text() -> str:
            return recollection.text()

        def turned(broken: str | None) -> None:
            recollection.turned(broken)

        def leave(port: int) -> None:
            self.io.leave(port)

        keeper = Keeper(SmallFile(path), self.seams.blocking, text, turned)
        recollection = Recollection(self.config, self.guests, self.journal, keeper, leave)
        return recollection

    def _tell(self, event: Event) -> None:
        """An event is shown first: it may be news of a problem."""
        self.tell(event)
        self._heard()

    def _heard(self) -> None:
        self.watch.heard()

    def _last_event(self, device: str) -> Cause:
        guest = self.guests.get(device)
        return None if guest is None else guest.last_event

    def _make_guest(self, config: DeviceConfig) -> Guest:
        alarms = Alarms(late_s=late_s(self.config))
        return Guest(config, self.journal, self, self.seams.messenger, self.clocks, alarms=alarms)

    def _make_board(self) -> Board:
        return Board(
            self.config,
            self.dialect,
            self.seams.opener,
            tell=self.board_fact,
            healthy=self.healthy,
            remember=lambda identity: void(self.journal.record([], {BOARD_KEY: dict(identity)})),
        )

    # Facts and requests between the tasks ------------------------------------

    def board_fact(self, fact: PortFact | BoardFact) -> None:
        """Where a fact about the board goes."""
        match fact:
            case Notice():
                self._notice(fact)
            case Blindness() | Sample():
                if isinstance(fact, Blindness):
                    self.watch.heard()
                kind = (type(fact), fact.sensor) if isinstance(fact, Sample) else None
                self.supervisor.inbox.tell(fact, kind)
            case BoardRestarted():
                names = frozenset(self._by_port[port].config.name for port in fact.lost if port in self._by_port)
                self.supervisor.inbox.tell(PowerFailed(names))
            case _ if fact.port in self._by_port:
                self._by_port[fact.port].tell(fact)
            case PowerLost() | RelayOff():
                self.recollection.seen_off(fact.port)

    def _notice(self, notice: Notice) -> None:
        if notice.type in ("link.up", "link.down"):
            self.link_since = self.clocks.beginning()
        guest = self._by_port.get(notice.port) if notice.port is not None else None
        port = {} if guest is not None or notice.port is None else {"port": notice.port, "board_name": PORT_NAMES[notice.port]}
        self.journal.record([(Draft(notice.type, guest.config.name if guest else None, {**notice.fields, **port}), None)])
        self.controller.noticed(notice)

    def want(self, port: int, goal: PowerGoal) -> None:
        """A guest's state asks for a level of power."""
        self.io.want(port, goal)

    def view_changed(self, view: View) -> None:
        """A guest has changed, as far as the Wagman machine is concerned."""
        if view.state != "stopped":
            self.recollection.seen_up(view.name)
        self.supervisor.inbox.tell(DeviceChanged(view), kind=view.name)

    def start_refused(self, name: str, reason: str) -> None:
        """A guest did not carry out the Wagman machine's start."""
        self.supervisor.inbox.tell(DeviceRefused(name, reason), kind=("refused", name))

    def _counted(self) -> None:
        """Events were shown that may never be written, or they have been."""
        self.recollection.keeper.note(COUNT_S)

    def decided(self) -> None:
        """What holds for a guest has changed."""
        self.recollection.keeper.note()

    # The tasks ---------------------------------------------------------------

    async def run(
        self,
        listener: trio.abc.Listener[Any] | None,
        judge: Callable[[Any], Peer],
        *,
        warnings: Sequence[str] = (),
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Run the service until `stopping` is set or the task is cancelled; started once it supervises.

        Raises:
            LinkBusyError: another process holds the serial port.
            TaskKeepsCrashingError: a task cannot be kept running.
        """
        loaded, found = await self.journal.load(), await self.recollection.find()
        if loaded.unread is None:
            self.recollection.tell_missing(loaded.memory)
        async with trio.open_nursery() as keeper_nursery:  # it keeps how much the store could not write
            async with trio.open_nursery() as store_nursery:
                await store_nursery.start(self._run_store)
                await self._resume(loaded, found, warnings)
                keeper_nursery.start_soon(contained, "decisions", self.recollection.run_keeper, self.crashed)
                await self._supervise(listener, judge, task_status)
                store_nursery.cancel_scope.cancel()
            keeper_nursery.cancel_scope.cancel()

    async def _supervise(
        self,
        listener: trio.abc.Listener[Any] | None,
        judge: Callable[[Any], Peer],
        task_status: trio.TaskStatus[None],
    ) -> None:
        """The board, the machines and the socket, until the service is to stop."""
        async with trio.open_nursery() as board_nursery:
            await board_nursery.start(self._run_board)
            async with trio.open_nursery() as machine_nursery:
                self._start_machines(machine_nursery)
                await self._serve(listener, judge, task_status)
                machine_nursery.cancel_scope.cancel()
            board_nursery.cancel_scope.cancel()
        await self._say_farewell()

    async def _say_farewell(self) -> None:
        drafts = [Draft("service.stopping", None, {"because": self.because})]
        if not self.successor and (unfed := self.controller.unfed()) is not None:
            drafts.append(unfed)
        await self.journal.record([(draft, None) for draft in drafts]).settled(COMMIT_S)

    async def _serve(
        self, listener: trio.abc.Listener[Any] | None, judge: Callable[[Any], Peer], task_status: trio.TaskStatus[None]
    ) -> None:
        """The outermost task: the control socket, until the service is to stop."""
        async with trio.open_nursery() as nursery:
            if listener is not None:
                await nursery.start(serve, self, listener, judge)
            task_status.started()
            await self.stopping.wait()
            nursery.cancel_scope.cancel()

    async def _run_store(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await contained("store", partial(self.journal.run, task_status=FirstStart(task_status)), self._store_crashed)

    def _store_crashed(self, name: str, error: BaseException) -> None:
        """The next incarnation writes what waits, and this; at the end there is none, and the process has to say it.

        Raises:
            BaseException: the error, at the end.
        """
        if trio.current_effective_deadline() == -math.inf:
            raise error
        self.crashed(name, error)

    async def _run_board(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await contained("board", partial(self.io.run, task_status=FirstStart(task_status)), self.crashed)

    def _start_machines(self, nursery: trio.Nursery) -> None:
        for name, guest in self.guests.items():
            nursery.start_soon(contained, f"device.{name}", guest.run, self.crashed, name=f"device.{name}")
        nursery.start_soon(contained, "wagman", self.supervisor.run, self.crashed, name="wagman")
        nursery.start_soon(contained, "nudge", self._nudge, self.crashed, name="nudge")
        nursery.start_soon(contained, "hitches", self.hitches.run, self.crashed, name="hitches")
        nursery.start_soon(contained, "memory", self.recollection.run, self.crashed, name="memory")
        nursery.start_soon(contained, "problems", self.watch.run, self.crashed, name="problems")

    def crashed(self, name: str, error: BaseException) -> None:
        """A task of the service has crashed; it is taken up again."""
        self.journal.record([(Draft("service.task_failed", None, {"task": name, **describe(error)}), None)])

    async def _nudge(self) -> None:
        """Ask every machine for a sign of life: a machine with nothing to do looks like a stuck one otherwise."""
        while True:
            for inbox in (*(guest.inbox for guest in self.guests.values()), self.supervisor.inbox):
                inbox.tell(Nudge())
            await trio.sleep(NUDGE_S)
            self._tell_stuck()

    def _tell_stuck(self) -> None:
        """Whoever restarts the service leaves no trace of what hung."""
        before, self._stuck = self._stuck, self.stuck()
        for task in self._stuck:
            if task not in before:
                self.journal.record([(Draft("service.task_stuck", None, {"task": task}), None)])

    def stuck(self) -> tuple[str, ...]:
        """The machines, and the io task, that have made no progress lately."""
        progress_s = {guest.key: guest.progress_s for guest in self.guests.values()}
        return self.health.stuck(progress_s | {WAGMAN_KEY: self.supervisor.progress_s, BOARD_KEY: self.io.progress_s})

    def healthy(self) -> bool:
        """Every machine and the io task have made progress lately."""
        return not self.stuck()

    # Another configuration ---------------------------------------------------

    def reconfigure(self, new: Config) -> None:
        """Take over what can change while the service runs, and say what waits for a restart."""
        changed = change(self.config, new)
        if changed.live:
            self.config = changed.config
            self._spread(changed.config)
        self.needs_restart = changed.waiting
        self.hitches.reconfigured()
        tables = list(sentences(self.recollection.entries, new))
        fields = {"changed": list(changed.live), "needs_restart": list(changed.waiting), "tables": tables}
        self.journal.record([(Draft("service.reloaded", None, fields), None)])

    def _spread(self, config: Config) -> None:
        """A guest's numbers count from the next time that each is used."""
        for guest in config.guests:
            self.guests[guest.name].config = guest
            self.guests[guest.name].alarms.late_s = late_s(config)
        self._review()
        self.io.reconfigure(config)
        self.supervisor.inbox.tell(Reconfigured(config))

    # Coming up ---------------------------------------------------------------

    async def _resume(self, loaded: Loaded, found: Found, warnings: Sequence[str]) -> None:
        """Each machine takes up what was kept of it; what cannot be trusted begins anew."""
        anew = [name for name, guest in self.guests.items() if not await self._restored(guest, loaded)]
        await self.recollection.take_up(loaded, found)
        if WAGMAN_KEY in loaded.memory and not self._taken_up(loaded):
            anew.append(WAGMAN_KEY)
        self.watch.restore(loaded.memory.get(PROBLEMS_KEY))
        self.io.known = known_board(loaded.memory.get(BOARD_KEY))
        await self.hitches.look_first()
        fields = {"version": __version__, "begun_anew": anew, "warnings": [*warnings, *self.hitches.warnings]}
        self.journal.record([(Draft("service.started", None, fields), None)])
        self._review()

    def _review(self) -> None:
        """The configuration may forbid what a guest does."""
        for guest in self.guests.values():
            guest.review()

    def _taken_up(self, loaded: Loaded) -> bool:
        return self.supervisor.restore(loaded.memory[WAGMAN_KEY], loaded.memory.get(place_key(WAGMAN_KEY)))

    async def _restored(self, guest: Guest, loaded: Loaded) -> bool:
        saved = loaded.memory.get(guest.key)
        if saved is None:
            return False
        return guest.restore(saved, loaded.memory.get(place_key(guest.key)), await self._latest(guest))

    def recall(self, memory: Mapping[str, Any]) -> None:
        """The log was opened only after all had begun anew."""
        self.recollection.recall(memory)

    async def _latest(self, guest: Guest) -> int | None:
        """The latest event about a guest; None, too, while the disk does not give it: the cause is a nicety."""
        try:
            latest = await self.journal.page(limit=1, device=guest.config.name)
        except StoreError:
            return None
        return latest[-1].id if latest else None

    # The control interface ---------------------------------------------------

    def hello(self) -> Mapping[str, Any]:
        """The versions of what answers."""
        return {"service": "wagman", "version": __version__, "boot_id": self.boot_id}

    def device_name(self, device: str) -> str:
        """The name of the device that `device` names, or whose port number it is.

        Raises:
            UnknownDeviceError: there is none.
        """
        for config in self.config.devices:
            if device in (config.name, str(config.port)):
                return config.name
        raise UnknownDeviceError(device)

    def status(self, devices: Sequence[str] | None = None) -> Mapping[str, Any]:
        """How everything is now."""
        return {**self._status(devices), "problems": self.watch.shown()}

    def facts(self) -> Facts:
        """What problems are found in."""
        environment = self.supervisor.situation.environment
        return Facts(
            self.config,
            self._status(),
            link_reason=self.io.link.down_reason if self.io.link else None,
            silent_reason=self.io.silent_reason,
            unsteady_reason=self.io.unsteady_reason,
            log_reason=self.journal.broken,
            refusal=self.refusal,
            needs_restart=self.needs_restart,
            socket_reason=self.socket_reason,
            stuck_tasks=self.stuck(),
            unknown_sensors=tuple(name for name, sensor in environment.sensors.items() if sensor.silent),
            clock_set=self.journal.clock_set,
            unfed_s=self.controller.unfed_s(),
            extra=self.recollection.problems(),
        )

    def _status(self, devices: Sequence[str] | None = None) -> Mapping[str, Any]:
        now = Now(trio.current_time(), self.seams.stamp(), self.journal.log_id)
        environment = self.supervisor.situation.environment
        by_name = {name: self._row(guest, now) for name, guest in self.guests.items()}
        own = {d.name: self_status(d, self.io, self.began, now) for d in self.config.devices if d.is_self}
        table = sorted((by_name | own).values(), key=lambda row: row["port"])
        return {
            "service": service_status(now.s - self.began_s, self.boot_id),
            "board": board_status(self.io, environment, self.link_since, now),
            "wagman": wagman_status(self.supervisor, now),
            "devices": rows(table, devices),
            "ports": [port_status(name, each.port, self.io, now.s) for name, each in self.recollection.left.items()],
        }

    def _row(self, guest: Guest, now: Now) -> Mapping[str, Any]:
        environment, hitch = self.supervisor.situation.environment, self.hitches.found.get(guest.config.name)
        return device_status(guest, self.io, environment, hitch, now)

    async def command(self, verb: Verb, device: str, *, force: bool, uid: int, who: str) -> Mapping[str, Any]:
        """Ask a device's machine; the answer is its decision, not yet the outcome."""
        asked = Draft(f"command.{verb}", device, {"uid": uid, "who": who, "force": force})
        receipt = self.journal.record([(asked, None)])
        if device not in self.guests:
            verdict = await self.controller.restart() if verb == "restart" else REFUSES
            return await self._answer(receipt, verdict, device)
        decision = self.recollection.decision(verb, who, uid, self.clocks.wall())
        verdict = await self.guests[device].ask(Operator(verb, force), receipt.refs[0], decision)
        if verdict.accepted:
            self.recollection.commanded.add(device)
            verdict = await self._lasting(verdict, device)
        return await self._answer(receipt, verdict, device)

    async def _lasting(self, verdict: Verdict, device: str) -> Verdict:
        """What was accepted is not to be lost by a power cut: it lasts in the log or beside it, or the caller is told."""
        if await self.guests[device].settled(COMMIT_S) or await self.recollection.keeper.settled(COMMIT_S):
            return verdict
        return evolve(verdict, reason=f"{verdict.reason}; NOT KEPT, for nothing can be written: a restart forgets it")

    async def _answer(self, asked: Receipt, verdict: Verdict, device: str) -> Mapping[str, Any]:
        """A refusal is an event, too; the caller is given the id of what its request became, once it is durable."""
        if not verdict.accepted:
            self.journal.record([(Draft("command.refused", device, {"reason": verdict.reason}), asked.refs[0])])
        await asked.settled(COMMIT_S)
        return {**asdict(verdict), "event_id": asked.refs[0].id}

    async def heartbeat(self, device: str, *, uid: int) -> Mapping[str, Any]:  # noqa: ARG002 - single beats are not events
        """A sign of life from outside."""
        await trio.lowlevel.checkpoint()
        guest = self.guests.get(device)
        if guest is None:
            return {"accepted": False, "state": "started", "reason": "the service itself feeds its heartbeat", "event_id": None}
        accepted = guest.inbox.ask(Beat(guest.config.port, trio.current_time(), "control"))
        reason = "heard" if accepted else "too many requests are waiting: try again"
        return {"accepted": accepted, "state": guest.state.name, "reason": reason, "event_id": None}

    async def board(self, command: str, *, force: bool, uid: int) -> Sequence[str]:
        """An operator's raw board command; one that was forced is an event."""
        if force:
            self.journal.record([(Draft("command.board", None, {"uid": uid, "command": command}), None)])
        words = command.split()
        if not words:
            raise CallerError("an empty board command")
        with trio.move_on_after(BOARD_TIMEOUT_S):
            return await self.io.raw(words, force=force)
        raise BoardTimeoutError(f"the board did not answer within {BOARD_TIMEOUT_S:g} s")


def late_s(config: Config) -> float:
    """An alarm that wants an answer of the board is late by then: the board could not be seen when it fell due."""
    return max(LATE_S, BLIND_MISSES * config.board.poll_s)


def known_board(saved: Any) -> Identity | None:
    """The board that was seen last, where what was kept of it can be read."""
    try:
        return Identity(**saved)
    except TypeError:
        return None


def void(_: object) -> None:
    """Let go of a result that nobody waits for."""

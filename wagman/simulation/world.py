"""The whole world of a node: boards, guests, cable, disk, clocks, operators, and the service, life after life."""

import shutil
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import trio
from attrs import define, field

from wagman.config.boards import BoardConfig, PlainBoard, as_wagman
from wagman.config.schema import Config
from wagman.fake.hardware import DirtyCut, RelayChange
from wagman.io.board.connection import Connector
from wagman.model.errors import CallerError
from wagman.model.facts import Plug, Port
from wagman.service.seams import Seams
from wagman.simulation.boards.board import Board, End, Onlookers
from wagman.simulation.boards.outlet import Outlet
from wagman.simulation.boards.plain import Rail
from wagman.simulation.boards.wagman import Wagman
from wagman.simulation.clock import VirtualClock
from wagman.simulation.disk import Access, Disk
from wagman.simulation.file import File
from wagman.simulation.life import Life, ShutdownCommands, left_behind
from wagman.simulation.network import Network, Probe
from wagman.simulation.records import (
    Answered,
    Asked,
    Began,
    Configured,
    Did,
    Ended,
    EventShown,
    Heard,
    Look,
    Messaged,
    Read,
    Record,
    RelayMoved,
    Sent,
    Silence,
    Truth,
)
from wagman.store import Event
from wagman.tasks.moments import Stamp

WALL = datetime(2100, 1, 1, tzinfo=UTC)
"""The wall clock at the beginning: later than any file on the computer, so that it counts as set."""

LOG_FILES, BESIDE_FILES = ("wagman.db", "wagman.db-wal"), ("decisions.json",)
"""The files that keep decisions: the log, and the file beside it."""

AGENT_S = 4.0
"""How often the unheard guests' beats are checked (chosen: half of the time between beats)."""


@define(eq=False, repr=False)
class World:
    """A node. `watch` gets everything that can be seen of it from outside."""

    config: Config
    rng: Random
    clock: VirtualClock
    directory: Path
    watch: Callable[[Record], None]
    nursery: trio.Nursery
    boards: dict[str, Board] = field(init=False)
    disk: Disk = field(init=False)
    shutdown_commands: ShutdownCommands = field(init=False)
    file: File = field(init=False)
    running: Config = field(init=False)  # the configuration that the service goes by
    life: Life | None = None
    lives: int = 0
    wall_off_s: float = 0.0
    network: Network = field(init=False)
    doomed: set[str] = field(factory=set)  # guests that will never run again
    _began_s: float = field(factory=trio.current_time)
    _began_life_s: float = 0.0
    # The outlet of each guest, also of those without a table now: a problem may outlive its table.
    _plugs: dict[str, Plug] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.boards = {each.name: self._board(each) for each in self.config.boards}
        self.network = Network(self._outlet_at, lambda host: self.watch(Heard(self.now_s, self._plugs[host])), lambda: self.now_s)
        self.disk = Disk(self.rng)
        self.file, self.running = File(self.directory / "wagman.toml", self.config), self.config
        self._hang(self.config)
        self.shutdown_commands = ShutdownCommands(self._halt, lambda device, kind: self.watch(Messaged(self.now_s, device, kind)))

    def _board(self, config: BoardConfig) -> Board:
        name, devices = config.name, self.config.devices_on(config.name)
        seen = Onlookers(partial(self._moved, name), partial(self._sent, name), partial(self._strange, name), lambda: self.now_s)
        if isinstance(config, PlainBoard):
            ways = [each.plug for each in self.config.devices if name in each.leads_to]
            return Rail(config, devices, self.rng, seen, lambda: all(self.outlet(each).relay.on for each in ways))
        return Wagman(as_wagman(config), devices, self.rng, seen)

    @property
    def now_s(self) -> float:
        """Seconds since the simulation began."""
        return trio.current_time() - self._began_s

    @property
    def path(self) -> Path:
        """The path of the service's log."""
        return self.directory / "wagman.db"

    def plug(self, device: str) -> Plug:
        """Return the outlet of a guest, or the last one if it has no table now.

        Raises:
            CallerError: there never was such a guest.
        """
        if device not in self._plugs:
            raise CallerError(f"there is no device {device!r}")
        return self._plugs[device]

    def _hang(self, config: Config) -> None:
        self._plugs |= {each.name: each.plug for each in config.devices}

    def outlet(self, plug: Plug) -> Outlet:
        """Return the truth of an outlet."""
        return self.boards[plug.board].outlets[plug.port]

    def _outlet_at(self, host: str) -> Outlet | None:
        """Return the outlet of the guest with this address, its own name; None if there is none."""
        return self.outlet(self._plugs[host]) if host in self._plugs else None

    # --- What is seen --------------------------------------------------------------------------------------------

    def _moved(self, board: str, change: RelayChange | DirtyCut) -> None:
        if isinstance(change, DirtyCut):
            return  # the relay's own record has the guest's state
        plug, at_s = Plug(board, change.port), change.board_s
        outlet, medium = self.outlet(plug), self.boards[board].medium(plug.port)
        state, silent_s = outlet.guest.state(at_s), outlet.silent_s(at_s)
        outlet.moves(change)
        self.watch(RelayMoved(at_s, plug, change.on, change.by, state, silent_s, medium, change.request))

    def _strange(self, board: str, change: RelayChange) -> None:
        plug = Plug(f"a stranger at {board}", change.port)
        self.watch(RelayMoved(self.now_s, plug, change.on, change.by, "running", 0.0, None, change.request))

    def _sent(self, board: str, verb: str, port: Port | None) -> None:
        plug = None if port is None else Plug(board, port)
        silence = self._silence(plug, self.now_s) if verb == "disable" and plug is not None else Silence()
        self.watch(Sent(self.now_s, verb, plug, silence))

    def _told(self, event: Event) -> None:
        if self.life is not None and self.life.disk.cut:
            return  # a last event of a process that is dead already
        decided_s = self._began_life_s + event.mono_s + 0.001  # the event has milliseconds
        silence = Silence() if event.device is None else self._silence(self.plug(event.device), decided_s)
        self.watch(EventShown(self.now_s, event, silence))

    def _silence(self, plug: Plug, decided_s: float) -> Silence:
        return self.outlet(plug).silence(decided_s, self.boards[plug.board].apart_s(plug.port))

    def look(self) -> Look | None:
        """Compare the service's status with the truth, if the service is up."""
        if self.life is None:
            return None
        truth = {Plug(name, port): self._truth(board, port) for name, board in self.boards.items() for port in board.outlets}
        look = Look(self.now_s, self.life.service.requests.status(), truth, self._selector)
        self.watch(look)
        return look

    @property
    def _selector(self) -> str | None:
        own = next((each.plug for each in self.config.devices if each.is_self), None)
        return None if own is None else self.boards[own.board].medium(own.port)

    def _truth(self, board: Board, port: Port) -> Truth:
        outlet = board.outlets[port]
        return Truth(outlet.relay.on, outlet.moved_s, outlet.guest.state(self.now_s), board.can_be_seen(port))

    # --- The service's lives -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the service, if it is not up."""
        if self.life is not None:
            return
        self.lives, self._began_life_s = self.lives + 1, self.now_s
        ends, access = {name: End() for name in self.boards}, Access(self.disk, lambda what: self.watch(Read(self.now_s, what)))
        self._configured(self.file.load_at_start())
        life = self.life = Life(self.running, self.path, ends, access, self._told, self._seams(ends, access))
        self.watch(Began(self.now_s, self.lives))
        self.nursery.start_soon(self._live, life)

    async def _live(self, life: Life) -> None:
        await life.run()
        self.life = None
        self.watch(Ended(self.now_s, life.how, left_behind(self.path)))

    def _seams(self, ends: Mapping[str, End], access: Access) -> Seams:
        def connector(config: BoardConfig) -> Connector:
            return self.boards[config.name].connector(ends[config.name], config)

        return Seams(
            connector=connector,
            probe=partial(Probe, self.network, access),
            messenger=self.shutdown_commands,
            wall=self.wall,
            stamp=lambda: Stamp("simulated", self.now_s),
            blocking=access,
            new_id=lambda: f"{self.rng.getrandbits(128):032x}",
        )

    def wall(self) -> datetime:
        """Return the time of the wall clock."""
        return WALL + timedelta(seconds=self.now_s + self.wall_off_s)

    def reload(self) -> None:
        """Have the service reload its configuration (SIGHUP), if it is up."""
        if self.life is None:
            return
        before = self.life.service.parts.config
        self.life.reload(self.file.source)
        if self.life.service.parts.config != before:
            self._configured(self.life.service.parts.config)

    def _configured(self, config: Config) -> None:
        self.running = config
        self._hang(config)
        self.watch(Configured(self.now_s, config))

    async def kill(self) -> None:
        """Kill the service (`kill -9`), if it is up."""
        if self.life is not None:
            await self.life.kill()

    async def stop(self) -> None:
        """Stop the service (`systemctl stop`), if it is up."""
        if self.life is not None:
            await self.life.stop()

    def freeze(self, for_s: float) -> None:
        """Freeze the service (SIGSTOP, and SIGCONT later): none of its tasks runs, and the boards go on."""
        self.clock.jump(for_s)
        for board in self.boards.values():
            board.catch_up()

    def _halt(self, device: str) -> bool:
        plug = self.plug(device)
        return self.boards[plug.board].halt(plug.port)

    def harm(self, damage: Callable[[Path], None]) -> None:
        """Damage the log, if it exists and nobody has it open."""
        if self.life is None and self.path.exists():
            damage(self.path)

    def wipe(self) -> None:
        """Remove the log, if nobody has it open."""
        if self.life is None:
            for file in self.directory.glob(f"{self.path.name}*"):
                file.unlink()

    def copy_state(self) -> None:
        """Copy the log and the file beside it, if nobody has them open."""
        for name in (*LOG_FILES, *BESIDE_FILES):
            self._copy(self.directory / name, self._copy_of(name))

    def put_back(self, names: Collection[str]) -> None:
        """Put copies in their places, if there are any, and nobody has the files open."""
        for name in names if any(map(Path.exists, map(self._copy_of, names))) else ():
            self._copy(self._copy_of(name), self.directory / name)

    def _copy_of(self, name: str) -> Path:
        return self.directory / f"copy-{name}"

    def _copy(self, source: Path, target: Path) -> None:
        if self.life is None:
            target.unlink(missing_ok=True)
            if source.exists():
                shutil.copyfile(source, target)

    def forget_decisions(self) -> None:
        """Remove the file beside the log, if the service is down."""
        if self.life is None:
            for file in self.directory.glob("decisions.json*"):
                file.unlink()

    def muddle_decisions(self) -> None:
        """Damage the file beside the log, if the service is down."""
        if self.life is None:
            (self.directory / "decisions.json").write_text('{"format": 1, "devi', encoding="utf-8")

    # --- Operators -----------------------------------------------------------------------------------------------

    def order(self, method: str, **params: Any) -> None:
        """Have an operator order something for all guests; nobody waits for the answer."""
        if self.life is not None:
            self.nursery.start_soon(partial(self.life.door.ask, method, **params))

    def ask(self, device: str, verb: str, *, force: bool = False, for_s: float | None = None) -> None:
        """Have an operator give a command; nobody waits for the answer."""
        self.plug(device)
        asked = Asked(self.now_s, verb, device, force, for_s)
        self.watch(asked)
        self.nursery.start_soon(self._converse, asked)

    async def _converse(self, asked: Asked) -> None:
        how = {"force": True} if asked.force else {} if asked.for_s is None else {"for_s": asked.for_s}
        params: dict[str, Any] = {"device": asked.device, **how}
        answer = None if self.life is None else await self.life.door.ask(asked.verb, **params)
        self.watch(Answered(self.now_s, asked, answer))

    def did(self, words: str) -> None:
        """Record that something of the script has happened."""
        self.watch(Did(self.now_s, words))

    async def beat_over_control(self) -> None:
        """Give the service the beats of guests that their boards cannot hear, until cancelled."""
        unheard = [each for each in self.config.guests if each.has_heartbeat and each.port not in self.boards[each.board].hears]
        given = dict.fromkeys((each.plug for each in unheard), 0)
        while unheard:
            await trio.sleep(AGENT_S)
            for each in unheard:
                beats = self.outlet(each.plug).guest.beats(self.now_s)
                if beats > given[each.plug] and self.life is not None and (name := self.named(each.plug)) is not None:
                    await self.life.door.ask("heartbeat", device=name)
                given[each.plug] = beats

    def named(self, plug: Plug) -> str | None:
        """Return the service's name for the guest on that outlet: a guest whose table was moved is told its new name."""
        return next((each.name for each in self.running.guests if each.plug == plug), None)

    # --- The end of all faults -----------------------------------------------------------------------------------

    async def mend(self) -> None:
        """End all faults. Hung guests stay hung, and relays stay as they are."""
        doomed = {self.plug(name) for name in self.doomed}
        for name, board in self.boards.items():
            board.mend({plug.port for plug in doomed if plug.board == name})
        self.network.is_out = False
        self.disk.mend()
        self.shutdown_commands.takes_s, self.shutdown_commands.lost = 1.0, False
        await self._mend_config()
        self.start()

    async def _mend_config(self) -> None:
        """Restore the file. Some of it counts only after a restart of the service."""
        self.file.restore()
        self.reload()
        if self.running != self.config:
            await self.kill()

"""The whole world of one node: board, guests, cable, disk, clocks, operators, and the service, life after life."""

import shutil
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from wagman.config.boards import RARE_PORT, BoardConfig, as_wagman
from wagman.config.schema import PORTS, RARE_BEAT_S, SELECTOR_PORTS, Config
from wagman.fake.guests import Guest, GuestSpec
from wagman.fake.hardware import DirtyCut, RelayChange
from wagman.fake.serve import FakeBoard
from wagman.io.board.connection import Connector
from wagman.io.serial.transport import stream_opener
from wagman.io.serial.wired import Wired
from wagman.model.errors import CallerError
from wagman.service.port import dialect_of
from wagman.service.seams import Seams
from wagman.simulation.cable import Cable, Plug
from wagman.simulation.disk import Access, Disk
from wagman.simulation.file import File
from wagman.simulation.life import Errands, Life, left_behind
from wagman.simulation.records import (
    Answered,
    Asked,
    Began,
    Configured,
    Did,
    Ended,
    Look,
    Messaged,
    Read,
    Record,
    RelayMoved,
    Sent,
    Silence,
    Told,
    Truth,
)
from wagman.simulation.requests import requests_in
from wagman.simulation.scene_port import BEAT_S
from wagman.store import Event
from wagman.tasks.moments import Stamp

WALL = datetime(2100, 1, 1, tzinfo=UTC)
"""What the wall clock shows in the beginning: later than any file on the machine that simulates, so that it counts as set."""

LOG_FILES, BESIDE_FILES = ("wagman.db", "wagman.db-wal"), ("decisions.json",)
"""What is kept of what was decided: the log, and what lies beside it."""

WELL = GuestSpec()
"""A guest that behaves."""

HEARD = {"v3": (0, 1, 2, 3, 4), "v4": (0, 1, 2)}
"""Ports whose guests a board can hear: by a pin, or over a line of their own (firmware). On port 2 a v4 board has a pin."""

LINES = {"v4": (0, 1)}
"""Ports whose guests have nothing but that line."""

LAG_S = 0.25
"""How late the host notices what the board says: a reply comes in a few pieces then, not one for each value, which would
double the time that a run takes (chosen: about a main loop of the board)."""

AGENT_S = 4.0
"""How often it is looked whether a guest that is not heard has beaten (chosen: half of a beat)."""

TOLD = 100
"""Of so many readings of the cable it is remembered what they told (chosen: what a slow disk holds up is not older)."""


@define(eq=False, repr=False)
class World:
    """A node. `watch` is told of everything that can be seen of it from outside."""

    config: Config
    rng: Random
    clock: MockClock
    directory: Path
    watch: Callable[[Record], None]
    nursery: trio.Nursery
    board: FakeBoard = field(init=False)
    cable: Cable = field(init=False)
    disk: Disk = field(init=False)
    errands: Errands = field(init=False)
    file: File = field(init=False)
    running: Config = field(init=False)  # what the service goes by
    life: Life | None = None
    lives: int = 0
    wall_off_s: float = 0.0
    doomed: set[str] = field(factory=set)  # guests that will never run, whatever is done
    _began_s: float = field(factory=trio.current_time)
    _began_life_s: float = 0.0
    _moved_s: dict[int, float] = field(factory=dict)
    _on_s: dict[int, float] = field(factory=dict)
    _beats: dict[int, int] = field(factory=dict)  # of each guest when it got its power
    _told_s: dict[int, deque[tuple[float, float]]] = field(factory=lambda: defaultdict(lambda: deque(maxlen=TOLD)))
    _ports: dict[str, int] = field(factory=dict)  # where each device hangs, or hung last: a problem may outlive its table

    def __attrs_post_init__(self) -> None:
        self.board = FakeBoard(dialect=self._dialect, guests=self._specs(), rng=self.rng, lag_s=LAG_S, observe=self._observed)
        self.cable = Cable(self.board, self.rng, self._sent, self._heard)
        self.disk = Disk(self.rng)
        self.file, self.running = File(self.directory / "wagman.toml", self.config), self.config
        self._hang(self.config)
        self.errands = Errands(self._halt, lambda device, kind: self.watch(Messaged(self.now_s, device, kind)))

    @property
    def _dialect(self) -> str:
        """What the board speaks: what is configured; a service that is to find out finds a v3 board."""
        return "v4" if as_wagman(self.config.boards[0]).dialect == "v4" else "v3"

    def _specs(self) -> dict[str | int, GuestSpec]:
        """A device that is configured to have no heartbeat has none, and the controller has none but the service's."""
        lines = LINES.get(self._dialect, ())
        return {
            each.port: evolve(
                WELL, beat_s=WELL.beat_s if each.has_heartbeat else 0.0, line=each.port in lines and not each.is_self
            )
            for each in self.config.devices
        }

    @property
    def now_s(self) -> float:
        """Seconds since the simulation began."""
        return trio.current_time() - self._began_s

    @property
    def path(self) -> Path:
        """Where the service keeps its log."""
        return self.directory / "wagman.db"

    def port(self, device: str) -> int:
        """The port that a device hangs on, or hung on when it last had a table.

        Raises:
            CallerError: there never was such a device.
        """
        if device not in self._ports:
            raise CallerError(f"there is no device {device!r}")
        return self._ports[device]

    def _hang(self, config: Config) -> None:
        self._ports |= {each.name: each.port for each in config.devices}

    # --- What is seen --------------------------------------------------------------------------------------------

    def _observed(self, record: RelayChange | DirtyCut) -> None:
        if isinstance(record, DirtyCut):
            return  # the state is in the relay's own record
        guest = self.board.hardware.guests[record.port]
        state, silent_s = guest.state(record.board_s), self._silent_s(record.port, guest, record.board_s)
        medium = self.board.hardware.selectors[record.port] if record.port in SELECTOR_PORTS else None
        self._moved_s[record.port] = record.board_s
        if record.on:
            self._on_s[record.port], self._beats[record.port] = record.board_s, guest.beats(record.board_s)
        self.watch(RelayMoved(record.board_s, record.port, record.on, record.by, state, silent_s, medium, record.request))

    def _silent_s(self, port: int, guest: Guest, now_s: float) -> float:
        """Seconds since the guest last moved its pin, or since it got its power."""
        return now_s - max(guest.last_edge_s(now_s), self._on_s.get(port, 0.0))

    def _sent(self, data: bytes) -> None:
        for words in requests_in(data):
            self.watch(Sent(self.now_s, words, self._silence(int(words[1]), self.now_s) if words[0] == "disable" else Silence()))

    def _told(self, event: Event) -> None:
        if self.life is not None and self.life.plug.cut:
            return  # the last breath of a process that is dead already
        decided_s = self._began_life_s + event.mono_s + 0.001  # it tells milliseconds
        silence = Silence() if event.device is None else self._silence(self.port(event.device), decided_s)
        self.watch(Told(self.now_s, event, silence))

    def _heard(self, told_s: Mapping[int, float]) -> None:
        for port, at_s in told_s.items():
            told = self._told_s[port]
            if not told or told[-1][1] != at_s:
                told.append((self.now_s, at_s))

    def _silence(self, port: int, decided_s: float) -> Silence:
        """What the service could know of a guest's silence when it decided.

        The board counts what its pin does, and so may count a beat as much later as beats are apart: nobody knows of it before.
        """
        guest, on_s = self.board.hardware.guests[port], self._on_s.get(port, 0.0)
        told_s = next((at_s for read_s, at_s in reversed(self._told_s[port]) if read_s <= decided_s), 0.0)
        rare = port == RARE_PORT and self.board.dialect == "v4"
        counted_s = told_s - (RARE_BEAT_S if rare else BEAT_S)
        beats = guest.beats(counted_s) - self._beats.get(port, 0)
        return Silence(told_s, max(on_s, guest.last_beat_s(counted_s)), beats)

    def look(self) -> Look | None:
        """Compare what the service shows with how things are, if it is up."""
        if self.life is None:
            return None
        truth = {port: self._truth(port) for port in PORTS}
        look = Look(self.now_s, self.life.service.requests.status(), truth, self.board.hardware.selectors[0])
        self.watch(look)
        return look

    def _truth(self, port: int) -> Truth:
        hardware = self.board.hardware
        guest, now_s = hardware.guests[port], self.now_s
        return Truth(
            hardware.relays[port].on,
            self._moved_s.get(port, 0.0),
            guest.state(now_s),
            f"cu{port}" not in hardware.dead_sensors and not hardware.relays[port].stuck,
        )

    # --- The service's lives -------------------------------------------------------------------------------------

    def start(self) -> None:
        """The service comes up, if it is not up."""
        if self.life is not None:
            return
        self.lives, self._began_life_s = self.lives + 1, self.now_s
        plug, access = Plug(self.cable), Access(self.disk, lambda what: self.watch(Read(self.now_s, what)))
        self._configured(self.file.load_at_start())
        life = self.life = Life(self.running, self.path, plug, access, self._told, self._seams(plug, access))
        self.watch(Began(self.now_s, self.lives))
        self.nursery.start_soon(self._live, life)

    async def _live(self, life: Life) -> None:
        await life.run()
        self.life = None
        self.watch(Ended(self.now_s, life.how, left_behind(self.path)))

    def _seams(self, plug: Plug, access: Access) -> Seams:
        return Seams(
            connector=partial(connector, plug),
            messenger=self.errands,
            wall=self.wall,
            stamp=lambda: Stamp("simulated", self.now_s),
            blocking=access,
            new_id=lambda: f"{self.rng.getrandbits(128):032x}",
        )

    def wall(self) -> datetime:
        """What the wall clock shows."""
        return WALL + timedelta(seconds=self.now_s + self.wall_off_s)

    def reload(self) -> None:
        """SIGHUP, if the service is up."""
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
        """`kill -9`, if the service is up."""
        if self.life is not None:
            await self.life.kill()

    async def stop(self) -> None:
        """`systemctl stop`, if the service is up."""
        if self.life is not None:
            await self.life.stop()

    def freeze(self, for_s: float) -> None:
        """SIGSTOP, and SIGCONT later: none of the service's tasks runs, and the board goes on."""
        self.clock.jump(for_s)
        self.board.status()  # it has run all the time: what it said waits to be read

    def _halt(self, device: str) -> bool:
        return self.board.halt(self.port(device))

    def harm(self, damage: Callable[[Path], None]) -> None:
        """The file of the log is damaged, if there is one and nobody has it open."""
        if self.life is None and self.path.exists():
            damage(self.path)

    def wipe(self) -> None:
        """The log is lost, if nobody has it open."""
        if self.life is None:
            for file in self.directory.glob(f"{self.path.name}*"):
                file.unlink()

    def copy_state(self) -> None:
        """Somebody copies the log and what lies beside it, if nobody has them open."""
        for name in (*LOG_FILES, *BESIDE_FILES):
            self._copy(self.directory / name, self._copy_of(name))

    def put_back(self, names: Collection[str]) -> None:
        """Somebody puts a copy in its place, if there is one, and nobody has it open."""
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
        """What lies beside the log is lost, if the service is down."""
        if self.life is None:
            for file in self.directory.glob("decisions.json*"):
                file.unlink()

    def muddle_decisions(self) -> None:
        """What lies beside the log makes no sense any more, if the service is down."""
        if self.life is None:
            (self.directory / "decisions.json").write_text('{"format": 1, "devi', encoding="utf-8")

    # --- Operators -----------------------------------------------------------------------------------------------

    def ask(self, device: str, verb: str, *, force: bool = False) -> None:
        """An operator asks; nobody waits for the answer."""
        self.port(device)
        asked = Asked(self.now_s, verb, device, force)
        self.watch(asked)
        self.nursery.start_soon(self._converse, asked)

    async def _converse(self, asked: Asked) -> None:
        params = {"device": asked.device, **({"force": True} if asked.force else {})}
        answer = None if self.life is None else await self.life.door.ask(asked.verb, **params)
        self.watch(Answered(self.now_s, asked, answer))

    def did(self, words: str) -> None:
        """Something of the script has happened."""
        self.watch(Did(self.now_s, words))

    async def beat_over_control(self) -> None:
        """Guests whose heartbeats their board cannot hear give them to the service, for as long as there is a world."""
        unheard = [each for each in self.config.guests if each.has_heartbeat and each.port not in HEARD[self.board.dialect]]
        given = dict.fromkeys((each.port for each in unheard), 0)
        while unheard:
            await trio.sleep(AGENT_S)
            for each in unheard:
                beats = self.board.hardware.guests[each.port].beats(self.board.now_s)
                if beats > given[each.port] and self.life is not None:
                    await self.life.door.ask("heartbeat", device=each.name)
                given[each.port] = beats

    # --- The end of all faults -----------------------------------------------------------------------------------

    async def mend(self) -> None:
        """All faults end. Guests that hang go on hanging, and what was switched stays as it is."""
        self.board.fault("clear")
        for port in PORTS:
            self.board.control(f"eeprom failures {port} 0")
        self.board.temp(23.5)
        self.board.humidity(41)
        self.cable.late_s, self.cable.pieces = 0.0, False
        self.disk.mend()
        self.errands.takes_s, self.errands.lost = 1.0, False
        self._mend_guests(each.name for each in self.config.devices if each.name not in self.doomed)
        if not self.board.plugged:
            self.board.replug()
        await self._mend_config()
        self.start()

    async def _mend_config(self) -> None:
        """The file is as it was; some of that counts only for a service that is started anew."""
        self.file.restore()
        self.reload()
        if self.running != self.config:
            await self.kill()

    def _mend_guests(self, names: Iterable[str]) -> None:
        for name in names:
            beat_s = self._specs()[self.port(name)].beat_s
            self.board.guest(self.port(name), f"boot=30,beat={beat_s:g},halt=10,hush=0,ignore=0,good=emmc+sd,flap=0")


def connector(plug: Plug, board: BoardConfig) -> Connector:
    """The way to a board: a cable with a plug."""
    wagman = as_wagman(board)
    return Wired(dialect_of(wagman.dialect), stream_opener(plug.open), wagman.device)

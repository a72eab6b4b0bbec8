"""One life of the service, from its start to its end."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import trio
from attrs import define, field

from wagman.config.schema import Config
from wagman.service.parts import Parts
from wagman.service.reconfiguration import OperatorsFile
from wagman.service.root import WagmanService
from wagman.service.seams import Seams
from wagman.simulation.boards.board import End
from wagman.simulation.disk import Access
from wagman.simulation.operators import Door, everybody_may
from wagman.simulation.records import Log
from wagman.store import Event, Limits, Store
from wagman.systemd.lastgood import Source
from wagman.tasks.contain import leaf_of
from wagman.tasks.messages import Delivery


@define(eq=False, repr=False)
class Life:
    """The service, and its ends of everything that it is connected to.

    Args:
        ends: of the ways to the boards, by board.
        seams: shared by all lives, except for the ends and the disk.
        tell: called with each event when it is first shown.
    """

    config: Config
    path: Path
    ends: Mapping[str, End]
    disk: Access
    tell: Callable[[Event], None]
    seams: Seams
    store: Store = field(init=False)
    service: WagmanService = field(init=False)
    door: Door = field(factory=Door)
    how: str = ""  # how it ended
    _scope: trio.CancelScope = field(factory=trio.CancelScope)
    _gone: trio.Event = field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        limits = Limits(self.config.service.max_events, self.config.service.max_bytes)
        self.store = Store(self.path, limits, new_log_id=self.seams.new_id, now=self.seams.wall)
        self.service = WagmanService(Parts(self.config, self.seams, self.store, self.tell))

    async def run(self) -> None:
        """Run until killed, stopped, or failed; `how` says which."""
        try:
            with self._scope:
                await self.service.run(self.door, everybody_may)
                self.how = "stopped"
            self.how = self.how or "killed"
        except Exception as error:  # noqa: BLE001 - whatever ends the service is what we want to know
            self.how = f"{type(leaf_of(error)).__name__}: {leaf_of(error)}"
        finally:
            self.store.close()
            self._gone.set()

    def reload(self, source: Source) -> None:
        """Reload the configuration, as at SIGHUP."""
        OperatorsFile(self.service.parts, source).reload()

    async def kill(self) -> None:
        """Kill the service, as `kill -9` does: first all its ends are cut, then its tasks are cancelled."""
        self.disk.cut = True
        for end in self.ends.values():
            end.cut = True
        self.store.sever()
        self._scope.cancel()
        await self._gone.wait()

    async def stop(self) -> None:
        """Stop the service, as at SIGTERM."""
        self.service.stopping.set()
        await self._gone.wait()


def left_behind(path: Path) -> Log | None:
    """Return the log that the service left on disk; None if there is none that can be read."""
    try:
        return _read(path) if path.exists() else None
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return None  # it was damaged while nobody had it open


def _read(path: Path) -> Log:
    size = sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*") if file.name in (path.name, f"{path.name}-wal"))
    with closing(sqlite3.connect(path)) as conn:
        conn.text_factory = partial(str, encoding="utf-8", errors="replace")  # it may have been damaged
        row = conn.execute("SELECT value FROM meta WHERE key = 'log_id'").fetchone()
        rows = conn.execute("SELECT id, time, type, device, cause, fields FROM event ORDER BY id").fetchall()
    return Log(row[0], [(each[0], repr(each)) for each in rows], size)


@define
class ShutdownCommands:
    """The shutdown commands of guests (the seam `Seams.messenger`)."""

    halt: Callable[[str], bool]
    began: Callable[[str, str], None]
    takes_s: float = 1.0
    lost: bool = False  # commands reach nobody

    async def __call__(self, command: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Delivery:  # noqa: ARG002
        """Ask the guest to halt, if it listens."""
        device = env["WAGMAN_DEVICE"]
        self.began(device, env["WAGMAN_MESSAGE"])
        with trio.move_on_after(timeout_s):
            await trio.sleep(self.takes_s)
            reached = not self.lost and self.halt(device)
            return Delivery(ok=reached, detail=f"exit status {0 if reached else 255}")
        return Delivery(ok=False, detail=f"ended after {timeout_s:g} s without an answer")

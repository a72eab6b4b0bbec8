"""The process `wagman run`: its configuration, its signals, its socket and its exit codes. The service itself is `root`."""

import argparse
import ctypes
import gc
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from wagman.api.access import Access, group_access
from wagman.api.keeper import Keeper
from wagman.api.listener import Bound, Doorway, SocketTakenError, unix_listener
from wagman.config.load import advice
from wagman.config.schema import Config
from wagman.io.names import look_up_apart
from wagman.model.errors import ConfigError, LinkBusyError, WagmanError
from wagman.model.facts import Draft
from wagman.service.claim import StateTakenError, claimed
from wagman.service.orphans import INIT, Reaper
from wagman.service.parts import Parts
from wagman.service.port import check_speed, clock, connector
from wagman.service.reconfiguration import OperatorsFile
from wagman.service.root import WagmanService
from wagman.service.seams import Seams, inspector, kernel_stamp
from wagman.store import Event, Limits, Store
from wagman.systemd.backoff import STEADY_S
from wagman.systemd.directory import Ending
from wagman.systemd.home import Home, home
from wagman.systemd.lastgood import Source
from wagman.systemd.report import Reporter
from wagman.tasks.contain import TaskKeepsCrashingError, contained, leaf_of
from wagman.tasks.logs import Log, complain, standard_log

CODES: dict[type[WagmanError], int] = {
    TaskKeepsCrashingError: 1,
    ConfigError: 2,
    SocketTakenError: 4,
    StateTakenError: 4,
    LinkBusyError: 4,
}
"""The exit codes of errors that somebody can mend, by the class of the error; 0 is an orderly end."""

ENDINGS: dict[Ending, str] = {
    "stop": "it was stopped",
    "restart": "it is being restarted",
    "shutdown": "the controller is shutting down",
    "terminal": "its terminal was closed",
}
"""The reasons for which the service stops, in words."""


def run(args: argparse.Namespace) -> int:
    """`wagman run`: read the configuration and supervise until told to end."""
    place = home()
    if not place.may_begin():
        place.is_well()
        return 0
    source = Source(args.config, judge, place.copy)
    try:
        config, refused = source.load_at_start()
        check_speed(config, args.speed)
        settle_memory()
        trio.run(partial(supervise, config, source, place, refused=refused, speed=args.speed), clock=clock(args.speed))
    except (WagmanError, ExceptionGroup) as error:
        leaf = leaf_of(error)
        code = next((code for kind, code in CODES.items() if isinstance(leaf, kind)), None)
        if code is None:
            raise
        complain(str(leaf))
        return code
    place.is_well()
    return 0


def settle_memory() -> None:
    """Freeze the imported objects for the garbage collector, and return to the system the memory that importing took."""
    # A collection that looks through them holds up everything for tens of milliseconds. The memory is 1 MB of 26 (glibc only).
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def judge(config: Config) -> None:
    """Check that a configuration can be used on this machine.

    Raises:
        ConfigError: it names a group that does not exist.
    """
    group_access(config.service)


async def supervise(config: Config, source: Source, place: Home, *, refused: Sequence[str] = (), speed: float = 1) -> None:
    """Run the service in the real world until SIGTERM or SIGINT.

    `refused` says why the operator's file is not used, and is empty where it is. `speed` is how many times as fast as real time
    the service's clock runs.
    """
    look_up_apart()
    access, warnings = group_access(config.service)
    advised = () if refused else advice(source.path)
    with (
        standard_log(config.service.log) as log,
        unix_listener(config.service.socket, access) as bound,
        trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals,
    ):
        async with claimed(Path(config.service.state_dir), speed):
            reporter = Reporter(place.notifier)
            way, stamp = partial(connector, ptys_only=speed != 1), partial(kernel_stamp, speed)
            seams = Seams(way, stamp=stamp, speed=speed, inspect=inspector())
            service = make_service(config, seams, log, reporter, place)
            daemon = Daemon(service, source, place, reporter)
            await daemon.run(bound, access, signals, refused, (*warnings, *bound.warnings, *advised))


def make_service(config: Config, seams: Seams, log: Log, reporter: Reporter, place: Home) -> WagmanService:
    """Make the service with the real world around it."""

    def tell(event: Event) -> None:
        log(event)
        reporter.heard(event)

    return WagmanService(Parts(config, seams, make_store(config, seams), tell, place.power_off))


def make_store(config: Config, seams: Seams) -> Store:
    """The store in the configured place, with the configured bounds."""
    directory = Path(config.service.state_dir)
    limits = Limits(config.service.max_events, config.service.max_bytes)
    return Store(directory / "wagman.db", limits, new_log_id=seams.new_id, now=seams.wall)


@define(eq=False, repr=False)
class Daemon:
    """The service in its process: handles signals, and keeps systemd informed."""

    service: WagmanService
    source: Source
    place: Home
    reporter: Reporter
    _file: OperatorsFile = field(init=False)
    _keeper: Keeper = field(init=False)

    async def run(
        self,
        bound: Bound,
        access: Access,
        signals: AsyncIterator[int],
        refused: Sequence[str],
        warnings: Sequence[str],
    ) -> None:
        """Run the service until a signal ends it."""
        crashed = self.service.parts.crashed
        async with trio.open_nursery() as nursery:
            self._file = OperatorsFile(self.service.parts, self.source, nursery)
            self._keeper = Keeper(bound, self._socket_news)
            nursery.start_soon(contained, "signals", partial(self._heed, signals), crashed)
            await nursery.start(self._supervise, bound.listener, access, warnings, nursery.cancel_scope)
            self._file.settle(refused)
            nursery.start_soon(contained, "report", partial(self.reporter.run, self.service.requests), crashed)
            nursery.start_soon(contained, "steady", self._prove_steady, crashed)
            if os.getpid() == INIT:
                nursery.start_soon(contained, "orphans", Reaper().run, crashed)
            nursery.start_soon(contained, "socket", self._keeper.run, crashed)

    async def _supervise(
        self,
        listener: Doorway,
        access: Access,
        warnings: Sequence[str],
        everything: trio.CancelScope,
        task_status: trio.TaskStatus[None],
    ) -> None:
        await self.service.run(listener, access.judge, warnings=warnings, task_status=task_status)
        everything.cancel()

    async def _prove_steady(self) -> None:
        await trio.sleep(STEADY_S)
        self.place.is_well()

    def _socket_news(self, type_: str, fields: Mapping[str, Any]) -> None:
        """Take in whether clients can connect; that they cannot is a problem."""
        self.service.parts.conditions.socket_reason = fields.get("reason")
        self.service.parts.journal.record([(Draft(type_, None, fields), None)])

    async def _heed(self, signals: AsyncIterator[int]) -> None:
        async for number in signals:
            if number == signal.SIGHUP and not self.place.terminal_was_closed():
                self.reporter.reload(self._file.reload)
                self._keeper.look()
            else:
                self._stop("terminal" if number == signal.SIGHUP else None)

    def _stop(self, known: Ending | None = None) -> None:
        try:
            ending = known or self.place.ending()
            self.service.because, self.service.successor = ENDINGS[ending], ending == "restart"
            self.place.notifier.say(STOPPING="1", STATUS=f"stopping: {ENDINGS[ending]}; the guests go on as they are")
            if ending == "stop" and self.service.parts.controller.unfed() is not None:
                self.place.warn_unfed()
        finally:
            # Signals are handled once: an error above must not keep the service from ending.
            self.service.stopping.set()

"""The process: configuration, signals, the socket, exit codes. What it runs is in `wagman.service`."""

import argparse
import ctypes
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
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
from wagman.io.auto import AutoDialect
from wagman.io.board import Dialect
from wagman.io.driver_v3 import V3Dialect
from wagman.io.driver_v4 import V4Dialect
from wagman.io.transport import Transport, open_serial
from wagman.model.errors import ConfigError, LinkBusyError, LinkGoneError, WagmanError
from wagman.model.facts import Draft
from wagman.service.orphans import INIT, Reaper
from wagman.service.parts import Parts
from wagman.service.problems import Refusal
from wagman.service.reconfiguration import reconfigure
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

DIALECTS: dict[str, Callable[[], Dialect]] = {"v3": V3Dialect, "v4": V4Dialect, "auto": AutoDialect}
"""What the configuration may name as the board's dialect."""

BAUD = 57_600
"""Nominal; a USB link ignores it (firmware). Never 1200, which resets the board into its flash programmer."""

KEEP_S = 30.0
"""How long a copy of the configuration may take to be made (chosen)."""

CODES: dict[type[WagmanError], int] = {TaskKeepsCrashingError: 1, ConfigError: 2, SocketTakenError: 4, LinkBusyError: 4}
"""Exit codes of the ends that are somebody's fault; 0 is an orderly end."""


ENDINGS: dict[Ending, str] = {
    "stop": "it was stopped",
    "restart": "it is being restarted",
    "shutdown": "the controller is shutting down",
    "terminal": "its terminal was closed",
}
"""Why the service stops, in words."""


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
    """Keep what was imported out of the way, and give back what importing it took.

    To look through it for garbage held everything up for tens of milliseconds; what it took is 1 MB of 26 (glibc only).
    """
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def judge(config: Config) -> None:
    """Whether a configuration can be used on this machine.

    Raises:
        ConfigError: it names a group that does not exist.
    """
    group_access(config.service)


def clock(speed: float) -> trio.abc.Clock | None:
    """A clock that runs `speed` times as fast as time itself; None: trio's own."""
    if speed == 1:
        return None
    from trio.testing import MockClock  # noqa: PLC0415 - only a demonstration pays for it

    return MockClock(rate=speed)


def check_speed(config: Config, speed: float) -> None:
    """A faster clock is for fake boards.

    Raises:
        ConfigError: the configured port is a real one, or the speed makes no sense.
    """
    if speed <= 0:
        raise ConfigError((f"--speed {speed:g}: must be above 0",))
    device = config.board.device
    if speed != 1 and is_real_port(device):
        raise ConfigError((f"--speed is for ptys only, and {device} is a real port: leave it out",))


def is_real_port(path: str) -> bool:
    """Whether the path leads to something that is no pseudo terminal."""
    # What may not be looked at is nothing yet: to open it tells why.
    return os.path.exists(path) and Path("/dev/pts") not in Path(path).resolve().parents  # noqa: PTH110 - it does not raise


async def open_port(path: str, *, ptys_only: bool) -> Transport:
    """Open the serial port, whatever its path leads to by now.

    Raises:
        LinkGoneError: there is none, or it is a real port where only a pty may be opened.
        LinkBusyError: another process holds it.
    """
    if ptys_only and is_real_port(path):
        raise LinkGoneError(f"{path} is a real port, and --speed is for ptys only")
    return await open_serial(path, BAUD)


async def supervise(config: Config, source: Source, place: Home, *, refused: Sequence[str] = (), speed: float = 1) -> None:
    """The service with the real world around it, until SIGTERM or SIGINT; `refused` is why it is not the operator's file."""
    access, warnings = group_access(config.service)
    advised = () if refused else advice(source.path)
    with (
        standard_log(config.service.log) as log,
        unix_listener(config.service.socket, access) as bound,
        trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals,
    ):
        reporter = Reporter(place.notifier)
        opener = partial(open_port, config.board.device, ptys_only=speed != 1)
        seams = Seams(opener, stamp=partial(kernel_stamp, speed), inspect=inspector())
        service = make_service(config, seams, log, reporter, place)
        daemon = Daemon(service, source, place, reporter)
        await daemon.run(bound, access, signals, refused, (*warnings, *bound.warnings, *advised))


def make_service(config: Config, seams: Seams, log: Log, reporter: Reporter, place: Home) -> WagmanService:
    """The service with the real world around it."""

    def tell(event: Event) -> None:
        log(event)
        reporter.heard(event)

    store, dialect = make_store(config, seams), DIALECTS[config.board.dialect]()
    return WagmanService(Parts(config, seams, store, dialect, tell, place.power_off))


def make_store(config: Config, seams: Seams) -> Store:
    """The store in the configured place, with the configured bounds."""
    directory = Path(config.service.state_dir)
    limits = Limits(config.service.max_events, config.service.max_bytes)
    return Store(directory / "wagman.db", limits, new_log_id=seams.new_id, now=seams.wall)


@define(eq=False)
class Daemon:
    """The service in its process: signals, and what systemd is told."""

    service: WagmanService
    source: Source
    place: Home
    reporter: Reporter
    _nursery: trio.Nursery | None = field(default=None, init=False)
    _keeper: Keeper | None = field(default=None, init=False)
    _copying: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def run(
        self,
        bound: Bound,
        access: Access,
        signals: AsyncIterator[int],
        refused: Sequence[str],
        warnings: Sequence[str],
    ) -> None:
        """Until a signal says that it is enough."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._keeper = Keeper(bound, self._socket_news)
            nursery.start_soon(contained, "signals", partial(self._heed, signals), self.service.parts.crashed)
            await nursery.start(self._supervise, bound.listener, access, warnings, nursery.cancel_scope)
            self._settle_config(refused)
            nursery.start_soon(contained, "report", partial(self.reporter.run, self.service.requests), self.service.parts.crashed)
            nursery.start_soon(contained, "steady", self._prove_steady, self.service.parts.crashed)
            if os.getpid() == INIT:
                nursery.start_soon(contained, "orphans", Reaper().run, self.service.parts.crashed)
            nursery.start_soon(contained, "socket", self._keeper.run, self.service.parts.crashed)

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
        """Clients can connect, or not: a problem as long as they cannot."""
        self.service.parts.conditions.socket_reason = fields.get("reason")
        self._record(type_, fields)

    # The configuration -------------------------------------------------------

    def _settle_config(self, refused: Sequence[str]) -> None:
        """Keep a copy of a file that was right; say so where the service runs with such a copy."""
        if refused:
            self._refused(refused, "the last good copy of it")
        else:
            self._keep(self.service.parts.config)

    def reload(self) -> None:
        """Take over the operator's file, if it is right."""
        try:
            config = self.source.load()
        except ConfigError as error:
            self._refused(error.problems, "the configuration from before")
        else:
            self.service.parts.conditions.refusal = None
            reconfigure(self.service.parts, config)
            self._keep(config)

    def _keep(self, config: Config) -> None:
        """Have a copy made beside all else, for the disk of the state may hang; at once where nothing runs (simulation)."""
        if self._nursery is None:
            self._warn(self.source.keep(config))
        else:
            self._nursery.start_soon(contained, "config", partial(self._copy, config), self.service.parts.crashed)

    async def _copy(self, config: Config) -> None:
        warnings: Sequence[str] = (f"no copy of the configuration could be kept: the disk has not answered for {KEEP_S:g} s",)
        with trio.move_on_after(KEEP_S):
            warnings = await trio.to_thread.run_sync(self.source.keep, config, limiter=self._copying, abandon_on_cancel=True)
        self._warn(warnings)

    def _refused(self, problems: Sequence[str], instead: str) -> None:
        self.service.parts.conditions.refusal = Refusal(instead, tuple(problems))
        self._record("service.config_refused", {"problems": list(problems), "instead": instead})

    def _warn(self, warnings: Sequence[str]) -> None:
        if warnings:
            self._record("service.config_not_kept", {"warnings": list(warnings)})

    def _record(self, type_: str, fields: Mapping[str, Any]) -> None:
        self.service.parts.journal.record([(Draft(type_, None, fields), None)])

    # Signals -----------------------------------------------------------------

    async def _heed(self, signals: AsyncIterator[int]) -> None:
        async for number in signals:
            if number == signal.SIGHUP and not self.place.terminal_was_closed():
                self.reporter.reload(self.reload)
                if self._keeper is not None:
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
            self.service.stopping.set()  # nobody tells it twice

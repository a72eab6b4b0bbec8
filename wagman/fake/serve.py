"""The fake board as a trio task, and the port that a host in the same process opens.

Board time is the time since `run` began times `speed`: virtual under a mock clock, else real. Every access from outside first
lets the board catch up to the present, and then sets the task's alarm anew.
"""

import errno
import math
import os
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import trio
from attrs import define, field

from wagman.fake import control
from wagman.fake.board import RTC_S, Board
from wagman.fake.eeprom import Eeprom
from wagman.fake.guests import GuestSpec
from wagman.fake.hardware import PORT_NAMES, DirtyCut, Hardware, Record
from wagman.fake.usb import Data, Output

if TYPE_CHECKING:
    from collections.abc import Iterator

UNREAD_BYTES = 16_384
"""How many unread bytes the host's tty holds before the board stalls (the order of a pty)."""

_SLACK_S = 1e-6
"""How far the board may run ahead of the clock, so that rounding never leaves it just before its own alarm."""


class Host(Protocol):
    """A host that holds the board's tty open."""

    def room(self) -> int:
        """Return how many bytes the tty still takes, if nobody reads meanwhile."""

    def deliver(self, output: Data) -> None:
        """Take bytes from the board; must not wait."""

    def hang_up(self) -> None:
        """Take in that the tty is gone."""


@define(eq=False, repr=False)
class FakeBoard:
    """A board with its guests, behind a cable.

    `guests` has the specifications of special guests, by port name or number. `observe` gets each relay change and each power cut
    that left a file system dirty. Methods named like control commands do what `control` says of these. A `device` is a port's
    name or number; an unknown one raises `control.ControlError`.
    """

    dialect: str = field(default="v3", kw_only=True)
    guests: Mapping[str | int, GuestSpec] = field(factory=dict, kw_only=True)
    rng: Random = field(factory=lambda: Random(0), kw_only=True)  # noqa: S311 - simulated faults
    rtc_s: float = field(default=RTC_S, kw_only=True)
    eeprom: Eeprom = field(factory=Eeprom, kw_only=True)
    speed: float = field(default=1.0, kw_only=True)
    lag_s: float = field(default=0.0, kw_only=True)  # how late actions of its own are noticed, all together
    observe: Callable[[Record], None] = field(default=lambda _record: None, kw_only=True)
    board: Board = field(init=False)
    plugged: bool = field(init=False, default=True)
    lost_bytes: int = field(init=False, default=0)  # left the board while nobody held the port open
    _began_at: float | None = field(init=False, default=None)  # on trio's clock
    _nap: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    _host: Host | None = field(init=False, default=None)
    _ttys_lost: int = field(init=False, default=0)
    _changed: trio.lowlevel.ParkingLot = field(init=False, factory=trio.lowlevel.ParkingLot)  # tty or room for input

    def __attrs_post_init__(self) -> None:
        named = {control.port_of(device): spec for device, spec in self.guests.items()}
        guests = {PORT_NAMES[port]: spec for port, spec in named.items()}
        self.board = Board(self.dialect, guests, self.rng, self.rtc_s, self.eeprom, self.observe)
        self._catch_up()

    # --- The task ------------------------------------------------------------------------------------------------

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> NoReturn:
        """Run the board; board time 0 is now."""
        self._began_at = trio.current_time()
        task_status.started()
        while True:
            self._nap = trio.CancelScope()
            self._catch_up()
            with self._nap:
                await trio.sleep_forever()

    @property
    def now_s(self) -> float:
        """The board's time."""
        return 0.0 if self._began_at is None else (trio.current_time() - self._began_at) * self.speed

    def _alarm_at(self) -> float:
        return (self._began_at or 0.0) + (self.board.next_at_s + self.lag_s) / self.speed

    def _catch_up(self) -> None:
        waiting = len(self.board.usb.arrived)
        self.board.usb.room = math.inf if self._host is None else self._host.room()
        outputs = self.board.advance(self.now_s + _SLACK_S)
        for output in outputs:
            self._hand_over(output)
        self._nap.deadline = self._alarm_at()
        if outputs or len(self.board.usb.arrived) < waiting:  # only then, since two waiters must not keep waking each other
            self._changed.unpark_all()

    def _hand_over(self, output: Output) -> None:
        if isinstance(output, Data) and self._host is not None:
            self._host.deliver(output)
        elif isinstance(output, Data):
            self.lost_bytes += len(output.data)
        elif not output.up:
            self._hang_up()

    def _hang_up(self) -> None:
        self._ttys_lost += 1
        host, self._host = self._host, None
        if host is not None:
            host.hang_up()

    @contextmanager
    def _meddling(self) -> "Iterator[Board]":
        """Let something outside touch the board, at the present time."""
        self._catch_up()
        yield self.board
        self.board.poke()
        self._catch_up()
        self._changed.unpark_all()

    # --- The host's side -----------------------------------------------------------------------------------------

    @property
    def tty_up(self) -> bool:
        """Whether there is a tty at the host's end of the cable."""
        return self.plugged and self.board.usb.up

    @property
    def tty_number(self) -> int | None:
        """The number of the present tty, counted from 0; None while there is none."""
        return self._ttys_lost if self.tty_up else None

    async def wait_tty(self) -> int:
        """Wait until there is a tty; return its number."""
        while (number := self.tty_number) is None:
            await self._changed.park()
        return number

    async def wait_tty_gone(self, number: int) -> None:
        """Wait until that tty is gone, even if the next one is there by then."""
        while self._ttys_lost == number:
            await self._changed.park()

    async def open(self) -> "HostPort":
        """Open the board's port; raises OSError where a tty would: ENOENT when it is gone, EBUSY when it is open."""
        await trio.lowlevel.checkpoint()
        port = HostPort(self)
        self.attach(port)
        return port

    def attach(self, host: Host) -> None:
        """Let `host` hold the port open from now on; raises OSError."""
        self._catch_up()
        if not self.tty_up:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if self._host is not None:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self._host = host

    def detach(self, host: Host) -> None:
        """Take in that `host` has closed the port: bytes of the board are lost from now on."""
        self._catch_up()
        if self._host is host:
            self._host = None

    async def write(self, host: Host, data: bytes) -> None:
        """Send to the board; waits while it has no room. Raises OSError once the tty is gone."""
        await trio.lowlevel.checkpoint()
        while data:
            self._catch_up()
            if self._host is not host:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            data = data[self.board.feed(data, self.board.clock.now_s) :]
            self._catch_up()
            if data:
                await self._changed.park()

    # --- What the control commands do ----------------------------------------------------------------------------

    def control(self, line: str) -> dict[str, Any]:
        """Carry out one control command, given as text; raises `control.ControlError`."""
        return control.execute(self, line)

    def unplug(self) -> None:
        """Pull the cable; board and guests run on."""
        with self._meddling():
            self.plugged = False
            self._hang_up()

    def replug(self) -> None:
        """Plug the cable in again."""
        with self._meddling():
            self.plugged = True

    def reset(self) -> None:
        """Reset the board by its watchdog."""
        with self._meddling() as board:
            board.reset()

    def powercycle(self) -> None:
        """Take the power from the board and everything on it, and give it back."""
        with self._meddling() as board:
            board.powercycle()

    def hang(self, device: str | int) -> bool:
        """Hang the guest until its power is cut or it is revived; return False if it shows no life anyway."""
        with self._meddling() as board:
            return board.hardware.guests[control.port_of(device)].hang(board.clock.now_s)

    def panic(self, device: str | int) -> bool:
        """Hang the guest and its kernel, so that it answers no ping; return False if it shows no life anyway."""
        with self._meddling() as board:
            return board.hardware.guests[control.port_of(device)].panic(board.clock.now_s)

    def revive(self, device: str | int) -> bool:
        """Let a hung guest go on, or boot a halted one; return False in other states."""
        with self._meddling() as board:
            return board.hardware.guests[control.port_of(device)].revive(board.clock.now_s)

    def halt(self, device: str | int) -> bool:
        """Ask the guest to shut down cleanly; return False if it does not listen (off, booting, hung, halted)."""
        with self._meddling() as board:
            return board.hardware.guests[control.port_of(device)].halt(board.clock.now_s)

    def guest(self, device: str | int, keys: str) -> None:
        """Change a guest's behaviour: `boot=30,beat=8,halt=10,ignore=1,good=emmc,flap=60`."""
        with self._meddling() as board:
            guest = board.hardware.guests[control.port_of(device)]
            guest.change(board.clock.now_s, guest.spec.changed(keys))

    def temp(self, celsius: float) -> None:
        """Set the temperature of the enclosure."""
        with self._meddling() as board:
            board.hardware.temperature_c = celsius

    def humidity(self, percent: float) -> None:
        """Set the relative humidity of the enclosure."""
        with self._meddling() as board:
            board.hardware.humidity_pct = percent

    def fault(self, text: str) -> None:
        """Cause a fault: `drop 1`, `relay gn stuck`, `sensor env dead`, ... (see `control`)."""
        with self._meddling() as board:
            control.fault(board, text)

    def status(self) -> dict[str, Any]:
        """Return the true state of everything."""
        self._catch_up()
        return control.status(self.board)

    @property
    def hardware(self) -> Hardware:
        """The board's hardware."""
        return self.board.hardware

    @property
    def dirty_cuts(self) -> "deque[DirtyCut]":
        """The latest power cuts that left a file system dirty."""
        return self.board.hardware.dirty_cuts


@define(eq=False, repr=False)
class HostPort(trio.abc.Stream):
    """An open port, as a host sees a tty: after a hang-up reads return b"" for ever, and writes raise OSError."""

    _fake: FakeBoard
    _unread: bytearray = field(factory=bytearray)
    # By port, the time of the latest statement on its heartbeat that was read.
    told_s: dict[int, float] = field(init=False, factory=dict)
    # Statements that are not wholly read, with the byte at which each ends.
    _telling: deque[tuple[int, Data]] = field(init=False, factory=deque)
    _read_bytes: int = field(init=False, default=0)
    _hung_up: bool = False
    _closed: bool = False
    _readable: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    def room(self) -> int:
        """Return how many more bytes can wait to be read."""
        return UNREAD_BYTES - len(self._unread)

    def deliver(self, output: Data) -> None:
        """Take bytes from the board; what exceeds the room is lost."""
        is_whole = len(output.data) <= self.room()
        self._unread += output.data[: self.room()]
        if output.tells and is_whole:
            self._telling.append((self._read_bytes + len(self._unread), output))
        self._readable.unpark_all()

    def hang_up(self) -> None:
        """Take in that the tty is gone."""
        self._hung_up = True
        self._readable.unpark_all()

    @property
    def _ready(self) -> bool:
        """Whether a read need not wait."""
        return bool(self._unread) or self._hung_up or self._closed

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has arrived; b"" after a hang-up."""
        if self._ready:
            await trio.lowlevel.checkpoint()
        while not self._ready:
            await self._readable.park()
        if self._closed:
            raise trio.ClosedResourceError
        size = len(self._unread) if max_bytes is None else max_bytes
        data = bytes(self._unread[:size])
        del self._unread[:size]
        self._read_bytes += len(data)
        while self._telling and self._telling[0][0] <= self._read_bytes:
            output = self._telling.popleft()[1]
            self.told_s |= dict.fromkeys(output.tells, output.at_s)
        return data

    async def send_all(self, data: "bytes | bytearray | memoryview") -> None:
        """Send bytes; raises OSError after a hang-up."""
        if self._closed:
            raise trio.ClosedResourceError
        await self._fake.write(self, bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        """Do nothing: the stream interface has it, and nothing is known ahead."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Close the port; unread bytes are lost."""
        self._closed = True
        self._fake.detach(self)
        self._readable.unpark_all()
        await trio.lowlevel.checkpoint()

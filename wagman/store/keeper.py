"""A small text that outlives the log: replaced as a whole, also on a full disk, by a task that delays nobody.

The file and a spare beside it take turns. The spare is overwritten in place, which takes no new block on file systems
that write in place (ext4, XFS), and is renamed over the file once it is on the disk. The old file becomes the spare.
A power cut leaves the one text or the other.
"""

import math
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import trio
from attrs import define, field

from wagman.config.files import opened
from wagman.model.errors import StoreError
from wagman.store.aside import free_name, leads_nowhere, make_directory, sync_directory, with_suffix
from wagman.store.disk import DRAIN_S, LOOK_S, STALL_S, Blocking, Outage, answered
from wagman.store.owner import entrust, whose

T = TypeVar("T")

MOST_BYTES = 2**20
"""The most bytes that are read; a larger file was not written by this program (chosen)."""


@define(eq=False, repr=False)
class SmallFile:
    """The file of the text. What touches the disk raises StoreError."""

    path: Path

    def read(self) -> str | None:
        """The text on the disk; None: there is no such file."""
        try:
            with opened(self.path) as file:
                return file.read(MOST_BYTES).decode()
        except (FileNotFoundError, NotADirectoryError) as error:
            if leads_nowhere(self.path):
                why = "a link on the way to it leads nowhere: is a disk not mounted?"
                raise StoreError(f"cannot read {self.path}: {why}") from error
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"cannot read {self.path}: {whose(error, self.path)}") from error

    def is_there(self) -> bool:
        """Whether the file is there, as far as can be seen."""
        return os.path.lexists(self.path)

    def keep(self, text: str) -> None:
        """Replace the text; it is on the disk when this returns."""
        try:
            make_directory(self.path.parent)
            self._mend()
            self._write(self._spare, text.encode())
            self._swap()
            sync_directory(self.path.parent)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {whose(error, self.path, self._spare)}") from error
        with suppress(OSError):  # without the spare the next text needs room of its own
            if not self._spare.exists():
                self._write(self._spare, text.encode())

    @property
    def _spare(self) -> Path:
        return with_suffix(self.path, ".spare")

    @property
    def _before(self) -> Path:
        return with_suffix(self.path, ".before")

    def _mend(self) -> None:
        """Finish a `_swap` that a power cut has ended."""
        if self._before.exists():
            if self.path.exists() and self._before.samefile(self.path):
                self._before.unlink()
            else:
                self._before.replace(self._spare)

    def _write(self, path: Path, data: bytes) -> None:
        """Overwrite the file in place; a link in that place leads to a file that is not ours, and goes."""
        if path.is_symlink():
            path.unlink()
        # The file is never emptied first: that would give its block back, and a full disk has no other.
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        try:
            entrust(fd, path)
            if os.pwrite(fd, data, 0) != len(data):
                raise OSError("it was written in part only")
            os.ftruncate(fd, len(data))
            os.fsync(fd)
        finally:
            os.close(fd)

    def _swap(self) -> None:
        """Exchange the spare and the file, which is there and whole at each moment."""
        try:
            os.link(self.path, self._before)
        except OSError:  # there is no file yet, or this file system has no hard links
            self._spare.replace(self.path)
        else:
            self._spare.replace(self.path)
            self._before.replace(self._spare)

    def set_aside(self, label: str) -> Path:
        """Rename a file that cannot be used; returns its new path. Nothing is ever deleted."""
        target = free_name(self.path, label)
        try:
            self.path.replace(target)
        except OSError as error:
            raise StoreError(f"cannot move {self.path}: {whose(error, self.path)}") from error
        return target


@define(eq=False, repr=False)
class Keeper:
    """The task that keeps the file equal to the text. It outlives its incarnations.

    Args:
        text: returns the text that is to be on the disk.
        turned: takes the reason when the text cannot be kept any more, and None when it can again; must not raise.
        speed: how many times as fast as real time trio's clock runs: a disk is no faster for it.
    """

    file: SmallFile
    blocking: Blocking
    text: Callable[[], str]
    turned: Callable[[str | None], None]
    speed: float = field(kw_only=True, default=1.0)
    _outage: Outage = field(factory=Outage, init=False)
    _kept: str | None = field(default=None, init=False)  # what is on the disk, as far as is known
    _asked: int = field(default=0, init=False)
    _tried: int = field(default=0, init=False)
    _landed: int = field(default=0, init=False)
    _same: int = field(default=-1, init=False)  # up to this request the text is known to be the one on the disk
    _due_s: float = field(default=math.inf, init=False)
    _wake: trio.Event = field(factory=trio.Event, init=False)
    _news: trio.Event = field(factory=trio.Event, init=False)

    @property
    def broken(self) -> str | None:
        """Why the text cannot be kept at present; None: it can."""
        return self._outage.reason

    async def read(self) -> str | None:
        """The text on the disk; None: there is no file.

        Raises:
            StoreError: the file is there, and cannot be read.
        """
        self._kept = await self._on_disk(self.file.read, "read")
        return self._kept

    async def set_aside(self, label: str) -> Path:
        """Rename a file that holds something else; returns its new path. Raises StoreError."""
        self._kept, moved = None, list[Path]()

        def move() -> Path:
            # Where this process stood still, the disk is asked twice, and the file may have its new name already.
            if not moved:
                moved.append(self.file.set_aside(label))
            return moved[0]

        return await self._on_disk(move)

    def note(self, within_s: float = 0.0) -> None:
        """Have the text written within `within_s` seconds if it has changed."""
        self._asked += 1
        self._due_s = min(self._due_s, trio.current_time() + within_s)
        self._wake.set()

    async def settled(self, timeout_s: float) -> bool:
        """Wait until writing the present text was tried, for `timeout_s` at most; returns whether it is on the disk."""
        asked = self._asked
        with trio.move_on_after(timeout_s):
            while self._tried < asked:
                await self._news.wait()
        return self._landed >= asked

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the file equal to the text until cancelled; then write the latest text within `DRAIN_S`."""
        task_status.started()
        try:
            while True:
                await self._wait()
                await self._try()
        finally:
            with trio.move_on_after(DRAIN_S * self.speed, shield=True):
                await self._try()

    async def _wait(self) -> None:
        look_s = trio.current_time() + LOOK_S if self.broken is None else math.inf
        while (due_s := min(self._due_s, look_s)) > trio.current_time():
            self._wake = trio.Event()
            with trio.move_on_at(due_s):
                await self._wake.wait()

    async def _try(self) -> None:
        asked, self._due_s = self._asked, math.inf
        text = self._kept if asked == self._same and self._kept is not None else self.text()
        try:
            if text != self._kept or not await self._on_disk(self.file.is_there):
                await self._on_disk(partial(self.file.keep, text))
        except StoreError as error:
            self._break(error)
        else:
            self._kept, self._landed, self._same = text, asked, asked
            if self._outage.error is not None:
                self._outage.end()
                self.turned(None)
        self._tried = asked
        self._news.set()
        self._news = trio.Event()

    def _break(self, error: StoreError) -> None:
        self._kept = None  # nobody knows how far the write came
        begins = self._outage.go_on(error)
        self._due_s = min(self._due_s, self._outage.retry_at_s)
        if begins:
            self.turned(self.broken)

    async def _on_disk(self, call: Callable[[], T], verb: str = "write") -> T:
        return await answered(self.blocking, call, STALL_S * self.speed, f"cannot {verb} {self.file.path}: ")

"""The decisions file beside the log: what it said when the service came up, and when it may be written.

The file also counts the events that were shown and are perhaps in no log: a log that cannot be written cannot count them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import trio
from attrs import define, field, frozen

from wagman.model.errors import StallError, StoreError
from wagman.model.facts import Draft
from wagman.store import SETTLED_KEY, Journal, Keeper
from wagman.store.decisions import Command, Entry, Kept, Tally, parse, render
from wagman.store.owner import renamed


@frozen
class Found:
    """The file as it was found."""

    kept: Kept = field(factory=Kept)
    is_there: bool = False
    error: str | None = None  # why the file is there and cannot be read
    is_late: bool = False  # the disk has not answered: it may be read later


@define(eq=False, repr=False)
class DecisionsFile:
    """The decisions file. It is not written before it has been read or set aside."""

    journal: Journal
    keeper: Keeper
    # The sources that ever heard each guest.
    ever_heard: Callable[[], Mapping[str, tuple[str, ...]]] = field(default=dict, init=False)
    _before: Tally = field(factory=Tally, init=False)  # events of earlier runs that were shown, and may be in no log
    _settled: Any = field(default=None, init=False)  # how many of those events the log already accounts for
    _is_told: bool = field(default=False, init=False)  # whether the log has been told how many there are
    _may_write: trio.Event = field(factory=trio.Event, init=False)

    async def find(self) -> Found:
        """Read the file, and take from it how many events earlier runs have lost."""
        try:
            text = await self.keeper.read()
        except StoreError as error:
            return Found(is_there=True, error=str(error), is_late=isinstance(error, StallError))
        try:
            found = Found() if text is None else Found(parse(text), is_there=True)
        except StoreError as error:
            return Found(is_there=True, error=f"{self.keeper.file.path}: {error}; put a backup of it there")
        self._before = found.kept.unwritten
        return found

    def text(self, entries: Mapping[str, Entry], run: int, command: Command | None = None) -> str:
        """Return the text that the file is to have."""
        unwritten = self.journal.unwritten
        before = Tally() if self._is_told and not unwritten.owed else self._before
        owed = before.counting(self.journal.boot_id, unwritten.count)
        return render(Kept(entries, owed, run, command, self.ever_heard()))

    def tell_missing(self, memory: Mapping[str, Any] | None = None) -> None:
        """Have the log begin with the number of events that were shown in earlier runs, and that it lacks.

        Args:
            memory: the memory of a log that has just been opened; None for the log that was told last.
        """
        if memory is not None:
            self._settled = memory.get(SETTLED_KEY)
        count = self._before.missing(self._settled)
        self._is_told = True
        if count:
            self.journal.owe(dict(self._before.runs), count)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """The task that keeps the file."""
        task_status.started()
        await self._may_write.wait()
        await self.keeper.run()

    def write(self) -> None:
        """Let the file be written over from now on."""
        self._may_write.set()

    async def set_aside(self, reason: str) -> None:
        """Rename a file that cannot be read, and begin another one. Does nothing once the file may be written."""
        if self._may_write.is_set():
            return
        now = self.journal.wall().strftime("%Y%m%dT%H%M%SZ")
        try:
            path = await self.keeper.set_aside(f"unreadable-{now}")
            reason = renamed(reason, self.keeper.file.path, path)
        except StoreError as error:
            reason, path = f"{reason}; {error}", None
        fields = {"reason": reason, "set_aside": None if path is None else str(path)}
        self.journal.record([(Draft("decisions.damaged", None, fields), None)])
        self.write()
        self.keeper.note()

    def turned(self, broken: str | None) -> None:
        """Record that decisions cannot be kept beside the log (`broken` says why), or can be again (None)."""
        draft = Draft("decisions.recovered") if broken is None else Draft("decisions.unavailable", None, {"reason": broken})
        self.journal.record([(draft, None)])

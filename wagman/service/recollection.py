"""Taking up earlier decisions: when the service comes up, or later, as soon as they can be read.

A memory that exists and cannot be read differs from one that never was: it may say that guests are to stay off. Until it is
read, guests that run are adopted, and guests that are off stay off. After `unreadable_release` the service goes on without it:
perhaps nobody is there to decide.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import trio
from attrs import define, field, frozen

from wagman.config import durations
from wagman.config.schema import Config
from wagman.fsm.guest import Stopped
from wagman.model.facts import Draft
from wagman.service.decided import Decided
from wagman.service.decisions_file import DecisionsFile, Found
from wagman.store import Journal, Loaded
from wagman.store.remembered import logged
from wagman.tasks.guest import Guest

RETRY_S = 60.0
"""How often the service tries again to read the file (chosen: the log is tried as often)."""

Heard: TypeAlias = Mapping[str, tuple[str, ...]]
"""The sources that ever heard each guest."""


@frozen
class Unread:
    """A memory that exists and cannot be read."""

    reason: str
    release_at_s: float | None  # when the service goes on without it, on trio's clock; None: never


@define(eq=False, repr=False)
class Recollection:
    """Reads the decisions in the log and in the file beside it, and waits for those that cannot be read yet."""

    config: Config
    guests: Mapping[str, Guest]
    journal: Journal
    file: DecisionsFile
    decided: Decided
    unread: Unread | None = field(default=None, init=False)
    # Takes what the log and the file know.
    recall_heard: Callable[[Heard, Heard], None] = field(default=lambda *_: None, init=False)
    # Takes the lasting state of a log that could only be opened after the service had begun.
    recall_problems: Callable[[Mapping[str, Any]], None] = field(default=lambda _: None, init=False)
    unknown: tuple[str, ...] = field(default=(), init=False)  # guests of which nothing is known, and which have not been up
    _file_unread: bool = field(default=False, init=False)
    _over: trio.Event = field(factory=trio.Event, init=False)

    async def take_up(self, loaded: Loaded, found: Found) -> None:
        """Have each guest go on with what was decided about it.

        Args:
            loaded: what the log has kept.
            found: what lies beside it.
        """
        self.decided.take_up(logged(loaded.memory), found.kept)
        self._recall_heard()
        self._judge(loaded, found)
        if not found.is_there and not loaded.trusted and self.unread is None:
            self.unknown = tuple(self.guests)
        if found.error is None:
            self.file.write()
        elif self.unread is None and found.is_late:
            self._wait_for(found.error, file_unread=True)  # it may have what the log was not there to take
        elif self.unread is None:
            await self.file.set_aside(found.error)

    def _recall_heard(self) -> None:
        self.recall_heard(self.decided.log.heard, self.decided.kept.heard)

    # --- A memory that cannot be read ---------------------------------------------------------------------------------

    def _judge(self, loaded: Loaded, found: Found) -> None:
        """Begin to wait if there is a memory and it cannot be read."""
        reason = loaded.unread
        if not loaded.trusted and reason is None:
            reason = found.error or (None if found.is_there else loaded.lost)
        if reason is None:
            return
        self._wait_for(reason, file_unread=found.error is not None)

    def _wait_for(self, reason: str, *, file_unread: bool) -> None:
        """Leave guests that are off without power until the memory can be read, or until the service goes on without it."""
        self._file_unread = file_unread
        self.decided.leap()
        release_s = self.config.service.unreadable_release_s
        self.unread = Unread(reason, trio.current_time() + release_s if release_s else None)
        for guest in self.guests.values():
            guest.withhold(withheld=True)
        fields = {"reason": reason, "release_in_s": release_s or None}
        self.journal.record([(Draft("store.unreadable", None, fields), None)])

    async def run(self) -> None:
        """Try to read the memory again until it is read, or until the service goes on without it."""
        while self.unread is not None:
            release_at_s = self.unread.release_at_s
            left_s = RETRY_S if release_at_s is None else release_at_s - trio.current_time()
            # The time may be over before this task has begun.
            with trio.move_on_after(max(0.0, min(RETRY_S, left_s))):
                await self._over.wait()
            await self._look_again()

    async def _look_again(self) -> None:
        if self.unread is not None and self._file_unread:
            await self._read_file()
        unread = self.unread
        if unread is not None and unread.release_at_s is not None and trio.current_time() >= unread.release_at_s:
            await self.file.set_aside(unread.reason)
            self._release(f"it could not be read for {durations.show(self.config.service.unreadable_release_s)}")

    async def _read_file(self) -> None:
        """Try to read the file. It suffices if the log is open, or was lost."""
        found = await self.file.find()
        if found.error is not None:
            return
        self._file_unread = False
        self.decided.merge(kept=found.kept)
        self._recall_heard()
        self.file.write()
        if self.journal.log_id is not None:
            self.file.tell_missing()
            self._release("it could be read")

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Merge the decisions of a log that could only be opened after the service had begun; decisions made since count more."""
        self.file.tell_missing(memory)
        self.decided.merge(log=logged(memory))
        self._recall_heard()
        self.recall_problems(memory)
        if self.unread is not None and not self._file_unread:
            self._release("it could be read")

    def _release(self, because: str) -> None:
        """Let guests that are off be started again, except where a known decision forbids it."""
        self.unread = None
        self._over.set()
        fields = {"because": because, "devices": list(self.held_off)}
        for guest in self.guests.values():
            guest.withhold(withheld=False)
        self.journal.record([(Draft("store.released", None, fields), None)])

    @property
    def held_off(self) -> tuple[str, ...]:
        """The guests that are off only because earlier decisions cannot be read."""
        off = {name: guest for name, guest in self.guests.items() if guest.withheld and isinstance(guest.state, Stopped)}
        return tuple(name for name, guest in off.items() if not guest.entry.stays_down)

    # --- A first day --------------------------------------------------------------------------------------------------

    def seen_up(self, name: str) -> None:
        """Take in that a guest was started, or found running: something is known of it now."""
        self.unknown = tuple(each for each in self.unknown if each != name)

    @property
    def first_day(self) -> tuple[str, ...]:
        """The guests that will be started though there is no saved state."""
        return tuple(name for name in self.unknown if _yet_to_start(self.guests[name]))


def _yet_to_start(guest: Guest) -> bool:
    """Return whether a guest is about to be started, or is yet to be seen running or off."""
    return isinstance(guest.state, Stopped) and not guest.entry.stays_down and (guest.state.untouched or guest.view().due)

"""What a destination remembers over restarts: the place in the log, the plan, and the message that is under way.

All of it is one file, replaced at once by rename and fsync, so that it is consistent whenever the process is killed. Events read
after the last save are read again, with the same result.

The promise rests on the order of the writes:

- A message gets its number, and is saved as under way, before it is sent for the first time. Its delivery is saved after the
  destination has taken it. So no message is lost. A message that was under way when the process was killed, or whose attempt
  failed, is sent again, unchanged or in short: *at least once, each with a number of its own*.
- Each attempt is counted in the file before it begins. So a message that may have arrived before says so when it is sent again,
  and has the same number. Two messages with different numbers never tell of the same event.
- If the disk cannot be written, people are told all the same. Only then may a message come twice without saying so, and only
  after a restart of the process.
"""

import json
import os
import secrets
from pathlib import Path

import trio
from attrs import asdict, define, evolve, field

from wagman.bridges.notify.message import Message
from wagman.bridges.notify.plan import Plan
from wagman.bridges.notify.threads import within
from wagman.client.following import Place

VERSION = 1
"""The version of the file."""

SAVE_S = 10.0
"""How long a write to the disk is waited for (chosen: an SD card that tidies up takes seconds)."""


def _name() -> str:
    return secrets.token_hex(3)


@define
class Memory:
    """Everything that a destination remembers."""

    plan: Plan
    name: str = field(factory=_name)  # the beginning of all ids of messages of this memory
    number: int = 0  # the number of the last message
    place: Place | None = None  # the plan has all events before this place; None if nothing was read yet
    under_way: Message | None = None
    is_unsure: bool = False  # events were missed, and what stands has not been told since: it has to be asked for

    def new_id(self) -> str:
        """Return an id for a new message."""
        self.number += 1
        return f"{self.name}-{self.number}"

    @property
    def begun(self) -> Message:
        """The message under way; there must be one."""
        assert self.under_way is not None  # noqa: S101 - for types
        return self.under_way

    def begin(self) -> Message:
        """Count another attempt; return the message under way."""
        self.under_way = evolve(self.begun, tries=self.begun.tries + 1)
        return self.under_way

    def rename(self) -> Message:
        """Give the message under way a new id: it could not be saved, and a number that is on the disk must not be used twice."""
        self.name, self.number = _name(), 0
        self.under_way = evolve(self.begun, id=self.new_id())
        return self.under_way

    def saved(self) -> bytes:
        """Return the content of the file."""
        kept = {
            "version": VERSION,
            "name": self.name,
            "number": self.number,
            "place": self.place,
            "is_unsure": self.is_unsure,
            "under_way": None if self.under_way is None else asdict(self.under_way),
            "plan": self.plan.saved(),
        }
        return json.dumps(kept).encode()

    def restore(self, data: bytes) -> None:
        """Restore the memory from the content of a file.

        Raises:
            ValueError: it cannot be read; nothing was restored.
        """
        fresh = Plan(self.plan.rules, self.plan.user)
        try:
            kept = json.loads(data)
            if kept["version"] != VERSION:
                raise ValueError(f"it is of version {kept['version']}")
            fresh.restore(kept["plan"])
            place = None if kept["place"] is None else Place(*kept["place"])
            under_way = None if kept["under_way"] is None else Message(**kept["under_way"])
            name, number, is_unsure = str(kept["name"]), int(kept["number"]), bool(kept.get("is_unsure"))
        except (LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"it is damaged ({type(error).__name__})") from error
        self.plan, self.name, self.number = fresh, name, number
        self.place, self.under_way, self.is_unsure = place, under_way, is_unsure


@define(eq=False)
class File:
    """The file of a memory. There is one write at a time, and each wait for the disk is bounded."""

    path: Path
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    def read(self) -> bytes | None:
        """Return its content; None if there is no file yet. Raises OSError."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def set_aside(self) -> str:
        """Rename the file, to make way for a new one; return what became of it."""
        try:
            return f"the file is {self.path.replace(self.path.with_suffix('.damaged'))} now"
        except OSError as error:
            return f"the file cannot be set aside: {error.strerror}"

    async def write(self, data: bytes) -> str | None:
        """Write the content; return None once it is on the disk, or why it is not."""
        if not self._limiter.available_tokens:
            return "the disk has not taken what was written before"
        return await within(SAVE_S, f"the disk did not take it within {SAVE_S:g} s", self._limiter, self._write, data)

    def _write(self, data: bytes) -> str | None:
        try:
            _replace(self.path, data)
        except OSError as error:
            return error.strerror or str(error)
        return None


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)  # what a link there leads to is not ours
    with fresh.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)

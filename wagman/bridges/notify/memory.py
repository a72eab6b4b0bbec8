"""What a destination remembers over restarts: up to where the log was read, what is to be told of it, and what is under way.

All of it is one file, written by rename and fsync, so that it is of one moment, whenever the process is killed. What was read
after that moment is read again, and comes to the same.

The promise, which rests on the order of the writes:

- A message gets its number, and is written down as under way, before it is sent for the first time; that it was delivered is
  written down after the destination has taken it. So none is lost, and one that was under way when the process was killed, or
  whose attempt failed, is sent again as it was: *at least once, each with a number of its own*.
- Each attempt is counted in the file before it begins. So whatever may have reached somebody before says, when it is sent again,
  that it is sent again, and has the same number. Two messages with different numbers never tell of the same event.
- Where the disk takes nothing, people are told all the same: only then may a message come again without saying so, and only once
  the process is started anew.
"""

import json
import os
import secrets
from pathlib import Path

import trio
from attrs import asdict, define, evolve, field

from wagman.bridges.notify.message import Message
from wagman.bridges.notify.plan import Plan
from wagman.client.following import Place

VERSION = 1
"""Of the file."""

SAVE_S = 10.0
"""How long the disk is waited for (chosen: an SD card that tidies up takes seconds)."""


def _name() -> str:
    return secrets.token_hex(3)


@define
class Memory:
    """All that a destination remembers."""

    plan: Plan
    name: str = field(factory=_name)  # of this memory: the beginning of its messages' ids
    number: int = 0  # of the last message
    place: Place | None = None  # what came before it in the log is in the plan; None: nothing was read yet
    under_way: Message | None = None

    def new_id(self) -> str:
        """The id of another message."""
        self.number += 1
        return f"{self.name}-{self.number}"

    @property
    def begun(self) -> Message:
        """The message under way, where it is known that there is one."""
        assert self.under_way is not None  # noqa: S101 - for types
        return self.under_way

    def begin(self) -> Message:
        """The message under way, of which another attempt is about to be made."""
        self.under_way = evolve(self.begun, tries=self.begun.tries + 1)
        return self.under_way

    def rename(self) -> Message:
        """The message under way, which is new and is not on the disk: no number that the disk knows is to be given twice."""
        self.name, self.number = _name(), 0
        self.under_way = evolve(self.begun, id=self.new_id())
        return self.under_way

    def saved(self) -> bytes:
        """As the file has it."""
        kept = {
            "version": VERSION,
            "name": self.name,
            "number": self.number,
            "place": self.place,
            "under_way": None if self.under_way is None else asdict(self.under_way),
            "plan": self.plan.saved(),
        }
        return json.dumps(kept).encode()

    def restore(self, data: bytes) -> None:
        """Take up what a file has.

        Raises:
            ValueError: it cannot be read. Nothing was taken up then.
        """
        fresh = Plan(self.plan.rules, self.plan.user)
        try:
            kept = json.loads(data)
            if kept["version"] != VERSION:
                raise ValueError(f"it is of version {kept['version']}")
            fresh.restore(kept["plan"])
            place = None if kept["place"] is None else Place(*kept["place"])
            under_way = None if kept["under_way"] is None else Message(**kept["under_way"])
            name, number = str(kept["name"]), int(kept["number"])
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"it is damaged ({type(error).__name__})") from error
        self.plan, self.name, self.number, self.place, self.under_way = fresh, name, number, place, under_way


@define(eq=False)
class File:
    """The file that a memory is kept in; one write at a time, and none is waited for without end."""

    path: Path
    _is_busy: bool = field(default=False, init=False)

    def read(self) -> bytes | None:
        """What it has; None where there is none yet. Raises OSError."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def set_aside(self) -> Path:
        """Make way for a new one. Raises OSError."""
        return self.path.replace(self.path.with_suffix(".damaged"))

    async def write(self, data: bytes) -> str | None:
        """Have it hold that; None once the disk has it, or why not."""
        if self._is_busy:
            return "the disk has not taken what was written before"
        self._is_busy = True
        with trio.move_on_after(SAVE_S):
            return await trio.to_thread.run_sync(self._write, data, abandon_on_cancel=True)
        return f"the disk did not take it within {SAVE_S:g} s"

    def _write(self, data: bytes) -> str | None:
        try:
            _replace(self.path, data)
        except OSError as error:
            return error.strerror or str(error)
        finally:
            self._is_busy = False
        return None


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
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

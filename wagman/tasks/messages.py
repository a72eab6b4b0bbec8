"""Telling a guest to halt: a configured command, run without a shell, bounded in time and output."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from wagman.model import process

MAX_OUTPUT = 2048
"""How many bytes of the command's output are kept: its end (chosen)."""


@frozen
class Delivery:
    """The outcome of one attempt to deliver a message."""

    ok: bool
    detail: str  # exit status, or why it could not be run
    output: str = ""


UNFOUND = ("exit status 126", "exit status 127")
"""What shells, env and ssh report of a program that cannot be run, or is not there."""

FAILURES = 3
"""After this many failed messages in a row the command is at fault (chosen: a guest that halts may drop one or two)."""


@frozen
class MessageFailures:
    """How often in a row the messages to a guest failed lately, and how the last one did."""

    failures: int = 0  # how many in a row failed
    detail: str = ""  # `detail` of the latest failure
    output: str = ""
    mark: str = ""  # which command failed, as `marked` makes it; empty in what an earlier version saved

    def after(self, delivery: Delivery, command: Sequence[str]) -> "MessageFailures":
        """The value after one more message. A failure of another command than the one before starts a new row."""
        if delivery.ok:
            return MessageFailures()
        mark = marked(command)
        before = self.failures if self.mark in ("", mark) else 0
        return MessageFailures(before + 1, delivery.detail, delivery.output, mark)

    def trouble(self, commands: Iterable[Sequence[str]], *, is_mute: bool) -> str | None:
        """Why the command is at fault; None: it works, or the guest may be the one that failed.

        A guest that halts ends the row of failures. If it has no heartbeat (`is_mute`) nobody would know that it halted, and so
        one failure is enough. `commands` are those of the present configuration: the failure of a replaced command says nothing.
        """
        cannot_work = self.detail.startswith("cannot be run") or self.detail in UNFOUND
        if self.failures < (1 if is_mute or cannot_work else FAILURES):
            return None
        if self.mark and self.mark not in map(marked, commands):
            return None
        said = self.output.strip().splitlines()
        return f"{self.detail}: {said[-1].strip()}" if said else self.detail


def marked(command: Sequence[str]) -> str:
    """A hash by which one command is told from another."""
    # The command may hold a secret, and this is saved.
    return hashlib.sha256(json.dumps(list(command)).encode()).hexdigest()[:16]


class Messenger(Protocol):
    """Runs a message command; never raises for a command that fails."""

    async def __call__(self, command: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Delivery:
        """Run `command` with `env` added to the environment, for at most `timeout_s` seconds."""
        ...


async def run_command(command: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Delivery:
    """The messenger of the service: runs the command as a process, and ends it when its time is up."""
    ended = await process.run(command, env, timeout_s, MAX_OUTPUT)
    return Delivery(ok=ended.status == 0, detail=ended.detail, output=ended.output)

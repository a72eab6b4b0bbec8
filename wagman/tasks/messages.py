"""Telling a guest to halt: a configured command, run without a shell, bounded in time and output."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from wagman.model import process

MAX_OUTPUT = 2048
"""Bytes of the command's output that are remembered: its end (chosen)."""


@frozen
class Delivery:
    """How an attempt to deliver a message went."""

    ok: bool
    detail: str  # exit status, or why it could not be run
    output: str = ""


UNFOUND = ("exit status 126", "exit status 127")
"""What shells, env and ssh say of a program that cannot be run, or is not there."""

FAILURES = 3
"""So many messages in a row that failed, and the command is at fault (chosen: a guest that halts may drop one or two)."""


@frozen
class Telling:
    """How telling a guest to halt has gone lately."""

    failures: int = 0  # in a row
    detail: str = ""  # of the latest failure
    output: str = ""
    mark: str = ""  # of the command that failed, as `marked` makes it; empty in what an earlier version kept

    def after(self, delivery: Delivery, command: Sequence[str]) -> "Telling":
        """One more message has ended; another command than the one that failed begins anew."""
        if delivery.ok:
            return Telling()
        mark = marked(command)
        before = self.failures if self.mark in ("", mark) else 0
        return Telling(before + 1, delivery.detail, delivery.output, mark)

    def trouble(self, commands: Iterable[Sequence[str]], *, is_mute: bool) -> str | None:
        """Why the command is at fault; None where it works, or where it may be the guest that did not listen.

        That a guest halts ends the row. Of one without a heartbeat nobody would know: each failure counts. `commands` are
        those that it is told by today: of one that was put in the place of the failed one nothing is known.
        """
        cannot_work = self.detail.startswith("cannot be run") or self.detail in UNFOUND
        if self.failures < (1 if is_mute or cannot_work else FAILURES):
            return None
        if self.mark and self.mark not in map(marked, commands):
            return None
        said = self.output.strip().splitlines()
        return f"{self.detail}: {said[-1].strip()}" if said else self.detail


def marked(command: Sequence[str]) -> str:
    """What one command is told from another by: it may have a secret in it, and this is kept."""
    return hashlib.sha256(json.dumps(list(command)).encode()).hexdigest()[:16]


class Messenger(Protocol):
    """Runs a message command; never raises for a command that fails."""

    async def __call__(self, command: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Delivery:
        """Run `command` with `env` added to the environment, for at most `timeout_s` seconds."""
        ...


async def run_command(command: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Delivery:
    """The messenger of the service: a process of its own, ended when its time is up."""
    ended = await process.run(command, env, timeout_s, MAX_OUTPUT)
    return Delivery(ok=ended.status == 0, detail=ended.detail, output=ended.output)

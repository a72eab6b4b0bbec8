"""Telling a guest to halt: a configured command, run without a shell, bounded in time and output."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol, cast

import trio
from attrs import define, field, frozen

MAX_OUTPUT = 2048
"""Bytes of the command's output that are remembered: its end (chosen)."""

DRAIN_S = 1.0
"""How long the rest of the output is waited for once the command has ended: who still holds it open is a child (chosen)."""

KILL_GRACE_S = 2.0
"""How long a command that took too long may take to end after SIGTERM, and then after SIGKILL (chosen)."""


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

    def after(self, delivery: Delivery) -> "Telling":
        """One more message has ended."""
        return Telling() if delivery.ok else Telling(self.failures + 1, delivery.detail, delivery.output)

    def trouble(self, *, is_mute: bool) -> str | None:
        """Why the command is at fault; None where it works, or where it may be the guest that did not listen.

        That a guest halts ends the row. Of one without a heartbeat nobody would know: each failure counts.
        """
        cannot_work = self.detail.startswith("cannot be run") or self.detail in UNFOUND
        if self.failures < (1 if is_mute or cannot_work else FAILURES):
            return None
        said = self.output.strip().splitlines()
        return f"{self.detail}: {said[-1].strip()}" if said else self.detail


class Messenger(Protocol):
    """Runs a message command; never raises for a command that fails."""

    async def __call__(self, command: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Delivery:
        """Run `command` with `env` added to the environment, for at most `timeout_s` seconds."""
        ...


@define(eq=False, repr=False)
class _Tail:
    """The end of a stream of unknown length."""

    data: bytes = b""
    complete: trio.Event = field(factory=trio.Event)

    async def read(self, stream: trio.abc.ReceiveStream) -> None:
        async for chunk in stream:
            self.data = (self.data + chunk)[-MAX_OUTPUT:]
        self.complete.set()

    @property
    def text(self) -> str:
        return self.data.decode(errors="replace").strip()


async def run_command(command: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Delivery:
    """The messenger of the service: a process of its own, ended with SIGTERM, then SIGKILL, when its time is up.

    What it started ends with it then. A child that it leaves behind when it ends by itself is let be, and not waited for.
    """
    try:
        process = await trio.lowlevel.open_process(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Delivery(ok=False, detail=f"cannot be run: {error}")
    async with cast("trio.abc.ReceiveStream", process.stdout) as output:  # it was given a pipe
        return await _ended(process, output, timeout_s)


async def _ended(process: trio.Process, output: trio.abc.ReceiveStream, timeout_s: float) -> Delivery:
    tail = _Tail()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tail.read, output)
        try:
            with trio.move_on_after(timeout_s) as waiting:
                await process.wait()
        finally:
            await _end(process)
        with trio.move_on_after(DRAIN_S):
            await tail.complete.wait()
        nursery.cancel_scope.cancel()
    if waiting.cancelled_caught:
        ended = "ended" if process.returncode is not None else "could not be ended"
        return Delivery(ok=False, detail=f"{ended} after {timeout_s:g} s without an answer", output=tail.text)
    return Delivery(ok=process.returncode == 0, detail=f"exit status {process.returncode}", output=tail.text)


async def _end(process: trio.Process) -> None:
    """No command outlives its time, nor the service; one that SIGKILL does not end (its file system is gone) holds up neither."""
    if process.returncode is not None:
        return
    with trio.CancelScope(shield=True):
        for number in (signal.SIGTERM, signal.SIGKILL):  # the latter also where it has ended, and left children
            with suppress(ProcessLookupError, PermissionError):  # all have ended; or belong to somebody else, as with sudo
                os.killpg(process.pid, number)
            with trio.move_on_after(KILL_GRACE_S):
                await process.wait()

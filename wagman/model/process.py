"""Running a command: a process of its own, without a shell, bounded in time and output.

It is down here because the messages to guests and the boards that are commands both need it, and neither knows the other.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import cast

import trio
from attrs import define, field, frozen

DRAIN_S = 1.0
"""How long the rest of the output is waited for once the command has ended: who still holds it open is a child (chosen)."""

KILL_GRACE_S = 2.0
"""How long a command that took too long may take to end after SIGTERM, and then after SIGKILL (chosen)."""


@frozen
class Ended:
    """How a command went."""

    detail: str  # its exit status, or why there is none
    output: str = ""  # the end of what it wrote to both outputs
    status: int | None = None  # None: it could not be run, or took too long; below 0: the signal that ended it
    is_late: bool = False  # it took too long
    is_cut: bool = False  # it wrote more than `output` holds


@define(eq=False, repr=False)
class _Tail:
    """The end of a stream of unknown length."""

    most_bytes: int
    data: bytes = b""
    is_cut: bool = False
    complete: trio.Event = field(factory=trio.Event)

    async def read(self, stream: trio.abc.ReceiveStream) -> None:
        async for chunk in stream:
            data = self.data + chunk
            self.is_cut = self.is_cut or len(data) > self.most_bytes
            self.data = data[-self.most_bytes :]
        self.complete.set()

    @property
    def text(self) -> str:
        return self.data.decode(errors="replace").strip()


async def run(command: Sequence[str], env: Mapping[str, str] | None, timeout_s: float, most_bytes: int) -> Ended:
    """Run `command`, in this process's environment where `env` is None; end it with SIGTERM, then SIGKILL, when its time is up.

    What it started ends with it then. A child that it leaves behind when it ends by itself is let be, and not waited for.
    It raises for nothing that a command does.
    """
    try:
        process = await trio.lowlevel.open_process(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Ended(f"cannot be run: {error}")
    async with cast("trio.abc.ReceiveStream", process.stdout) as output:  # it was given a pipe
        return await _ended(process, output, timeout_s, _Tail(most_bytes))


async def _ended(process: trio.Process, output: trio.abc.ReceiveStream, timeout_s: float, tail: _Tail) -> Ended:
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
        return Ended(f"{ended} after {timeout_s:g} s without an answer", tail.text, is_late=True, is_cut=tail.is_cut)
    return Ended(f"exit status {process.returncode}", tail.text, process.returncode, is_cut=tail.is_cut)


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

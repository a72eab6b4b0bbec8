"""Running a command: a process of its own, without a shell, bounded in time and output.

It is in this room because the messages to guests and the boards that are commands both need it, and neither knows the other.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import IO

import trio
from attrs import define, field, frozen

DRAIN_S = 1.0
"""How long the rest of the output is read after the command has ended (chosen): a child may hold it open for ever."""

KILL_GRACE_S = 2.0
"""How long a command that took too long may take to end after SIGTERM, and then after SIGKILL (chosen)."""


@frozen
class Ended:
    """How a command ended."""

    detail: str  # the exit status, or why there is none
    output: str = ""  # the end of its output: of standard output and standard error, or of the former if they are kept apart
    complaint: str = ""  # the end of standard error, if that is kept apart
    status: int | None = None  # None: it could not be run, or took too long; below 0: the signal that ended it
    is_late: bool = False  # it took too long
    is_cut: bool = False  # it wrote more than `output` or `complaint` holds


@define(eq=False, repr=False)
class _Tail:
    """The end of a stream of unknown length."""

    stream: trio.abc.ReceiveStream
    most_bytes: int
    data: bytes = b""
    is_cut: bool = False
    complete: trio.Event = field(factory=trio.Event)

    async def read(self) -> None:
        async for chunk in self.stream:
            data = self.data + chunk
            self.is_cut = self.is_cut or len(data) > self.most_bytes
            self.data = data[-self.most_bytes :]
        self.complete.set()

    @property
    def text(self) -> str:
        return self.data.decode(errors="replace").strip()


async def run(  # noqa: PLR0913 - what a process takes
    command: Sequence[str],
    env: Mapping[str, str] | None,
    timeout_s: float,
    most_bytes: int,
    *,
    apart: bool = False,
    stdin: IO[bytes] | None = None,
) -> Ended:
    """Run a command for at most `timeout_s` seconds; then end it by SIGTERM, and by SIGKILL.

    What the command started ends with it then. A child that it leaves behind when it ends by itself is left alone, and not waited
    for. Nothing that a command does raises an error.

    Args:
        command: the program and its arguments.
        env: its environment; None: that of this process.
        timeout_s: how long it may take.
        most_bytes: how much of each output is kept: the end.
        apart: keep standard error apart from standard output, as `complaint`.
        stdin: an open file that it reads; None: nothing.
    """
    try:
        process = await trio.lowlevel.open_process(
            list(command),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if apart else subprocess.STDOUT,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: the system has no thread for it
        return Ended(f"cannot be run: {error}")
    async with AsyncExitStack() as streams:
        tails = [
            _Tail(await streams.enter_async_context(stream), most_bytes)
            for stream in (process.stdout, process.stderr)
            if stream is not None
        ]
        return await _ended(process, tails, timeout_s)


async def _ended(process: trio.Process, tails: Sequence[_Tail], timeout_s: float) -> Ended:
    async with trio.open_nursery() as nursery:
        for tail in tails:
            nursery.start_soon(tail.read)
        try:
            with trio.move_on_after(timeout_s) as waiting:
                await process.wait()
        finally:
            await _end(process)
        with trio.move_on_after(DRAIN_S):
            for tail in tails:
                await tail.complete.wait()
        nursery.cancel_scope.cancel()
    output, complaint = (*(tail.text for tail in tails), "")[:2]
    is_cut = any(tail.is_cut for tail in tails)
    if waiting.cancelled_caught:
        ended = "ended" if process.returncode is not None else "could not be ended"
        return Ended(f"{ended} after {timeout_s:g} s without an answer", output, complaint, is_late=True, is_cut=is_cut)
    return Ended(f"exit status {process.returncode}", output, complaint, process.returncode, is_cut=is_cut)


async def _end(process: trio.Process) -> None:
    """End the command and all its children, so that they outlive neither its time nor the service."""
    # A command that SIGKILL does not end (its file system is gone) holds up nobody either.
    if process.returncode is not None:
        return
    with trio.CancelScope(shield=True):
        for number in (signal.SIGTERM, signal.SIGKILL):  # SIGKILL also if the command has ended, and left children
            with suppress(ProcessLookupError, PermissionError):  # all have ended; or they belong to somebody else, as with sudo
                os.killpg(process.pid, number)
            with trio.move_on_after(KILL_GRACE_S):
                await process.wait()

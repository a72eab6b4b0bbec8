"""A fake by itself: a command on each line of its standard input, an answer in JSON to each, and an end by a signal."""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

import trio

LINE_BYTES = 4_096
"""The longest command (chosen); of a longer one the beginning counts."""


def say(answer: Mapping[str, Any]) -> None:
    """Write a line of JSON."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def obey(answered: Callable[[str], Mapping[str, Any]], *, last: str | None = None) -> bool:
    """Answer each command until the standard input ends, or until the command `last`; returns whether that was given."""
    held = b""
    async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as commands:
        while data := await commands.receive_some(LINE_BYTES):
            *lines, held = (held + data).split(b"\n")
            for line in lines:
                text = line[:LINE_BYTES].decode("utf-8", "replace")
                if text.strip() == last:
                    say({"ok": True})
                    return True
                say(answered(text))
            held = held[:LINE_BYTES]
    return False


async def end_on_signal(all_of_it: trio.CancelScope, task_status: trio.TaskStatus[None]) -> None:
    """Cancel it at SIGTERM and SIGINT."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        await anext(signals)
        all_of_it.cancel()

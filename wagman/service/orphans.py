"""Processes whose parent has ended: the first process of a container is given all of them, and has to let go of those that end.

Guests' shutdown commands are wrappers, often, that leave a child behind. systemd lets go of such children, and so does an init
of the container's (`docker run --init`); where there is none, each would stay as a zombie until no process can be made.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import trio
from attrs import define, field

INIT = 1
"""The process id of who is given orphans."""

LOOK_S = 10.0
"""How often it is looked for them (chosen: a message a minute leaves few)."""


@define(eq=False, repr=False)
class Reaper:
    """Lets go of zombies that nobody waits for. Our own children are waited for at once: what is still there later is none."""

    _seen: frozenset[tuple[int, str]] = field(default=frozenset(), init=False)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await trio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Let go of those that were there already at the last look."""
        found = frozenset(zombies(os.getpid()))
        for pid, _ in found & self._seen:
            with suppress(ChildProcessError):  # somebody waited for it after all
                os.waitpid(pid, os.WNOHANG)
        self._seen = found


def zombies(parent: int) -> Iterator[tuple[int, str]]:
    """The children of a process that have ended and were not waited for: their ids, with the times at which they began."""
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            state, of, began = _stat(place)
            if state == "Z" and of == str(parent):
                yield int(place.name), began


def _stat(place: Path) -> tuple[str, str, str]:
    """State, parent, time of its beginning (proc_pid_stat(5)); the name before them may hold anything."""
    try:
        words = (place / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # it is gone
        return "", "", ""
    return words[0], words[1], words[19]

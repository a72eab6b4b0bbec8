"""Orphans, processes whose parent has ended: the first process of a container inherits them and has to reap those that end.

A guest's shutdown command is often a wrapper that leaves a child behind. systemd reaps such children, and so does the init of a
container (`docker run --init`). Where there is neither, each child would stay a zombie until no process can be made any more.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import trio
from attrs import define, field

INIT = 1
"""The process id that inherits orphans."""

LOOK_S = 10.0
"""How often zombies are looked for (chosen: shutdown commands are rare, at one a minute few zombies gather)."""


@define(eq=False, repr=False)
class Reaper:
    """Reaps zombies that nobody else waits for. Our own children are waited for at once, so a zombie seen twice is an orphan."""

    _seen: frozenset[tuple[int, str]] = field(default=frozenset(), init=False)

    async def run(self) -> None:
        """Reap orphans until cancelled."""
        while True:
            await trio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Reap the zombies that were there at the previous look, too."""
        found = frozenset(zombies(os.getpid()))
        for pid, _ in found & self._seen:
            with suppress(ChildProcessError):  # somebody waited for it after all
                os.waitpid(pid, os.WNOHANG)
        self._seen = found


def zombies(parent: int) -> Iterator[tuple[int, str]]:
    """The children of a process that have ended and were not waited for: ids and start times (clock ticks after the boot)."""
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            state, of, began = _stat(place)
            if state == "Z" and of == str(parent):
                yield int(place.name), began


def _stat(place: Path) -> tuple[str, str, str]:
    """State, parent and start time of a process (proc_pid_stat(5)), or empty strings if it is gone."""
    try:
        words = (place / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # the process is gone
        return "", "", ""
    return words[0], words[1], words[19]

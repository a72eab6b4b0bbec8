"""The contract of boards, held by programs: scripts of every way to tell, and a `powermand` with its own units."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import define

from tests.io.powermand import Daemon, Unit, needs_powerman
from wagman.io.command import ExecBoard
from wagman.io.powerman import PowermanBoard
from wagman.testing import BoardContract, BoardSite, BoardTableContract, Power, Trouble

SCRIPT = """#!/bin/sh
folder=$(dirname "$0")
case $(cat "$folder/trouble") in
    hangs) sleep 60 ;;
    refuses) echo "no, not now" >&2; exit 1 ;;
    garbage) printf '\\001\\377 what\\n'; exit 2 ;;
    half) printf 'le'; exit 2 ;;
esac
case $1 in
    list) for port in left right; do echo "$port,an outlet,$(cat "$folder/$port")"; done; exit 0 ;;
esac
test -f "$folder/$2" || { echo "there is no outlet $2" >&2; exit 1; }
case $1 in
    on | off) echo $1 > "$folder/$2" ;;
    status) test on = "$(cat "$folder/$2")" || { echo "$2 is off"; exit 2; } ;;
esac
"""

TIMEOUT_S = 1.0


@define(eq=False)
class ScriptSite(BoardSite):
    """A script, and the files that it has for outlets."""

    folder: Path

    async def power(self, port: str) -> Power:
        return "on" if (self.folder / port).read_text().strip() == "on" else "off"

    async def trouble(self, kind: Trouble | None) -> None:
        (self.folder / "trouble").write_text(kind or "none")
        (self.folder / "script").chmod(0o644 if kind == "gone" else 0o755)


class TestExecTable(BoardTableContract):
    board = ExecBoard
    table = {"on": '["true"]', "off": '["true"]', "status": '["sh", "-c", "exit 2"]'}
    ports = ("0", "left", "a/b c")  # a program makes of a name what it will


class TestExec(BoardContract):
    ports, absent = ("left", "right"), "middle"
    identifies = tells_restarts = False
    tells = ("status", "list_status")

    @asynccontextmanager
    async def site(self) -> AsyncIterator[BoardSite]:
        script = self.folder / "script"
        script.write_text(SCRIPT)
        for port in self.ports:
            (self.folder / port).write_text("off\n")
        commands = {"status": (str(script), "status", "%p"), "list_status": (str(script), "list")}
        asked = {name: command for name, command in commands.items() if name in self.tells}
        on, off = ((str(script), word, "%p") for word in ("on", "off"))
        board = ExecBoard(on=on, off=off, **asked, timeout_s=TIMEOUT_S, settle_s=0.0)  # type: ignore[arg-type]
        site = ScriptSite(board.backend(), self.folder)
        await site.trouble(None)
        yield site


class TestExecByStatus(TestExec):
    tells = ("status",)


class TestExecThatTellsNothing(TestExec):
    tells = ()


@define(eq=False)
class PowermandSite(BoardSite):
    """A daemon, and a unit of ours behind it."""

    daemon: Daemon

    async def power(self, port: str) -> Power:
        return "on" if self.daemon.unit.plugs[PORTS.index(port)] == "ON" else "off"

    async def trouble(self, kind: Trouble | None) -> None:
        if kind == "gone":
            self.daemon.kill()
        elif kind == "hangs":
            self.daemon.unit.hangs = trio.Event()
        else:
            self.daemon.unit.hangs.set()


PORTS = ("a", "b")


class TestPowermanTable(BoardTableContract):
    board = PowermanBoard
    table = {"host": '"127.0.0.1:10101"'}
    ports = ("gn", "ws-rpi", "bmc/0:1")
    several = ("gn[1-5]", "gn,cs", "gn cs", "gn\r\noff cs", "-", "*", "&dup")

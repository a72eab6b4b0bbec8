"""The contract of boards, held by programs: scripts of every way to tell, and a `powermand` with its own units."""

import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import ClassVar

import trio
from attrs import define, field
from trio.testing import memory_stream_pair

from tests.io.powermand import Daemon, Unit, needs_powerman, soon
from wagman.io.command import ExecBoard
from wagman.io.powerman import PROMPT, Powerman, PowermanBoard
from wagman.model.backend import Abilities
from wagman.model.errors import BoardError
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
    table = 'on = ["true"]\noff = ["true"]\nstatus = ["sh", "-c", "exit 2"]'
    ports = ("0", "left", "a/b c")  # a program makes of a name what it will


class TestExec(BoardContract):
    ports, absent = ("left", "right"), "middle"
    identifies = tells_restarts = False
    tells: ClassVar[tuple[str, ...]] = ("status", "list_status")

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


class TestPowermanTable(BoardTableContract):
    board = PowermanBoard
    table = 'host = "127.0.0.1:10101"'
    ports = ("gn", "ws-rpi", "bmc/0:1")
    several = ("gn[1-5]", "gn,cs", "gn cs", "gn\r\noff cs", "-", "*", "&dup")


@define(eq=False)
class PowermandSite(BoardSite):
    """The real daemon, with a unit of ours behind it."""

    daemon: Daemon

    async def power(self, port: str) -> Power:
        return "on" if self.daemon.unit.plugs[FAR.index(port)] == "ON" else "off"

    async def trouble(self, kind: Trouble | None) -> None:
        if kind == "gone":
            self.daemon.kill()
        elif kind == "hangs":
            self.daemon.unit.hangs = trio.Event()
        else:
            self.daemon.unit.hangs.set()
            if self.daemon.process is None:
                await self.daemon.start()
            await soon(self.is_seen)

    async def is_seen(self) -> bool:
        with suppress(BoardError):
            return "unknown" not in {look.relay for look in (await self.backend.look(FAR)).values()}
        return False


FAR = ("far", "farther")


@needs_powerman
class TestPowermand(BoardContract):
    ports, absent = FAR, "nix"
    identifies = tells_restarts = False
    troubles = ("gone", "hangs")

    @asynccontextmanager
    async def site(self) -> AsyncIterator[BoardSite]:
        async with trio.open_nursery() as nursery:
            await nursery.start((unit := Unit()).serve)
            daemon = Daemon(self.folder, unit)
            daemon.configure()
            await daemon.start()
            board = PowermanBoard(host=f"127.0.0.1:{daemon.port}", settle_s=0.0).backend()
            try:
                yield PowermandSite(board, daemon)
            finally:
                await board.aclose()
                daemon.kill()
                nursery.cancel_scope.cancel()


@define(eq=False)
class WordsSite(BoardSite):
    """What speaks as the daemon does, and can be rude."""

    on: set[str] = field(factory=set)
    kind: Trouble | None = None

    async def power(self, port: str) -> Power:
        return "on" if port in self.on else "off"

    async def trouble(self, kind: Trouble | None) -> None:
        self.kind = kind

    async def attend(self, stream: trio.abc.Stream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await stream.send_all(b"001 2.4.4" + PROMPT)
            async for line in stream:
                await self.answer(stream, line.decode().removesuffix("\r\n"))

    async def answer(self, stream: trio.abc.Stream, request: str) -> None:
        said = b"210 no" if self.kind == "refuses" else b"\0\1\2" if self.kind == "garbage" else self.obeyed(*request.split())
        if self.kind == "half":
            await stream.send_all(said[: len(said) // 2])
            await stream.aclose()
        elif self.kind not in {"hangs", "gone"}:
            await stream.send_all(said + PROMPT)

    def obeyed(self, verb: str, names: str = "") -> bytes:
        if verb == "exprange":
            return b"105 Hostrange expansion ON"
        if verb == "nodes":
            return "".join(f"307 {port}\r\n" for port in FAR).encode() + b"103 Query complete"
        if verb == "status":
            states = (f"303 {port}: {'on' if port in self.on else 'off'}\r\n" for port in names.split(","))
            return "".join(states).encode() + b"103 Query complete"
        (self.on.add if verb == "on" else self.on.discard)(names)
        return b"102 Command completed successfully"


class TestPowermanWords(BoardContract):
    ports, absent, virtual = FAR, "nix", True
    identifies = tells_restarts = False

    @asynccontextmanager
    async def site(self) -> AsyncIterator[BoardSite]:
        async with trio.open_nursery() as nursery:

            async def opened(_host: str, _port: int) -> trio.abc.Stream:
                if site.kind == "gone":
                    raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
                ours, theirs = memory_stream_pair()
                nursery.start_soon(site.attend, theirs)
                return ours

            site = WordsSite(Powerman("pdu", Abilities(settle_s=0.0), opened))
            yield site
            nursery.cancel_scope.cancel()

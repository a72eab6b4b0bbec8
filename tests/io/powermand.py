"""PowerMan's own daemon on a free port, with two units that are its `vpcd`, and one of ours over TCP that can be made to hang."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trio
from attrs import define, field

from tests.ports import free_port
from tests.service.kit import eventually
from tests.service.test_messages import is_running
from wagman.io.powerman import Powerman, PowermanBoard
from wagman.model.errors import LinkGoneError

VPCD = "/usr/sbin/vpcd"
DEVICES = Path("/etc/powerman/vpc.dev")
PROGRAM = shutil.which("powermand", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

needs_powerman = pytest.mark.skipif(
    PROGRAM is None or not DEVICES.exists(), reason="powermand is not installed: apt-get install powerman"
)

UNIT_TIMEOUT_S = 1.0

CONFIGURATION = """
include "{folder}/vpc.dev"
listen "127.0.0.1:{port}"
device "one" "vpc" "{folder}/unit {folder}/one.pid |&"
device "two" "vpc" "{folder}/unit {folder}/two.pid |&"
device "ours" "vpc" "127.0.0.1:{unit_port}"
node "gn" "one" "0"
node "cs" "one" "1"
node "x[1-3]" "two" "[0-2]"
node "far" "ours" "0"
node "farther" "ours" "1"
alias "both" "gn,cs"
alias "x3" "x3,x2"
"""


@define
class Unit:
    """A unit with 16 plugs that speaks as `vpcd` does."""

    port: int = 0
    plugs: list[str] = field(factory=lambda: ["OFF"] * 16)
    hangs: trio.Event = field(factory=trio.Event)  # set: it answers
    commands: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.hangs.set()

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
            self.port = listener.socket.getsockname()[1]
            task_status.started()
            await trio.serve_listeners(self._attend, [listener], handler_nursery=nursery)

    async def _attend(self, stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError):
            buffer, count = b"", 0
            await stream.send_all(b"0 vpc> ")
            async for chunk in stream:
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    await self.hangs.wait()
                    count += 1
                    await stream.send_all(f"{self._obey(line.decode())}{count} OK\n{count} vpc> ".encode())

    def _obey(self, line: str) -> str:
        self.commands.append(line)
        if line == "stat *":
            return "".join(f"plug {number}: {state}\n" for number, state in enumerate(self.plugs))
        if found := re.fullmatch(r"(on|off) (\d+)", line):
            self.plugs[int(found[2])] = found[1].upper()
        return ""


@define
class Daemon:
    """`powermand` as a process."""

    folder: Path
    unit: Unit
    port: int = field(factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def configure(self) -> None:
        script = self.folder / "unit"
        script.write_text(f"#!/bin/sh\necho $$ >$1\nexec {VPCD}\n")
        script.chmod(0o755)
        text, changed = re.subn(r"timeout\s+5\.0", f"timeout {UNIT_TIMEOUT_S}", DEVICES.read_text())
        assert changed == 1
        (self.folder / "vpc.dev").write_text(text)
        text = CONFIGURATION.format(folder=self.folder, port=self.port, unit_port=self.unit.port)
        (self.folder / "powerman.conf").write_text(text)

    async def start(self) -> None:
        assert PROGRAM is not None
        with (self.folder / "log").open("ab") as log:
            command = [PROGRAM, "-f", "-c", str(self.folder / "powerman.conf")]
            self.process = subprocess.Popen(command, stderr=log, stdout=log)  # noqa: ASYNC220 - it starts at once
        board = self.board()
        await soon(lambda: answers(board))
        await board.aclose()

    def board(self) -> Powerman:
        return PowermanBoard(host=f"127.0.0.1:{self.port}").backend()

    def pid(self, unit: str) -> int:
        return int((self.folder / f"{unit}.pid").read_text())

    def kill(self) -> None:
        """With its `vpcd`, which have inherited the port that it listens at."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None
            for unit in filter(Path.exists, (self.folder / "one.pid", self.folder / "two.pid")):
                with suppress(ProcessLookupError):
                    os.kill(int(unit.read_text()), signal.SIGKILL)
                eventually(lambda unit=unit: not is_running(unit))  # type: ignore[misc]


async def answers(board: Powerman) -> bool:
    with suppress(LinkGoneError):
        await board.greet()
        return True
    return False


async def soon(condition: Callable[[], Awaitable[bool]], within_s: float = 15) -> None:
    """Other processes tell by no event when they are done: look again and again."""
    with trio.fail_after(within_s):
        while not await condition():  # noqa: ASYNC110 - there is no event
            await trio.sleep(0.02)

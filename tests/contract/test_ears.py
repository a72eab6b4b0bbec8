"""The contract of ears, held by each kind of ours against guests on loopback."""

import os
import pty
import socket
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define

from tests.io.ears.test_probes import answer, hanging, saying, server
from tests.ports import free_port
from wagman.config.ears import EarConfig
from wagman.io.ears.banner import BannerEar
from wagman.io.ears.exec import ExecEar
from wagman.io.ears.http import HttpEar
from wagman.io.ears.ping import PingEar
from wagman.io.ears.serial import SerialEar
from wagman.io.ears.tcp import TcpEar
from wagman.io.ears.udp import UdpEar
from wagman.model.errors import EarError
from wagman.testing import GUEST, Does, EarContract, EarTableContract, PassiveEarContract, Speaker

NOBODY = "192.0.2.1"  # an address that nobody has (RFC 5737)
TIMEOUT_S = 0.5
EVERY_S = 0.3

Handler = Callable[[trio.SocketStream], Awaitable[None]]


@asynccontextmanager
async def place(does: Does, says: Mapping[Does, Handler]) -> AsyncIterator[str]:
    """Where a guest is that does this: a host and a port."""
    if does == "gone":
        yield f"{NOBODY}:9"
    elif does == "refuses" and does not in says:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            yield f"127.0.0.1:{taken.getsockname()[1]}"
    else:
        async with server(says.get(does, hanging)) as port:
            yield f"127.0.0.1:{port}"


# --- Those that ask ---------------------------------------------------------------------------------------------------


class TestHttpTable(EarTableContract):
    ear, table = HttpEar, 'http = "http://gn:8081/health"\nexpect = "gn"'


class TestHttp(EarContract):
    says: Mapping[Does, Handler] = {
        "answers": saying(answer("200 OK", b"gn is well")),
        "garbage": saying(b"\x00\xffSSH-2.0-\r\n\r\n" * 20_000),
        "half": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ngn"),
    }

    @asynccontextmanager
    async def guest(self, does: Does) -> AsyncIterator[EarConfig]:
        async with place(does, self.says) as at:
            yield HttpEar(http=f"http://{at}/health", expect="gn", timeout_s=TIMEOUT_S)


class TestHttpThatIsUnwell(TestHttp):
    says: Mapping[Does, Handler] = {**TestHttp.says, "refuses": saying(answer("503 Unwell", b"gn is not well"))}


class TestBannerTable(EarTableContract):
    ear, table = BannerEar, 'banner = "gn:22"\nevery = "1min"'


class TestBanner(EarContract):
    says: Mapping[Does, Handler] = {
        "answers": saying(b"SSH-2.0-OpenSSH_9.2\r\n", listens=False),
        "garbage": saying(b"\x00\xff" * 10_000, listens=False),
        "half": saying(b"SS", listens=False),
    }

    @asynccontextmanager
    async def guest(self, does: Does) -> AsyncIterator[EarConfig]:
        async with place(does, self.says) as at:
            yield BannerEar(banner=at, expect="SSH", timeout_s=TIMEOUT_S)


class TestTcpTable(EarTableContract):
    ear, table = TcpEar, 'tcp = "gn:22"'


class TestTcp(EarContract):
    says: Mapping[Does, Handler] = {"garbage": saying(b"\x00\xff", listens=False), "half": saying(b"", listens=False)}

    @asynccontextmanager
    async def guest(self, does: Does) -> AsyncIterator[EarConfig]:
        async with place(does, self.says) as at:
            yield TcpEar(tcp=at, timeout_s=TIMEOUT_S)


class TestPingTable(EarTableContract):
    ear, table = PingEar, 'ping = "10.0.0.11"'


def can_ping() -> bool:
    try:
        return trio.run(PingEar(ping="127.0.0.1").probe().ask)
    except EarError:
        return False


@pytest.mark.skipif(not can_ping(), reason="net.ipv4.ping_group_range does not let these tests send pings")
class TestPing(EarContract):
    can = ("answers", "gone")  # a kernel says nothing else, and there are no programs behind it

    @asynccontextmanager
    async def guest(self, does: Does) -> AsyncIterator[EarConfig]:
        yield PingEar(ping="127.0.0.1" if does == "answers" else NOBODY, timeout_s=TIMEOUT_S)


class TestExecTable(EarTableContract):
    ear, table = ExecEar, 'exec = ["check-gn", "--all"]'


class TestExec(EarContract):
    scripts: Mapping[Does, str] = {
        "answers": "exit 0",
        "gone": "exit 1",
        "refuses": "exit 3",
        "hangs": "sleep 60",
        "garbage": "printf '\\377\\0'; yes | head -c 100000; exit 1",
        "half": "printf '{'; exit 1",
    }

    @asynccontextmanager
    async def guest(self, does: Does) -> AsyncIterator[EarConfig]:
        yield ExecEar(exec=("sh", "-c", self.scripts[does]), timeout_s=TIMEOUT_S)


# --- Those that wait --------------------------------------------------------------------------------------------------


class TestUdpTable(EarTableContract):
    ear, table = UdpEar, 'udp = 9000\nkey_file = "/etc/wagman/gn.key"'


@define(eq=False)
class Sender(Speaker):
    """A guest that sends datagrams."""

    port: int

    async def speak(self) -> None:
        self.send(GUEST.encode())

    async def babble(self) -> None:
        for said in (b"", b"\xff\0", b"cs", f"{GUEST} 5 cafe".encode(), b"x" * 5000):
            self.send(said)

    def send(self, data: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
            ours.sendto(data, ("127.0.0.1", self.port))


class TestUdp(PassiveEarContract):
    deafens = False

    @asynccontextmanager
    async def speaker(self) -> AsyncIterator[Speaker]:
        port = free_port()
        yield Sender(UdpEar(udp=port, every_s=EVERY_S), port)


class TestSerialTable(EarTableContract):
    ear, table = SerialEar, 'serial = "/dev/ttyUSB3"\nbaud = 9600'


@define(eq=False)
class Console(Speaker):
    """A guest that writes to its console."""

    end: int

    async def speak(self) -> None:
        os.write(self.end, b"login:")

    async def deafen(self) -> None:
        os.close(self.end)
        self.end = -1


class TestSerial(PassiveEarContract):
    babbles = False

    @asynccontextmanager
    async def speaker(self) -> AsyncIterator[Speaker]:
        end, theirs = pty.openpty()
        tty.setraw(theirs)
        name = os.ttyname(theirs)
        os.close(theirs)
        console = Console(SerialEar(serial=name, every_s=EVERY_S), end)
        yield console
        if console.end >= 0:
            os.close(console.end)

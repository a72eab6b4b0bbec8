"""A network in network namespaces: a switch, the controller, a gateway that is the witness, and a guest that is a process.

Each has a kernel of its own as far as the network goes. That takes root.
"""

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

import pytest
import trio
from attrs import define, field

GUEST, GATEWAY, CONTROLLER = "10.77.0.11", "10.77.0.254", "10.77.0.1"
HEALTH, SSH = 8081, 22

CLONE_NEWNET = 0x40000000
"""The kind of namespace that `setns` is to join (Linux)."""

PROGRAM = f"""
import socketserver, threading
class Health(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(4096)
        self.request.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\nConnection: close\\r\\n\\r\\ngn\\n")
class Ssh(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"SSH-2.0-OpenSSH_9.2\\r\\n")
socketserver.ThreadingTCPServer.allow_reuse_address = True
servers = [socketserver.ThreadingTCPServer(("0.0.0.0", port), kind) for port, kind in (({HEALTH}, Health), ({SSH}, Ssh))]
for server in servers:
    threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
"""
"""What runs on the guest: a health page, and a program that speaks first."""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def can() -> bool:
    """Whether namespaces may be made here."""
    if os.geteuid() != 0:
        return False
    name = f"wmtry{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("-n", name, "link", "add", "br0", "type", "bridge")
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    return True


needs_namespaces = pytest.mark.skipif(not can(), reason="network namespaces take root, ip and a kernel with bridges")


@define(eq=False)
class Net:
    """The network, from its beginning to its end."""

    prefix: str = field(factory=lambda: f"wm{os.getpid()}")
    guest: "subprocess.Popen[str] | None" = None

    def name(self, which: str) -> str:
        return f"{self.prefix}{which}"

    def __enter__(self) -> Self:
        for which in ("sw", "ct", "gw", "gn"):
            ip("netns", "add", self.name(which))
            ip("-n", self.name(which), "link", "set", "lo", "up")
        ip("-n", self.name("sw"), "link", "add", "br0", "type", "bridge")
        ip("-n", self.name("sw"), "link", "set", "br0", "up")
        for which, address in (("ct", CONTROLLER), ("gw", GATEWAY), ("gn", GUEST)):
            ip("-n", self.name("sw"), "link", "add", which, "type", "veth", "peer", "name", "eth0", "netns", self.name(which))
            ip("-n", self.name("sw"), "link", "set", which, "master", "br0", "up")
            ip("-n", self.name(which), "address", "add", f"{address}/24", "dev", "eth0")
            self.link(which, "up")
        self.let_ping("0 0")
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for which in ("sw", "ct", "gw", "gn"):
            subprocess.run(["ip", "netns", "del", self.name(which)], check=False, capture_output=True)

    def let_ping(self, groups: str) -> None:
        command = ["ip", "netns", "exec", self.name("ct"), "sysctl", "-qw", f"net.ipv4.ping_group_range={groups}"]
        subprocess.run(command, check=True)

    def link(self, which: str, state: str) -> None:
        ip("-n", self.name(which), "link", "set", "eth0", state)

    def switch(self, state: str) -> None:
        ip("-n", self.name("sw"), "link", "set", "br0", state)

    def start(self) -> None:
        """Start the guest's program, and wait until it answers."""
        command = ["ip", "netns", "exec", self.name("gn"), sys.executable, "-c", PROGRAM]
        self.guest = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.guest.stdout is not None
        assert self.guest.stdout.readline() == "ready\n"

    def signal(self, number: int) -> None:
        assert self.guest is not None
        self.guest.send_signal(number)

    def kill(self) -> None:
        if self.guest is not None:
            self.guest.kill()
            self.guest.communicate()
            self.guest = None

    def on_controller(self, run: Callable[[], Awaitable[object]]) -> None:
        """Run a trio program whose sockets are the controller's."""
        failed: list[BaseException] = []

        async def main() -> None:
            await run()

        def work() -> None:
            try:
                with Path(f"/var/run/netns/{self.name('ct')}").open() as namespace:
                    assert not ctypes.CDLL(None).setns(namespace.fileno(), CLONE_NEWNET)
                trio.run(main)
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                failed.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]

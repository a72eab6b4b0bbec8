"""A rack: PowerMan's own daemon and its own virtual units, and guests that are processes behind a network of their own.

The controller, the gateway and the guests are network namespaces, with a switch between them; that takes root. A unit is
`vpcd` behind a port, as a serial unit is behind a console server: it outlives the daemon, and can lose its power alone.
"""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from attrs import define, field

from tests.io.ears.namespaces import GUEST, Net
from tests.io.powermand import DEVICES, PROGRAM, VPCD
from tests.service.kit import PATIENCE_S, eventually
from tests.service.powered import Computer

POWERMAND_PORT, UNIT_PORT = 10101, 2001  # in the controller's namespace, which is empty otherwise
FOLLOW_S = 0.1  # how often it is looked who has power

CONSOLE_SERVER = """
import os, signal, socket, subprocess, sys, threading
unit, caller = None, None
def power_on():
    global unit
    unit = subprocess.Popen([sys.argv[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    threading.Thread(target=pass_on, args=(unit,), daemon=True).start()
def pass_on(unit):
    while said := os.read(unit.stdout.fileno(), 4096):
        if caller is not None:
            try:
                caller.sendall(said)
            except OSError:
                pass
def restart(*_):
    unit.kill()
    unit.wait()
    power_on()
power_on()
def end(*_):
    unit.kill()
    unit.wait()
    os._exit(0)
signal.signal(signal.SIGHUP, restart)
signal.signal(signal.SIGTERM, end)
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    print("ready", flush=True)
    while True:
        caller, _ = server.accept()
        try:
            while asked := caller.recv(4096):
                unit.stdin.write(asked)
        except OSError:
            pass
        caller.close()
"""
"""A unit that stays as it is whoever calls; SIGHUP: it has lost its power for a moment."""


def inside(namespace: str, *command: str, **more: object) -> "subprocess.Popen[bytes]":
    """A process in a network namespace."""
    # `ip` becomes the program: its process takes the signals.
    return subprocess.Popen(["ip", "netns", "exec", namespace, *command], **more)  # type: ignore[call-overload,no-any-return]


@define(eq=False)
class Rack:
    """The network, the daemon, its unit, and who has power from it."""

    folder: Path
    nodes: Sequence[str]  # of the unit, one a guest
    net: Net = field(factory=Net)
    guests: Mapping[str, Computer] = field(init=False)
    _daemon: "subprocess.Popen[bytes] | None" = None
    _unit: "subprocess.Popen[bytes]" = field(init=False)
    _is_over: threading.Event = field(factory=threading.Event)
    _follower: threading.Thread = field(init=False)
    _ending: ExitStack = field(init=False)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.net)
            within = ("ip", "netns", "exec", self.net.name("gn"))
            self.guests = {name: Computer(name, 8000 + number, GUEST, within) for number, name in enumerate(self.nodes)}
            self._start_unit(stack)
            self._configure()
            stack.callback(self.kill_daemon)
            self.start_daemon()
            self._ending = stack.pop_all()
        self._follower = threading.Thread(target=self._follow)
        self._follower.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._follower.join()
        for guest in self.guests.values():
            guest.power_off()
        self._ending.close()

    # The daemon and its unit -------------------------------------------------

    def _start_unit(self, stack: ExitStack) -> None:
        command = (sys.executable, "-c", CONSOLE_SERVER, str(UNIT_PORT), VPCD)
        self._unit = stack.enter_context(inside(self.net.name("ct"), *command, stdout=subprocess.PIPE))
        stack.callback(self._unit.terminate)
        assert self._unit.stdout is not None
        assert self._unit.stdout.readline() == b"ready\n"

    def _configure(self) -> None:
        text, changed = re.subn(r"timeout\s+5\.0", "timeout 1.0", DEVICES.read_text())
        assert changed == 1
        (self.folder / "vpc.dev").write_text(text)
        nodes = "".join(f'node "{name}" "unit" "{number}"\n' for number, name in enumerate(self.nodes))
        head = f'include "{self.folder}/vpc.dev"\nlisten "127.0.0.1:{POWERMAND_PORT}"\n'
        (self.folder / "powerman.conf").write_text(f'{head}device "unit" "vpc" "127.0.0.1:{UNIT_PORT}"\n{nodes}')

    def start_daemon(self) -> None:
        """Have PowerMan run."""
        assert PROGRAM is not None
        with (self.folder / "powermand.log").open("ab") as log:
            command = (PROGRAM, "-f", "-c", str(self.folder / "powerman.conf"))
            self._daemon = inside(self.net.name("ct"), *command, stdout=log, stderr=log)
        eventually(lambda: self.have_power() is not None)

    def kill_daemon(self) -> None:
        """Have it run no more; its unit goes on."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()
            self._daemon = None

    def restart_unit(self) -> None:
        """The unit loses its own power for a moment, and begins anew with all outlets off."""
        self._unit.send_signal(signal.SIGHUP)

    # Who has power -----------------------------------------------------------

    def have_power(self) -> frozenset[str] | None:
        """Whose outlets are on, by the daemon's own client; None: it does not say."""
        command = ["ip", "netns", "exec", self.net.name("ct"), "powerman", "-h", f"127.0.0.1:{POWERMAND_PORT}", "-x", "-q"]
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        shown = dict(line.split(": ", 1) for line in told.stdout.splitlines() if ": " in line)
        if told.returncode != 0 or shown.keys() != {*self.nodes} or "unknown" in shown.values():
            return None
        return frozenset(name for name, state in shown.items() if state == "on")

    def _follow(self) -> None:
        while not self._is_over.wait(FOLLOW_S):
            powered = self.have_power() if self._daemon is not None else None
            if powered is None:
                continue
            for name, guest in self.guests.items():
                if (name in powered) != (guest.process is not None):
                    (guest.power_on if name in powered else guest.power_off)()

    def kernel_answers(self) -> bool:
        """Whether the guests' kernel answers the controller."""
        command = ["ip", "netns", "exec", self.net.name("ct"), "ping", "-c", "1", "-W", "1", GUEST]
        return subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE_S).returncode == 0

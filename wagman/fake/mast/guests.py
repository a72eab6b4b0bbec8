"""Computers of the fake mast: real processes, one for each guest of a rail while its outlet is on."""

import math
import os
import signal
import socket
import subprocess
import sys
from typing import Self

from attrs import define, field

from wagman.fake.guests import Guest
from wagman.fake.mast.computer import HOST


@define(eq=False, repr=False)
class Computer:
    """A process that answers at a port of its own.

    It ends with this process, however that ends: its standard input ends. If it is stopped then, the kernel hangs up on it,
    because it is in our session and in a process group of its own, which is orphaned.
    """

    port: int
    process: "subprocess.Popen[bytes]"

    @classmethod
    def start(cls, name: str) -> Self:
        """Start a computer; raises OSError if the system does not allow it."""
        with socket.create_server((HOST, 0)) as listener:
            command = (sys.executable, "-P", "-m", "wagman.fake.mast.computer", name, str(listener.fileno()))
            process = subprocess.Popen(  # noqa: S603 - a command of ours
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=(listener.fileno(),),
                process_group=0,
            )
            return cls(listener.getsockname()[1], process)

    @property
    def has_halted(self) -> bool:
        """Whether it has ended by itself."""
        return self.process.poll() is not None

    def stop(self) -> None:
        """Stop the process, and wait until it is stopped: the kernel hangs up only on processes that it sees stopped."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def cut(self) -> None:
        """Kill the process at once, whatever it does."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


@define(eq=False, repr=False)
class PoweredGuest(Guest):
    """A guest that is a process, from the end of its boot until its power is cut or it halts."""

    computer: Computer | None = field(default=None, init=False)
    _boots_at_s: float = field(default=math.inf, init=False)
    _hangs: bool = field(default=False, init=False)

    def state(self, now_s: float) -> str:  # noqa: ARG002 - the process tells
        """Return its state: off, booting, running, hung or halted."""
        if self.computer is None:
            return "off" if math.isinf(self._boots_at_s) else "booting"
        if self.computer.has_halted:
            return "halted"
        return "hung" if self._hangs else "running"

    def power_on(self, now_s: float, medium: str | None) -> None:  # noqa: ARG002 - a plug selects none
        """Begin to boot; `tick` ends that."""
        self.boots += 1
        self._boots_at_s = now_s + self.spec.boot_s

    def tick(self, now_s: float) -> None:
        """Start the process when the boot is over."""
        if self.computer is None and self._boots_at_s <= now_s:
            self.computer = Computer.start(self.name)

    def power_off(self, now_s: float) -> str:
        """End the process; return the state that this ended."""
        ended = self.state(now_s)
        if self.computer is not None:
            self.computer.cut()
        self.computer, self._boots_at_s, self._hangs = None, math.inf, False
        return ended

    def hang(self, now_s: float) -> bool:
        """Stop the process; return False if none runs. Its port still accepts connections, as the kernel does that."""
        if self.computer is None or self.state(now_s) != "running":
            return False
        self.computer.stop()
        self._hangs = True
        return True

    def revive(self, now_s: float) -> bool:
        """Let a stopped process go on; return False if none is stopped."""
        if self.computer is None or self.state(now_s) != "hung":
            return False
        self.computer.process.send_signal(signal.SIGCONT)
        self._hangs = False
        return True

    def halt(self, now_s: float) -> bool:
        """End the process in an orderly way; return False if none runs."""
        if self.computer is None or self.state(now_s) != "running":
            return False
        self.computer.process.terminate()
        return True

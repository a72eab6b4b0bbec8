"""The protocol of sd_notify(3), which tells systemd how the service is: datagrams of `KEY=value` lines to a socket."""

import os
import socket
from collections.abc import MutableMapping

from attrs import define, field

SEND_S = 0.2
"""How long to wait for systemd if its queue is full (chosen: everything else in the service waits meanwhile)."""


@define(eq=False, repr=False)
class Notifier:
    """Tells systemd, if there is one. It never fails: what could not be sent is sent with the next message.

    Args:
        address: of the socket; a leading @ stands for the NUL of an abstract one.
        watchdog_s: the longest time between two signs of life, in seconds; None without a watchdog.
    """

    address: str | None = None
    watchdog_s: float | None = None
    _unsaid: dict[str, str] = field(factory=dict, init=False)

    @classmethod
    def of(cls, environ: MutableMapping[str, str]) -> "Notifier":
        """Return the one for the environment, and remove its variables, so that our children do not see them."""
        address, limit_us, pid = (environ.pop(name, "") for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"))
        is_ours = limit_us.isdecimal() and pid in ("", str(os.getpid()))
        return cls(address or None, int(limit_us) / 1e6 if is_ours else None)

    def say(self, **fields: str) -> None:
        """Send these fields, each on one line."""
        self._unsaid |= {key: " ".join(value.split()) for key, value in fields.items()}
        if self.address is None or self._send("\n".join(f"{key}={value}" for key, value in self._unsaid.items())):
            self._unsaid.clear()
        self._unsaid.pop("WATCHDOG", None)  # a sign of life counts only at its moment

    def _send(self, text: str) -> bool:
        address = self.address or ""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.settimeout(SEND_S)
            try:
                sock.sendto(text.encode(), f"\0{address[1:]}" if address.startswith("@") else address)
            except OSError:
                return False
        return True

"""Growing pauses for a service that keeps failing. It never gives up, since nobody is there to start it again.

systemd restarts it at once. Before version 254 systemd has no growing pauses, and it would count the failures of a whole year. So
the service counts its starts itself; an orderly end or ten good minutes set the count to 0. The count is in the runtime
directory, which lasts for as long as systemd restarts the service.
"""

import signal
from contextlib import suppress
from pathlib import Path

from attrs import frozen

FREE = 3
"""How many starts in a row are not delayed (chosen)."""

PAUSE_S = 10.0
"""The first pause; pauses double (chosen)."""

PAUSE_MAX_S = 300.0
"""The longest pause (chosen: the board waits an hour for the controller's heartbeat)."""

STEADY_S = 600.0
"""A service that has run for so long has not failed (chosen)."""

_ENDS = (signal.SIGTERM, signal.SIGINT)


@frozen
class Backoff:
    """The count of starts, in a file."""

    file: Path

    def count(self) -> float:
        """Count this start; return how many seconds it has to wait.

        Raises:
            OSError: the count cannot be written.
        """
        failures = self._failures()
        self.file.write_text(f"{failures + 1}\n", encoding="ascii")
        return 0.0 if failures < FREE else min(PAUSE_S * 2.0 ** min(failures - FREE, 10), PAUSE_MAX_S)

    def forgive(self) -> None:
        """Set the count to 0. If that fails, the next failure only causes a pause too early."""
        with suppress(OSError):
            self.file.unlink(missing_ok=True)

    def _failures(self) -> int:
        try:
            text = self.file.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return 0
        return int(text) if text.isdecimal() and len(text) < len("1000000") else 0


def told_to_end(within_s: float) -> bool:
    """Wait; return True at once when a signal tells the process to end, else False."""
    old = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    try:
        return signal.sigtimedwait(_ENDS, within_s) is not None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)

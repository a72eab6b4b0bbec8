"""A service that keeps failing waits longer and longer before it tries again, and never gives up: nobody is there to.

systemd restarts it at once. Pauses that grow systemd knows only since version 254, and it would count the failures of a whole
year. So the service counts: each start is one, and an orderly end or ten good minutes set the count to 0. The count lies in
the runtime directory, which outlives the service for as long as systemd restarts it.
"""

import signal
from contextlib import suppress
from pathlib import Path

from attrs import frozen

FREE = 3
"""So many starts in a row are not delayed (chosen)."""

PAUSE_S = 10.0
"""The pause before the next one; doubled with each (chosen)."""

PAUSE_MAX_S = 300.0
"""The longest: the board waits an hour for the controller's heartbeat (chosen)."""

STEADY_S = 600.0
"""A service that supervised for so long has not failed (chosen)."""

_ENDS = (signal.SIGTERM, signal.SIGINT)


@frozen
class Backoff:
    """The count of failures, in a file."""

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
        """What was counted is forgotten; where it cannot be, a later failure costs a pause too early, and no more."""
        with suppress(OSError):
            self.file.unlink(missing_ok=True)

    def _failures(self) -> int:
        try:
            text = self.file.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return 0
        return int(text) if text.isdecimal() and len(text) < len("1000000") else 0


def told_to_end(within_s: float) -> bool:
    """Wait; return at once when a signal tells the process to end."""
    old = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    try:
        return signal.sigtimedwait(_ENDS, within_s) is not None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)

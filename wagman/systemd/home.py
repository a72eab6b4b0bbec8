"""What systemd has given the process: a socket for its news, a runtime and a state directory. By hand there is none of it.

By hand there may be a terminal: a service that was begun on one ends when it is closed.
"""

import os
import signal
from collections.abc import Callable, MutableMapping
from pathlib import Path

from attrs import evolve, frozen

from wagman.systemd.backoff import PAUSE_S, Backoff, told_to_end
from wagman.systemd.directory import Ending, RuntimeDirectory
from wagman.systemd.notify import Notifier
from wagman.tasks.logs import complain


@frozen
class Home:
    """Where the process lives."""

    notifier: Notifier
    runtime: RuntimeDirectory | None = None
    state: Path | None = None
    ends_with_terminal: bool = False

    @classmethod
    def of(cls, environ: MutableMapping[str, str]) -> "Home":
        """What the environment tells; what is meant for this process only is taken out of it."""
        state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
        return cls(Notifier.of(environ), RuntimeDirectory.of(environ), Path(state) if state else None)

    @property
    def copy(self) -> Path | None:
        """Where the last configuration that was right is kept."""
        return self.state / "last-good.toml" if self.state else None

    @property
    def power_off(self) -> Callable[[], None] | None:
        """Has the controller shut down; None where there is no way to."""
        return self.runtime.power_off if self.runtime else None

    def may_begin(self) -> bool:
        """Wait, where the service has failed too often in a row, or it cannot be known; False: told to end meanwhile."""
        if self.runtime is None:
            return True
        try:
            self.runtime.forget_ending()
            pause_s, why = Backoff(self.runtime.starts).count(), "has failed again and again"
        except OSError as error:
            pause_s, why = PAUSE_S, f"cannot count its failures ({error})"
            complain(f"the service {why}: each start waits {pause_s:g} s until {self.runtime.path} can be written to")
        if not pause_s:
            return True
        self.notifier.say(STATUS=f"{why}: waiting {pause_s:g} s before the next try")
        return not told_to_end(pause_s)

    def is_well(self) -> None:
        """The service has ended as it should, or has run for long: earlier failures do not count any more."""
        if self.runtime is not None:
            Backoff(self.runtime.starts).forgive()

    def warn_unfed(self) -> None:
        """Have everybody who is logged in told that the board will power-cycle this computer."""
        if self.runtime is not None:
            self.runtime.warn_unfed()

    def terminal_was_closed(self) -> bool:
        """The terminal is gone that the service was begun on; SIGHUP does not tell that from a request to reload."""
        return self.ends_with_terminal and not has_terminal()

    def ending(self) -> Ending:
        """Why the service is to end."""
        return self.runtime.ending() if self.runtime else "stop"


def home() -> Home:
    """This process's; asked before signals are handled: with nohup it is to outlive its terminal."""
    is_bound = has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return evolve(Home.of(os.environ), ends_with_terminal=is_bound)


def has_terminal() -> bool:
    """Whether this process has a terminal that controls it."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True

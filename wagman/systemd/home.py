"""What systemd has given the process: a socket for news, a runtime and a state directory. Started by hand, it has none.

Started by hand, it may have a terminal: then the service ends when that is closed.
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
    """The surroundings of the process."""

    notifier: Notifier
    runtime: RuntimeDirectory | None = None
    state: Path | None = None
    ends_with_terminal: bool = False

    @classmethod
    def of(cls, environ: MutableMapping[str, str]) -> "Home":
        """Return the surroundings by the environment, and remove from it what is meant for this process only."""
        state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
        return cls(Notifier.of(environ), RuntimeDirectory.of(environ), Path(state) if state else None)

    @property
    def copy(self) -> Path | None:
        """Where the last right configuration is kept; None if there is no place."""
        return self.state / "last-good.toml" if self.state else None

    @property
    def power_off(self) -> Callable[[], None] | None:
        """The function that shuts the controller down; None if the service has no means to do so."""
        return self.runtime.power_off if self.runtime else None

    def may_begin(self) -> bool:
        """Wait if the service has failed too often, or cannot count its failures; return False if it is told to end meanwhile."""
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
        """Forget earlier failures: the service has ended in order, or has run for long."""
        if self.runtime is not None:
            Backoff(self.runtime.starts).forgive()

    def warn_unfed(self) -> None:
        """Have every logged-in user warned that the board will power-cycle this computer."""
        if self.runtime is not None:
            self.runtime.warn_unfed()

    def terminal_was_closed(self) -> bool:
        """Return whether the service's terminal was closed. SIGHUP means that, or a request to reload."""
        return self.ends_with_terminal and not has_terminal()

    def ending(self) -> Ending:
        """Return why the service is to end."""
        return self.runtime.ending() if self.runtime else "stop"


def home() -> Home:
    """Return the surroundings of this process. Call it before signals are handled: with nohup it outlives its terminal."""
    is_bound = has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return evolve(Home.of(os.environ), ends_with_terminal=is_bound)


def has_terminal() -> bool:
    """Return whether this process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True

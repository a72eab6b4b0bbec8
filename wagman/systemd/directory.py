"""What passes between the units and the service: files in its runtime directory, which only its user and root can write to.

- `stopping`  written by the unit's ExecStop, as root: what systemd is about to do
- `poweroff`  written by the service: `wagman-poweroff.path` sees it and shuts the controller down
- `unfed`     written by the service when it is stopped for good: the unit's ExecStopPost tells everybody who is logged in that
              the board will power-cycle this computer; empty, for what is told as root is not for the service to say
- `starts`    how often the service has failed in a row (see `backoff`)
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

from attrs import frozen

Ending: TypeAlias = Literal["stop", "restart", "shutdown", "terminal"]


@frozen
class RuntimeDirectory:
    """The service's directory under /run."""

    path: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "RuntimeDirectory | None":
        """The one that systemd made; None where it did not start us."""
        path = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
        return cls(Path(path)) if path else None

    @property
    def starts(self) -> Path:
        """The count of failures."""
        return self.path / "starts"

    def power_off(self) -> None:
        """Have the controller shut down.

        Raises:
            OSError: the request could not be written.
        """
        (self.path / "poweroff").touch()

    def warn_unfed(self) -> None:
        """Have everybody who is logged in told; where that cannot be, the journal has it all the same."""
        with suppress(OSError):
            (self.path / "unfed").touch()

    def ending(self) -> Ending:
        """Why the service is to end, as its unit found out: the state of the system, and the jobs of the unit."""
        note = self.path / "stopping"
        try:
            words = note.read_text(encoding="utf-8").split()
        except OSError:  # it was not the unit that ended us, or it could not say why: a stop is what it is at least
            return "stop"
        if words[:1] == ["stopping"]:
            return "shutdown"
        return "restart" if "restart" in words else "stop"

    def forget_ending(self) -> None:
        """What was written for an earlier run means nothing."""
        for note in ("stopping", "unfed"):
            (self.path / note).unlink(missing_ok=True)

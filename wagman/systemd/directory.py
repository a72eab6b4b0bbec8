"""The runtime directory: files that units and service exchange, in a directory that only the service's user and root can write.

- `stopping`  written by the unit's ExecStop, as root: what systemd is about to do
- `poweroff`  written by the service: `wagman-poweroff.path` sees it and shuts the controller down
- `unfed`     written by the service when it is stopped for good: the unit's ExecStopPost tells every logged-in user that the
  board will power-cycle this computer. The file is empty: a message that is sent as root is not for the service to write.
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
        """Return the directory that systemd made; None if systemd did not start this process."""
        path = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
        return cls(Path(path)) if path else None

    @property
    def starts(self) -> Path:
        """The file with the count of failures."""
        return self.path / "starts"

    def power_off(self) -> None:
        """Have the controller shut down.

        Raises:
            OSError: the request could not be written.
        """
        (self.path / "poweroff").touch()

    def warn_unfed(self) -> None:
        """Have every logged-in user warned. If that fails, the journal has the warning all the same."""
        with suppress(OSError):
            (self.path / "unfed").touch()

    def ending(self) -> Ending:
        """Return why the service is to end, as its unit found out from the state of the system and the unit's jobs."""
        note = self.path / "stopping"
        try:
            words = note.read_text(encoding="utf-8").split()
        except OSError:  # it was not the unit, or the unit could not write: at least a stop
            return "stop"
        if words[:1] == ["stopping"]:
            return "shutdown"
        return "restart" if "restart" in words else "stop"

    def forget_ending(self) -> None:
        """Remove the files of an earlier run."""
        for note in ("stopping", "unfed"):
            (self.path / note).unlink(missing_ok=True)

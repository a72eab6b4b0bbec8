"""Who puts in place here what the service needs of the system (units, accounts, the rule for the board's port).

The Debian package, where that is installed: `wagman install-service` does nothing there but say so.
"""

from pathlib import Path

PACKAGED_UNIT = Path("/usr/lib/systemd/system/wagman.service")
"""Where the package has the service's unit; the one that `install-service` makes is in /etc."""

BY_PACKAGE = "apt install --reinstall ./wagman_*.deb"
BY_COMMAND = "wagman install-service"


def is_packaged() -> bool:
    """Whether the Debian package is installed on this machine."""
    return PACKAGED_UNIT.exists()


def installer() -> str:
    """The command that puts it in place."""
    return BY_PACKAGE if is_packaged() else BY_COMMAND

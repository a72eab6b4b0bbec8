"""Whether wagman came as a Debian package: then dpkg owns its files, and `install-service` leaves them alone.

The package runs `python -m wagman.systemd.packaged` before it is removed.
"""

from wagman.config.installer import PACKAGED_UNIT
from wagman.systemd.steps import Target

THIS = Target()

REFUSAL = """\
wagman came as a Debian package here, which has put all of it in place: nothing was done. For
  the programs beside the service   apt install ./wagman-fleet_*.deb; systemctl enable --now wagman-metrics (-notify, -fleet)
  an upgrade or a downgrade         apt install ./wagman_*.deb
  this installation instead of it   apt remove wagman, then this command again
  a removal                         apt remove wagman"""


def is_packaged(target: Target) -> bool:
    """Return whether the package's unit is there."""
    return target.path(str(PACKAGED_UNIT)).exists()


def main() -> None:
    """Print what a removal means for this computer, if it means anything."""
    from wagman.systemd.install import WITHOUT_SERVICE, is_fed  # noqa: PLC0415 - it imports this module

    if is_fed(THIS):
        print(WITHOUT_SERVICE)


if __name__ == "__main__":
    main()

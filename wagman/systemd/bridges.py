"""The programs beside the service, such as `wagman metrics`: what is installed for each, if it is asked for."""

from collections.abc import Callable, Sequence

from attrs import frozen

from wagman.systemd.steps import Enabled, File, Step, Target


@frozen
class Bridge:
    """A program beside the service.

    Args:
        name: of the command, of the option that asks for it, and of its unit, after `wagman-`.
        text: the help of the option.
        next_steps: what to do once it is installed.
        is_told_by_file: it has a configuration file of its own, readable for root only, since it may have passwords.
        is_beside_service: it is of no use without the service.
    """

    name: str
    text: str
    next_steps: str
    is_told_by_file: bool = False
    is_beside_service: bool = True

    @property
    def unit(self) -> str:
        """The name of its unit, and of the file that is shipped for it."""
        return f"wagman-{self.name}.service"

    @property
    def path(self) -> str:
        """The path of its unit."""
        return f"/etc/systemd/system/{self.unit}"

    def is_in_place(self, target: Target) -> bool:
        """Return whether it is installed, so that an upgrade renews it."""
        return target.place(self.path).exists()

    @property
    def state(self) -> str:
        """The directory for what it must keep, if anything: systemd has it there for dynamic users."""
        return f"/var/lib/private/wagman-{self.name}"

    def steps(self, shipped: Callable[[str], str]) -> Sequence[Step]:
        """Return the steps that install it; `shipped` returns the text of a shipped file."""
        file = f"{self.name}.toml"
        own = [File(f"/etc/wagman/{file}", shipped(file), is_yours=True, mode=0o600)] if self.is_told_by_file else []
        return *own, File(self.path, shipped(self.unit)), Enabled((self.unit,))


METRICS = Bridge(
    "metrics",
    "also install the unit that writes the figures for Prometheus",
    """\
For Prometheus: have read_group = "wagman-read" in [service] of /etc/wagman/wagman.toml, then
  systemctl restart wagman wagman-metrics
  ln -s /run/wagman-metrics/wagman.prom /var/lib/prometheus/node-exporter/""",
)

NOTIFY = Bridge(
    "notify",
    "also install the unit that tells people of problems",
    """\
For people to be told: say who in /etc/wagman/notify.toml, and have read_group = "wagman-read" in [service] of
/etc/wagman/wagman.toml, then
  wagman notify --test
  systemctl restart wagman wagman-notify""",
    is_told_by_file=True,
)

FLEET = Bridge(
    "fleet",
    "also install the unit that sends the node's events to a broker",
    """\
For a fleet: say in /etc/wagman/fleet.toml what the node is called and where its broker is, put ca.crt, node.crt and node.key into
/etc/wagman/fleet, and have read_group = "wagman-read" in [service] of /etc/wagman/wagman.toml, then
  systemctl restart wagman wagman-fleet
  journalctl -u wagman-fleet""",
    is_told_by_file=True,
)

COLLECT = Bridge(
    "collect",
    "install the unit that receives the events of all nodes of a fleet; without the service on this computer, nothing else",
    """\
For a collector: say in /etc/wagman/collect.toml who it is and where the broker is, put ca.crt, collect.crt and collect.key, or
the file password, into /etc/wagman/collect, then
  systemctl restart wagman-collect
  journalctl -u wagman-collect
  wagman fleet status --sqlite /var/lib/wagman-collect/fleet.db""",
    is_told_by_file=True,
    is_beside_service=False,
)

BRIDGES = METRICS, NOTIFY, FLEET, COLLECT
"""All programs beside the service."""

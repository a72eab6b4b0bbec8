"""Programs of their own on the control socket, such as `wagman metrics`: what is put in place for each that is asked for."""

from collections.abc import Sequence

from attrs import frozen

from wagman.systemd.steps import Enabled, File, Step, Target


@frozen
class Bridge:
    """One of them.

    Args:
        name: of the command, of the option that asks for it, and of its unit, behind `wagman-`.
        text: what the option means.
        next_steps: what is to be done once it is in place.
    """

    name: str
    text: str
    next_steps: str

    @property
    def unit(self) -> str:
        """The name of its unit, which is that of the file as it is shipped, too."""
        return f"wagman-{self.name}.service"

    @property
    def path(self) -> str:
        """Where its unit is put."""
        return f"/etc/systemd/system/{self.unit}"

    def is_in_place(self, target: Target) -> bool:
        """It was asked for once: an upgrade renews it."""
        return target.place(self.path).exists()

    def steps(self, unit: str) -> Sequence[Step]:
        """What is put in place, with that text of its unit."""
        return File(self.path, unit), Enabled((self.unit,))


METRICS = Bridge(
    "metrics",
    "also the unit that writes the figures for Prometheus",
    """\
For Prometheus: have read_group = "wagman-read" in [service] of /etc/wagman/wagman.toml, then
  systemctl restart wagman wagman-metrics
  ln -s /run/wagman-metrics/wagman.prom /var/lib/prometheus/node-exporter/""",
)

BRIDGES = (METRICS,)
"""All of them."""

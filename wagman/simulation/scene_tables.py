"""The names under which the service keeps decisions: the tables as it last read and wrote them."""

from collections.abc import Mapping

from attrs import define, field

from wagman.model.facts import Plug
from wagman.simulation.scene_port import Port


@define
class KeptTables:
    """The tables in the service's memory.

    A run that cannot read its memory takes nothing over. The next run that can goes from the kept tables straight to those
    configured then, and knows nothing of the files in between.
    """

    plugs: dict[str, Plug] = field(factory=dict)  # the outlet of each guest, by the name of its table

    def keep(self, ports: Mapping[str, Port]) -> None:
        """Take in that a run can read and write decisions: they are kept under these names from now on."""
        self.plugs = {name: port.device.plug for name, port in ports.items()}
        for name, port in ports.items():
            port.kept_as = name

    def doubt(self, configured: Mapping[str, Port]) -> None:
        """Doubt guests whose tables were moved several times without a run that could keep that: they may get another past."""
        for name, port in configured.items():
            gone = {each for each, plug in self.plugs.items() if plug == port.device.plug and each not in configured}
            if port.kept_as not in ({name} if name in self.plugs else gone or {""}):
                port.is_doubted()

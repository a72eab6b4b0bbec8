"""Under which names the service keeps what was decided: the tables as it has last read and written them."""

from collections.abc import Mapping

from attrs import define, field

from wagman.model.facts import Plug
from wagman.simulation.scene_port import Port


@define
class KeptTables:
    """The tables that the memory of the service has.

    A run that cannot read its memory takes nothing over: the next one that can goes from what is kept to what is configured
    then, and knows nothing of the files in between.
    """

    plugs: dict[str, Plug] = field(factory=dict)  # where each guest was, by the name of its table

    def keep(self, ports: Mapping[str, Port]) -> None:
        """A run can read and write what was decided: from now on it is kept under these names."""
        self.plugs = {name: port.device.plug for name, port in ports.items()}
        for name, port in ports.items():
            port.kept_as = name

    def doubt(self, configured: Mapping[str, Port]) -> None:
        """Whose tables were moved several times, with no run in between that could keep that, may get another past."""
        for name, port in configured.items():
            gone = {each for each, plug in self.plugs.items() if plug == port.device.plug and each not in configured}
            if port.kept_as not in ({name} if name in self.plugs else gone or {""}):
                port.is_doubted()

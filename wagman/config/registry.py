"""The kinds of boards and of ears: those of this package, by their names in a file, and those of other installed packages.

A class is imported when a file asks for its kind, and not before: a site with a Wagman needs nothing of what speaks to a plug.
Other packages bring kinds by entry points. The name of an entry point is that of the kind, its value is the class:

    [project.entry-points."wagman.boards"]
    lamp = "lamp_for_wagman:LampBoard"
"""

from collections.abc import Mapping
from importlib import import_module

from attrs import frozen

from wagman.model.errors import MissingPackageError


class KindError(Exception):
    """The class of a kind cannot be had; the text says why."""


@frozen
class Registry:
    """The kinds of boards, or of ears."""

    base: str  # "module:Class" from which they all derive
    group: str  # the group of the entry points
    built_in: Mapping[str, str]  # "module:Class" by kind

    def __contains__(self, kind: object) -> bool:
        return kind in self.built_in or kind in self._installed()

    def names(self) -> list[str]:
        """All kinds, those of this package first."""
        return list(dict.fromkeys((*self.built_in, *self._installed())))

    def load(self, kind: str) -> type:
        """The class of a kind that is in the registry.

        Raises:
            KindError: it cannot be imported, or is no such class.
        """
        place = self.built_in.get(kind) or self._installed()[kind]
        try:
            found, base = _imported(place), _imported(self.base)
        except MissingPackageError as error:
            raise KindError(str(error)) from error
        except Exception as error:
            raise KindError(f"{place} cannot be imported: {' '.join(f'{type(error).__name__}: {error}'.split())}") from error
        if not isinstance(found, type) or not isinstance(base, type) or not issubclass(found, base):
            raise KindError(f"{place} does not derive from {self.base}")
        if getattr(found, "kind", None) != kind:
            raise KindError(f"{place} is of another kind: {getattr(found, 'kind', None)}")
        return found

    def _installed(self) -> Mapping[str, str]:
        from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and only kinds of other packages need it

        return {each.name: each.value for each in entry_points(group=self.group)}


def _imported(place: str) -> object:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


BOARDS = Registry(
    "wagman.config.boards:BoardConfig",
    "wagman.boards",
    {
        "wagman": "wagman.config.boards:WagmanBoard",
        "powerman": "wagman.io.powerman:PowermanBoard",
        "exec": "wagman.io.command:ExecBoard",
        "shelly": "wagman.io.shelly:ShellyBoard",
        "tasmota": "wagman.io.tasmota:TasmotaBoard",
        "mqtt": "wagman.io.mqtt:MqttBoard",
        "gpio": "wagman.io.gpio:GpioBoard",
    },
)
"""The kinds of boards."""

EARS = Registry(
    "wagman.config.ears:EarConfig",
    "wagman.ears",
    {
        kind: f"wagman.io.ears.{kind}:{kind.title()}Ear"
        for kind in ("http", "banner", "ping", "tcp", "udp", "mqtt", "exec", "serial")
    },
)
"""The kinds of ears; each name is the key under which a file says whom to listen to."""

"""What a check looks at: the values, and the document that shows where each was stated."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from wagman.config import durations
from wagman.config.boards import BoardConfig, UnknownBoard
from wagman.config.ear_tables import BOARD
from wagman.config.ears import EarConfig
from wagman.config.positions import Path
from wagman.config.schema import Config, DeviceConfig, NetworkConfig


@frozen
class Subject:
    """The values of a configuration, and its document."""

    config: Config
    document: Mapping[str, Any]

    @property
    def boards(self) -> Iterator[BoardConfig]:
        """The boards whose tables could be read."""
        return (board for board in self.config.boards if not isinstance(board, UnknownBoard))

    @property
    def hung(self) -> Iterator[tuple[DeviceConfig, BoardConfig]]:
        """Each guest with its board, if that could be read."""
        boards = {board.name: board for board in self.boards}
        return ((device, boards[device.board]) for device in self.config.devices if device.board in boards)

    def states(self, path: Path) -> bool:
        """Whether the document has this key."""
        return self.stated(path) is not None

    def stated(self, path: Path) -> Any:
        """The value that the document has there; None: none."""
        value: Any = self.document
        for part in path:
            known = range(len(value)) if isinstance(value, list) else value if isinstance(value, dict) else ()
            if part not in known:
                return None
            value = value[part]
        return value

    def source(self, device: DeviceConfig, key: str) -> Path:
        """The path of the value that counts for this guest: in its own table, or in `[defaults]` if only that has it."""
        own, shared = ("device", device.name, key), ("defaults", key)
        return shared if self.states(shared) and not self.states(own) else own

    def of_board(self, board: BoardConfig, key: str) -> Path:
        """The path of a board's key: in `[board]`, or in the board's own table."""
        is_named = isinstance(self.stated(("board", board.name)), dict)
        return ("board", board.name, key) if is_named else ("board", key)

    def of_place(self, device: DeviceConfig) -> tuple[Path, ...]:
        """The paths of the keys that say which outlet a guest has: its port, and its board."""
        return (("device", device.name, "port"), self.source(device, "board"))

    def ears(self, device: DeviceConfig) -> Iterator[tuple[EarConfig, Path]]:
        """The ears of a guest, and the path of each."""
        return self.placed(device.ears, self.source(device, "heartbeat"))

    def witnesses(self, network: NetworkConfig) -> Iterator[tuple[EarConfig, Path]]:
        """The witnesses of a network, and the path of each."""
        return self.placed(network.witnesses, ("network", network.name, "witness"))

    def placed(self, ears: Sequence[EarConfig], path: Path) -> Iterator[tuple[EarConfig, Path]]:
        """The ears that the document has at `path`, with the path of each; nothing if not all of them could be read."""
        value = self.stated(path)
        tables = [(each, (*path, index)) for index, each in enumerate(value)] if isinstance(value, list) else [(value, path)]
        places = [place for table, place in tables if isinstance(table, dict) and BOARD not in table]
        return zip(ears, places, strict=True) if len(ears) == len(places) else iter(())

    @property
    def parts(self) -> Iterator[tuple[object, Path]]:
        """Each board, each ear and each gauge, with the path of its table."""
        yield from ((board, self.of_board(board, "")[:-1]) for board in self.boards)
        for device in self.config.devices:
            yield from self.ears(device)
            if device.still_on is not None:
                yield device.still_on, self.source(device, "still_on")
        for network in self.config.networks:
            yield from self.witnesses(network)
        yield from ((gauge, ("environment", name)) for name, gauge in self.config.environment.gauges.items())

    def first_stated(self, *paths: Path) -> Path:
        """The first of these keys that the document has, to be blamed; the last one if it has none."""
        return next((path for path in paths if self.states(path)), paths[-1])


def too_short(key: str, value_s: float, least_s: float, wanted: str, other: str) -> str | None:
    """The message that a duration must be at least `least_s`, which `wanted` describes; None: it is."""
    if not durations.is_shorter(value_s, least_s):
        return None
    return (
        f"{key} is {durations.show(value_s)}, and must be at least {wanted}, which is {durations.show(least_s)}: "
        f"raise {key} or lower {other}"
    )

"""The parts of a configuration, as flat lists: all boards and ears, each with whose it is."""

from collections.abc import Iterator

from wagman.config.ears import EarConfig
from wagman.config.schema import Config


def ears(config: Config) -> Iterator[tuple[str, EarConfig]]:
    """Yield every ear of a guest and every witness of a network, after words for whose it is."""
    for guest in config.devices:
        yield from ((guest.name, ear) for ear in guest.ears)
        if isinstance(guest.still_on, EarConfig):
            yield guest.name, guest.still_on
    for network in config.networks:
        yield from ((f"witness of network {network.name}", ear) for ear in network.witnesses)


def parts(config: Config) -> Iterator[tuple[str, object]]:
    """Yield every board and every ear, after words for whose it is."""
    yield from ((f"board {board.name}", board) for board in config.boards)
    yield from ears(config)

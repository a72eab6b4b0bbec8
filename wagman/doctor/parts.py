"""What a configuration is made of, flat: every ear with whose it is, and every table that has keys of its own."""

from collections.abc import Iterator

from wagman.config.ears import EarConfig
from wagman.config.schema import Config


def ears(config: Config) -> Iterator[tuple[str, EarConfig]]:
    """Every ear of a guest and every witness of a network, and in words whose it is."""
    for guest in config.devices:
        yield from ((guest.name, ear) for ear in guest.ears)
        if isinstance(guest.still_on, EarConfig):
            yield guest.name, guest.still_on
    for network in config.networks:
        yield from ((f"witness of network {network.name}", ear) for ear in network.witnesses)


def parts(config: Config) -> Iterator[tuple[str, object]]:
    """Every board and every ear, and in words whose it is."""
    yield from ((f"board {board.name}", board) for board in config.boards)
    yield from ears(config)

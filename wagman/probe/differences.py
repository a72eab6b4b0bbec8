"""How the real boards differ from the configuration: `wagman check-config --ask`."""

from collections.abc import Iterator

from attrs import frozen

from wagman.config.boards import PlainBoard
from wagman.config.ears import StillDraws
from wagman.config.load import Place
from wagman.config.schema import Config
from wagman.config.setting import settings
from wagman.probe.answers import BoardSeen
from wagman.probe.command import ask


@frozen
class Difference:
    """A finding about a key of the file; `is_wrong` if somebody should change something."""

    place: Place
    message: str
    is_wrong: bool = True


def differences(config: Config) -> list[Difference]:
    """Ask all plain boards, and compare them with the file."""
    plain = {board.name for board in config.boards if isinstance(board, PlainBoard)}
    answers = ask(config, [device for device in config.devices if device.board in plain])
    return [each for seen in answers.boards for each in of_board(config, seen)]


def of_board(config: Config, seen: BoardSeen) -> Iterator[Difference]:
    """Yield how one board differs."""
    if seen.answer.came != "yes":
        yield Difference((seen.board, "kind"), f"it cannot be compared: {seen.answer.why}")
        return
    yield from _identity(seen)
    yield from _restore(seen)
    yield from _ports(config, seen)
    yield from _meter(config, seen)


def _identity(seen: BoardSeen) -> Iterator[Difference]:
    told = seen.identity.board_id if seen.identity else None
    if told and "id" in settings(type(seen.board)) and getattr(seen.board, "id", None) is None:
        message = f'{told} answers there: with id = "{told}" no other one is ever switched'
        yield Difference((seen.board, "kind"), message, is_wrong=False)


def _restore(seen: BoardSeen) -> Iterator[Difference]:
    stated, told = getattr(seen.board, "on_restore", "unknown"), seen.abilities.on_restore if seen.abilities else "unknown"
    if stated not in ("unknown", told):
        message = f'the file says "{stated}", and the board is set to "{told}": change one of them'
        yield Difference((seen.board, "on_restore"), message)


def _ports(config: Config, seen: BoardSeen) -> Iterator[Difference]:
    by_name = {device.name: device for device in config.devices}
    for port in seen.ports:
        if port.why is not None:
            yield Difference((by_name[port.device], "port"), f"port {port.port}: {port.why}")


def _meter(config: Config, seen: BoardSeen) -> Iterator[Difference]:
    for device in config.devices_on(seen.board.name):
        if isinstance(device.still_on, StillDraws) and seen.abilities is not None and seen.abilities.meter_w is None:
            message = f"the board {seen.board.name} has no meter, or it is not looked at: take an ear, or remove this key"
            yield Difference((device, "still_on"), message)

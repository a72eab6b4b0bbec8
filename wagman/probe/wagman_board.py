"""A Wagman: it is asked for its identity and the currents of its ports, by commands that the service's poll uses, too."""

from collections.abc import Mapping, Sequence
from typing import Any

import trio
from attrs import frozen

from wagman.config.boards import WagmanBoard
from wagman.config.schema import DeviceConfig
from wagman.io.board.driver import Raw, Senses, Shown, Wiring
from wagman.io.board.pace import Pace
from wagman.io.board.power import Power
from wagman.io.board.sightings import Sightings
from wagman.io.serial.wired import Wire
from wagman.io.v3.driver import supply_of
from wagman.io.v3.payload import parse_cu
from wagman.io.v4.asking import Asking
from wagman.model.backend import Identity
from wagman.model.errors import BoardError, BoardTimeoutError, LinkBusyError, LinkGoneError
from wagman.model.facts import Supply
from wagman.probe.answers import Answer, BoardSeen, PortSeen, since
from wagman.probe.service import Service
from wagman.service.port import connector

WITHIN_S = 60.0
"""How long identifying a Wagman may take (chosen: one that says nothing by itself is recognised within 45 s)."""


async def ask_wagman(board: WagmanBoard, devices: tuple[DeviceConfig, ...], service: Service) -> BoardSeen:
    """Ask one Wagman, or the service if it holds the port."""
    began_s = trio.current_time()
    try:
        identity, powers = await _asked(board, devices)
    except LinkBusyError as error:
        return service.board(board, devices, str(error))
    except BoardError as error:
        return BoardSeen(board, Answer("no", since(began_s), str(error)))
    ports = tuple(PortSeen(device.port, device.name, powers.get(device.port, "unknown")) for device in devices)
    return BoardSeen(board, Answer("yes", since(began_s)), identity, ports=ports)


async def _asked(board: WagmanBoard, devices: Sequence[DeviceConfig]) -> tuple[Identity, Mapping[int, Supply]]:
    told: tuple[Identity, Mapping[int, Supply]] | BoardError = BoardTimeoutError(f"it did not answer within {WITHIN_S:g} s")
    wire: Wire = connector(board, ptys_only=False).connect(_senses(board, devices), _Nobody(), is_first=True)  # type: ignore[assignment]
    with trio.move_on_after(WITHIN_S):
        async with trio.open_nursery() as nursery:
            try:
                await nursery.start(wire.run)
                told = await _talk(wire)
            except BoardError as error:
                told = error
            nursery.cancel_scope.cancel()
    if isinstance(told, BoardError):
        raise told
    return told


async def _talk(wire: Wire) -> tuple[Identity, Mapping[int, Supply]]:
    if not wire.is_up:
        raise LinkGoneError(wire.down_reason or "its port cannot be opened")
    identity = await wire.driver.greet()
    found = getattr(wire.driver, "finding", None)  # the dialect `auto` finds out which one the board speaks
    if (found.speech if found else wire.wired.name) == "v4":
        return identity, {port: look.supply for port, look in (await Asking(wire.link).looks()).items()}
    assert isinstance(wire.driver, Raw)  # noqa: S101 - a v3 board is
    currents = parse_cu(await wire.driver.raw(["cu"], force=False))
    return identity, {port: supply_of(current) for port, current in enumerate(currents.ports_ma)}


def _senses(board: WagmanBoard, devices: Sequence[DeviceConfig]) -> Senses[Any]:
    """Return senses that ignore all reports of the driver."""
    wiring, now_s = Wiring(board, tuple(devices)), trio.current_time()
    power = Power[Any](wiring.off_times_s, Pace(0.0, now_s), now_s, _ignore)
    return Senses(wiring, power, Sightings.of(power.ports, power, _ignore), Shown(board.dialect), _ignore, _ignore)


def _ignore(*_: Any) -> None:
    pass


@frozen
class _Nobody:
    """Ignores all news of the link."""

    def on_up(self) -> None:
        pass

    def on_down(self, reason: str) -> None:
        pass

    def progressed(self, within_s: float = 0.0) -> None:
        pass

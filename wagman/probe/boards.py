"""Plain boards: each is asked for its identity and the state of its configured ports, and is not switched."""

from collections.abc import Mapping, Sequence
from functools import partial

import trio

from wagman.config.boards import PlainBoard
from wagman.config.schema import DeviceConfig
from wagman.io.board.plain import NOTHING, answer_of, greeting, looks_at
from wagman.model.backend import Backend, Look
from wagman.model.errors import BoardError, BoardTimeoutError
from wagman.probe.answers import Answer, BoardSeen, PortSeen, since

CLOSE_S = 2.0
"""How long closing the connection may take (chosen)."""

UNTOLD = "the board tells nothing of it: has it such a port?"

IT = "it"
"""The board, in messages that stand below its name."""


async def ask_plain(board: PlainBoard, devices: Sequence[DeviceConfig]) -> BoardSeen:
    """Ask one plain board."""
    backend, began_s = board.backend(), trio.current_time()
    try:
        identity = await answer_of(IT, partial(greeting, backend))
        took_s = since(began_s)
        ports = await _ports(backend, devices)
    except BoardError as error:
        return BoardSeen(board, Answer("no", since(began_s), str(error)))
    finally:
        await _close(backend)
    return BoardSeen(board, Answer("yes", took_s), identity, backend.abilities, ports)


async def _ports(backend: Backend, devices: Sequence[DeviceConfig]) -> tuple[PortSeen, ...]:
    """Ask for all ports at once. If the board refuses, ask one after the other, to find the port that it does not have."""
    if not devices:
        return ()
    try:
        looks: Mapping[str, Look | str] = await answer_of(IT, partial(looks_at, backend, [device.port for device in devices]))
    except BoardTimeoutError as error:
        looks = dict.fromkeys((device.port for device in devices), str(error))
    except BoardError:
        looks = {device.port: await _look(backend, device.port) for device in devices}
    must_tell = backend.abilities.readback != "none"
    return tuple(_seen(device, looks.get(device.port, NOTHING), must_tell=must_tell) for device in devices)


async def _look(backend: Backend, port: str) -> Look | str:
    try:
        return (await answer_of(IT, partial(looks_at, backend, [port]))).get(port, NOTHING)
    except BoardError as error:
        return str(error)


def _seen(device: DeviceConfig, look: Look | str, *, must_tell: bool) -> PortSeen:
    if isinstance(look, str):
        return PortSeen(device.port, device.name, why=look)
    why = UNTOLD if must_tell and look == NOTHING else None
    return PortSeen(device.port, device.name, look.relay, look.watts, look.by, why)


async def _close(backend: Backend) -> None:
    """Close the connection, if the back end keeps one."""
    close = getattr(backend, "aclose", None)
    if close is not None:
        with trio.CancelScope(deadline=trio.current_time() + CLOSE_S, shield=True):
            await close()

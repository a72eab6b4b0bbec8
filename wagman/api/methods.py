"""The methods of the control socket: parameters, result, the role that each needs, and its function."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from wagman.api import params
from wagman.api.access import Role
from wagman.api.discovery import ROLES, document
from wagman.api.method import Caller, Method
from wagman.api.service import Asker, UnknownBoardError, UnknownDeviceError
from wagman.api.shown import shown
from wagman.api.wire import BOARD_ERROR, INVALID_PARAMS, POSITION_ERROR, REFUSED, STORE_ERROR, RpcError
from wagman.model.errors import (
    BoardError,
    BoardRefusedError,
    BoardTimeoutError,
    CallerError,
    LinkGoneError,
    StoreError,
    WagmanError,
)
from wagman.model.facts import VERBS, Verb
from wagman.store import Event, PositionError

# --- What they do -----------------------------------------------------------------------------------------------------


async def _hello(caller: Caller, _: params.Nothing) -> Mapping[str, Any]:
    may = [method.name for method in METHODS.values() if caller.peer.role >= method.role]
    return {**caller.service.hello(), "role": ROLES[caller.peer.role], "may": may}


async def _status(caller: Caller, selection: params.Selection) -> Mapping[str, Any]:
    if selection.devices is None:
        return caller.service.status(words=selection.words)
    return caller.service.status([caller.service.device_name(each) for each in selection.devices], words=selection.words)


async def _command(verb: Verb, caller: Caller, order: params.Command) -> Mapping[str, Any]:
    device = caller.service.device_name(order.device)
    for_s = order.for_s if isinstance(order, params.StopOrder | params.MaintenanceOrder) else None
    return await caller.service.command(verb, device, force=order.force, asker=_asker(caller, order), for_s=for_s)


async def _hibernate(caller: Caller, order: params.HibernateOrder) -> Mapping[str, Any]:
    keep = [caller.service.device_name(each) for each in order.keep or ()]
    return await caller.service.hibernate(order.reason, keep, asker=_asker(caller, order))


async def _wake(caller: Caller, order: params.Behalf) -> Mapping[str, Any]:
    return await caller.service.wake(asker=_asker(caller, order))


def _asker(caller: Caller, order: params.Behalf) -> Asker:
    return Asker(caller.peer.uid, f"pid {caller.peer.pid}", order.on_behalf, order.order)


async def _heartbeat(caller: Caller, order: params.Order) -> Mapping[str, Any]:
    return await caller.service.heartbeat(caller.service.device_name(order.device), uid=caller.peer.uid)


async def _board(caller: Caller, asked: params.BoardCommand) -> Mapping[str, Any]:
    lines = await caller.service.board(asked.command, force=asked.force, uid=caller.peer.uid, board=asked.board)
    return {"lines": list(lines)}


async def _events(caller: Caller, excerpt: params.Excerpt) -> Mapping[str, Any]:
    journal = caller.service.journal
    device = None if excerpt.device is None else caller.service.device_name(excerpt.device)
    page = await journal.page(since=excerpt.since, log_id=excerpt.log_id, limit=excerpt.limit, device=device, type=excerpt.type)
    return {"log_id": journal.log_id, "first_id": journal.first_id, "last_id": journal.last_id, "events": _objects(page, excerpt)}


async def _chain(caller: Caller, causes: params.Causes) -> Mapping[str, Any]:
    return {"events": _objects(await caller.service.journal.chain(causes.id, causes.limit), causes)}


async def _subscribe(caller: Caller, watch: params.Watch) -> Mapping[str, Any]:
    return caller.subscribe(watch)


async def _unsubscribe(caller: Caller, watched: params.Watched) -> Mapping[str, Any]:
    await caller.unsubscribe(watched.subscription)
    return {"subscription": watched.subscription}


async def _discover(_caller: Caller, _: params.Nothing) -> Mapping[str, Any]:
    return document(METHODS.values())


def _objects(page: list[Event], asked: params.Excerpt | params.Causes) -> list[dict[str, Any]]:
    return [shown(event, words=asked.words) for event in page]


# --- Which there are --------------------------------------------------------------------------------------------------

_SUMMARIES: Final[Mapping[Verb, str]] = {
    "start": "Start the guest: the operator wants it up from now on.",
    "stop": "Stop the guest: ask it to halt, and cut its power once it is silent. The operator wants it down from now on.",
    "restart": "Restart the guest: ask it to halt, switch its power off once it is silent, and start it again.",
    "kill": "Cut the power of the guest now, without asking it to halt. The operator wants it down from now on.",
    "enable": "Allow that a disabled guest is started again. This starts nothing.",
    "disable": "Stop the guest as `stop` does, and refuse every start until `enable`.",
    "maintenance": "Leave the guest alone for a while (or end that): the service neither switches its power nor sends it "
    "messages, but goes on recording what it sees.",
}

NOT_FOR_OPERATORS: Final = frozenset[Verb](("kill", "maintenance"))
"""Methods that operators may not call: `kill` may cost a guest its file system, in `maintenance` nobody looks after a guest."""

_FOR_A_WHILE: Final[Mapping[Verb, type[params.Command]]] = {"stop": params.StopOrder, "maintenance": params.MaintenanceOrder}

_COMMANDS = tuple(
    Method(
        *(verb, _SUMMARIES[verb], _FOR_A_WHILE.get(verb, params.Command), "Decision", partial(_command, verb)),
        Role.CONTROLLER if verb in NOT_FOR_OPERATORS else Role.OPERATOR,
    )
    for verb in VERBS
)

METHODS: Final[Mapping[str, Method]] = {
    method.name: method
    for method in (
        Method("hello", "Tell the versions of the service, and what the caller may do.", params.Nothing, "Versions", _hello),
        Method("status", "Tell the state of the node, and of everything on it, now.", params.Selection, "Status", _status),
        *_COMMANDS,
        Method(
            "hibernate",
            "Stop all guests, except those to be kept, until `wake`.",
            params.HibernateOrder,
            "Decision",
            _hibernate,
            Role.CONTROLLER,
        ),
        Method("wake", "End the hibernation that `hibernate` has ordered.", params.Behalf, "Decision", _wake, Role.CONTROLLER),
        Method("heartbeat", "Give a heartbeat on behalf of the guest.", params.Order, "Decision", _heartbeat, Role.CONTROLLER),
        Method("events", "Give a part of the log.", params.Excerpt, "Excerpt", _events),
        Method("chain", "Give an event, its cause, the cause of that, and so on, newest first.", params.Causes, "Causes", _chain),
        Method(
            "subscribe",
            "Send each event to this connection as it happens.",
            params.Watch,
            "Subscription",
            _subscribe,
            in_batch=False,
        ),
        Method("unsubscribe", "Stop sending the events of a subscription.", params.Watched, "Unsubscribed", _unsubscribe),
        Method(
            "board",
            "Send a raw command to the board, and give the board's answer.",
            params.BoardCommand,
            "Lines",
            _board,
            Role.CONTROLLER,
        ),
        Method("rpc.discover", "Give this description, as an OpenRPC document.", params.Nothing, "OpenRPC", _discover),
    )
}

# --- Whose fault it was -----------------------------------------------------------------------------------------------


def told(error: WagmanError) -> RpcError | None:
    """Return the error for the caller, or None for an error that is a defect of the service."""
    reason = str(error)
    match error:
        case UnknownDeviceError() | UnknownBoardError():
            return RpcError(INVALID_PARAMS, reason)
        case PositionError():
            return RpcError(POSITION_ERROR, reason)
        case CallerError() | BoardRefusedError():
            return RpcError(REFUSED, reason, {"reason": reason})
        case BoardError():
            return RpcError(BOARD_ERROR, _board_trouble(error), {"reason": reason})
        case StoreError():
            return RpcError(STORE_ERROR, reason, {"reason": reason})
        case _:
            return None


def _board_trouble(error: BoardError) -> str:
    """Return what an operator can do about the error; what the port or the board itself said comes last."""
    match error:
        case LinkGoneError():
            return f"the link to the board is down: look at the cable and at board.device ({error})"
        case BoardTimeoutError():
            return f"{error}: see wagman status, and try again"
        case _:
            return f"the board's answer makes no sense: try again ({error})"

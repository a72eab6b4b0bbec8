"""What the keys of the live view do: a state and a key give the next state, and perhaps a request. No terminal in here."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

VERBS = {"s": "start", "t": "stop", "r": "restart", "K": "kill", "e": "enable", "d": "disable"}
HINTS = ("j k choose", *(f"{key} {verb}" for key, verb in VERBS.items()), "q quits")
"""What each key does."""

_STEPS = {"j": 1, "\x1b[B": 1, "\x1bOB": 1, "k": -1, "\x1b[A": -1, "\x1bOA": -1}
_QUIT = ("q", "Q", "\x04")

# A key that sends several characters is one key still: none of them may be taken for a command.
_KEY = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|[^\x1b])?|.", re.DOTALL)


class Request(NamedTuple):
    """What the service is to be asked for."""

    verb: str
    device: str


class State(NamedTuple):
    """What the user is doing."""

    chosen: str = ""  # the device that the keys are about
    asked: Request | None = None  # sent once it is confirmed
    said: str = ""  # what came of the last request
    is_over: bool = False


def keys(data: bytes) -> Iterator[str]:
    """The keys that were pressed, where a terminal sent these bytes."""
    return (match[0] for match in _KEY.finditer(data.decode(errors="replace")))


def settled(state: State, devices: Sequence[str]) -> State:
    """The same, with one of these devices chosen, if there is any: the service may have come back with others."""
    return state if state.chosen in devices else state._replace(chosen=devices[0] if devices else "")


def pressed(state: State, key: str, devices: Sequence[str]) -> tuple[State, Request | None]:
    """The state after a key, and what is to be asked for because of it."""
    if state.asked:
        return _answered(state, state.asked, key)
    fresh = state._replace(said="")
    if key in _QUIT:
        return fresh._replace(is_over=True), None
    if key in _STEPS and devices:
        return fresh._replace(chosen=_beside(fresh.chosen, _STEPS[key], devices)), None
    if key in VERBS and state.chosen:
        return fresh._replace(asked=Request(VERBS[key], state.chosen)), None
    return fresh, None


def help_lines(width: int) -> list[str]:
    """What the keys do, in as many lines as it takes."""
    lines = [""]
    for hint in HINTS:
        longer = f"{lines[-1]}  {hint}" if lines[-1] else hint
        lines[-1:] = [longer] if len(longer) <= width or not lines[-1] else [lines[-1], hint]
    return lines


def question(request: Request) -> str:
    """What is asked before it is sent."""
    how = ", cutting its power without a shutdown" if request.verb == "kill" else ""
    return f"{request.verb} {request.device}{how}? y/n"


def _answered(state: State, request: Request, key: str) -> tuple[State, Request | None]:
    if key in ("y", "Y"):
        return state._replace(asked=None), request
    return state._replace(asked=None, said=f"{request.verb} {request.device}: not sent"), None


def _beside(chosen: str, step: int, devices: Sequence[str]) -> str:
    """The next one in that direction; the ends are ends."""
    place = devices.index(chosen) + step if chosen in devices else 0
    return devices[min(max(place, 0), len(devices) - 1)]

"""The keys of the live view: a state and a key give the next state, and perhaps a request. No terminal here."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

VERBS = {"s": "start", "t": "stop", "r": "restart", "K": "kill", "e": "enable", "d": "disable"}
HINTS = ("jk move", *(f"{key} {verb}" for key, verb in VERBS.items()), "? help", "q quit")
"""What each key does, for wide terminals."""

SHORT_HINTS = ("? help", "q quit", "jk move")
"""The keys that lead to all others, for small terminals."""

HELP = (
    ("j k, arrows", "choose a guest"),
    ("b, space", "older, newer events"),
    *((key, f"{verb} it") for key, verb in VERBS.items()),
    ("y", "send what was asked"),
    ("any other", "do not send it"),
    ("?", "this"),
    ("q, ^D, ^C", "quit"),
)
"""All keys, and what each does."""

EVENTS_STEP = 5
"""By how many events one key scrolls (chosen: fewer than the smallest common terminal shows)."""

_STEPS = {"j": 1, "\x1b[B": 1, "\x1bOB": 1, "k": -1, "\x1b[A": -1, "\x1bOA": -1}
_BACK = {"b": EVENTS_STEP, "\x1b[5~": EVENTS_STEP, " ": -EVENTS_STEP, "\x1b[6~": -EVENTS_STEP}
_QUIT = ("q", "Q", "\x04")

# A key that sends several characters is one key: none of them may be taken for a command.
_KEY = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|[^\x1b])?|.", re.DOTALL)


class Request(NamedTuple):
    """A request to the service."""

    verb: str
    device: str


class State(NamedTuple):
    """The state of the keys."""

    chosen: str = ""  # the device that the keys are about
    asked: Request | None = None  # sent once it is confirmed
    said: str = ""  # the answer to the last request
    back: int = 0  # how many newer events are hidden
    helps: bool = False  # the keys are shown
    is_over: bool = False


def keys(data: bytes) -> Iterator[str]:
    """Return the keys that were pressed, from the bytes that the terminal has sent."""
    return (match[0] for match in _KEY.finditer(data.decode(errors="replace")))


def settled(state: State, devices: Sequence[str]) -> State:
    """Return the state with one of these guests chosen, if there is any: after a restart the service may have others."""
    return state if state.chosen in devices else state._replace(chosen=devices[0] if devices else "")


def pressed(state: State, key: str, devices: Sequence[str]) -> tuple[State, Request | None]:
    """Return the state after a key, and the request to be sent, if any."""
    if state.asked:
        return _answered(state, state.asked, key)
    fresh = state._replace(said="", helps=False)
    if key in _QUIT:
        return fresh._replace(is_over=True), None
    if state.helps:  # no question about what is hidden by the help
        return fresh, None
    return _moved(fresh, key, devices), None


def _moved(state: State, key: str, devices: Sequence[str]) -> State:
    """Return the state after a key that sends nothing by itself."""
    if key == "?":
        return state._replace(helps=True)
    if key in _STEPS and devices:
        return state._replace(chosen=_beside(state.chosen, _STEPS[key], devices))
    if key in _BACK:
        return state._replace(back=max(state.back + _BACK[key], 0))
    return state._replace(asked=Request(VERBS[key], state.chosen)) if key in VERBS and state.chosen else state


def came(state: State, events: int, remembered: int) -> State:
    """Take in that so many events have come: scrolled-back events stay in view for as long as they are remembered."""
    return state._replace(back=min(state.back + events, max(remembered - 1, 0))) if state.back else state


def help_lines(width: int, hints: Sequence[str] = HINTS) -> list[str]:
    """Return what the keys do, in as many lines as needed."""
    lines = [""]
    for hint in hints:
        longer = f"{lines[-1]}  {hint}" if lines[-1] else hint
        lines[-1:] = [longer] if len(longer) <= width or not lines[-1] else [lines[-1], hint]
    return lines


def question(request: Request) -> str:
    """Return the question before a request is sent."""
    how = ", cutting its power without a shutdown" if request.verb == "kill" else ""
    return f"{request.verb} {request.device}{how}? y/n"


def _answered(state: State, request: Request, key: str) -> tuple[State, Request | None]:
    if key in ("y", "Y"):
        return state._replace(asked=None), request
    return state._replace(asked=None, said=f"{request.verb} {request.device}: not sent"), None


def _beside(chosen: str, step: int, devices: Sequence[str]) -> str:
    """Return the next guest in that direction, not beyond the ends."""
    place = devices.index(chosen) + step if chosen in devices else 0
    return devices[min(max(place, 0), len(devices) - 1)]

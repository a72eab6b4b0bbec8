"""Connecting to the broker anew whenever the connection is lost, each client after another time."""

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from wagman.bridges.fleet.broker import LinkError, TakenOverError

RETRY_S: Final = 1.0
"""The first pause. Pauses double, and a random part of each is waited (chosen)."""

STEADY_S: Final = 60.0
"""After a connection that lasted so long, pauses begin with `RETRY_S` again (chosen)."""

TAKEN_OVER_S: Final = 300.0
"""How long to stay away after another client took our name (chosen: clients that throw each other out help nobody)."""


async def stay(
    connect: Callable[[], Awaitable[None]],
    most_s: float,
    jitter: Callable[[float], float],
    complain: Callable[[str], None],
    is_ending: trio.Event,
) -> None:
    """Connect again and again, until `is_ending` is set.

    Args:
        connect: returns at the end; raises LinkError if there is no connection, or it is lost.
        most_s: the longest pause between two tries, in seconds.
        jitter: returns a random part of a time.
        complain: prints what is in the way.
        is_ending: set when the program is to end.
    """
    pause_s = RETRY_S
    while not is_ending.is_set():
        began_s = trio.current_time()
        try:
            await connect()
        except TakenOverError as error:
            complain(f"{error}: somebody else has our name; trying again in {TAKEN_OVER_S / 60:g} min")
            await _pause(TAKEN_OVER_S, is_ending)
        except LinkError as error:
            complain(str(error) if is_ending.is_set() else f"{error}; trying again")
            pause_s = RETRY_S if trio.current_time() > began_s + STEADY_S else pause_s
            await _pause(jitter(pause_s), is_ending)
            pause_s = min(2 * pause_s, most_s)


async def _pause(seconds: float, is_ending: trio.Event) -> None:
    with trio.move_on_after(seconds):
        await is_ending.wait()

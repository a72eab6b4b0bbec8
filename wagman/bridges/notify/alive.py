"""The address that is called while all is well. healthchecks.io and similar services tell people when the calls stay away.

So people are told even if this node cannot tell them any more.
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable

import trio
from attrs import define, field

from wagman import __version__
from wagman.bridges.notify.config import Alive
from wagman.bridges.notify.threads import within

CALL_S = 30.0
"""How long a call may take (chosen)."""

SOCKET_S = 10.0
"""How long the other side may be silent during a call (chosen)."""


@define(eq=False, repr=False)
class Caller:
    """Calls the address while all is well.

    Args:
        alive: the address, and how often it is called.
        obstacle: returns what is not well; None if all is well.
        say: prints a line for the journal.
    """

    alive: Alive
    obstacle: Callable[[], str | None]
    say: Callable[[str], None]
    _said: str = field(default="", init=False)
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def run(self) -> None:
        """Call until cancelled."""
        while True:
            await self.call()
            await trio.sleep(self.alive.pulse.every_s)

    async def call(self) -> None:
        """Call once, if all is well."""
        trouble = self.obstacle()
        if trouble is None:
            trouble = await self._called()
        words = "alive: called" if trouble is None else f"alive: not called: {trouble}"
        if words != self._said:
            self._said = words
            self.say(words)

    async def _called(self) -> str | None:
        return await within(CALL_S, f"no answer within {CALL_S:g} s", self._limiter, _get, self.alive.url)


def _get(url: str) -> str | None:
    """Call the address; return why that failed, in words without the address, or None."""
    try:
        request = urllib.request.Request(url, headers={"User-Agent": f"wagman/{__version__}"})  # noqa: S310 - http or https
        with urllib.request.urlopen(request, timeout=SOCKET_S) as answer:  # noqa: S310 - as above
            answer.read(1)
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered with HTTP status {error.code}"
    except urllib.error.URLError as error:
        reason = error.reason
        return (reason.strerror if isinstance(reason, OSError) else None) or "it cannot be reached"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"it cannot be reached ({type(error).__name__})"
    return None

"""The task that tells systemd how the service is: that it supervises, what everything does, and that it is alive.

The sign of life is sent only while the machines and the io task make progress. A board that is dead keeps none of them from
that; a task that hangs does, and systemd restarts the service. No guest notices.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import trio
from attrs import define, field

from wagman.model.shapes import Status
from wagman.store import Event
from wagman.systemd.notify import Notifier
from wagman.systemd.sentence import sentence

SIGNS = 4
"""So many signs of life in the time in which one is expected (chosen: several may be late)."""

REFRESH_S = 30.0
"""How often the status line is made anew where nothing happens (chosen: what everything does begins and ends with an event)."""

LEAST_PAUSE_S = 0.5
"""The least time between two messages, however much happens (chosen)."""


class Reported(Protocol):
    """What is reported on."""

    def status(self) -> Status:
        """How everything is now."""
        ...

    def stuck(self) -> Sequence[str]:
        """The tasks that make no progress."""
        ...


def alive(service: Reported) -> Mapping[str, str]:
    """The sign of life, where the service deserves one."""
    return {} if service.stuck() else {"WATCHDOG": "1"}


@define(eq=False, repr=False)
class Reporter:
    """Keeps systemd informed; `heard` is told of each event, so that news are passed on at once."""

    notifier: Notifier
    _news: trio.Event = field(factory=trio.Event)
    _line_due_s: float = -math.inf

    @property
    def interval_s(self) -> float:
        """The time between two messages while nothing happens."""
        return REFRESH_S if self.notifier.watchdog_s is None else min(REFRESH_S, self.notifier.watchdog_s / SIGNS)

    def heard(self, _event: Event) -> None:
        """Something happened."""
        self._news.set()

    async def run(self, service: Reported) -> None:
        """Say that the service supervises, and from then on how it is, until cancelled."""
        self.notifier.say(READY="1")
        while True:
            news, self._news = self._news, trio.Event()
            reported_s = trio.current_time()
            if news.is_set() or reported_s >= self._line_due_s:
                self._line_due_s = reported_s + REFRESH_S
                self.report(service)
            elif sign := alive(service):
                self.notifier.say(**sign)
            with trio.move_on_at(reported_s + self.interval_s):
                await self._news.wait()
            await trio.sleep_until(reported_s + min(LEAST_PAUSE_S, self.interval_s))

    def report(self, service: Reported) -> None:
        """How the service is, with a sign of life if it deserves one."""
        self.notifier.say(STATUS=sentence(service.status()), **alive(service))

    def reload(self, work: Callable[[], None]) -> None:
        """Do `work`, which takes over another configuration, while systemd knows that this goes on."""
        self.notifier.say(RELOADING="1")
        try:
            work()
        finally:
            self.notifier.say(READY="1")
            self._news.set()

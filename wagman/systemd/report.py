"""The task that tells systemd how the service is: that it has started, the state in words, and that it is alive.

Signs of life are sent only while the machines and the tasks of boards and ears make progress. A dead board does not stop these. A
task that hangs does, and then systemd restarts the service. No guest notices.
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
"""How many signs of life are sent in the watchdog's time (chosen: several may be late)."""

REFRESH_S = 30.0
"""How often the status line is renewed if nothing happens (chosen: all changes begin and end with an event)."""

LEAST_PAUSE_S = 0.5
"""The least time between two messages, however many events there are (chosen)."""


class Reported(Protocol):
    """The service, as far as it is reported on."""

    def status(self) -> Status:
        """Return the present status."""
        ...

    def stuck(self) -> Sequence[str]:
        """Return the tasks that make no progress."""
        ...


def alive(service: Reported) -> Mapping[str, str]:
    """Return the field of a sign of life; nothing while a task is stuck."""
    return {} if service.stuck() else {"WATCHDOG": "1"}


@define(eq=False, repr=False)
class Reporter:
    """Keeps systemd informed. `heard` is called with each event, so that news are passed on at once."""

    notifier: Notifier
    _news: trio.Event = field(factory=trio.Event)
    _line_due_s: float = -math.inf

    @property
    def interval_s(self) -> float:
        """The time between two messages if nothing happens."""
        return REFRESH_S if self.notifier.watchdog_s is None else min(REFRESH_S, self.notifier.watchdog_s / SIGNS)

    def heard(self, _event: Event) -> None:
        """Take in that something happened."""
        self._news.set()

    async def run(self, service: Reported) -> None:
        """Say that the service has started, and then how it is, until cancelled."""
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
        """Send the status line, with a sign of life if no task is stuck."""
        self.notifier.say(STATUS=sentence(service.status()), **alive(service))

    def reload(self, work: Callable[[], None]) -> None:
        """Do `work`, which takes over another configuration; systemd is told of its beginning and its end."""
        self.notifier.say(RELOADING="1")
        try:
            work()
        finally:
            self.notifier.say(READY="1")
            self._news.set()

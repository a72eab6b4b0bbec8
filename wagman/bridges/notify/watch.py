"""Whether the service answers, and which problems stand: a task that asks now and then."""

from collections.abc import Mapping, Sequence
from typing import Any

import trio
from attrs import define, field

from wagman.bridges.asking import ask
from wagman.client.errors import ClientError

LOOK_S = 30.0
"""How often the service is asked (chosen)."""

AWAY_S = 300.0
"""How long the service may be out of reach before people are told (chosen: a restart or an upgrade takes less)."""

AWAY: Mapping[str, Any] = {
    "id": "notify:away",
    "severity": "critical",
    "text": "the service cannot be reached: nobody looks after the guests, or nobody can tell",
    "do": "systemctl status wagman; journalctl -u wagman -n 50",
}
"""The problem that the service itself cannot report."""

BACK = "the service can be reached again"


async def standing(path: str) -> Sequence[Mapping[str, Any]]:
    """Return the problems that stand. Raises ClientError."""
    problems: Sequence[Mapping[str, Any]] = (await ask(path, "status")).get("problems", ())
    return problems


@define(eq=False)
class Watch:
    """Watches whether the service at `path` answers."""

    path: str
    problems: Sequence[Mapping[str, Any]] | None = field(default=None, init=False)  # None: it does not answer
    _away_since_s: float | None = field(default=None, init=False)  # on trio's clock

    async def run(self) -> None:
        """Ask the service every `LOOK_S` until cancelled."""
        while True:
            await self.look()
            await trio.sleep(LOOK_S)

    async def look(self) -> None:
        """Ask the service once."""
        try:
            self.problems, self._away_since_s = await standing(self.path), None
        except ClientError:
            self.problems = None
            self._away_since_s = trio.current_time() if self._away_since_s is None else self._away_since_s

    @property
    def is_away(self) -> bool:
        """Whether the service has been out of reach for `AWAY_S`, so that people are told."""
        return self._away_since_s is not None and trio.current_time() - self._away_since_s >= AWAY_S

    @property
    def is_critical(self) -> bool:
        """Whether a critical problem stands."""
        return any(problem["severity"] == "critical" for problem in self.problems or ())

"""The promises, each as a checker that sees a node from outside only.

A checker is shown every record, before the scene takes it in, and yields what is wrong with it in words. What one may demand
is narrower than it looks: commands change on a cable that changes bytes, boards start and cut ports by themselves, and nobody
can see through a silent link. So a relay counts as moved by the service only where one of its requests licensed that, a guest
as silent only up to what the service had read by then, and what is shown has to be true only where the service could know.

- `checker`   what a checker is, and how long it waits before it judges
- `cuts`      promise 1; `starts`: 2, 5 and 9; `order`: `after`, of 2; `telling`: 3 and 7; `holding`: 6, 8, 10 and 11
"""

from wagman.simulation.promises.checker import STATES, Checker, Violation
from wagman.simulation.promises.cuts import CutsAreEarned, WaysStayOpen
from wagman.simulation.promises.holding import CrashesAreContained, DecisionsLast, HeatIsObeyed, NothingLostByOutages
from wagman.simulation.promises.order import InOrder
from wagman.simulation.promises.starts import LadderHolds, MediaFollow, OneAtATime
from wagman.simulation.promises.telling import LogIsWhole, ShownIsTrue

__all__ = [
    "STATES",
    "Checker",
    "CrashesAreContained",
    "CutsAreEarned",
    "DecisionsLast",
    "HeatIsObeyed",
    "InOrder",
    "LadderHolds",
    "LogIsWhole",
    "MediaFollow",
    "NothingLostByOutages",
    "OneAtATime",
    "ShownIsTrue",
    "Violation",
    "WaysStayOpen",
    "all_checkers",
]


def all_checkers() -> list[Checker]:
    """One of each."""
    return [
        CutsAreEarned(),
        OneAtATime(),
        InOrder(),
        ShownIsTrue(),
        MediaFollow(),
        NothingLostByOutages(),
        LogIsWhole(),
        HeatIsObeyed(),
        LadderHolds(),
        CrashesAreContained(),
        DecisionsLast(),
        WaysStayOpen(),
    ]

"""The promises, each with a checker that sees a node only from outside.

A checker gets every record, before the scene takes it in, and yields in words what is wrong with it. What may be demanded is
narrower than it seems: a cable that changes bytes changes commands, boards start and cut ports by themselves, and nobody can see
through a silent link. So a relay counts as moved by the service only if one of its requests licensed that; a guest counts as
silent only up to what the service had read by then; and what is shown has to be true only if the service could know.

- `checker`   the interface of a checker, and how long it waits before it judges
- `cuts`      promises 1 and 12; `starts`: 2, 5 and 9; `order`: `after`, of 2; `telling`: 3 and 7; `holding`: 6, 8, 10 and 11
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
    """Return a new checker of each kind."""
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

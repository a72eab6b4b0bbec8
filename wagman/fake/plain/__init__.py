"""Plugs that were never sold: outlets with guests on them, as a back end of the service, and what is wrong with real ones.

- `plugs`   a rail of outlets that does as it is told, and remembers what its contacts did
- `faults`  what makes of it something that can be bought: wrappers that stack
"""

from wagman.fake.plain.faults import (
    Flaky,
    Hangs,
    Late,
    MeterLies,
    Neighbour,
    NotDone,
    PendingLost,
    Refuses,
    Replayed,
    ReplyLost,
    Stale,
    Stranger,
)
from wagman.fake.plain.plugs import FakePlugs

__all__ = [
    "FakePlugs",
    "Flaky",
    "Hangs",
    "Late",
    "MeterLies",
    "Neighbour",
    "NotDone",
    "PendingLost",
    "Refuses",
    "Replayed",
    "ReplyLost",
    "Stale",
    "Stranger",
]

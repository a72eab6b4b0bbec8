"""Plugs that were never sold: outlets with guests, as a back end of the service, with the faults of real ones.

- `plugs`   a rail of outlets that does as it is told, and records what its contacts did
- `faults`  wrappers with the faults of switches that people can buy; they stack
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

"""The rolling log of events, and the state that must last.

- `journal`  the one door for the rest of the service: record, load, page, subscribe; a trio task
- `feed`     subscriptions: the past first, then live
- `pending`  what waits in memory for its commit
- `unwritten`  how many events were shown that no log has yet
- `repeats`  repeats collapse into one event with a count
- `disk`     how long a call may take, and when a disk that fails is tried again
- `sqlite`   the file: synchronous; `batch`: what it is asked for
- `limits`   its bounds in rows and bytes
- `schema`   its tables and migrations
- `aside`    moving a file that cannot be used out of the way
- `event`    what an event looks like, and how large it may be
- `keeper`   a small text beside the log, which outlives it
- `decisions`  what operators decided: the file beside the log, and what a configuration makes of it
- `remembered`  what earlier runs left, from both of them
- `owner`    whose the files are
"""

from wagman.store.batch import Loaded
from wagman.store.disk import Blocking, inline, threaded
from wagman.store.event import PREVIOUS, Cause, Event, Ref, placed
from wagman.store.feed import Lagged, PositionError, Subscription
from wagman.store.journal import Journal
from wagman.store.keeper import Keeper, SmallFile
from wagman.store.limits import Limits
from wagman.store.pending import Receipt
from wagman.store.sqlite import Store
from wagman.store.unwritten import SETTLED_KEY

__all__ = [
    "PREVIOUS",
    "SETTLED_KEY",
    "Blocking",
    "Cause",
    "Event",
    "Journal",
    "Keeper",
    "Lagged",
    "Limits",
    "Loaded",
    "PositionError",
    "Receipt",
    "Ref",
    "SmallFile",
    "Store",
    "Subscription",
    "inline",
    "placed",
    "threaded",
]

"""The rolling log of events, and the state that outlasts the service.

- `journal`  the one door for the rest of the service: record, load, page, subscribe; a trio task
- `feed`     subscriptions: the past first, then live
- `pending`  events and state that wait in memory for their commit
- `unwritten`  how many events were shown that no log has yet
- `repeats`  repeats collapse into one event with a count
- `disk`     how long a call may take, and when a disk that failed is tried again
- `sqlite`   the file: synchronous; `batch`: its words
- `limits`   the bounds of the file in rows and bytes
- `schema`   the tables of the file, and migrations
- `aside`    moving a file that cannot be used out of the way
- `event`    what an event looks like, and how large it may be
- `keeper`   a small text beside the log, which outlives the log
- `decisions`  what operators decided: the file beside the log, and what another configuration makes of it
- `remembered`  what earlier runs left, from the log and the file beside it
- `owner`    who owns the files
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

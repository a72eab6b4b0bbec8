"""The words between the journal and the file: what one transaction writes, which events to read, what an opening found."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

from attrs import field, fields, frozen

from wagman.model.words import enumerated
from wagman.store.aside import SetAside
from wagman.store.event import Event
from wagman.store.limits import PAGE_BYTES, Extent
from wagman.store.remembered import may_decide

SPARE_PAGES = 16
"""How many pages a transaction touches besides its own rows (chosen, generously)."""

ROW_BYTES = 512
"""The most bytes that a row takes besides its fields."""

COLUMNS = ", ".join(str(column.alias) for column in fields(Event))
MARKS = ", ".join("?" for _ in fields(Event))


@frozen
class Opened:
    """What an opened file holds."""

    log_id: str
    held: Extent
    memory: Mapping[str, str]  # key to JSON
    fresh: bool  # the log begins with this opening
    set_aside: tuple[SetAside, ...] = ()

    @property
    def illegible(self) -> tuple[str, ...]:
        """The keys whose values are no JSON: SQLite's quick_check does not see what a flipped bit makes of a text."""
        return tuple(key for key, value in self.memory.items() if not _is_json(value))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


@frozen
class Loaded:
    """The lasting state as it was found at the start: the newest value of each key."""

    memory: Mapping[str, Any]
    trusted: bool  # False: the log is new, was replaced, or cannot be read; or a part that may hold decisions is not legible
    lost: str | None = None  # why an existing log was set aside; None: none was
    # why an existing log cannot be read, so that its state may come later; None: it could be read, or there is none
    unread: str | None = None

    @classmethod
    def of(cls, opened: Opened) -> Self:
        """The lasting state of an opened log, without what is not legible."""
        lost = "; ".join(each.reason for each in opened.set_aside) or None
        illegible = opened.illegible
        memory = {key: json.loads(value) for key, value in opened.memory.items() if key not in illegible}
        decisions = [key for key in illegible if may_decide(key)]
        if decisions:
            return cls(memory, trusted=False, lost=lost or f"what lasted is not legible: {enumerated(decisions)}")
        return cls(memory, trusted=not opened.fresh, lost=lost)


@frozen
class Batch:
    """Events and state that one transaction writes."""

    events: Sequence[Event]  # their ids continue those of the log
    memory: Mapping[str, str | None] = field(factory=dict)  # key to JSON; None forgets the key

    def pages(self) -> int:
        """The most pages that the batch needs."""
        # Doubled, because in the worst case a row of half a page and a byte wastes the rest.
        sizes = [len(event.text) + ROW_BYTES for event in self.events]
        sizes += [len(key) + len(value or "") + ROW_BYTES for key, value in self.memory.items()]
        return 2 * sum(sizes) // PAGE_BYTES + SPARE_PAGES


@frozen
class Query:
    """A choice of events: those after a place in the log, or else the last ones."""

    after_id: int | None = None
    from_time: str | None = None
    limit: int = 100
    device: str | None = None
    type: str | None = None  # also finds types below it: "device" finds "device.started"

    @property
    def forward(self) -> bool:
        """Whether the limit counts forward from a place in the log, and not back from its end."""
        return self.after_id is not None or self.from_time is not None

    def fits(self, event: Event) -> bool:
        """Whether an event that is not in the log yet is among the chosen ones."""
        return (
            (self.device is None or event.device == self.device)
            and (self.type is None or f"{event.type}.".startswith(f"{self.type}."))
            and (self.from_time is None or event.time >= self.from_time)
        )

    def sql(self) -> str:
        """The statement that reads the events; it takes the attributes as named values."""
        terms = {
            "id > :after_id": self.after_id,
            "time >= :from_time": self.from_time,
            "device = :device": self.device,
            "(type = :type OR substr(type, 1, length(:type) + 1) = :type || '.')": self.type,
        }
        where = " AND ".join(term for term, value in terms.items() if value is not None) or "TRUE"
        order = "ASC" if self.forward else "DESC"
        return f"SELECT {COLUMNS} FROM event WHERE {where} ORDER BY id {order} LIMIT :limit"  # noqa: S608 - values are bound

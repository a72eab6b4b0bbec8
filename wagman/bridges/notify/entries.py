"""Entries, what is told of one thing: an event about a guest, however often it came, or a problem. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve, field, frozen
from attrs.validators import instance_of, optional

from wagman.bridges.notify.rules import RANKS
from wagman.model.catalogue import EVENT_TYPES, sentence_of, severity_of
from wagman.model.words import plain

MOST_CHARS = 500
"""The longest sentence (chosen: the text of a problem, and the last line that a command printed)."""

LOG = "log"
"""The key of the entry about the log itself."""

_LINK = re.compile(r"\[([^]]*)\]\(([^)#]*)[^)]*\)")


@frozen
class Entry:
    """One thing to be told."""

    # Some of them come from a file, which may be damaged.
    key: str = field(validator=instance_of(str))  # the same for the same kind of thing about the same guest
    severity: str = field(validator=instance_of(str))
    text: str = field(validator=instance_of(str))
    since_s: float = field(validator=instance_of((int, float)))  # when it became known, by the wall clock
    do: str = field(default="", validator=instance_of(str))
    device: str | None = field(default=None, validator=optional(instance_of(str)))
    # the time of the first event, RFC 3339; None: not known
    first: str | None = field(default=None, validator=optional(instance_of(str)))
    last: str | None = field(default=None, validator=optional(instance_of(str)))
    count: int = field(default=1, validator=instance_of(int))
    is_over: bool = field(default=False, validator=instance_of(bool))  # a problem that has ended

    @property
    def rank(self) -> int:
        """The rank of its severity; the lowest for a problem that is over."""
        return 0 if self.is_over else RANKS.get(self.severity, 0)

    @property
    def is_urgent(self) -> bool:
        """Whether it is told in quiet hours, too."""
        return self.rank == RANKS["critical"]

    @property
    def is_problem(self) -> bool:
        """Whether it is about a problem. The service takes care that one problem is not told again and again."""
        return self.key.startswith("problem ")

    def before(self, later: "Entry") -> "Entry":
        """Merge a later entry of the same key into this one: its text, the first time, both counts."""
        is_as_grave = later.is_problem or later.rank >= self.rank
        severity = later.severity if is_as_grave else self.severity
        return evolve(later, severity=severity, since_s=self.since_s, first=self.first, count=self.count + later.count)


def of_event(event: Mapping[str, Any], user: Callable[[int], str], now_s: float) -> Entry:
    """Return the entry of an event; for an event about a problem, that of the problem."""
    type_, device, fields = event["type"], event["device"], event["fields"]
    when = None if event.get("clock") == "unset" else event["time"]
    if type_.startswith("problem."):
        return of_problem({**fields, "device": device}, now_s, when, is_over=type_ == "problem.ended")
    severity, kind = severity_of(type_, fields), EVENT_TYPES.get(type_)
    do = "" if kind is None or severity == "info" else _LINK.sub(r'"\1" in \2', kind.do)
    return Entry(f"{type_} {device or ''}", severity, cut(sentence_of(event, user)), now_s, cut(do), _named(device), when, when)


def of_problem(problem: Mapping[str, Any], now_s: float, when: str | None, *, is_over: bool = False) -> Entry:
    """Return the entry of a problem, from an event or from the status."""
    id_, severity, text, do, device = (problem.get(key) for key in ("id", "severity", "text", "do", "device"))
    words = cut(text or "a problem that does not say what it is")
    told = "" if is_over else cut(do or "")
    # What calls for nobody is no more than information; what nobody knows may call for somebody.
    severity = "info" if severity == "notice" else severity if isinstance(severity, str) and severity in RANKS else "warning"
    return Entry(f"problem {id_}", severity, words, now_s, told, _named(device), when, when, is_over=is_over)


def _named(device: object) -> str | None:
    return None if device is None else cut(device)


def cut(text: object) -> str:
    """Return the text on one line, without control characters, and cut to `MOST_CHARS`."""
    words = plain(" ".join(str(text).split()))
    return words if len(words) <= MOST_CHARS else f"{words[: MOST_CHARS - 3]}..."

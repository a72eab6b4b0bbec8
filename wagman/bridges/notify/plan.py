"""The plan of one destination: what is to be told, gathered, collapsed, and limited by its rules. Pure: times are given.

Events and problems go in, and a `Digest` comes out when one is due. Everything is bounded: one entry waits for each kind of thing
and guest, and of things that find no room only the number is told.

- *Gathered*: everything within `gather_s` is one digest.
- *Collapsed*: the same event about the same guest is one entry with a count, and is not told again within `repeat_s`. A problem
  is told when it begins, changes and ends; the service takes care that this is not again and again.
- *Limited*: no more digests go out than `most` says. Waiting entries are collapsed on.
- *Quiet*: in these hours only critical things are told. A problem that has ended is not critical any more.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from attrs import asdict, define, evolve, field

from wagman.bridges.notify.entries import LOG, Entry, cut, of_event, of_problem
from wagman.bridges.notify.rules import Moment, Rules
from wagman.model.catalogue.kind import number
from wagman.model.words import duration

URGENT_GATHER_S = 5.0
"""The longest time for which critical things are gathered (chosen: what comes with them is told with them)."""

MOST_KINDS = 200
"""The most entries that wait (chosen: a node has some ten guests, each with a few kinds of trouble)."""

MOST_STANDING = 500
"""The most problems that are known to stand (chosen)."""

OWN = "notify:"
"""The beginning of the ids of this program's own problems, which the service does not know."""

MOST_UNWRITTEN = 1000
"""How many events without an id are remembered, to recognise them when they come with one (chosen)."""


class _Call(NamedTuple):
    """What was told of a problem that stands."""

    severity: str
    text: str
    do: str

    @classmethod
    def read(cls, text: str) -> "_Call":
        """Read it from its text; raises TypeError or ValueError."""
        call = cls(*json.loads(text))
        if not all(isinstance(word, str) for word in call):
            raise ValueError("a problem without its words")
        return call


class Digest(NamedTuple):
    """The content of one message, the gravest entry first; `left_out` further things found no room."""

    entries: Sequence[Entry]
    left_out: int = 0

    @property
    def things(self) -> int:
        """The number of things in it."""
        return sum(entry.count for entry in self.entries) + self.left_out

    @property
    def rank(self) -> int:
        """The rank of its gravest entry."""
        return max((entry.rank for entry in self.entries), default=0)


@define
class Plan:
    """What is to be told to a destination, and what was told.

    Args:
        rules: of the destination.
        user: returns the name of a user id, for sentences.
    """

    rules: Rules
    user: Callable[[int], str] = str
    pending: dict[str, Entry] = field(factory=dict, init=False)
    left_out: int = field(default=0, init=False)
    standing: dict[str, str] = field(factory=dict, init=False)  # problems that were taken in: severity, text and remedy
    told: dict[str, float] = field(factory=dict, init=False)  # when each kind of event was told last
    sent: list[float] = field(factory=list, init=False)  # when the latest digests went out, as many as are allowed
    unwritten: dict[str, None] = field(factory=dict, init=False)  # events that came without an id
    seen_s: float = field(default=-math.inf, init=False)

    # --- In -----------------------------------------------------------------------------------------------------------

    def take(self, event: Mapping[str, Any], now: Moment) -> None:
        """Take in an event."""
        self._heed(now)
        if self._is_known(event):
            return
        entry = of_event(event, self.user, now.s)
        if not entry.is_problem:
            if self.rules.wants(event["type"], entry.severity):
                self._add(entry)
        elif entry.is_over:
            self._over(evolve(entry, text=entry.text + _lasted(event)), event["type"])
        else:
            self._began(entry, event["type"])

    def stand(self, problems: Sequence[Mapping[str, Any]], now: Moment) -> None:
        """Take in the problems that stand now: all others have ended. For use after events were missed."""
        self._heed(now)
        found = [of_problem(problem, now.s, problem.get("since")) for problem in problems]
        gone = self.standing.keys() - {entry.key for entry in found}
        for key in sorted(key for key in gone if not key.startswith(f"problem {OWN}")):
            text = _Call.read(self.standing[key]).text
            self._over(Entry(key, "info", f"{text} (when it ended was not seen)", now.s, is_over=True), "problem.ended")
        for entry in found:
            self._began(entry, "problem.began")

    def began(self, problem: Mapping[str, Any], now: Moment) -> None:
        """Take in a problem of this program's own, which the service does not know."""
        self._heed(now)
        self._began(of_problem(problem, now.s, None), "problem.began")

    def ended(self, id_: str, text: str, now: Moment) -> None:
        """Take in that a problem of this program itself has ended."""
        self._heed(now)
        self._over(of_problem({"id": id_, "text": text}, now.s, None, is_over=True), "problem.ended")

    def missed(self, words: str, now: Moment) -> None:
        """Take in that events cannot be had any more, for the reason in `words`."""
        self._heed(now)
        do = "wagman events and wagman status have what is known"
        self._add(Entry(LOG, "warning", cut(f"not everything could be told: {words}"), now.s, do))

    def _is_known(self, event: Mapping[str, Any]) -> bool:
        """Return whether the event came before without an id. An event without an id is remembered."""
        likeness = _likeness(event)
        if event["id"] is not None:
            return bool(self.unwritten) and self.unwritten.pop(likeness, event) is None
        is_known = likeness in self.unwritten
        self.unwritten[likeness] = None
        while len(self.unwritten) > MOST_UNWRITTEN:
            del self.unwritten[next(iter(self.unwritten))]
        return is_known

    def _began(self, entry: Entry, type_: str) -> None:
        if not self.rules.wants(type_, entry.severity):
            return
        call = json.dumps(_Call(entry.severity, entry.text, entry.do))
        if self.standing.get(entry.key) == call:
            return
        if entry.key in self.standing or len(self.standing) < MOST_STANDING:
            self.standing[entry.key] = call
        self._add(entry)

    def _over(self, entry: Entry, type_: str) -> None:
        """Add the end of a problem, if its beginning was told."""
        call = self.standing.pop(entry.key, None)
        if call is not None and self.rules.wants(type_, _Call.read(call).severity):
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        before = self.pending.get(entry.key)
        if before is None and len(self.pending) >= MOST_KINDS and not (entry.is_urgent and self._make_room()):
            self.left_out += entry.count
        else:
            self.pending[entry.key] = entry if before is None else before.before(entry)

    def _make_room(self) -> bool:
        """Leave out a waiting entry that is not critical; return whether there was one."""
        mild = next((entry for entry in self.pending.values() if not entry.is_urgent), None)
        if mild is not None:
            self.left_out += self.pending.pop(mild.key).count
        return mild is not None

    @property
    def own(self) -> set[str]:
        """The ids of this program's own problems that stand."""
        return {key.removeprefix("problem ") for key in self.standing if key.startswith(f"problem {OWN}")}

    # --- Out ----------------------------------------------------------------------------------------------------------

    def due_s(self, now: Moment) -> float:
        """Return when something is to be told next, as far as is known now; infinite if nothing waits."""
        self._heed(now)
        quiet_s = self.rules.quiet.left_s(now) if self.rules.quiet else 0.0
        return min((self._due_s(entry, now.s + quiet_s) for entry in self.pending.values()), default=math.inf)

    def next(self, now: Moment) -> Digest | None:
        """Return what is to be told now, and count it as told; None if nothing is due."""
        if self.due_s(now) > now.s:
            return None
        is_quiet = self.rules.quiet is not None and self.rules.quiet.left_s(now) > 0
        free = [entry for entry in self.pending.values() if self._held_s(entry) <= now.s]
        chosen = [entry for entry in free if entry.is_urgent or not is_quiet]
        for entry in chosen:
            del self.pending[entry.key]
            if not entry.is_problem:
                self.told[entry.key] = now.s
        self.told = {key: at_s for key, at_s in self.told.items() if at_s + self.rules.repeat_s > now.s}
        self.sent = [*self.sent, now.s][-self.rules.most.most :]
        digest = Digest(sorted(chosen, key=lambda entry: -entry.rank), self.left_out)
        self.left_out = 0
        return digest

    def _due_s(self, entry: Entry, loud_s: float) -> float:
        """Return when an entry may be told; `loud_s` is when quiet hours are over."""
        gather_s = min(self.rules.gather_s, URGENT_GATHER_S) if entry.is_urgent else self.rules.gather_s
        held_s = max(entry.since_s + gather_s, self._held_s(entry), self._free_s(is_urgent=entry.is_urgent))
        return held_s if entry.is_urgent else max(held_s, loud_s)

    def _held_s(self, entry: Entry) -> float:
        """Return until when an entry of this key is not told again."""
        return self.told.get(entry.key, -math.inf) + self.rules.repeat_s

    def _free_s(self, *, is_urgent: bool) -> float:
        """Return when the rate allows the next digest."""
        most, per_s = self.rules.most
        allowed = most if is_urgent else most - self.rules.most.reserve
        return -math.inf if len(self.sent) < allowed else self.sent[-allowed] + per_s

    def _heed(self, now: Moment) -> None:
        """Take note of the time.

        If the clock was set back, nobody knows how long ago the times were that lie in the future now: they hold nothing up any
        more.
        """
        if now.s < self.seen_s:
            self.sent = [at_s for at_s in self.sent if at_s <= now.s]
            self.told = {key: at_s for key, at_s in self.told.items() if at_s <= now.s}
            self.pending = {key: evolve(each, since_s=min(each.since_s, now.s)) for key, each in self.pending.items()}
        self.seen_s = now.s

    # --- Kept ---------------------------------------------------------------------------------------------------------

    def saved(self) -> dict[str, Any]:
        """Return everything, for a file."""
        return {
            "pending": [asdict(entry) for entry in self.pending.values()],
            "left_out": self.left_out,
            "standing": self.standing,
            "told": self.told,
            "sent": self.sent,
            "unwritten": list(self.unwritten),
            "seen_s": None if math.isinf(self.seen_s) else self.seen_s,
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Restore what was saved; raises KeyError, TypeError or ValueError if it cannot be read."""
        self.pending = {entry.key: entry for entry in (Entry(**each) for each in saved["pending"])}
        self.left_out = int(saved["left_out"])
        self.standing = {str(key): json.dumps(_Call.read(call)) for key, call in saved["standing"].items()}
        self.told = {str(key): float(at_s) for key, at_s in saved["told"].items()}
        self.sent = [float(at_s) for at_s in saved["sent"]][-self.rules.most.most :]
        self.unwritten = dict.fromkeys(map(str, saved["unwritten"]))
        self.seen_s = -math.inf if saved["seen_s"] is None else float(saved["seen_s"])


def _likeness(event: Mapping[str, Any]) -> str:
    """Return the parts of an event that stay the same when it gets its id, as a short hash: many are kept in the file."""
    parts = [event["boot_id"], event["mono_s"], event["type"], event["device"], event["fields"]]
    return blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=12).hexdigest()


def _lasted(event: Mapping[str, Any]) -> str:
    after_s = number(event["fields"].get("after_s"))
    return "" if after_s is None else f" (over after {duration(after_s)})"

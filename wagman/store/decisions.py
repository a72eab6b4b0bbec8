"""What operators have decided about guests, and which tables of the configuration that was about. Pure: text in, text out.

It is kept as a small text beside the log (`decisions.json`), for a log may be lost, damaged, of another version, or somebody
else's, and what an operator has stopped or disabled is to stay down all the same.
"""

import json
from collections.abc import Collection, Container, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from attrs import asdict, evolve, field, frozen

from wagman.config.schema import Config
from wagman.model.errors import StoreError
from wagman.model.facts import DEFAULT_BOARD, VERBS, Plug, Port

MAY_BE_MISSING = ("decision", "left", "on_behalf")
"""What is written only where there is something to say."""

FORMAT = 1
"""Of the text; one with a greater number was written by a newer program."""

Wanted: TypeAlias = Literal["up", "down"]
Power: TypeAlias = Literal["unknown", "off"]


@frozen
class Decision:
    """The last decision about a guest: how, and by whom."""

    serial: int  # greater than that of any decision before: wall clocks may be set back
    verb: str
    who: str
    uid: int | None
    at: str  # wall time
    on_behalf: str | None = None  # whom the one who asked asked for

    @property
    def by(self) -> str:
        """Who decided it."""
        return f"{self.on_behalf} through {self.who}" if self.on_behalf else self.who


@frozen
class Entry:
    """A guest's table in the configuration, and what holds for the guest."""

    port: Port
    board: str = DEFAULT_BOARD
    wanted: Wanted = "up"
    enabled: bool = True
    decision: Decision | None = None  # None: nobody has decided anything
    left: Power | None = None  # the table is gone: what is known of the port's power since; None: the table is there

    @property
    def plug(self) -> Plug:
        """The outlet that the guest gets its power from."""
        return Plug(self.board, self.port)

    @property
    def serial(self) -> int:
        """The serial of the decision; 0 where there is none."""
        return 0 if self.decision is None else self.decision.serial

    @property
    def told(self) -> dict[str, Any]:
        """What is told of the decision."""
        made = self.decision
        by = {} if made is None else {"verb": made.verb, "who": made.who, "uid": made.uid}
        behalf = {"for": made.on_behalf} if made and made.on_behalf else {}
        return {**by, **behalf, "decided_at": made and made.at}

    @property
    def holds(self) -> tuple[Wanted, bool]:
        """What holds for the guest, whoever decided it."""
        return self.wanted, self.enabled

    @property
    def stays_down(self) -> bool:
        """Whether somebody has stopped or disabled the guest."""
        return self.wanted == "down" or not self.enabled


BOTH = frozenset({"wanted", "enabled"})

DECIDES: Mapping[str, frozenset[str]] = {
    # Whoever starts what was disabled, in a run that cannot know of it, has said that it may run.
    **dict.fromkeys(("start", "restart", "disable"), BOTH),
    **dict.fromkeys(("stop", "kill"), frozenset({"wanted"})),
    "enable": frozenset({"enabled"}),
}
"""What each request decides about a guest; the rest stays as it was decided before."""


def merged(own: Entry, past: Entry, decided: Collection[str], above: int) -> Entry:
    """What holds by what is known of the past, and by what has been `decided` since, which is later than all of that.

    `above` is the greatest serial in the past.
    """
    decision = past.decision if own.decision is None or not decided else evolve(own.decision, serial=own.serial + above)
    wanted, enabled = own.wanted if "wanted" in decided else past.wanted, own.enabled if "enabled" in decided else past.enabled
    return evolve(own, wanted=wanted, enabled=enabled, decision=decision)


@frozen
class Tally:
    """Events that were shown while nothing could be written, by run of the service: the oldest first, the present one last."""

    runs: tuple[tuple[str, int], ...] = ()  # the run's boot id, and how many

    def counting(self, boot_id: str, count: int) -> "Tally":
        """The tally with the count of the present run."""
        # Only the first run and the present one can have written a part of theirs: those between count as one.
        first, *between = [(run, shown) for run, shown in self.runs if run != boot_id] or [("", 0)]
        middle = [(between[-1][0], sum(shown for _, shown in between))] if between else []
        return Tally(tuple(each for each in (first, *middle, (boot_id, count)) if each[1]))

    def missing(self, settled: Any) -> int:
        """How many of the events no log has or tells of; `settled` is what the log says of that, by run."""
        known = settled if isinstance(settled, dict) else {}
        counts = [(shown, known.get(run)) for run, shown in self.runs]
        return sum(max(0, shown - told) if isinstance(told, int) else shown for shown, told in counts)


@frozen
class Kept:
    """The content of the text."""

    entries: Mapping[str, Entry] = field(factory=dict)  # by the name of the table
    unwritten: Tally = Tally()
    run: int = 0  # of the service, that wrote it: each is greater than all before that it knew of; 0: an older program
    heard: Mapping[str, tuple[str, ...]] = field(factory=dict)  # the sources of each guest that were ever heard


# --- As text ----------------------------------------------------------------------------------------------------------


def render(kept: Kept) -> str:
    """The text, with a line for each guest: people read it, too."""
    entries = ",\n".join(f"  {json.dumps(name)}: {json.dumps(_plain(each))}" for name, each in kept.entries.items())
    unwritten = f',\n "unwritten": {json.dumps(dict(kept.unwritten.runs))}' if kept.unwritten.runs else ""
    heard = f',\n "heard": {json.dumps(dict(kept.heard))}' if kept.heard else ""
    return f'{{"format": {FORMAT}, "run": {kept.run}, "devices": {{\n{entries}\n }}{heard}{unwritten}}}\n'


def _plain(entry: Entry) -> dict[str, Any]:
    plain = asdict(entry, filter=lambda attribute, value: not (attribute.name in MAY_BE_MISSING and value is None))
    decision = plain.pop("decision", {})
    return {**plain, **decision}


def parse(text: str) -> Kept:
    """The content of a text that `render` made, of whatever version.

    Raises:
        StoreError: it is no such text.
    """
    try:
        document = json.loads(text)
        entries = {str(name): _entry(each) for name, each in document["devices"].items()}
        runs = tuple((str(run), int(count)) for run, count in document.get("unwritten", {}).items())
        return Kept(entries, Tally(runs), int(document.get("run", 0)), heard_of(document.get("heard")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"it holds no decisions: {error!r}") from error


def _entry(plain: Mapping[str, Any]) -> Entry:
    """An entry from plain data; raises ValueError where what is said makes no sense."""
    # What is not said is as if nobody had decided.
    wanted, enabled, left = plain.get("wanted", "up"), plain.get("enabled", True), plain.get("left")
    if wanted not in ("up", "down") or not isinstance(enabled, bool) or left not in (None, "unknown", "off"):
        raise ValueError(dict(plain))
    port = plain["port"] if isinstance(plain["port"], str) else int(plain["port"])
    return Entry(port, str(plain.get("board", DEFAULT_BOARD)), wanted, enabled, decision_of(plain), left)


def heard_of(plain: Any) -> dict[str, tuple[str, ...]]:
    """The sources in plain data that were ever heard, by guest; what cannot be read was never heard, and so proves nothing."""
    told = plain if isinstance(plain, dict) else {}
    lists = {str(name): tuple(each for each in names if isinstance(each, str)) for name, names in told.items() if _is_list(names)}
    return {name: names for name, names in lists.items() if names}


def _is_list(plain: Any) -> bool:
    return isinstance(plain, list | tuple)


def decision_of(plain: Any) -> Decision | None:
    """The decision in plain data; None where there is none that can be read."""
    match plain:
        case {"serial": int() as serial, "verb": str() as verb, "who": str() as who, "at": str() as at} if verb in VERBS:
            uid, behalf = plain.get("uid"), plain.get("on_behalf")
            by = uid if isinstance(uid, int) else None, at, behalf if isinstance(behalf, str) else None
            return Decision(serial, verb, who, *by)
        case _:
            return None


# --- The tables of another configuration ------------------------------------------------------------------------------


@frozen
class Renamed:
    """A table that took the place of another one on its port."""

    name: str
    was: str
    plug: Plug


@frozen
class Moved:
    """A table that names another port than before."""

    name: str
    plug: Plug
    was: Plug


@frozen
class Left:
    """A port whose table is gone, and has no other."""

    name: str  # that of the table
    plug: Plug


@frozen
class Tables:
    """Tables of the configuration that are not as they were."""

    renamed: tuple[Renamed, ...] = ()
    moved: tuple[Moved, ...] = ()
    left: tuple[Left, ...] = ()

    def source(self, name: str) -> str:
        """The name under which the guest of this table was known."""
        return next((each.was for each in self.renamed if each.name == name), name)


def compare(before: Mapping[str, Entry], config: Config) -> Tables:
    """What a configuration makes of the tables that there were."""
    # A table is known by its name; where the name is new, by the board and the port of one that is gone.
    names = {device.name for device in config.devices}
    latest_last = sorted(before.items(), key=lambda named: named[1].serial)
    gone = {each.plug: name for name, each in latest_last if name not in names}
    new = [guest for guest in config.guests if guest.name not in before]
    renamed = tuple(Renamed(each.name, gone[each.plug], each.plug) for each in new if each.plug in gone)
    old = [(guest, before[guest.name]) for guest in config.guests if guest.name in before]
    moved = tuple(Moved(guest.name, guest.plug, each.plug) for guest, each in old if each.plug != guest.plug)
    taken = {device.plug for device in config.devices}
    left = tuple(Left(name, plug) for plug, name in gone.items() if plug not in taken)
    return Tables(renamed, moved, left)


def without_tables(before: Mapping[str, Entry], tables: Tables, names: Container[str]) -> dict[str, Entry]:
    """The entries of tables that are gone and may come back: no other table has taken them over."""
    # A port that has another table by now is looked after: of the one that is gone nothing is left there.
    taken_over, alone = {each.was for each in tables.renamed}, {each.name for each in tables.left}
    gone = {name: each for name, each in before.items() if name not in names and name not in taken_over}
    return {name: evolve(each, left=each.left or "unknown" if name in alone else "off") for name, each in gone.items()}


def sentences(before: Mapping[str, Entry], config: Config) -> Iterator[str]:
    """What a restart of the service with this configuration will make of what was decided, in words."""
    tables = compare(before, config)
    for renamed in tables.renamed:
        yield f"{renamed.name} takes the place of {renamed.was} on {renamed.plug}: {in_words(before[renamed.was])}"
    for moved in tables.moved:
        where = f"{moved.name} moves from {moved.was} to {moved.plug}"
        yield f"{where}: {in_words(before[moved.name])}; what was known of its power begins anew"
    for left in tables.left:
        if before[left.name].left is None:
            yield f"{left.plug} loses its table ({left.name}): its power stays as it is, and nobody looks after it"


def told_by(directory: str, config: Config) -> list[str]:
    """The sentences of what lies in a state directory.

    Raises:
        StoreError: there is nothing there, or it cannot be read.
    """
    path = Path(directory) / "decisions.json"
    try:
        return list(sentences(parse(path.read_text(encoding="utf-8")).entries, config))
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error
    except StoreError as error:
        raise StoreError(f"{path}: {error}") from error


def in_words(entry: Entry) -> str:
    """The decision in words: what was decided, and by whom."""
    state = "it stays disabled" if not entry.enabled else "it stays stopped" if entry.stays_down else "it is to run"
    by = "" if entry.decision is None else f" ({entry.decision.verb} by {entry.decision.by}, {entry.decision.at})"
    return state + by

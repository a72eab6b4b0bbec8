"""What operators have decided about guests, and which tables of the configuration that was about. Pure: text in, text out.

The decisions are kept as a small text beside the log (`decisions.json`). A log may be lost, damaged, of another version, or
somebody else's, and a guest that an operator has stopped or disabled must stay down all the same.
"""

import json
from collections.abc import Collection, Container, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from attrs import asdict, evolve, field, frozen

from wagman.config.schema import Config
from wagman.model.errors import StoreError
from wagman.model.facts import (
    DEFAULT_BOARD,
    VERBS,
    HibernationOrder,
    Plug,
    Port,
    Stamp,
    Term,
    hibernation_order_of,
    restored_stamp,
    term_of,
)
from wagman.model.words import plain as plain_text

MAY_BE_MISSING = ("decision", "left", "on_behalf", "term", "stamp")
"""The keys that are written only if they have a value."""

SHOWN_CHARS = 200
"""How much of what is wrong with the text an error repeats (chosen)."""

FORMAT = 1
"""The version of the text's format; a text with a greater number was written by a newer program."""

Wanted: TypeAlias = Literal["up", "down"]
Power: TypeAlias = Literal["unknown", "off"]


@frozen
class Decision:
    """The last decision about a guest: which, and by whom."""

    serial: int  # greater than that of any decision before, because wall clocks may be set back
    verb: str
    who: str
    uid: int | None
    at: str  # wall time
    on_behalf: str | None = None  # the person for whom `who` asked

    @property
    def by(self) -> str:
        """The person or program that decided it, in words."""
        return f"{self.on_behalf} through {self.who}" if self.on_behalf else self.who


@frozen
class Command:
    """The last command to all guests: to hibernate, or to wake."""

    serial: int  # as of a `Decision`
    hibernation: HibernationOrder | None  # None: to wake


@frozen
class Entry:
    """A guest's table in the configuration, and what is decided about the guest."""

    port: Port
    board: str = DEFAULT_BOARD
    wanted: Wanted = "up"
    enabled: bool = True
    decision: Decision | None = None  # None: nobody has decided anything
    left: Power | None = None  # None: the table is there; else it is gone, and this is known of the port's power since
    term: Term | None = None  # a timed order, with the time that was left of it at `stamp`
    stamp: Stamp | None = None

    @property
    def plug(self) -> Plug:
        """The outlet of the guest."""
        return Plug(self.board, self.port)

    @property
    def serial(self) -> int:
        """The serial of the decision; 0 without a decision."""
        return 0 if self.decision is None else self.decision.serial

    @property
    def told(self) -> dict[str, Any]:
        """The fields of an event about the decision."""
        made = self.decision
        by = {} if made is None else {"verb": made.verb, "who": made.who, "uid": made.uid}
        behalf = {"for": made.on_behalf} if made and made.on_behalf else {}
        return {**by, **behalf, "decided_at": made and made.at}

    @property
    def holds(self) -> tuple[Wanted, bool, str | None]:
        """What holds for the guest, whoever decided it: wanted, enabled, and the kind of its timed order."""
        return self.wanted, self.enabled, None if self.term is None else self.term.kind

    @property
    def stays_down(self) -> bool:
        """Whether somebody has stopped or disabled the guest."""
        return self.wanted == "down" or not self.enabled


DECIDES: Mapping[str, frozenset[str]] = {
    # An operator who starts a disabled guest, in a run that cannot know that it is disabled, has said that it may run.
    **dict.fromkeys(("start", "restart", "disable"), frozenset({"wanted", "enabled", "term"})),
    **dict.fromkeys(("stop", "kill"), frozenset({"wanted", "term"})),
    "enable": frozenset({"enabled"}),
    "maintenance": frozenset({"term"}),
}
"""What each request decides about a guest; the rest stays as it was decided before."""


def merged(own: Entry, past: Entry, decided: Collection[str], above: int) -> Entry:
    """What holds by earlier runs (`past`) and by this run (`own`), whose decisions count more.

    Args:
        own: the guest's entry in this run.
        past: its entry in earlier runs.
        decided: what was decided in this run.
        above: the greatest serial in the past.
    """
    decision = past.decision if own.decision is None or not decided else evolve(own.decision, serial=own.serial + above)
    wanted, enabled = own.wanted if "wanted" in decided else past.wanted, own.enabled if "enabled" in decided else past.enabled
    term = own if "term" in decided else past
    return evolve(own, wanted=wanted, enabled=enabled, decision=decision, term=term.term, stamp=term.stamp)


@frozen
class Tally:
    """Counts of events that were shown while nothing could be written, by run of the service; the present run comes last."""

    runs: tuple[tuple[str, int], ...] = ()  # the run's boot id, and its count

    def counting(self, boot_id: str, count: int) -> "Tally":
        """The tally with `count` for the present run."""
        # Only the first run and the present one can have been written in part. The runs between count as one.
        first, *between = [(run, shown) for run, shown in self.runs if run != boot_id] or [("", 0)]
        middle = [(between[-1][0], sum(shown for _, shown in between))] if between else []
        return Tally(tuple(each for each in (first, *middle, (boot_id, count)) if each[1]))

    def missing(self, settled: Any) -> int:
        """How many of these events no log holds or has reported; `settled` is the log's own account, by run."""
        known = settled if isinstance(settled, dict) else {}
        counts = [(shown, known.get(run)) for run, shown in self.runs]
        return sum(max(0, shown - told) if isinstance(told, int) else shown for shown, told in counts)


@frozen
class Kept:
    """The content of the text beside the log."""

    entries: Mapping[str, Entry] = field(factory=dict)  # by the name of the table
    unwritten: Tally = Tally()
    run: int = 0  # number of the run of the service that wrote it, greater than all earlier ones it knew; 0: an older program
    command: Command | None = None  # to all guests
    heard: Mapping[str, tuple[str, ...]] = field(factory=dict)  # for each guest, its sources that were ever heard


# --- As text ----------------------------------------------------------------------------------------------------------


def render(kept: Kept) -> str:
    """The text, with a line for each guest, because people read it, too."""
    entries = ",\n".join(f"  {json.dumps(name)}: {json.dumps(plain_entry(each))}" for name, each in kept.entries.items())
    unwritten = f',\n "unwritten": {json.dumps(dict(kept.unwritten.runs))}' if kept.unwritten.runs else ""
    command = "" if kept.command is None else f',\n "all": {json.dumps(plain_command(kept.command))}'
    heard = f',\n "heard": {json.dumps(dict(kept.heard))}' if kept.heard else ""
    return f'{{"format": {FORMAT}, "run": {kept.run}, "devices": {{\n{entries}\n }}{command}{heard}{unwritten}}}\n'


def plain_entry(entry: Entry) -> dict[str, Any]:
    """The entry as plain data."""
    plain = asdict(entry, filter=lambda attribute, value: not (attribute.name in MAY_BE_MISSING and value is None))
    decision = plain.pop("decision", {})
    return {**plain, **decision}


def parse(text: str) -> Kept:
    """The content of a text that `render` made, in any version.

    Raises:
        StoreError: it is no such text.
    """
    try:
        document = json.loads(text)
        entries = {str(name): _entry(each) for name, each in document["devices"].items()}
        runs = tuple((str(run), int(count)) for run, count in document.get("unwritten", {}).items())
        told = command_of(document.get("all")), heard_of(document.get("heard"))
        return Kept(entries, Tally(runs), int(document.get("run", 0)), *told)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise StoreError(f"it holds no decisions: {_why(error)}") from error


def _why(error: Exception) -> str:
    """What is wrong with the text, for people."""
    match error:
        case json.JSONDecodeError():
            return f"it is no JSON: {error}"
        case RecursionError():
            return "it is nested too deeply"
        case _:
            return plain_text(f"what it says makes no sense: {error}")[:SHOWN_CHARS]


def _entry(plain: Mapping[str, Any]) -> Entry:
    """An entry from plain data.

    Raises:
        ValueError: a value is not one of those that are possible.
        KeyError: there is no port.
    """
    # A missing value counts as if nobody had decided.
    wanted, enabled, left = plain.get("wanted", "up"), plain.get("enabled", True), plain.get("left")
    if wanted not in ("up", "down") or not isinstance(enabled, bool) or left not in (None, "unknown", "off"):
        raise ValueError(dict(plain))
    port = plain["port"] if isinstance(plain["port"], str) else int(plain["port"])
    for_a_while = term_of(plain.get("term")), restored_stamp(plain.get("stamp"))
    return Entry(port, str(plain.get("board", DEFAULT_BOARD)), wanted, enabled, decision_of(plain), left, *for_a_while)


def heard_of(plain: Any) -> dict[str, tuple[str, ...]]:
    """For each guest, its sources that were ever heard, from plain data. An unreadable one counts as never heard."""
    told = plain if isinstance(plain, dict) else {}
    lists = {str(name): tuple(each for each in names if isinstance(each, str)) for name, names in told.items() if _is_list(names)}
    return {name: names for name, names in lists.items() if names}


def _is_list(plain: Any) -> bool:
    return isinstance(plain, list | tuple)


def decision_of(plain: Any) -> Decision | None:
    """The decision in plain data; None: there is none that can be read."""
    match plain:
        case {"serial": int() as serial, "verb": str() as verb, "who": str() as who, "at": str() as at} if verb in VERBS:
            uid, behalf = plain.get("uid"), plain.get("on_behalf")
            by = uid if isinstance(uid, int) else None, at, behalf if isinstance(behalf, str) else None
            return Decision(serial, verb, who, *by)
        case _:
            return None


def plain_command(command: Command) -> dict[str, Any]:
    """The command as plain data."""
    hibernation = command.hibernation
    hibernate = None if hibernation is None else {**asdict(hibernation), "keep": sorted(hibernation.keep)}
    return {"serial": command.serial, "hibernate": hibernate}


def command_of(plain: Any) -> Command | None:
    """The command in plain data; None: there is none that can be read."""
    match plain:
        case {"serial": int() as serial, "hibernate": None}:
            return Command(serial, None)
        case {"serial": int() as serial, "hibernate": hibernate} if (hibernation := hibernation_order_of(hibernate)) is not None:
            return Command(serial, hibernation)
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
    """A port whose table is gone and that no other table names."""

    name: str  # of the table that is gone
    plug: Plug


@frozen
class Tables:
    """The tables of the configuration that have changed."""

    renamed: tuple[Renamed, ...] = ()
    moved: tuple[Moved, ...] = ()
    left: tuple[Left, ...] = ()

    def source(self, name: str) -> str:
        """The earlier name of this table's guest."""
        return next((each.was for each in self.renamed if each.name == name), name)


def compare(before: Mapping[str, Entry], config: Config) -> Tables:
    """Compare a configuration with the tables that there were."""
    # A table is known by its name. A new name is compared by board and port with the tables that are gone.
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
    """The entries of tables that are gone and may come back, because no other table has taken them over."""
    # A port that has another table by now is looked after, so that nothing is left of the table that is gone.
    taken_over, alone = {each.was for each in tables.renamed}, {each.name for each in tables.left}
    gone = {name: each for name, each in before.items() if name not in names and name not in taken_over}
    return {name: evolve(each, left=each.left or "unknown" if name in alone else "off") for name, each in gone.items()}


def sentences(before: Mapping[str, Entry], config: Config) -> Iterator[str]:
    """What a restart of the service with this configuration makes of the decisions, in words."""
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
    """What a restart with this configuration makes of the decisions in a state directory, in words.

    Raises:
        StoreError: there are none, or they cannot be read.
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
    state += "" if entry.term is None else ", for a while" if entry.term.kind == "stop" else ", once its maintenance is over"
    by = "" if entry.decision is None else f" ({entry.decision.verb} by {entry.decision.by}, {entry.decision.at})"
    return state + by

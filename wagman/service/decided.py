"""Decisions about each table that there is or was: of those that the log and the file beside it tell of, the later counts."""

from collections.abc import Callable, Iterator, Mapping

from attrs import define, evolve, field

from wagman.config.schema import Config
from wagman.model.facts import Draft, Plug, Verb
from wagman.service.decisions_file import DecisionsFile
from wagman.service.plugs import in_fields, port_name
from wagman.store import Journal
from wagman.store.decisions import Decision, Entry, Kept, Tables, compare, without_tables
from wagman.store.remembered import PREFIX, Logged, known_before, tables_memory
from wagman.tasks.guest import Guest

RECALLED = "an operator, before the service was restarted: its log could be opened only now"
"""Who asked for what is carried out of a log that came late."""


@define(eq=False, repr=False)
class Decided:
    """The decisions about all guests, and about ports whose table is gone.

    Args:
        config: as the service came up with it: its tables do not change while it runs.
        leave: has the board look at a port whose table is gone; nobody does where the board is gone, too.
    """

    config: Config
    guests: Mapping[str, Guest]
    journal: Journal
    file: DecisionsFile
    leave: Callable[[Plug], None]
    log: Logged = field(factory=Logged, init=False)  # the past; more of it may come to be known later
    kept: Kept = field(factory=Kept, init=False)
    gone: dict[str, Entry] = field(factory=dict, init=False)  # of tables that are gone, whose ports have no other
    commanded: set[str] = field(factory=set, init=False)  # guests that obeyed an operator in this run
    _run: int = field(default=0, init=False)
    _serial: int = field(default=0, init=False)

    def decision(self, verb: Verb, who: str, uid: int | None, at: str) -> Decision:
        """The decision that an operator's request is, once it is accepted."""
        self._serial += 1
        return Decision(self._serial, verb, who, uid, at)

    @property
    def entries(self) -> dict[str, Entry]:
        """All decisions, by the name of the table."""
        return {**self.gone, **{name: guest.entry for name, guest in self.guests.items()}}

    def text(self) -> str:
        """The text that is to be on the disk beside the log."""
        return self.file.text(self.entries, self._run)

    # --- Coming up ----------------------------------------------------------------------------------------------------

    def take_up(self, log: Logged, kept: Kept) -> None:
        """Have each guest go on with what was decided about it, before its machine starts."""
        self.log, self.kept = log, kept
        before, tables = self._known()
        for guest, entry in self._later(before, tables):
            decision = entry.decision
            told = {} if decision is None else {"verb": decision.verb, "who": decision.who, "uid": decision.uid}
            fields = {**told, "decided_at": decision.at if decision else None}
            receipt = self.journal.record([(Draft("device.recalled", guest.config.name, fields), guest.last_event)])
            guest.recall(entry, receipt.refs[0])
            self.journal.record([], {guest.key: guest.saved()})
        self._remember(before, tables)
        self._tell(before, tables)

    def recall(self) -> set[str]:
        """Tell guests that run already what was decided; the names of those that are to stay down, and have yet to hear of it."""
        down = set[str]()
        before, tables = self._known()
        for guest, entry in self._later(before, tables):
            name = guest.config.name
            asked = Draft(f"command.{verb_of(entry)}", name, {"uid": None, "who": RECALLED, "force": False})
            guest.recall(entry, self.journal.record([(asked, None)]).refs[0])
            down |= {name} if entry.stays_down else set()
        self._remember(before, tables)
        return down

    def _known(self) -> tuple[dict[str, Entry], Tables]:
        """The entries of before, and what the configuration makes of their tables."""
        before = known_before(self.log, self.kept, self.guests)
        # Decisions of this run are later than any that were made before it.
        serial = max((each.serial for each in before.values()), default=0)
        for name in self.commanded:
            guest = self.guests[name]
            guest.decision = guest.decision and evolve(guest.decision, serial=guest.decision.serial + serial)
        self._serial += serial
        return before, compare(before, self.config)

    def _later(self, before: Mapping[str, Entry], tables: Tables) -> Iterator[tuple[Guest, Entry]]:
        """The guests about which something else was decided than they know, each with that."""
        for name, guest in self.guests.items():
            entry = before.get(tables.source(name))
            if entry is not None and (entry.serial > guest.entry.serial or self._is_news(guest, entry)):
                yield guest, entry

    def _is_news(self, guest: Guest, entry: Entry) -> bool:
        """Whether the entry says something else than the guest knows, and nobody has decided later."""
        known = guest.entry
        return (entry.wanted, entry.enabled) != (known.wanted, known.enabled) and entry.serial == known.serial

    def _remember(self, before: Mapping[str, Entry], tables: Tables) -> None:
        """Keep in both places which tables there are and were; of those that were taken over nothing is left."""
        gone = without_tables(before, tables, {device.name for device in self.config.devices})
        self.gone = {name: evolve(each, left=self.gone.get(name, each).left) for name, each in gone.items()}
        for entry in self.left.values():
            self.leave(entry.plug)
        self._run = max(self._run, self.log.run, self.kept.run) + 1
        stale = {f"{PREFIX}{name}": None for name in self.log.states if name not in self.entries}
        self.journal.record([], {**stale, **tables_memory(self.entries, self._run)})
        self.file.keeper.note()

    def _tell(self, before: Mapping[str, Entry], tables: Tables) -> None:
        drafts = [Draft("device.renamed", each.name, {"was": each.was, **in_fields(each.plug)}) for each in tables.renamed]
        drafts += [
            Draft("device.moved", each.name, {**in_fields(each.plug), **in_fields(each.was, "was_")}) for each in tables.moved
        ]
        drafts += [self._of_port("port.left", each.plug, each.name) for each in tables.left if before[each.name].left is None]
        self.journal.record([(draft, None) for draft in drafts])

    # --- Ports without a table ----------------------------------------------------------------------------------------

    @property
    def left(self) -> Mapping[str, Entry]:
        """Tables that are gone, whose ports have no other, and may have power; of a board that is gone, too, nobody knows."""
        boards = {board.name for board in self.config.boards}
        return {name: entry for name, entry in self.gone.items() if entry.left != "off" and entry.board in boards}

    def seen_off(self, plug: Plug) -> None:
        """Take in that a port without a table has no power any more: nobody has to look at it."""
        for name, entry in self.left.items():
            if entry.plug == plug:
                self.gone[name] = evolve(entry, left="off")
                self.journal.record([(self._of_port("port.off", plug, name), None)])
                self.file.keeper.note()

    def _of_port(self, type_: str, plug: Plug, was: str) -> Draft:
        return Draft(type_, None, {**in_fields(plug), "board_name": port_name(self.config, plug), "was": was})


def verb_of(entry: Entry) -> Verb:
    """The request that a decision comes to."""
    return "disable" if not entry.enabled else "stop" if entry.wanted == "down" else "start"

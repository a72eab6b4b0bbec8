"""The decision that counts for each table, present or past: the later one of the log's and the decisions file's."""

from collections.abc import Callable, Mapping

from attrs import define, evolve, field

from wagman.api.service import Asker
from wagman.config.schema import Config
from wagman.model.facts import Draft, HibernationOrder, Plug, Verb
from wagman.service.decisions_file import DecisionsFile
from wagman.service.plugs import in_fields, port_name
from wagman.store import Journal
from wagman.store.decisions import Command, Decision, Entry, Kept, Tables, compare, without_tables
from wagman.store.remembered import Logged, known_before, tables_memory
from wagman.tasks.guest import Guest
from wagman.tasks.supervisor import Supervisor

LEAP = 1_000_000
"""By how much serials go on where earlier ones cannot be read (chosen: more than a service ever counts)."""


@define(eq=False, repr=False)
class Decided:
    """The decisions about all guests, and about ports whose table is gone.

    Args:
        config: as the service came up with it: its tables do not change while it runs.
        leave: has the board look at a port whose table is gone; nobody does where the board is gone, too.
        supervisor: the scheduler's task, which keeps what was commanded to all guests.
    """

    config: Config
    guests: Mapping[str, Guest]
    journal: Journal
    file: DecisionsFile
    leave: Callable[[Plug], None]
    supervisor: Callable[[], Supervisor]
    log: Logged = field(factory=Logged, init=False)  # what the log says of earlier runs; it may be merged again later
    kept: Kept = field(factory=Kept, init=False)
    gone: dict[str, Entry] = field(factory=dict, init=False)  # the tables that are gone, and whose ports no other table has
    _past: set[str] = field(factory=set, init=False)  # the tables of which the log may have something
    _run: int = field(default=0, init=False)
    _serial: int = field(default=0, init=False)

    def command(self, hibernation: HibernationOrder | None) -> Command:
        """Make the next command to all guests, from an operator's request."""
        self._serial += 1
        return Command(self._serial, hibernation)

    def decision(self, verb: Verb, asker: Asker, at: str) -> Decision:
        """Make the next decision about one guest, from an operator's request that was accepted."""
        self._serial += 1
        return Decision(self._serial, verb, asker.who, asker.uid, at, asker.on_behalf)

    @property
    def entries(self) -> dict[str, Entry]:
        """All decisions, by the name of the table."""
        return {**self.gone, **{name: guest.entry for name, guest in self.guests.items()}}

    def text(self) -> str:
        """Return the text that the decisions file is to have."""
        return self.file.text(self.entries, self._run, self.supervisor().command)

    # --- Coming up ----------------------------------------------------------------------------------------------------

    def take_up(self, log: Logged, kept: Kept) -> None:
        """Restore what operators decided about each guest, and report tables that were renamed, moved or taken out."""
        before, tables = self.merge(log, kept)
        self._tell(before, tables)

    def merge(self, log: Logged | None = None, kept: Kept | None = None) -> tuple[dict[str, Entry], Tables]:
        """Merge the decisions of earlier runs into each guest, at the start or later.

        Returns:
            The decisions by the name of the table, as they were before the merge, and what became of each table.
        """
        self.log, self.kept = log or self.log, kept or self.kept
        before = known_before(self.log, self.kept, self.guests)
        commands = [each for each in (self.log.command, self.kept.command) if each is not None]
        serials = [*(each.serial for each in before.values()), *(each.serial for each in commands)]
        tables, above = compare(before, self.config), max(serials, default=0)
        self._serial += above
        self.supervisor().recall(max(commands, key=lambda each: each.serial, default=None), above)
        for name, guest in self.guests.items():
            guest.merge(before.get(tables.source(name), guest.entry), above)
        self._remember(before, tables)
        return before, tables

    def leap(self) -> None:
        """Earlier decisions cannot be read: those of this run count more, also for the run that reads them all."""
        self._serial += LEAP
        self.file.keeper.note()

    def _remember(self, before: Mapping[str, Entry], tables: Tables) -> None:
        """Save in the log and in the file which tables there are and were; a table that another one has taken over is dropped."""
        gone = without_tables(before, tables, {device.name for device in self.config.devices})
        self.gone = {name: evolve(each, left=self.gone.get(name, each).left) for name, each in gone.items()}
        for entry in self.left.values():
            self.leave(entry.plug)
        self._run = max(self._run, self.log.run, self.kept.run) + 1
        self._past |= {*self.log.names, *self.entries}
        # One by one: all of them may be more than one transaction takes.
        for key, value in tables_memory(self.entries, self._run, self._past).items():
            self.journal.record([], {key: value})
        self.file.keeper.note()

    def _tell(self, before: Mapping[str, Entry], tables: Tables) -> None:
        drafts = [Draft("device.renamed", each.name, {"was": each.was, **in_fields(each.plug)}) for each in tables.renamed]
        drafts += [
            Draft("device.moved", each.name, {**in_fields(each.plug), **in_fields(each.was, "was_")}) for each in tables.moved
        ]
        drafts += [self._of_port("port.left", each.plug, each.name) for each in tables.left if before[each.name].left is None]
        for draft in drafts:
            self.journal.record([(draft, None)])

    # --- Ports without a table ----------------------------------------------------------------------------------------

    @property
    def left(self) -> Mapping[str, Entry]:
        """The tables that are gone, whose ports no other table has, and which may have power.

        Ports of a board that is gone are left out.
        """
        boards = {board.name for board in self.config.boards}
        return {name: entry for name, entry in self.gone.items() if entry.left != "off" and entry.board in boards}

    def seen_off(self, plug: Plug) -> None:
        """Take in that a port without a table has lost its power: it is shown no more."""
        for name, entry in self.left.items():
            if entry.plug == plug:
                self.gone[name] = evolve(entry, left="off")
                self.journal.record([(self._of_port("port.off", plug, name), None)])
                self.file.keeper.note()

    def _of_port(self, type_: str, plug: Plug, was: str) -> Draft:
        return Draft(type_, None, {**in_fields(plug), "board_name": port_name(self.config, plug), "was": was})

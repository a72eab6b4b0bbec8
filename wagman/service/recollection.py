"""What was decided before: taken up when the service comes up, and kept beside the log while it runs.

A memory that is there and cannot be read is not a memory that never was. As long as nobody knows what was decided, guests
that run are taken over and what is off stays off; it is read as soon as it can be, and after `unreadable_release` the service
goes on with what it has, for nobody may be there to press a button.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

import trio
from attrs import define, evolve, field, frozen

from wagman.config import durations
from wagman.config.schema import Config
from wagman.fsm.guest import Stopped
from wagman.io.driver import PORT_NAMES
from wagman.model.errors import StoreError
from wagman.model.facts import Draft, Verb
from wagman.service.problems import Problem, disk_remedy
from wagman.store import SETTLED_KEY, Journal, Keeper, Loaded
from wagman.store.decisions import Decision, Entry, Kept, Tables, Tally, compare, parse, render, without_tables
from wagman.store.remembered import PREFIX, Logged, known_before, logged, tables_memory
from wagman.tasks.guest import Guest

RETRY_S = 60.0
"""How often what cannot be read is tried again (chosen: the log itself is, too)."""

RECALLED = "an operator, before the service was restarted: its log could be opened only now"
"""Who asked for what is carried out of a log that came late."""


@frozen
class Unread:
    """A memory that is there and cannot be read."""

    reason: str
    release_s: float | None  # when the service goes on without it; None: never


@frozen
class Found:
    """What lies beside the log."""

    kept: Kept = field(factory=Kept)
    is_there: bool = False
    error: str | None = None  # it is there, and cannot be read: why


@define(eq=False)
class Recollection:
    """The decisions about all guests.

    Args:
        config: as the service came up with it: its tables do not change while it runs.
        leave: has the board look at a port whose table is gone.
    """

    config: Config
    guests: Mapping[str, Guest]
    journal: Journal
    keeper: Keeper
    leave: Callable[[int], None]
    unread: Unread | None = None
    anew: tuple[str, ...] = ()  # guests of which nothing is known, until each was up, or on its way
    gone: dict[str, Entry] = field(factory=dict)  # of tables that are gone, whose ports have no other
    commanded: set[str] = field(factory=set)  # guests that obeyed an operator in this run
    _log: Logged = field(factory=Logged)  # what is known of before; more of it may come to be known later
    _kept: Kept = field(factory=Kept)
    _run: int = 0
    _serial: int = 0
    _file_unread: bool = False
    _before: Tally = field(factory=Tally)  # events of earlier runs that were shown, and may be in no log
    _settled: Any = None  # what the log says of them
    _is_told: bool = False  # the log has been told of them
    _may_keep: trio.Event = field(factory=trio.Event)
    _over: trio.Event = field(factory=trio.Event)

    # Keeping -----------------------------------------------------------------

    def decision(self, verb: Verb, who: str, uid: int | None, at: str) -> Decision:
        """What an operator's request will be, once it is accepted."""
        self._serial += 1
        return Decision(self._serial, verb, who, uid, at)

    def text(self) -> str:
        """What is to be on the disk."""
        before = Tally() if self._is_told and not self.journal.owes else self._before
        return render(Kept(self.entries, before.counting(self.journal.boot_id, self.journal.unwritten), self._run))

    @property
    def entries(self) -> dict[str, Entry]:
        """What is decided about each table that there is, and that there was."""
        return {**self.gone, **{name: guest.entry for name, guest in self.guests.items()}}

    async def run_keeper(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """The task that keeps it; a file that cannot be read is not written over."""
        task_status.started()
        await self._may_keep.wait()
        await self.keeper.run()

    # Coming up ---------------------------------------------------------------

    async def find(self) -> Found:
        """What lies beside the log."""
        try:
            text = await self.keeper.read()
            found = Found() if text is None else Found(parse(text), is_there=True)
        except StoreError as error:
            return Found(is_there=True, error=str(error))
        self._before = found.kept.unwritten
        return found

    def tell_missing(self, memory: Mapping[str, Any]) -> None:
        """The first thing that a log tells is how many events were shown before that it does not have."""
        self._settled = memory.get(SETTLED_KEY)
        count = self._before.missing(self._settled)
        self._is_told = True
        if count:
            self.journal.owe(dict(self._before.runs), count)

    async def take_up(self, loaded: Loaded, found: Found) -> None:
        """Have each guest go on with what was decided about it.

        Args:
            loaded: what the log has kept.
            found: what lies beside it.
        """
        self._log, self._kept = logged(loaded.memory), found.kept
        before = known_before(self._log, self._kept, self.guests)
        tables = compare(before, self.config)
        self._serial = max((each.serial for each in before.values()), default=0)
        for name, guest in self.guests.items():
            self._take_up_guest(guest, before.get(tables.source(name)))
        self._remember(before, tables)
        self._tell_tables(tables, before)
        self._judge(loaded, found)
        if not found.is_there and not loaded.trusted and self.unread is None:
            self.anew = tuple(self.guests)
        if found.error is None:
            self._may_keep.set()
        elif self.unread is None:
            await self._set_file_aside(found.error)

    def _take_up_guest(self, guest: Guest, entry: Entry | None) -> None:
        if entry is None or (entry.serial <= guest.entry.serial and not self._is_news(guest, entry)):
            return
        decision = entry.decision
        told = {} if decision is None else {"verb": decision.verb, "who": decision.who, "uid": decision.uid}
        fields = {**told, "decided_at": decision.at if decision else None}
        receipt = self.journal.record([(Draft("device.recalled", guest.config.name, fields), guest.last_event)])
        guest.recall(entry, receipt.refs[0])
        self.journal.record([], {guest.key: guest.saved()})

    def _is_news(self, guest: Guest, entry: Entry) -> bool:
        """What holds is not what the guest knows, and nobody has decided later."""
        known = guest.entry
        return (entry.wanted, entry.enabled) != (known.wanted, known.enabled) and entry.serial == known.serial

    def _tell_tables(self, tables: Tables, before: Mapping[str, Entry]) -> None:
        drafts = [Draft("device.renamed", each.name, {"was": each.was, "port": each.port}) for each in tables.renamed]
        drafts += [Draft("device.moved", each.name, {"port": each.port, "was_port": each.was}) for each in tables.moved]
        drafts += [
            Draft("port.left", None, {"port": each.port, "board_name": PORT_NAMES[each.port], "was": each.name})
            for each in tables.left
            if before[each.name].left is None
        ]
        self.journal.record([(draft, None) for draft in drafts])

    def _remember(self, before: Mapping[str, Entry], tables: Tables) -> None:
        """Which tables there are and were is known from here on, in both places; of what was taken over nothing is left."""
        gone = without_tables(before, tables, {device.name for device in self.config.devices})
        self.gone = {name: evolve(each, left=self.gone.get(name, each).left) for name, each in gone.items()}
        for entry in self.left.values():
            self.leave(entry.port)
        self._run = max(self._run, self._log.run, self._kept.run) + 1
        stale = {f"{PREFIX}{name}": None for name in self._log.states if name not in self.entries}
        self.journal.record([], {**stale, **tables_memory(self.entries, self._run)})
        self.keeper.note()

    # A memory that cannot be read --------------------------------------------

    def _judge(self, loaded: Loaded, found: Found) -> None:
        """Whether there is a memory, and nobody can read it."""
        reason = loaded.unread
        if not loaded.trusted and reason is None:
            reason = found.error or (None if found.is_there else loaded.lost)
        if reason is None:
            return
        self._file_unread = found.error is not None
        release_s = self.config.service.unreadable_release_s
        self.unread = Unread(reason, trio.current_time() + release_s if release_s else None)
        for guest in self.guests.values():
            guest.withhold(withheld=True)
        fields = {"reason": reason, "release_in_s": release_s or None}
        self.journal.record([(Draft("store.unreadable", None, fields), None)])

    async def run(self) -> None:
        """The task that waits for what cannot be read."""
        while self.unread is not None:
            left_s = RETRY_S if self.unread.release_s is None else self.unread.release_s - trio.current_time()
            with trio.move_on_after(min(RETRY_S, left_s)):
                await self._over.wait()
            await self._look_again()

    async def _look_again(self) -> None:
        if self.unread is not None and self._file_unread:
            found = await self.find()
            if found.error is None:
                self._file_found(found.kept)
        if self.unread is not None and self.unread.release_s is not None and trio.current_time() >= self.unread.release_s:
            await self._set_file_aside(self.unread.reason)
            self._release(f"it could not be read for {durations.show(self.config.service.unreadable_release_s)}")

    def _file_found(self, kept: Kept) -> None:
        """The file can be read now; whether that suffices depends on what became of the log."""
        self._file_unread = False
        self._kept = kept
        down = self.recall_entries()
        self._may_keep.set()
        if self.journal.log_id is not None:
            self.tell_missing({SETTLED_KEY: self._settled})
            self._release("it could be read", down)

    def recall(self, memory: Mapping[str, Any]) -> None:
        """The log was opened only after all had begun anew: what operators had decided there, and not since, comes true again."""
        self.tell_missing(memory)
        self._log = logged(memory)
        down = self.recall_entries()
        if self.unread is not None and not self._file_unread:
            self._release("it could be read", down)

    def recall_entries(self) -> set[str]:
        """What was decided about guests that run already; names those that are to stay down, and have yet to hear of it."""
        down = set[str]()
        before = known_before(self._log, self._kept, self.guests)
        tables = compare(before, self.config)
        self._count_on_from(max((each.serial for each in before.values()), default=0))
        for name, guest in self.guests.items():
            entry = before.get(tables.source(name))
            if entry is not None and (entry.serial > guest.entry.serial or self._is_news(guest, entry)):
                asked = Draft(f"command.{verb_of(entry)}", name, {"uid": None, "who": RECALLED, "force": False})
                guest.recall(entry, self.journal.record([(asked, None)]).refs[0])
                down |= {name} if entry.stays_down else set()
        self._remember(before, tables)
        return down

    def _count_on_from(self, serial: int) -> None:
        """Decisions of this run are later than any that were made before it."""
        for name in self.commanded:
            guest = self.guests[name]
            guest.decision = guest.decision and evolve(guest.decision, serial=guest.decision.serial + serial)
        self._serial += serial

    def _release(self, because: str, down: Container[str] = ()) -> None:
        """What is off may be started, where nobody is known to have decided otherwise."""
        self.unread = None
        self._over.set()
        starting = [name for name in self._off() if name not in down]
        for guest in self.guests.values():
            guest.withhold(withheld=False)
        self.journal.record([(Draft("store.released", None, {"because": because, "devices": starting}), None)])

    async def _set_file_aside(self, reason: str) -> None:
        """A file that cannot be read is moved out of the way, and another one begins."""
        if not self._may_keep.is_set():
            now = self.journal.wall().strftime("%Y%m%dT%H%M%SZ")
            try:
                path = await self.keeper.set_aside(f"unreadable-{now}")
            except StoreError as error:
                reason, path = f"{reason}; {error}", None
            fields = {"reason": reason, "set_aside": None if path is None else str(path)}
            self.journal.record([(Draft("decisions.damaged", None, fields), None)])
            self._may_keep.set()
            self.keeper.note()

    def turned(self, broken: str | None) -> None:
        """Decisions cannot be kept beside the log, or can be again."""
        draft = Draft("decisions.recovered") if broken is None else Draft("decisions.unavailable", None, {"reason": broken})
        self.journal.record([(draft, None)])

    # Ports without a table ---------------------------------------------------

    @property
    def left(self) -> Mapping[str, Entry]:
        """Tables that are gone, whose ports have no other, and may have power."""
        return {name: entry for name, entry in self.gone.items() if entry.left != "off"}

    def seen_off(self, port: int) -> None:
        """A port without a table has no power any more: nobody has to look at it. What was decided is remembered."""
        for name, entry in self.left.items():
            if entry.port == port:
                self.gone[name] = evolve(entry, left="off")
                fields = {"port": port, "board_name": PORT_NAMES[port], "was": name}
                self.journal.record([(Draft("port.off", None, fields), None)])
                self.keeper.note()

    # What calls for a person -------------------------------------------------

    def seen_up(self, name: str) -> None:
        """It was started, or found running: its first day is over."""
        self.anew = tuple(each for each in self.anew if each != name)

    def problems(self) -> tuple[Problem, ...]:
        """What it takes to have the memory in order."""
        return tuple(self._problems())

    def _problems(self) -> Iterator[Problem]:
        if self.unread is not None:
            text = f"what was decided cannot be read, so guests that are off stay off: {self.unread.reason}"
            do = f"make it readable, as said; wagman start GUEST starts one all the same; {self._what_next(self.unread)}"
            yield Problem("memory", "critical", text, do)
        if self.keeper.broken is not None:
            text = f"decisions are not kept beside the log: {self.keeper.broken}"
            do = disk_remedy(self.keeper.broken, self.config.service.state_dir)
            yield Problem("decisions", "warning", text, do)
        waiting = [name for name in self.anew if _yet_to_start(self.guests[name])]
        if waiting:
            text = f"nothing is known of before: {', '.join(waiting)} will be started once it is seen that they do not run"
            yield Problem("memory", "warning", text, "wagman disable GUEST keeps one off; else nothing: it is the first day")
        for name, entry in self.left.items():
            text = f"port {entry.port} has no table in the configuration ({name} had): nobody looks after its power"
            do = f"wagman status shows it; give it a table again, or switch it off: wagman board --force stop {entry.port} 0"
            yield Problem(f"port:{entry.port}", "warning", text, do)

    def _what_next(self, unread: Unread) -> str:
        names = ", ".join(self._off()) or "whoever is off then"
        if unread.release_s is None:
            return f"without that {names} will not be started"
        span = durations.show(self.config.service.unreadable_release_s)
        return f"{span} after its start the service starts {names} without it"

    def _off(self) -> list[str]:
        """The guests that are off only for that."""
        off = {name: guest for name, guest in self.guests.items() if guest.withheld and isinstance(guest.state, Stopped)}
        return [name for name, guest in off.items() if not guest.entry.stays_down]


def _yet_to_start(guest: Guest) -> bool:
    """Nobody knows yet whether it runs, or it is about to be started."""
    return isinstance(guest.state, Stopped) and not guest.entry.stays_down and (guest.state.untouched or guest.view().due)


def verb_of(entry: Entry) -> Verb:
    """The request that the decision comes to."""
    return "disable" if not entry.enabled else "stop" if entry.wanted == "down" else "start"

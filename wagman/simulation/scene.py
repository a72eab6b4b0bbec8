"""The scene: what a careful onlooker knows of a node at any time, from the records alone. The checkers rely on it."""

import math

from attrs import define, evolve, field

from wagman.config.boards import PlainBoard
from wagman.config.schema import Config, DeviceConfig
from wagman.model.facts import Plug
from wagman.simulation.records import (
    Answered,
    Asked,
    Began,
    Configured,
    Did,
    Ended,
    EventShown,
    Heard,
    Lives,
    Messaged,
    Read,
    Record,
    RelayMoved,
    Sent,
)
from wagman.simulation.scene_port import METERED_S, SLACK_S, WRITES, Port, beat_s, merged
from wagman.simulation.scene_tables import KeptTables
from wagman.simulation.scene_troubles import MILD_C, OVER, Heat, Troubles, high_c, named

RESET_S = 90.0
"""How long after a restart of a board everything is as before (firmware: 30 s, and a poll or two)."""

WRITTEN_S = 120.0
"""How long after a trouble of the disk waiting writes may take (the service tries once a minute)."""

KEPT_S = 10.0
"""How long it may take until a decision is saved in both places, on a healthy disk (chosen)."""


@define
class Scene:
    """The node, as it is known from outside."""

    config: Config
    now_s: float = 0.0
    heat: Heat = field(factory=Heat)
    around: Troubles = field(factory=Troubles)  # of the node, apart from its boards
    boards: dict[str, Troubles] = field(init=False)  # of each board
    came_up_s: float = 0.0  # when the service last came up
    crashes: int = 0  # the number of provoked crashes
    lossy: bool = False  # the service's memory may be lost, since it died while its disk was in trouble
    damaged: bool = False  # the log was, too, while the service was down
    disk_s: float = -math.inf  # when the latest trouble of the disk ended
    log_lost: bool = False  # the log is lost or old: decisions are known only from the file beside it
    undecided: bool = False  # the file beside the log was lost
    barred: bool = False  # all of the state belongs to another user
    telling: frozenset[str] = frozenset()  # from which of its files this run could read decisions: see `Read`
    has_read: bool = True  # this run has read them
    has_log: bool = True  # this run has opened its log
    unread: set[Asked] = field(factory=set)  # requests to this run from before it had read them
    left: dict[str, Port] = field(factory=dict)  # guests without a table now, by name; they may come back
    kept: KeptTables = field(factory=KeptTables)
    relays: dict[Plug, RelayMoved] = field(factory=dict)  # the latest move of each relay, with or without a guest
    stuck: set[Plug] = field(factory=set)  # relays that were stuck at some time since they last moved
    left_s: dict[Plug, float] = field(factory=dict)  # when the latest command left that switches an outlet on
    unheard: set[Plug] = field(factory=set)  # outlets whose guests no ear has heard, as far as the service can remember
    unmetered: set[Plug] = field(factory=set)  # relays that are on, or fell off, whose current this run cannot have seen
    ports: dict[Plug, Port] = field(init=False)
    by_name: dict[str, Port] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.boards = {each.name: Troubles() for each in self.config.boards}
        self.heat.high_c = high_c(self.config)
        self.ports = {each.plug: Port(each, each, beat_s=beat_s(self.config, each)) for each in self.config.guests}
        self.by_name = {each.device.name: each for each in self.ports.values()}
        self._forgets_ears()  # the first run has no log

    def quiet_s(self, *boards: str) -> float:
        """Return for how long nothing has disturbed what the service sees and does of these boards; without names, of all."""
        concerned = [self.around, *(self.boards[each] for each in boards or self.boards)]
        return min(each.quiet_s(self.now_s) for each in concerned)

    @property
    def is_down(self) -> bool:
        """Whether the service is down."""
        return "service" in self.around.lasting

    @property
    def disk_in_trouble(self) -> bool:
        """Whether the disk is full or slow, or was recently, so that writes may be waiting."""
        return "disk" in self.around.lasting or self.now_s - self.disk_s < WRITTEN_S

    @property
    def is_forgotten(self) -> bool:
        """Whether a service that comes up now may have no saved state: it was lost, or the log cannot be opened yet."""
        return self.lossy or "disk" in self.around.lasting

    @property
    def cannot_read(self) -> bool:
        """Whether this run of the service has yet to read earlier decisions."""
        return not self.has_read

    @property
    def knows_nothing(self) -> bool:
        """Whether the service has waited long enough for earlier decisions, and may go on without them until it can read them."""
        release_s = self.config.service.unreadable_release_s
        gives_up = release_s > 0 and self.now_s - self.came_up_s >= release_s - SLACK_S
        return gives_up and self.cannot_read

    def cannot_be_missed(self, port: Port) -> bool:
        """Return whether a guest without a heartbeat has no power, and this run of the service never saw it draw current.

        Its relay fell off before the service came up, or before its current could be seen; or it was stuck when it was switched
        on.
        """
        plug = port.device.plug
        if isinstance(self.config.board_of(port.device), PlainBoard):
            return False  # the board is asked for the relay itself, not for its current
        moved = self.relays.get(plug)
        has_fallen = moved is not None and moved.by in ("fault", "freed") and not moved.on
        is_unseen = moved is not None and (self.came_up_s > moved.at_s or plug in self.unmetered)
        return not port.device.has_heartbeat and ((has_fallen and is_unseen) or plug in self.stuck)

    def update(self, record: Record) -> None:
        """Take in a record; the checkers have seen it before."""
        self.now_s = max(self.now_s, record.at_s)
        self._passes()
        match record:
            case RelayMoved():
                self._moved(record)
            case Heard():
                self.unheard.discard(record.plug)
            case Messaged() | EventShown():
                self._about_guest(record)
            case Sent():
                self._sent(record)
            case Asked() | Answered():
                self._spoken(record)
            case Did():
                self._did(record.words)
            case Configured() | Began() | Read() | Ended():
                self._lives(record)

    def _passes(self) -> None:
        """Take in that time has passed."""
        for port in (*self.by_name.values(), *self.left.values()):
            port.passes(self.now_s)

    def _lives(self, record: Lives) -> None:
        """Take in that the service comes up, takes over a file, has read its memory, or is gone."""
        if isinstance(record, Configured):
            self._configured(record.config)
            return
        if isinstance(record, Read):
            self.has_read |= record.what in self.telling
            self.has_log |= record.what == "open"
            if self.has_log and (self.has_read or not self.telling):  # both have by now what the run knows
                self.log_lost = self.undecided = False
            if self.has_read and not self.disk_in_trouble:
                self.kept.keep(self.left | self.by_name)
            return
        if isinstance(record, Began):
            if self.is_forgotten:
                self._forgets_ears()
            self.lossy, self.came_up_s = False, self.now_s
            self.unread.clear()
            log = () if self.log_lost or self.damaged else ("open",)
            self.telling, self.has_read = frozenset((*log, *(() if self.undecided else ("read",)))), False
            self.has_log = False
            self.damaged = self.damaged and "disk" in self.around.lasting  # the service could not set the file aside
            self.unmetered.update(plug for plug, moved in self.relays.items() if moved.on)
            self._ends("service")
            return
        self._begins("service")
        self.lossy |= self.disk_in_trouble
        for port in (self.left | self.by_name).values():
            port.kill_is_lost = False

    def _forgets_ears(self) -> None:
        """Forget which ears were heard: the log that keeps it is lost, or there was none yet."""
        self.unheard.update(plug for plug, port in self.ports.items() if port.device.ears)

    def _configured(self, config: Config) -> None:
        """Take over a configuration. Running timers go by the one before; a guest that is new on its port has no past there."""
        if config == self.config:
            return
        self.config = config
        known, names = self.left | self.by_name, {each.name for each in config.guests}
        self.left = {name: port for name, port in known.items() if name not in names}
        self.ports = {
            each.plug: self._reconfigured(each, known.get(each.name) or self._inherited(each)) for each in config.guests
        }
        self.by_name = {each.device.name: each for each in self.ports.values()}
        self.kept.doubt(self.by_name)
        self.around.ended_s = max(self.around.ended_s, self.now_s)
        self.heat.bounded(high_c(config), self.now_s)

    def _inherited(self, device: DeviceConfig) -> Port | None:
        """Return the past of a new table: that of a gone table on the same outlet, the one decided about last."""
        gone = [name for name, port in self.left.items() if port.device.plug == device.plug]
        return self.left.pop(max(gone, key=lambda name: self.left[name].said_s)) if gone else None

    def _reconfigured(self, device: DeviceConfig, known: Port | None) -> Port:
        port = self.by_name.get(device.name)
        if not device.enabled and (port is None or port.device.enabled):
            configured_s = self.now_s
        else:
            configured_s = math.inf if port is None else port.configured_s
        if port is None or port.device.plug != device.plug:
            self.lossy = True
            self.unheard.update([device.plug] if device.ears else ())
            return self._taken_over(device, known or Port(device, device), configured_s)
        port.configured_s = configured_s
        port.device, port.slowest = merged(port.device, device, min), merged(port.slowest, device, max)
        return port

    def was_left_to(self, port: Port) -> bool:
        """Return whether the latest command that switches its outlet on left while another guest was there."""
        return self.left_s.get(port.device.plug, -math.inf) < port.here_s

    @property
    def slowest(self) -> Config:
        """The configuration with the longest times so far."""
        own = [each for each in self.config.devices if each.is_self]
        return evolve(self.config, devices=(*own, *(port.slowest for port in self.ports.values())))

    def _taken_over(self, device: DeviceConfig, known: Port, configured_s: float) -> Port:
        """Return the port with the decisions that were kept, wherever its table is now."""
        moved = self.relays.get(device.plug)
        return Port(
            device,
            device,
            moved_s=-math.inf if moved is None else moved.at_s,
            killed=known.killed,
            kill_is_lost=known.kill_is_lost,
            wanted=known.wanted,
            enabled=known.enabled,
            said_s=known.said_s,
            stopped_s=known.stopped_s,
            alone=known.alone,
            alone_s=known.alone_s,
            until_s=known.until_s,
            kept_as=known.kept_as,
            is_logged=known.is_logged,
            configured_s=configured_s,
            here_s=self.now_s,
            beat_s=beat_s(self.config, device),
        )

    def _about_guest(self, record: Messaged | EventShown) -> None:
        """Take in that a guest is asked to halt, or an event about it, or that the log is written again."""
        if isinstance(record, Messaged):
            self.by_name[record.device].is_told(record.at_s)
        elif record.event.device in self.by_name:
            self.by_name[record.event.device].tells(record)
        elif record.event.type in WRITES and record.event.id is not None:
            for port in (self.left | self.by_name).values():
                port.is_logged = True
        elif record.event.type == "decisions.damaged" and record.event.fields["set_aside"] is not None and self.barred:
            self.undecided = True  # a run that may write nothing does not write it again

    def _damaged(self) -> None:
        """Take in that the log is damaged, if the service did not have it open: what is left is not known."""
        if self.is_down:
            self.damaged = self.lossy = self.log_lost = True
            self._doubts(WRITTEN_S if self.disk_in_trouble else KEPT_S)

    def _undecided(self) -> None:
        """Take in that the file beside the log is lost, if the service is not there to write it again."""
        if self.is_down:
            self.undecided = True
            self._doubts(0.0)

    def _doubts(self, fresh_s: float) -> None:
        """Doubt decisions: they are saved in two places. If one is lost, the newest may be; if both are, all are."""
        for port in [*self.ports.values(), *self.left.values()]:
            if (self.undecided and (self.log_lost or not port.is_logged)) or self.now_s - port.said_s < fresh_s:
                port.is_doubted()

    def _moved(self, moved: RelayMoved) -> None:
        self._metered()
        self.relays[moved.plug] = moved
        self.stuck.discard(moved.plug)
        if moved.on:
            self.unmetered.add(moved.plug)
        port = self.ports.get(moved.plug)
        if port is None:
            return
        port.moved_s = moved.at_s
        if moved.ours:
            port.overruled &= moved.on
            port.kill_is_lost &= moved.on
            port.killed = port.kill_is_pending  # a kill that was answered has been carried out, or overtaken by a start
        if moved.on:
            port.comes_on(moved)

    def _sent(self, sent: Sent) -> None:
        if sent.plug is None:
            return
        if sent.verb in ("enable", "start", "pulse"):
            self.left_s[sent.plug] = sent.at_s
        port = self.ports.get(sent.plug)
        if port is not None and sent.verb in ("enable", "start"):
            port.enabled_s = sent.at_s
        elif port is not None and sent.verb in ("disable", "stop"):
            port.is_being_cut(sent)

    def _asked(self, asked: Asked) -> None:
        port = self.by_name.get(asked.device)
        if port is not None:
            port.killed |= asked.verb == "kill"
            port.asks(asked)
        if self.cannot_read and not self.is_down:
            self.unread.add(asked)
        if asked.force:
            self.heat.forced.add(asked.device)

    def _spoken(self, record: Asked | Answered) -> None:
        if isinstance(record, Asked):
            self._asked(record)
        elif (port := self.by_name.get(record.asked.device)) is not None:
            port.answered(record)
            # A request that was given up may be carried out all the same.
            is_start = record.asked.verb in ("start", "restart") and (record.accepted or record.answer is None)
            if is_start and record.asked in self.unread:
                port.enabled = port.enabled or None  # the run may not have known that the guest is disabled

    # --- Troubles ------------------------------------------------------------------------------------------------

    def _begins(self, trouble: str, board: str | None = None) -> None:
        self._metered()
        (self.around if board is None else self.boards[board]).begins(trouble)

    def _ends(self, trouble: str, board: str | None = None) -> None:
        self.disk_s = self.now_s if trouble == "disk" and "disk" in self.around.lasting else self.disk_s
        (self.around if board is None else self.boards[board]).ends(trouble, self.now_s)

    def _all_end(self) -> None:
        self._ends("disk")
        for each in (self.around, *self.boards.values()):
            each.ends("all", self.now_s)
            each.lasting.intersection_update({"service"})
        self.heat.now(MILD_C, self.now_s)

    def _metered(self) -> None:
        """Forget relays that have been on in plain sight: the service has seen them draw current."""
        for name, board in self.boards.items():
            if not (self.around.unseeing or board.unseeing):
                seen_s = max(self.around.metered_s, board.metered_s)
                on = {plug: moved.at_s for plug, moved in self.relays.items() if moved.on and plug.board == name}
                self.unmetered -= {plug for plug, at_s in on.items() if self.now_s - max(seen_s, at_s) > METERED_S}

    def _did(self, words: str) -> None:
        match words.split():
            case ["board", *rest]:
                self._board(*named(self.boards, rest))
            case ["all", "well"]:
                self._all_end()
            case ["disk", *rest]:
                self._disk(rest)
            case ["cable", *rest]:
                self._way(*named(self.boards, rest))
            case ["message" | "network" as what, how, *_]:
                self._lasting(what, how)
            case ["service", "crash" | "freeze" as what, *_]:
                self.crashes += what == "crash"
                self._ends(what)

    def _way(self, board: str, words: list[str]) -> None:
        match words:
            case ["late", how]:
                self._lasting("late", how, board)
            case [how, *_]:
                self._lasting("pieces" if how in ("pieces", "whole") else "cable", how, board)

    def _disk(self, words: list[str]) -> None:
        match words:
            case ["undecided" | "muddled"] | ["restored", "beside"]:
                self._undecided()
            case ["wiped" | "flipped" | "truncated" | "newer" | "foreign" | "restored", *_]:
                self._damaged()
            case [how, *rest] if how != "copied":
                self.barred = how == "barred" and rest == ["all"]
                self._lasting("disk", how)

    def _board(self, board: str, words: list[str]) -> None:
        match words:
            case ["temp", celsius] if board == self.config.enclosure:
                self.heat.now(float(celsius), self.now_s)
            case ["reset" | "powercycle" | "restart", *_] | ["fault", "brownout" | "watchdog" | "eeprom"]:
                self.boards[board].ended_s = self.now_s + RESET_S
            case ["fault", *rest]:
                self._fault(board, rest)

    def _fault(self, board: str, words: list[str]) -> None:
        match words:
            case ["relay" | "weld" | "sensor" as what, where, how, *_]:
                is_stuck = what == "relay" and how == "stuck" and where.isdecimal()
                self.stuck.update([Plug(board, int(where))] if is_stuck else ())
                self._lasting(f"{what} {where}", how, board)
            case ["silent" | "slow" | "corrupt" | "lose" | "duplicate" as what, how, *_] | [what, "on" | "off" as how]:
                self._lasting(what, how, board)
            case [what, *_]:
                self._ends(what, board)

    def _lasting(self, trouble: str, how: str, board: str | None = None) -> None:
        (self._ends if how in OVER else self._begins)(trouble, board)

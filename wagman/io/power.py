"""The power reconciler: wanted levels on one side, evidence on the other, and the next command that brings them together.

Sans-I/O: the board task asks `next()` what to do, does it, and says so with `sent()`; the driver reports what it sees. The
reconciler alone decides when a relay is switched, and keeps the rules that hold whoever asked:

- no relay-on within `off_time` of that port's relay-off, and no two relay-ons within `stagger`;
- a reply is no evidence: a port is on or off once the board shows it, and until then the command is repeated;
- an off is believed only when the board says so, and no current says otherwise; after three rounds the relay is reported stuck;
- power of unknown origin is reported (`PowerFound`) and never cut: whoever wants it off must first ask the guest to halt;
- power that nobody can be sure of any more is *doubted*: a port that should be on is switched on once more, in its turn,
  which moves no relay that is on; one that should be off is reported, and so its guest is asked to halt;
- an off that rests on silence, and could not be carried out while the link was down, lapses when the guest was heard since.

Each number of a power cycle is switched on once, unless it is doubted. After a restart of the service the goals say what was
already seen.
"""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Literal

from attrs import define, field, frozen

from wagman.model.facts import (
    UNTOUCHED,
    Evidence,
    PortFact,
    PowerFound,
    PowerGoal,
    PowerLost,
    RelayAsked,
    RelayOff,
    RelayOn,
    RelayStuck,
    Supply,
)

EVIDENCE_S = 6.0
"""How long a command may stay without evidence before it is repeated (chosen: more than one poll)."""

EVIDENCE_MAX_S = 60.0
"""The longest wait before a command is repeated; the wait doubles with each round (chosen)."""

SETTLE_S = 1.5
"""How long after an off a current reading still tells of before (chosen: several main loops of the board)."""

UNSEEN_S = 1.0
"""How much later than its reply an unseen relay-on may have been executed (firmware: a main loop, and the switching)."""

REPORT_LAG_S = 3.0
"""A report of the board that comes so soon after a command may be older than it (chosen: several main loops)."""

LIFE_S = 30.0
"""A guest that was heard so lately has its power (chosen: three beats)."""

GONE_S = 600.0
"""A guest without a heartbeat that drew current, and has drawn none for so long, counts as without power (chosen: one that
dies by itself is power-cycled then, and not more often than this)."""

MOST_DOUBLINGS = 8
"""Beyond, the longest wait has long been reached."""

STUCK_ROUNDS = 3
"""So many rounds of off without effect, and the relay is reported stuck (specified)."""

STUCK_REPORT_S = 3600.0
"""How often a stuck relay is reported (specified)."""

BROWNOUT_S = 10.0
"""A board reset so soon after a relay-on is blamed on it (specified)."""


@frozen
class SwitchOn:
    """Switch the port on, from `media` where it has a selector."""

    port: int
    media: str | None
    round: int


@frozen
class SwitchOff:
    """Switch the port off, and keep it off against the board's own auto-start."""

    port: int
    round: int


@define
class Port:
    """What is wanted of one port, and what is known of it."""

    number: int
    off_time_s: float
    off_at_s: float  # when it was last seen off, or may have been
    is_mute: bool = False  # its guest has no heartbeat: nothing but its current tells whether it runs
    goal: PowerGoal = UNTOUCHED
    goal_at_s: float = -math.inf
    relay: Supply = "unknown"
    shown: Evidence | None = None  # by what; None: by nothing in this run of the service
    doubted: bool = False  # it was on in this cycle, and nobody knows whether it still is
    cycle: int | None = 0  # that it is on in (0: one of before); None: of unknown origin
    kept: bool = False  # it is off, and the board will not start it by itself
    asked: Literal["on", "off"] | None = None  # the command that waits for its evidence
    asked_at_s: float = -math.inf
    replied: bool = False  # to that command
    seen_off_at_s: float | None = None  # the board said off; the current has yet to agree
    rounds: int = 0
    resisted: int = 0  # rounds of off after which it still drew current
    draws_still: bool = False  # so said the poll before, after the off: a reading may be damaged on its way
    beat_at_s: float = -math.inf
    stirred_at_s: float = -math.inf  # its timer was reset, and by nothing that is known of: by a beat, or by the board's start
    supply: Supply = "unknown"  # what its current showed at the last poll
    drew: bool = False  # it did since it is on
    idle_since_s: float = math.inf  # it did, and certainly has not since
    on_at_s: float = -math.inf
    reported: bool = False  # power was found or lost here, and the guest's machine has yet to say what it wants
    stuck_at_s: float = -math.inf

    @property
    def confirmed(self) -> bool:
        """The goal is reached, by evidence."""
        if self.goal.level == "on":
            return self.relay == "on" and self.cycle == self.goal.cycle
        return self.goal.level == "off" and self.relay == "off" and self.kept

    @property
    def evidence(self) -> Evidence | None:
        """What shows that the goal is reached."""
        if not self.confirmed:
            return "assumed" if self.asked is not None and self.replied else None
        if self.relay == "on" and (self.supply == "on" or self.beat_at_s > self.on_at_s):
            return "sensed"
        return self.shown

    @property
    def dark(self) -> bool:
        """Whatever is heard there has no power from here: the board keeps it off, and not even a little current flows."""
        return self.relay == "off" and self.kept and self.supply == "off"

    @property
    def may_have_started(self) -> bool:
        """It was off, the board does not keep it so, no meter tells, and its timer was reset since."""
        since_s = max(self.off_at_s, self.asked_at_s + REPORT_LAG_S)
        return self.relay == "off" and not self.kept and self.supply == "unknown" and self.stirred_at_s > since_s

    @property
    def must_go_off(self) -> bool:
        """The next thing to do here is an off."""
        if self.goal.level == "off":
            return not self.confirmed and not self.unowned
        if self.goal.level != "on" or self.confirmed or self.asked == "on" or self.relay == "off" or self.stuck:
            return False
        if self.in_doubt:
            return False  # another relay-on makes sure of it
        return self.relay == "on" or not self.goal.cleared

    @property
    def clearing(self) -> bool:
        """An off is under way, and it is still what comes next: its evidence must not be taken for a loss of power."""
        return self.asked == "off" and (
            self.goal.level == "off" or (self.goal.level == "on" and not self.goal.cleared and not self.goal.already)
        )

    @property
    def in_doubt(self) -> bool:
        """It should be on in the cycle in which it was, and nobody knows whether it still is."""
        return self.doubted and self.goal.level == "on" and self.cycle == self.goal.cycle

    @property
    def awaiting_on(self) -> bool:
        """Evidence that it is on would be evidence of the wanted power cycle."""
        if self.goal.level != "on" or self.confirmed:
            return False
        return self.asked == "on" or self.in_doubt or (self.goal.cleared and self.relay == "unknown")

    @property
    def must_go_on(self) -> bool:
        """What is left to do here is the relay-on."""
        return self.goal.level == "on" and not self.confirmed and not self.must_go_off

    @property
    def unowned(self) -> bool:
        """It is on in a cycle that the goal may not cut; a firm off that is newer than what was found cuts that, too."""
        if self.goal.firm and self.cycle is None and not self.reported:
            return False
        return self.relay != "off" and (self.cycle is None or self.cycle > self.goal.cycle)

    @property
    def withdrawn(self) -> bool:
        """It may be on in a cycle that is not wanted any more, and its guest's machine was told that it would be, at most."""
        may_be_on = self.relay == "unknown" or (self.relay == "on" and self.goal.level == "off")
        return may_be_on and self.unowned and self.asked is None and not self.reported

    @property
    def stuck(self) -> bool:
        """Switching it off has been tried often enough."""
        return self.resisted >= STUCK_ROUNDS

    def lives(self, now_s: float) -> bool:
        """It shows that it has power, whatever the board says of it: a line may be garbled, and an EEPROM forgotten."""
        return self.supply == "on" or now_s <= self.beat_at_s + LIFE_S

    @property
    def retry_at_s(self) -> float:
        """When the command that waits for its evidence is repeated."""
        if self.asked is None or self.rounds == 0:
            return -math.inf
        return self.asked_at_s + min(math.ldexp(EVIDENCE_S, min(self.rounds, MOST_DOUBLINGS) - 1), EVIDENCE_MAX_S)


@define
class Power:
    """All ports that have a guest, and the rules between them.

    Args:
        off_times_s: for each port how long it stays off before a new power cycle.
        stagger_s: the least time between two relay-ons.
        now_s: the time of coming up: a relay may have been switched just before.
        tell: takes each fact, in order.
        mute: ports whose guests have no heartbeat.
    """

    off_times_s: Mapping[int, float]
    stagger_s: float
    now_s: float
    tell: Callable[[PortFact], None]
    mute: Collection[int] = ()
    ports: dict[int, Port] = field(init=False)
    last_on_s: float = field(init=False)
    last_on_port: int | None = None
    _unplaced: dict[int, float] | None = None  # cuts that a board told of which it is yet to be found out whether it restarted

    def __attrs_post_init__(self) -> None:
        times_s = self.off_times_s.items()
        self.ports = {number: Port(number, off_s, self.now_s, number in self.mute) for number, off_s in times_s}
        self.last_on_s = self.now_s

    # What is wanted ----------------------------------------------------------

    def want(self, number: int, goal: PowerGoal, now_s: float) -> None:
        """Take over the level that a guest's state asks for."""
        port = self.ports[number]
        if goal == port.goal and not port.reported:
            return
        changed = (goal.level, goal.cycle) != (port.goal.level, port.goal.cycle)
        port.goal = goal
        port.reported = False
        if changed:
            port.goal_at_s = now_s
        if changed and not port.clearing:
            port.asked, port.rounds, port.resisted, port.seen_off_at_s = None, 0, 0, None
        if goal.already:
            self._believe(port, goal)
        elif goal.level == "off" and changed and port.confirmed:
            self.tell(RelayOff(number, port.cycle or 0, port.off_at_s))  # a start was called off: nothing is left to do
        elif goal.level == "untouched" and goal.cycle > (port.cycle or 0):
            port.cycle = goal.cycle

    def _believe(self, port: Port, goal: PowerGoal) -> None:
        """Evidence from before: of an earlier run of the service, or of a guest that was found running."""
        if port.in_doubt:
            return
        adopted = goal.level == "on" and (port.cycle is None or goal.cycle > port.cycle)
        if port.relay == "unknown" or adopted:
            port.relay = "on" if goal.level == "on" else "off"
            port.cycle, port.kept, port.doubted = goal.cycle, goal.level == "off", False

    # What to do next ---------------------------------------------------------

    def next(self, now_s: float) -> SwitchOn | SwitchOff | float:
        """The command that is due now, or the time at which to ask again. Offs come first: they may be urgent."""
        at_s = math.inf
        for port in sorted(self.ports.values(), key=lambda port: port.goal_at_s):
            due_s = self._off_due_s(port)
            if due_s <= now_s:
                return SwitchOff(port.number, port.rounds + 1)
            at_s = min(at_s, due_s)
        for port in sorted(self.ports.values(), key=lambda port: port.goal_at_s):
            due_s = self._on_due_s(port)
            if due_s <= now_s:
                return SwitchOn(port.number, port.goal.media, port.rounds + 1)
            at_s = min(at_s, due_s)
        return at_s

    def _off_due_s(self, port: Port) -> float:
        if not port.must_go_off or port.reported:
            return math.inf
        if port.seen_off_at_s is not None or (port.relay == "off" and port.supply == "on"):
            return math.inf  # the next poll tells
        return port.retry_at_s if port.asked == "off" else -math.inf

    def _on_due_s(self, port: Port) -> float:
        if not port.must_go_on or port.reported:
            return math.inf
        retry_s = port.retry_at_s if port.asked == "on" else -math.inf
        return max(retry_s, port.off_at_s + port.off_time_s, self.last_on_s + self.stagger_s)

    def begin(self, action: SwitchOn | SwitchOff, now_s: float) -> None:
        """The command is about to leave: from now on it may have its effect."""
        port = self.ports[action.port]
        wanted: Literal["on", "off"] = "on" if isinstance(action, SwitchOn) else "off"
        port.rounds = port.rounds + 1 if port.asked == wanted else 1
        port.asked, port.asked_at_s, port.replied, port.seen_off_at_s, port.draws_still = wanted, now_s, False, None, False
        if wanted == "on":
            self._switching_on(port, now_s)

    def _switching_on(self, port: Port, now_s: float) -> None:
        self.last_on_s, self.last_on_port = now_s, port.number
        port.relay, port.cycle, port.kept, port.on_at_s, port.shown = "unknown", port.goal.cycle, False, now_s, None
        port.drew, port.idle_since_s = False, math.inf
        if port.rounds == 1:
            self.tell(RelayAsked(port.number, port.goal.cycle, now_s))

    def is_taken_back(self, number: int) -> bool:
        """Its guest is to be off: what of a start has not left yet is not to leave any more."""
        return self.ports[number].goal.level == "off"

    def replied(self, action: SwitchOn | SwitchOff) -> None:
        """The board has replied to the command, which is no evidence."""
        self.ports[action.port].replied = True

    def sent(self, action: SwitchOn | SwitchOff, now_s: float) -> None:
        """The command was answered, or given up: its effect may still be a main loop away."""
        port = self.ports[action.port]
        if isinstance(action, SwitchOn):
            self.last_on_s = max(self.last_on_s, now_s + UNSEEN_S)
        elif port.seen_off_at_s is None:
            port.off_at_s = max(port.off_at_s, now_s)

    def leave(self, number: int) -> None:
        """Nobody wants anything of this port, which may be on. Nothing but its current tells whether it is."""
        self.ports[number] = Port(number, 0.0, self.now_s, is_mute=True, relay="on")

    # What was seen -----------------------------------------------------------

    def seen_on(
        self,
        number: int,
        at_s: float,
        media: str | None = None,
        why: str = "the board started it",
        *,
        shown: Evidence = "told",
    ) -> None:
        """Evidence that the port is on."""
        port = self.ports.get(number)
        if port is None:
            return
        port.shown = port.shown if port.relay == "on" and port.shown else shown
        if port.relay == "on":
            return
        self.last_on_s, port.on_at_s = max(self.last_on_s, at_s), at_s
        if port.awaiting_on:
            port.relay, port.cycle, port.asked, port.rounds, port.doubted = "on", port.goal.cycle, None, 0, False
            self.tell(RelayOn(number, port.goal.cycle, at_s, media))
        else:
            self._found(port, at_s, why)

    def came_back(self, number: int, at_s: float, why: str) -> None:
        """It went off as was asked, and the board switched it on again before that could be seen."""
        self._found(self.ports[number], at_s, why)

    def unseen(self, number: int, at_s: float, why: str) -> None:
        """It was off, and nobody knows whether it still is."""
        self._found(self.ports[number], at_s, why, "unknown")

    def doubt(self, number: int) -> None:
        """It was on, and nobody knows whether it still is."""
        port = self.ports.get(number)
        if port is not None and port.relay == "on":
            port.relay, port.doubted, port.shown = "unknown", True, None

    def _found(self, port: Port, at_s: float, why: str, supply: Supply = "on") -> None:
        port.relay, port.cycle, port.kept, port.asked, port.rounds = supply, None, False, None, 0
        port.seen_off_at_s, port.reported, port.doubted = None, True, False
        self.tell(PowerFound(port.number, at_s, why, supply))

    def seen_off(self, number: int, at_s: float, why: str = "the board cut it") -> None:
        """The board says that it switched the port off."""
        port = self.ports.get(number)
        if port is None:
            return
        if self._unplaced is not None:
            self._unplaced[number] = at_s
            return
        port.off_at_s = max(port.off_at_s, at_s)
        if port.asked == "off":
            port.seen_off_at_s = at_s
        elif port.relay != "off":
            self._lost(port, PowerLost(number, at_s, why))

    def seen_kept(self, number: int, *, kept: bool, at_s: float) -> None:
        """The board says whether it keeps the port off (v3: its `enabled` report)."""
        port = self.ports.get(number)
        if port is None or at_s <= port.asked_at_s + REPORT_LAG_S:
            return
        if kept and port.asked == "off" and port.seen_off_at_s is None:
            port.seen_off_at_s = at_s
        elif kept and port.relay == "on" and port.asked is None and at_s > port.on_at_s + EVIDENCE_S and not port.lives(at_s):
            self._lost(port, PowerLost(number, at_s, "the board has disabled it"))
        elif kept and port.relay == "off":
            port.shown = port.shown or "told"
        elif port.relay == "off":
            self._not_kept(port, at_s)

    def _not_kept(self, port: Port, at_s: float) -> None:
        """It is off, and the board may start it, or has: that is news where it was kept off until then."""
        was_kept, port.kept = port.kept, False
        if port.supply == "on":
            self._found(port, at_s, "it draws current, and the board does not keep it off")
        elif port.supply == "unknown" and was_kept and port.goal.level == "off" and port.asked is None:
            self._found(port, at_s, "the board does not keep it off, and nobody knows whether it runs", "unknown")

    def polled(self, number: int, at_s: float, supply: Supply) -> None:
        """A poll that was asked at `at_s` shows whether something runs on the port; unknown where its sensor is dead."""
        port = self.ports.get(number)
        if port is None:
            return
        surely = supply == "on" and (port.supply == "on" or not port.kept)
        port.supply = supply
        port.drew = port.relay == "on" and (port.drew or supply == "on")
        port.idle_since_s = min(port.idle_since_s, at_s) if port.drew and supply == "off" else math.inf
        if at_s <= max(port.asked_at_s, port.off_at_s) + SETTLE_S:
            return  # it tells of before
        if port.asked == "off":
            self._off_judged(port, at_s)
        elif supply == "on" and port.awaiting_on:
            self.seen_on(number, at_s, shown="sensed")
        elif port.withdrawn:
            self._withdrawn_judged(port, at_s)
        elif port.relay == "off" and surely:
            self._found(port, at_s, "it draws current though it was off")
        elif port.relay == "on" and port.is_mute and at_s >= port.idle_since_s + GONE_S:
            self._lost(port, PowerLost(number, at_s, "it draws no current any more"))

    def _off_judged(self, port: Port, at_s: float) -> None:
        """Off was asked for: believe it where the board said so and the current agrees."""
        drew_still, port.draws_still = port.draws_still, port.supply == "on"
        if port.draws_still:
            if drew_still:
                self._resists(port, at_s)
        elif port.seen_off_at_s is not None and at_s > port.seen_off_at_s + SETTLE_S:
            seen_s = port.seen_off_at_s
            port.shown = "sensed" if port.drew and port.supply == "off" else "told"
            port.relay, port.kept, port.asked, port.rounds, port.resisted = "off", True, None, 0, 0
            port.seen_off_at_s, port.stuck_at_s, port.doubted = None, -math.inf, False
            self.tell(RelayOff(port.number, port.cycle or 0, seen_s))

    def _resists(self, port: Port, at_s: float) -> None:
        """It still draws current: another round, and a report when there have been enough."""
        port.resisted, port.seen_off_at_s = max(port.resisted, port.rounds), None
        if port.stuck and at_s >= port.stuck_at_s + STUCK_REPORT_S:
            port.stuck_at_s = at_s
            self.tell(RelayStuck(port.number, at_s, port.rounds))

    def _withdrawn_judged(self, port: Port, at_s: float) -> None:
        """A relay-on was withdrawn when it may have left already, or had its effect: either it shows, or it has not happened."""
        if port.supply == "on":
            self._found(port, at_s, "it came on though its start had been withdrawn")
        elif at_s <= port.on_at_s + EVIDENCE_S:
            return
        elif port.supply == "off":
            port.cycle = port.goal.cycle
        else:
            self._found(port, at_s, "its start was withdrawn, and nobody knows whether it came on", "unknown")

    def stirred(self, number: int, at_s: float) -> None:
        """Something other than the service has reset the port's timer."""
        port = self.ports[number]
        port.stirred_at_s = max(port.stirred_at_s, at_s)

    def beat(self, number: int, at_s: float) -> None:
        """The guest was heard, after whatever the board was told last."""
        port = self.ports.get(number)
        if port is None:
            return
        port.beat_at_s = max(port.beat_at_s, at_s)
        if port.awaiting_on and at_s > port.asked_at_s:
            self.seen_on(number, max(port.asked_at_s, self.now_s), shown="sensed")  # it went on before it could beat

    def connected(self) -> None:
        """There is a connection: a board that browned out as it switched a port kills that port before it is greeted."""
        self._unplaced = {}

    def placed(self) -> None:
        """It is known by now whether the board restarted, or there is no connection any more to find it out on."""
        cuts, self._unplaced = self._unplaced or {}, None
        for number, at_s in cuts.items():
            self.seen_off(number, at_s)

    def link_up(self, at_s: float) -> None:
        """The board can be seen again, and its first poll has been told.

        What may have been started meanwhile is not just cut. An off that rested on silence, for good or for a new power cycle,
        lapses where the guest was heard meanwhile, or where nobody knows what happened since it was decided (the service was
        away) and something runs there.
        """
        for port in self.ports.values():
            if not port.must_go_off or port.goal.firm or port.reported:
                continue
            if port.may_have_started:
                self._found(port, at_s, "its timer was reset, and nobody knows whether the board started it", "unknown")
            elif port.relay == "off":
                continue
            elif port.beat_at_s > port.goal_at_s + EVIDENCE_S:
                self._found(port, at_s, "it beats again before its power could be cut")
            elif port.relay == "unknown" and port.supply != "off":
                self._found(port, at_s, "it runs, or may, and nobody knows since when", port.supply)

    def board_reset(
        self, at_s: float, *, survivors: frozenset[int] = frozenset(), doubtful: frozenset[int] = frozenset()
    ) -> frozenset[int]:
        """The board restarted: its relays fell off, but for those of `survivors`; of `doubtful` ones nobody knows.

        Nothing is kept off for certain. Return the ports that lost their power.
        """
        lost = set()
        for port in self.ports.values():
            port.asked, port.rounds, port.seen_off_at_s = None, 0, None
            port.kept = False
            if port.number in doubtful:
                self.doubt(port.number)
            elif port.number not in survivors and port.relay != "off":
                suspect = port.number == self.last_on_port and at_s - self.last_on_s <= BROWNOUT_S
                self._lost(port, PowerLost(port.number, at_s, "the board restarted", reset=True, suspect=suspect))
                lost.add(port.number)
        return frozenset(lost)

    def _lost(self, port: Port, lost: PowerLost) -> None:
        port.relay, port.kept, port.asked, port.rounds, port.doubted = "off", False, None, 0, False
        port.shown, port.off_at_s = "told", max(port.off_at_s, lost.at_s)
        port.reported = port.goal.level == "on"  # that cycle is over: the guest's machine says what follows
        self.tell(lost)

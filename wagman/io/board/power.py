"""Whose turn it is to be switched: the outlets of a board, and the rules between them.

Sans-I/O: the board task asks `next()` which command is due, sends it, and reports that by `sent()`. The driver reports what it
sees, and each outlet's machine (`wagman.fsm.outlet`) judges it. The rules, whoever asked:

- no relay-on within `off_time` of that outlet's relay-off, and no two relay-ons within `stagger`, over all boards;
- offs come first, because they may be urgent; the others in the order in which they were asked for;
- a pulse switches on, too: that on keeps the same distance from all others.
"""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeAlias, TypeVar

from attrs import define, evolve, field, frozen

from wagman.fsm.outlet import Fate, Level, On, Outlet, Step
from wagman.fsm.outlet.signs import SETTLE_S
from wagman.io.board.pace import Pace
from wagman.model.backend import Abilities
from wagman.model.facts import Evidence, Port, PortFact, PowerGoal, Supply

P = TypeVar("P", bound=Port)
"""The type of a board's port names."""

Tell: TypeAlias = Callable[[P, PortFact], None]
"""Takes a fact about a port, in order."""

UNSEEN_S = 1.0
"""How much later than its reply an unseen relay-on may have been executed (firmware: a main loop, and the switching)."""

BROWNOUT_S = 10.0
"""A board reset so soon after a relay-on is blamed on that port (specified)."""


AFTER_SETTLE_S = 0.5
"""How long after its settle time a board is looked at (chosen: a look in that very instant would not count yet)."""


@frozen
class SwitchOn(Generic[P]):
    """Switch the port on, from `media` if it has a selector."""

    port: P
    media: str | None


@frozen
class SwitchOff(Generic[P]):
    """Switch the port off, and keep it off against the board's own auto-start."""

    port: P


@frozen
class SwitchPulse(Generic[P]):
    """Have the board switch the port off, and on again by itself: the way to the board may depend on that port."""

    port: P
    off_s: float


Action: TypeAlias = SwitchOn[P] | SwitchOff[P] | SwitchPulse[P]


@define
class Power(Generic[P]):
    """All outlets of a board that have a guest, and whose turn it is.

    Args:
        off_times_s: for each port how long it stays off before a new power cycle.
        pace: whose turn it is among all boards.
        now_s: the time of coming up: a relay may have been switched just before.
        tell: takes each fact about a port, in order.
        mute: ports whose guests have no heartbeat.
        ways: ports through which a board is reached, if they can be switched off and on by one command.
    """

    off_times_s: dict[P, float]
    pace: Pace
    now_s: float
    tell: Tell[P]
    mute: Collection[P] = ()
    ways: Collection[P] = ()
    settle_s: float = field(init=False, default=SETTLE_S)
    meter_settle_s: float = field(init=False, default=0.0)
    ports: dict[P, Outlet] = field(init=False)
    last_on_s: float = field(init=False)
    last_on_port: P | None = field(init=False, default=None)
    _unplaced: dict[P, float] | None = field(init=False, default=None)  # cuts that a board reported before it was greeted

    def __attrs_post_init__(self) -> None:
        self.ports = {number: Outlet.new(self.now_s, is_mute=False) for number in self.off_times_s}
        self.configure(self.off_times_s, self.mute, self.ways)
        self.last_on_s = self.now_s

    def _take(self, number: P, step: Step) -> None:
        """Take over the step of an outlet's machine, and tell its facts."""
        self.ports[number] = step.outlet
        self._went_on(step.outlet.signs.on_at_s)
        for fact in step.facts:
            self.tell(number, fact)

    def _went_on(self, at_s: float) -> None:
        self.last_on_s = max(self.last_on_s, at_s)
        self.pace.went_on(at_s)

    # What is wanted ----------------------------------------------------------

    def want(self, number: P, goal: PowerGoal, now_s: float) -> None:
        """Take over the level that a guest's state asks for."""
        self._take(number, self.ports[number].wanted(goal, now_s))

    def configure(self, off_times_s: Mapping[P, float], mute: Collection[P], ways: Collection[P] = ()) -> None:
        """Take over other times and other kinds of guests."""
        self.off_times_s.update(off_times_s)
        for number, off_s in off_times_s.items():
            pulse_s = off_s if number in ways else 0.0
            self.ports[number] = evolve(self.ports[number], is_mute=number in mute, pulse_s=pulse_s)

    def adapt(self, abilities: Abilities) -> None:
        """Take over what the board can show, and how long after a command it may still show the old state, or no power."""
        # mark board-that-needs-time
        self.settle_s, self.meter_settle_s = abilities.settle_s, abilities.meter_settle_s
        # mark board-that-needs-time
        self.ports = {number: _adapted(each, abilities) for number, each in self.ports.items()}

    def leave(self, number: P) -> None:
        """Count the port as on, and want nothing of it: it has no guest any more. Only its current shows whether it is on."""
        self.off_times_s[number] = 0.0
        self.ports[number] = evolve(Outlet.new(self.now_s, is_mute=True), state=On(0), settle_s=self.settle_s)

    # What to do next ---------------------------------------------------------

    def next(self, now_s: float) -> Action[P] | float:
        """The command that is due now, or the time at which to ask again."""
        dues = [(number, *due) for number, outlet in self.ports.items() if (due := outlet.due) is not None]
        dues.sort(key=lambda due: (due[1] == "on", self.ports[due[0]].goal_at_s))
        at_s = math.inf
        for number, level, from_s in dues:
            due_s = from_s if level == "off" else max(from_s, self.turn_s(number, level))
            if due_s <= now_s:
                return self.command(number, level)
            at_s = min(at_s, due_s)
        return at_s

    def look_s(self, now_s: float) -> float:
        """When a look can first show the effect of the latest command to a port that waits for it; infinity: no such look is due.

        A board that shows effects at once is looked at right after each command.
        """
        settles_s = [each for each in (self.settle_s, self.meter_settle_s) if each > SETTLE_S]
        # mark board-that-needs-time
        looks_s = (
            outlet.told_s + settle_s + AFTER_SETTLE_S
            for outlet in self.ports.values()
            if outlet.pending is not None
            for settle_s in settles_s
        )
        # mark board-that-needs-time
        return min((at_s for at_s in looks_s if at_s > now_s), default=math.inf)

    def shown_from_s(self) -> float:
        """Return from when on a look shows of each port what has become of it."""
        return max((outlet.settled_s for outlet in self.ports.values()), default=-math.inf) + AFTER_SETTLE_S

    def turn_s(self, number: P, level: Level) -> float:
        """The time from which the rules between the outlets allow a relay-on."""
        rested_s = -math.inf if level == "pulse" else self.ports[number].signs.off_at_s + self.off_times_s[number]
        return max(rested_s, self.pace.turn_s(self))

    def command(self, number: P, level: Level) -> Action[P]:
        """The command that switches an outlet to that level."""
        if level == "pulse":
            # mark pulse-of-a-plain-board
            return SwitchPulse(number, self.ports[number].pulse_s)
        return SwitchOff(number) if level == "off" else SwitchOn(number, self.ports[number].goal.media)

    def begin(self, action: Action[P], now_s: float) -> None:
        """The command is about to leave: from now on it may have its effect."""
        if not isinstance(action, SwitchOff):
            self.last_on_port = action.port
            self.pace.begin(self)
        self._take(action.port, self.ports[action.port].sending(level_of(action), now_s))

    def is_taken_back(self, number: P) -> bool:
        """Whether the guest is to be off, so that a start that has not left yet must not leave any more."""
        return self.ports[number].goal.level == "off"

    def replied(self, action: Action[P]) -> None:
        """The board has replied to the command, which is no evidence."""
        self._take(action.port, self.ports[action.port].replied())

    def sent(self, action: Action[P], now_s: float) -> None:
        """The command was answered, or given up: its effect may still be a main loop away."""
        outlet, level = self.ports[action.port], level_of(action)
        self._take(action.port, outlet.sent(level, now_s))
        if level != "off":
            self._went_on(now_s + outlet.off_for_s(level) + UNSEEN_S)
            self.pace.end(self)

    # ports without a guest are ignored ---------------

    def seen_on(
        self,
        number: P,
        at_s: float,
        media: str | None = None,
        why: str = "the board started it",
        *,
        shown: Evidence = "told",
    ) -> None:
        """Evidence that the port is on."""
        # mark port-without-a-guest
        if outlet := self.ports.get(number):
            self._take(number, outlet.seen_on(at_s, media, why, shown))

    def found(self, number: P, at_s: float, why: str, supply: Supply = "on") -> None:
        """The port is on again, or may be, though it was off; the board did that before its off could be seen, or since."""
        self._take(number, self.ports[number].stray(at_s, why, supply))

    def doubt(self, number: P) -> None:
        """If the port was on, nobody knows whether it still is."""
        # mark port-without-a-guest
        if outlet := self.ports.get(number):
            self._take(number, outlet.doubted())

    def seen_off(self, number: P, at_s: float, why: str = "the board cut it") -> None:
        """The board says that it switched the port off."""
        if number not in self.ports:
            return
        if self._unplaced is not None:
            # mark cut-before-the-greeting
            self._unplaced[number] = at_s
        else:
            self._take(number, self.ports[number].seen_off(at_s, why))

    def seen_kept(self, number: P, *, kept: bool, at_s: float) -> None:
        """The board says whether it keeps the port off (v3: its `enabled` report)."""
        # mark port-without-a-guest
        if outlet := self.ports.get(number):
            self._take(number, outlet.seen_kept(at_s, kept=kept))

    def polled(self, number: P, at_s: float, supply: Supply, proof: Evidence = "sensed", *, is_sound: bool = False) -> None:
        """The answer to a poll that left at `at_s` shows whether the port has power; `unknown`: its sensor is dead."""
        # mark port-without-a-guest
        if outlet := self.ports.get(number):
            self._take(number, outlet.polled(at_s, supply, proof, is_sound=is_sound))

    def shown_off(self, number: P, at_s: float, why: str, proof: Evidence) -> None:
        """A look that left at `at_s` shows the port off."""
        # mark look-of-a-plain-board
        self._take(number, self.ports[number].shown_off(at_s, why, proof))

    def assumed(self, number: P, at_s: float) -> None:
        """Nothing can be read of the port, and `at_s` is now: only the reply to the command counts."""
        # mark reply-of-a-plain-board
        self._take(number, self.ports[number].assumed(at_s))

    def stirred(self, number: P, at_s: float) -> None:
        """Something other than the service has reset the port's timer."""
        self._take(number, self.ports[number].stirred(at_s))

    def beat(self, number: P, at_s: float) -> None:
        """The guest was heard."""
        # mark port-without-a-guest
        if outlet := self.ports.get(number):
            self._take(number, outlet.beat(at_s))

    # Connections and restarts ------------------------------------------------

    def connected(self) -> None:
        """There is a connection: note cuts until `placed`. A board that browns out reports its cut before it is greeted."""
        self._unplaced = {}

    def placed(self) -> None:
        """It is known whether the board restarted, or the connection is gone: judge the cuts that were noted."""
        cuts, self._unplaced = self._unplaced or {}, None
        for number, at_s in cuts.items():
            # mark cut-before-the-greeting
            self.seen_off(number, at_s)

    def link_up(self, at_s: float, *, is_first: bool = False) -> None:
        """The board can be seen again, and its first poll has been reported: an off that rested on silence may lapse.

        `is_first`: nothing was known of the board before.
        """
        for number, outlet in tuple(self.ports.items()):
            self._take(number, outlet.link_up(at_s, is_first=is_first))

    def board_reset(
        self, at_s: float, *, survivors: frozenset[P] = frozenset(), doubtful: frozenset[P] = frozenset()
    ) -> frozenset[P]:
        """The board restarted: all relays fell off except those of `survivors`; of `doubtful` ports nobody knows.

        Returns the ports that lost their power.
        """
        lost = set()
        for number, outlet in tuple(self.ports.items()):
            fate: Fate = "doubtful" if number in doubtful else "survived" if number in survivors else "lost"
            suspect = number == self.last_on_port and at_s - self.last_on_s <= BROWNOUT_S
            self._take(number, outlet.board_reset(at_s, fate, suspect=suspect))
            if fate == "lost" and outlet.relay != "off":
                lost.add(number)
        return frozenset(lost)


def level_of(action: Action[P]) -> Level:
    """The level to which a command switches."""
    match action:
        case SwitchPulse():
            # mark pulse-of-a-plain-board
            return "pulse"
        case SwitchOn():
            return "on"
        case _:
            return "off"


def _adapted(outlet: Outlet, abilities: Abilities) -> Outlet:
    # mark board-that-needs-time
    return evolve(outlet, settle_s=abilities.settle_s, is_unread=abilities.readback == "none")

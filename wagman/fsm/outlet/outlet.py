"""The outlet: all that is known and wanted of it, its inputs, and the command that is due."""

import math
from typing import Any, Literal

from attrs import evolve, frozen

from wagman.fsm.outlet.signs import (
    EVIDENCE_S,
    REPORT_LAG_S,
    SETTLE_S,
    STUCK_REPORT_S,
    STUCK_ROUNDS,
    Level,
    PendingCommand,
    Signs,
    Step,
)
from wagman.fsm.outlet.states import Doubted, Off, On, State, Stray, Unknown
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

NOTHING_KNOWN = Unknown()
"""The state in which each run of the service begins."""

Fate = Literal["lost", "survived", "doubtful"]
"""What became of an outlet's power when its board restarted."""


@frozen
class Outlet:
    """One outlet: the goal, the signs that it showed, and the state that follows. Each input is a method, and yields a `Step`.

    Times are seconds of trio's clock.
    """

    began_s: float  # when this run of the service began to look after it
    signs: Signs
    is_mute: bool = False  # its guest has no heartbeat: only its current shows whether it runs
    state: State = NOTHING_KNOWN
    pending: PendingCommand | None = None
    goal: PowerGoal = UNTOUCHED
    goal_at_s: float = -math.inf
    reports: int = 0  # how many times power lost or found was reported so far
    settle_s: float = SETTLE_S  # how long after a command a reading may not show its effect yet
    pulse_s: float = 0.0  # > 0: a board is reached through it, and an off before an on is a pulse of this length
    is_unread: bool = False  # nothing can be read of its board, in no run of the service

    @classmethod
    def new(cls, now_s: float, *, is_mute: bool) -> "Outlet":
        """An outlet of which nothing is known. Its relay may have been switched just before `now_s`."""
        return cls(now_s, Signs(now_s, still_off=True), is_mute)

    # What is known -----------------------------------------------------------

    @property
    def relay(self) -> Supply:
        """What is believed of its power."""
        return self.state.relay

    @property
    def is_reached(self) -> bool:
        """Whether nothing is left to be done for the goal."""
        return self.state.reaches(self.goal)

    @property
    def confirmed(self) -> bool:
        """Whether evidence, and not just a reply, shows that the goal is reached."""
        return self.is_reached and self.evidence != "assumed"

    @property
    def evidence(self) -> Evidence | None:
        """What shows that the goal is reached; None: nothing does."""
        if not self.is_reached:
            return "assumed" if self.pending is not None and self.pending.has_replied else None
        if self.relay == "on" and self.signs.beat_at_s > self.signs.on_at_s:
            return "sensed"
        proof = self.signs.proof if self.relay == self.signs.supply == "on" else self.state.proof
        return "assumed" if proof is None and self.is_unread else proof

    @property
    def shows(self) -> str:
        """How the last poll showed that the outlet is on, in words."""
        return "it draws current" if self.signs.proof == "sensed" else "the board shows it on"

    @property
    def is_dark(self) -> bool:
        """Whether the board keeps the outlet off, and no current flows: a beat there cannot come from its guest."""
        return self.state.is_kept and self.signs.supply == "off"

    @property
    def is_doubtful(self) -> bool:
        """Whether the outlet was on in its power cycle, and nobody knows whether it still is."""
        return isinstance(self.state, Doubted)

    @property
    def resists(self) -> bool:
        """Whether it drew current after an off, which is repeated therefore."""
        return self.pending is not None and self.pending.resisted > 0

    @property
    def is_stuck(self) -> bool:
        """Whether an off was tried as often as it takes to report the relay stuck."""
        return self.pending is not None and self.pending.is_stuck

    @property
    def is_dead(self) -> bool:
        """Whether an on was tried as often as it takes to report a relay stuck, and nothing has come of it."""
        is_asked = self.pending is not None and self.pending.level == "on" and self.pending.round > STUCK_ROUNDS
        return is_asked and not self.is_reached

    @property
    def awaits_on(self) -> bool:
        """Whether evidence of *on* would be evidence of the wanted power cycle."""
        if self.goal.level != "on" or self.is_reached:
            return False
        return self.state.serves(self.goal) or self.is_switching("on")

    @property
    def awaits_answer(self) -> bool:
        """Whether power lost or found was reported, and the guest's machine has not answered yet."""
        is_news = self.goal.level != "off" or self.relay != "off"
        return is_news and self.goal.taken < self.reports

    def is_switching(self, level: Level) -> bool:
        """Whether a command to that level waits for its evidence."""
        return self.pending is not None and self.pending.level == level

    # What is due -------------------------------------------------------------

    @property
    def due(self) -> tuple[Level, float] | None:
        """The next command, and the time from which it may leave; None: no command is due."""
        if self.awaits_answer or self.is_reached:
            return None
        level = self.needed
        if level != "off" and (self.goal.level != "on" or self.goal.leaving):
            return None
        # A command during a pulse would do nothing, or be undone at the end of the pulse.
        first_s = max(self.state.off_due_s(self) if level == "off" else -math.inf, self.signs.pulsed_until_s)
        if self.pending is None or self.pending.level not in (level, "pulse"):
            return level, first_s
        pause_s = max(self.pending.pause_s, self.settle_s + EVIDENCE_S - SETTLE_S)
        return level, max(first_s, self.asked_until_s + pause_s)

    @property
    def needed(self) -> Level:
        """What the next command does."""
        if self.needs_off:
            return "pulse" if self.pulse_s > 0 and self.goal.level == "on" else "off"
        # An on after a pulse makes sure of the power, in case the board has forgotten the pulse.
        is_repeated = self.pending is not None and self.pending.may_be_lost and self.signs.supply != "off"
        return "pulse" if is_repeated else "on"

    @property
    def needs_off(self) -> bool:
        """Whether an off is the next command."""
        if self.goal.level == "off":
            return not self.is_reached and not self.state.is_foreign(self)
        if self.goal.level != "on" or self.is_reached or self.is_switching("on") or self.is_stuck:
            return False
        return self.state.needs_clearing(self.goal)

    # What is wanted ----------------------------------------------------------

    def wanted(self, goal: PowerGoal, at_s: float) -> Step:
        """The guest's machine asks for a level. A goal from before the latest report is ignored."""
        if goal.taken < self.reports or goal == self.goal:
            return Step(self)
        is_new = (goal.level, goal.cycle) != (self.goal.level, self.goal.cycle)
        now = evolve(self, goal=goal)
        if is_new:
            now = evolve(now, goal_at_s=at_s, pending=self.pending if now.goes_on_with_off else None)
        if goal.already:
            return now.heard_off().goto(now.state.believed(goal))
        cycle = now.state.cycle or 0
        if goal.level == "off" and is_new and now.is_reached:
            # A start was called off: nothing is left to do.
            return Step(now, (RelayOff(cycle, self.signs.off_at_s, not now.confirmed),))
        is_taken_over = goal.level == "untouched" and goal.cycle > cycle
        return now.goto(now.state.taken_over(goal.cycle)) if is_taken_over else Step(now)

    def heard_off(self) -> "Outlet":
        """Note where the guest's machine takes it for running, by its beats, though all looks show it off.

        Either the looks are wrong, or the guest is powered from elsewhere: that they go on to show it off is no news.
        """
        is_belied = self.goal.level == "on" and self.relay == self.signs.supply == "off"
        return self.signed(still_off=True, belied=True) if is_belied else self

    @property
    def goes_on_with_off(self) -> bool:
        """Whether an off is under way that the new goal needs, too. Its evidence must not be taken for a loss of power."""
        goal = self.goal
        needs = not self.state.is_foreign(self) if goal.level == "off" else not (goal.cleared or goal.already)
        return needs and goal.level != "untouched" and self.is_switching("off")

    # What is done ------------------------------------------------------------

    def sending(self, level: Level, at_s: float) -> Step:
        """A command is about to leave: from now on it may have its effect."""
        pending = self.pending.again() if self.pending is not None and self.pending.level == level else PendingCommand(level)
        now = evolve(self.signed(asked_at_s=at_s), pending=pending)
        if level == "off":
            return Step(now)
        cycle, on_at_s = self.goal.cycle, at_s + self.off_for_s(level)
        now = now.pulsed(on_at_s) if level == "pulse" else now.signed(on_at_s=on_at_s)
        is_first = pending.round == 1
        now = now.signed(drew=False, idle_since_s=math.inf, still_off=self.signs.still_off and not is_first, belied=False)
        asked = (RelayAsked(cycle, on_at_s),) if is_first or level == "pulse" else ()
        return now.goto(Doubted(cycle) if isinstance(self.state, Doubted) else Unknown(cycle), *asked)

    def off_for_s(self, level: Level) -> float:
        """How long the outlet is off, in seconds, before a command to that level has it on."""
        return self.pulse_s if level == "pulse" else 0.0

    def pulsed(self, until_s: float) -> "Outlet":
        """A pulse has left: the board switches the outlet on again at `until_s` at the latest."""
        # mark pulse-that-has-left
        return self.signed(on_at_s=until_s, pulsed_until_s=until_s)

    def replied(self) -> Step:
        """The board has replied to the command."""
        return Step(self if self.pending is None else evolve(self, pending=evolve(self.pending, has_replied=True)))

    def sent(self, level: Level, at_s: float) -> Step:
        """The board answered the command, or nobody waits for the answer any more.

        An off may have had its effect as late as `at_s`, and a pulse may have begun then.
        """
        # mark pulse-that-has-left
        if level == "pulse":
            return Step(self.pulsed(at_s + self.pulse_s))
        is_seen = self.pending is not None and self.pending.seen_at_s is not None
        return Step(self if level == "on" or is_seen else self.signed(off_at_s=max(self.signs.off_at_s, at_s)))

    # What was seen -----------------------------------------------------------

    def seen_on(self, at_s: float, media: str | None, why: str, proof: Evidence) -> Step:
        """Evidence shows that it is on."""
        return self.state.seen_on(self, at_s, media, why, proof)

    def seen_off(self, at_s: float, why: str) -> Step:
        """The board says that it switched the outlet off."""
        if at_s <= self.signs.pulsed_until_s:
            return Step(self)
        now = self.signed(off_at_s=max(self.signs.off_at_s, at_s))
        return Step(now.told_off(at_s)) if self.is_switching("off") else self.state.seen_off(now, at_s, why)

    def seen_kept(self, at_s: float, *, kept: bool) -> Step:
        """The board says whether it keeps the outlet off."""
        if at_s <= self.asked_until_s + REPORT_LAG_S:
            return Step(self)  # the report may be older than the command
        if not kept:
            return self.state.seen_free(self, at_s)
        if not self.is_switching("off"):
            return self.state.seen_kept(self, at_s)
        return Step(self.told_off(at_s) if self.pending is not None and self.pending.seen_at_s is None else self)

    def told_off(self, at_s: float) -> "Outlet":
        """Note that the board says the off is done; the current has yet to agree."""
        return evolve(self, pending=evolve(self.pending, seen_at_s=at_s)) if self.pending is not None else self

    def may_predate_command(self, at_s: float) -> bool:
        """Whether a reading that was asked for at `at_s` may be from before the latest command took effect."""
        return at_s <= self.settled_s

    @property
    def settled_s(self) -> float:
        """The time until which readings may not show the effect of the latest command."""
        return self.told_s + self.settle_s

    @property
    def told_s(self) -> float:
        """The time of the latest command, or of an off that was seen, or may have happened, after it."""
        return max(self.asked_until_s, self.signs.off_at_s)

    @property
    def asked_until_s(self) -> float:
        """The time until which the latest command acts: a pulse ends with its on."""
        return max(self.signs.asked_at_s, self.signs.pulsed_until_s)

    def polled(self, at_s: float, supply: Supply, proof: Evidence = "sensed", *, is_sound: bool = False) -> Step:
        """The answer to a poll that left at `at_s` shows whether the outlet has power; `unknown`: its sensor is dead.

        One reading may have been damaged on its way, unless it `is_sound`; two alike in a row are believed.
        """
        surely = supply == "on" and (is_sound or self.signs.supply == "on")
        signs = self.signs.polled(at_s, supply, proof, self.relay)
        now = self if signs is self.signs else evolve(self, signs=signs)
        if now.may_predate_command(at_s):
            return Step(now)
        if self.pending is not None and self.pending.level == "off":
            return now.off_judged(self.pending, at_s, surely=is_sound or self.pending.drew_still)
        # It may be on because the pulse is over, or because it was never switched off.
        if self.pending is not None and self.pending.may_be_lost:
            return Step(now)
        return self.state.polled(now, at_s, surely=surely)

    def off_judged(self, pending: PendingCommand, at_s: float, *, surely: bool) -> Step:
        """Judge an off that is under way: it is believed once the board said so and the current agrees."""
        draws = self.signs.supply == "on"
        if draws and surely:
            return self.resisting(pending, at_s)
        if draws or pending.seen_at_s is None or at_s <= pending.seen_at_s + SETTLE_S:
            return Step(self if draws == pending.drew_still else evolve(self, pending=evolve(pending, drew_still=draws)))
        return self.came_off(pending.seen_at_s, "sensed" if self.signs.drew and self.signs.supply == "off" else "told")

    # mark shown-at-once
    def shown_off(self, at_s: float, why: str, proof: Evidence) -> Step:
        """A look that left at `at_s` shows the outlet off: the board says so, and no meter contradicts."""
        if self.may_predate_command(at_s):
            return Step(self)
        # While an on is awaited, off is no loss: the command was not carried out, or not yet.
        if self.is_switching("on") or self.is_switching("pulse"):
            return Step(self if self.signs.still_off else self.signed(still_off=True))
        if not self.is_switching("off"):
            return self.state.shown_off(self, at_s, why, proof)
        told_s = None if self.pending is None else self.pending.seen_at_s  # off since then, though the meter had yet to agree
        return self.came_off(at_s if told_s is None else told_s, proof)

    # mark nothing-to-read
    def assumed(self, at_s: float) -> Step:
        """Nothing can be read of the board: a command that it replied to counts as carried out once it had its time."""
        if self.pending is None or not self.pending.has_replied or self.may_predate_command(at_s):
            return Step(self)
        return self.came_off(at_s, "assumed") if self.pending.level == "off" else self.came_on(at_s, "assumed")

    def resisting(self, pending: PendingCommand, at_s: float) -> Step:
        """The outlet still draws current after an off: note the round, and report the relay stuck after enough of them."""
        if self.relay == "off":  # the off was only to keep it so: something else has switched it on
            # mark comes-on-while-it-is-kept-off-anew
            return self.stray(at_s, f"{self.shows} though it was off")
        pending = evolve(pending, resisted=max(pending.resisted, pending.round), seen_at_s=None, drew_still=True)
        now = evolve(self, pending=pending)
        if not pending.is_stuck or at_s < self.signs.stuck_at_s + STUCK_REPORT_S:
            return Step(now)
        return Step(now.signed(stuck_at_s=at_s), (RelayStuck(at_s, pending.round),))

    def beat(self, at_s: float) -> Step:
        """Its guest was heard."""
        now = self.signed(beat_at_s=max(self.signs.beat_at_s, at_s))
        if not self.awaits_on or at_s <= self.asked_until_s:
            return Step(now)
        return now.came_on(max(self.asked_until_s, self.began_s), "sensed")  # it went on before it could beat

    def stirred(self, at_s: float) -> Step:
        """Something other than the service has reset its timer."""
        return Step(self.signed(stirred_at_s=max(self.signs.stirred_at_s, at_s)))

    def doubted(self) -> Step:
        """Nobody knows any more whether the outlet is on, if it was."""
        return self.goto(self.state.doubted())

    def link_up(self, at_s: float, *, is_first: bool = False) -> Step:
        """The board can be seen again, and the answer to its first poll has come in.

        What may have been started meanwhile is not just cut. An off that rested on silence, for good or for a new power cycle,
        lapses if the guest was heard meanwhile; also if something runs there and nobody knows what happened since the off was
        decided, because the service was away, or (`is_first`) knows of no run of the board: it may have restarted. A start would
        take what it finds for its own: the off before it is carried out all the same.
        """
        rests_on_silence = self.needs_off and not self.goal.firm and not self.awaits_answer
        is_unknown = is_first and self.goal.level == "off"
        return self.state.link_up(self, at_s, is_first=is_unknown) if rests_on_silence else Step(self)

    def board_reset(self, at_s: float, fate: Fate, *, suspect: bool) -> Step:
        """Its board restarted: what it kept off it may start, and a pulse is forgotten. `fate` says what became of the power."""
        now = self.signed(pulsed_until_s=-math.inf, still_off=False)  # a board that restarts forgets a pulse
        now = evolve(now, pending=None)
        if self.relay == "off":
            return now.goto(self.state.freed())
        if fate == "lost":
            return now.lost(at_s, "the board restarted", reset=True, suspect=suspect)
        return now.doubted() if fate == "doubtful" else Step(now)

    # Ways into the states ----------------------------------------------------

    def signed(self, **signs: Any) -> "Outlet":
        """The outlet with changed signs."""
        return evolve(self, signs=evolve(self.signs, **signs))

    def goto(self, state: State, *facts: PortFact, ends: bool = False) -> Step:
        """A transition along the declared graph; `ends`: the command under way is not waited for any more.

        Raises:
            IllegalTransitionError: the graph does not allow it.
        """
        self.state.check_way(state)
        return Step(evolve(self, state=state, pending=None if ends else self.pending), facts)

    def came_on(self, at_s: float, proof: Evidence, media: str | None = None) -> Step:
        """The outlet is on, in the wanted power cycle."""
        cycle = self.goal.cycle
        return self.signed(on_at_s=at_s).goto(On(cycle, proof), RelayOn(cycle, at_s, media), ends=True)

    def came_off(self, at_s: float, proof: Evidence) -> Step:
        """The outlet is off, as it was told."""
        cycle = self.state.cycle or 0
        now = self.signed(off_at_s=max(self.signs.off_at_s, at_s), stuck_at_s=-math.inf)
        return now.goto(Off(cycle, is_kept=True, proof=proof), RelayOff(cycle, at_s, proof == "assumed"), ends=True)

    def stray(self, at_s: float, why: str, supply: Supply = "on", proof: Evidence | None = None) -> Step:
        """The outlet is on, or (`supply` unknown) may be, and the service did not switch it on: report it."""
        now = evolve(self, reports=self.reports + 1)
        found = PowerFound(at_s, why, supply, report=now.reports)
        still = self.state.proof if supply == self.relay else None  # what showed it off does not show it on
        return now.goto(Stray(supply, proof or still), found, ends=True)

    def lost(self, at_s: float, why: str, *, reset: bool = False, suspect: bool = False) -> Step:
        """The outlet has lost its power, and the service did not ask for that: report it."""
        now = evolve(self.signed(off_at_s=max(self.signs.off_at_s, at_s)), reports=self.reports + 1)
        lost = PowerLost(at_s, why, reset, suspect, report=now.reports)
        return now.goto(Off(self.state.cycle or 0, is_kept=False, proof="told"), lost, ends=True)

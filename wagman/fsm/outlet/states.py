"""The states of an outlet: five classes, each with a handler for every input. `wagman.fsm.outlet` tells the theory."""

import math
from typing import TYPE_CHECKING, ClassVar

from attrs import evolve, frozen

from wagman.fsm.graph import GraphState, checked_graph
from wagman.fsm.outlet.signs import EVIDENCE_S, GONE_S, REPORT_LAG_S, Step
from wagman.model.facts import Evidence, PowerDoubted, PowerGoal, Supply

if TYPE_CHECKING:
    from wagman.fsm.outlet.outlet import Outlet


@frozen
class State(GraphState):
    """What all states share. A handler that no subclass overrides changes nothing."""

    @property
    def relay(self) -> Supply:
        """What is believed of the power."""
        return "unknown"

    @property
    def cycle(self) -> int | None:
        """The power cycle in which the outlet is on, may be, or was last (0: an earlier one); None: of unknown origin."""
        return None

    @property
    def is_kept(self) -> bool:
        """Whether the outlet is off, and the board will not start it by itself."""
        return False

    @property
    def proof(self) -> Evidence | None:
        """What showed the state; None: nothing in this run of the service."""
        return None

    def reaches(self, goal: PowerGoal) -> bool:
        """Whether the goal is reached, by evidence."""
        return False

    def is_foreign(self, now: "Outlet") -> bool:
        """Whether the outlet is on, or may be, in a power cycle that the goal may not cut."""
        return self.cycle is None or self.cycle > now.goal.cycle

    def needs_clearing(self, goal: PowerGoal) -> bool:
        """Whether an off must go before the wanted power cycle."""
        raise NotImplementedError

    def serves(self, goal: PowerGoal) -> bool:
        """Whether evidence of *on* would be evidence of the wanted power cycle."""
        raise NotImplementedError

    def off_due_s(self, now: "Outlet") -> float:
        """The earliest time for the first off."""
        return -math.inf

    def is_withdrawn(self, now: "Outlet") -> bool:
        """Whether a relay-on that may have had its effect is not wanted any more. Its guest was told at most that it may come."""
        is_left_over = self.relay == "unknown" or now.goal.level == "off"
        return is_left_over and self.is_foreign(now) and not (now.awaits_answer or now.awaits_on)

    def believed(self, goal: PowerGoal) -> "State":
        """The state that the guest's machine believes in: from an earlier run of the service, or of a guest found running."""
        if goal.level == "off":
            # The end of an earlier power cycle says nothing of a later one, nor of power of unknown origin.
            is_over = self.relay == "unknown" and self.cycle is not None and self.cycle <= goal.cycle
            return Off(goal.cycle, is_kept=True) if is_over else self
        is_adopted = self.cycle is None or goal.cycle > self.cycle
        if self.relay != "unknown" and not is_adopted:
            return self
        return On(goal.cycle, self.proof if self.relay == "on" else None)

    def taken_over(self, cycle: int) -> "State":
        """The same state, in this power cycle."""
        return evolve(self, cycle=cycle)  # type: ignore[call-arg]  # all but Stray have the field

    def freed(self) -> "State":
        """The state after a restart of the board, which keeps nothing off for certain."""
        return self

    def doubted(self) -> "State":
        """The state if nobody knows any more whether the outlet is on."""
        return self

    # Signs -------------------------------------------------------------------

    def seen_on(self, now: "Outlet", at_s: float, media: str | None, why: str, proof: Evidence) -> Step:
        """Evidence shows that it is on."""
        return now.came_on(at_s, proof, media) if now.awaits_on else now.signed(on_at_s=at_s).stray(at_s, why, "on", proof)

    def seen_off(self, now: "Outlet", at_s: float, why: str) -> Step:
        """The board says that it switched the outlet off, and was not asked to."""
        return now.lost(at_s, why)

    # mark shown-at-once
    def shown_off(self, now: "Outlet", at_s: float, why: str, proof: Evidence) -> Step:
        """A look shows the outlet off, and no command waits for that."""
        return self.seen_off(now, at_s, why)

    def seen_kept(self, now: "Outlet", at_s: float) -> Step:
        """The board says that it keeps the outlet off, and was not asked to."""
        return Step(now)

    def seen_free(self, now: "Outlet", at_s: float) -> Step:
        """The board says that it does not keep the outlet off."""
        return Step(now)

    def polled(self, now: "Outlet", at_s: float, *, surely: bool) -> Step:
        """A poll shows whether the outlet has power; `surely`: two in a row show that it has."""
        if now.signs.supply == "on" and now.awaits_on:
            return now.came_on(at_s, now.signs.proof)
        return self.withdrawn_judged(now, at_s) if self.is_withdrawn(now) else Step(now)

    def withdrawn_judged(self, now: "Outlet", at_s: float) -> Step:
        """Judge a relay-on that was withdrawn after it may have left: either its effect shows, or it never happened."""
        if now.signs.supply == "on":
            return now.stray(at_s, "it came on though its start had been withdrawn")
        if at_s <= now.signs.on_at_s + EVIDENCE_S:
            return Step(now)
        if now.signs.supply == "off":
            latest = now.goal.cycle - 1 if now.goal.level == "on" else now.goal.cycle  # the latest power cycle that may be cut
            return now.goto(self.taken_over(latest))
        return now.stray(at_s, "its start was withdrawn, and nobody knows whether it came on", "unknown")

    def link_up(self, now: "Outlet", at_s: float, *, is_first: bool) -> Step:
        """The board can be seen again while an off is due that rested on silence: the off lapses if it may be wrong by now.

        `is_first`: nothing was known of the board before, so that it may have restarted since the off was decided.
        """
        if now.signs.beat_at_s > now.goal_at_s + EVIDENCE_S:
            # mark beats-before-the-cut
            return now.stray(at_s, "it beats again before its power could be cut")
        if (self.relay == "unknown" or is_first) and now.signs.supply != "off":
            return now.stray(at_s, "it runs, or may, and nobody knows since when", now.signs.supply)
        return Step(now)


@frozen
class Unknown(State):
    """Nothing is known of it in this run; or a relay-on of `cycle` may have left, and its effect was not seen."""

    name: ClassVar[str] = "unknown"
    successors: ClassVar[frozenset[str]] = frozenset({"on", "off", "stray"})

    cycle: int = 0

    def needs_clearing(self, goal: PowerGoal) -> bool:
        return not self.serves(goal)

    # mark shown-at-once
    def shown_off(self, now: "Outlet", at_s: float, why: str, proof: Evidence) -> Step:
        # Nobody knows whether it was ever on.
        return Step(now)

    def serves(self, goal: PowerGoal) -> bool:
        # If the relay-on of that power cycle has left, the off before it was seen.
        return goal.cleared or self.cycle == goal.cycle


@frozen
class On(State):
    """On, in a power cycle that a guest's machine knows of."""

    name: ClassVar[str] = "on"
    successors: ClassVar[frozenset[str]] = frozenset({"unknown", "doubted", "off", "stray"})

    cycle: int
    proof: Evidence | None = None

    @property
    def relay(self) -> Supply:
        return "on"

    def reaches(self, goal: PowerGoal) -> bool:
        return goal.level == "on" and self.cycle == goal.cycle

    def needs_clearing(self, goal: PowerGoal) -> bool:
        return True

    def serves(self, goal: PowerGoal) -> bool:
        return False

    def seen_on(self, now: "Outlet", at_s: float, media: str | None, why: str, proof: Evidence) -> Step:
        return Step(now) if self.proof else now.goto(evolve(self, proof=proof))

    # mark shown-at-once
    def shown_off(self, now: "Outlet", at_s: float, why: str, proof: Evidence) -> Step:
        if not now.signs.still_off or (not self.proof and now.goal.level != "on"):
            return super().shown_off(now, at_s, why, proof)
        # Some boards show an old state for a while: if the guest was heard meanwhile, an off that goes on is no news.
        # One that is on its way down is cut once it is silent.
        if self.proof or now.goal.leaving:
            # mark off-that-is-no-news
            return Step(now)
        # What an earlier run switched on may have lost its power since, or not: another relay-on harms nobody.
        # mark off-that-is-older-than-this-run
        return now.goto(self.doubted(), PowerDoubted(at_s, why))

    def seen_kept(self, now: "Outlet", at_s: float) -> Step:
        is_so = at_s > now.signs.on_at_s + EVIDENCE_S and not now.signs.shows_life(at_s)
        return now.lost(at_s, "the board has disabled it") if is_so else Step(now)

    def polled(self, now: "Outlet", at_s: float, *, surely: bool) -> Step:
        if self.is_withdrawn(now):
            return self.withdrawn_judged(now, at_s)
        is_gone = now.is_mute and at_s >= now.signs.idle_since_s + GONE_S
        return now.lost(at_s, "it draws no current any more") if is_gone else Step(now)

    def doubted(self) -> "State":
        return Doubted(self.cycle)


@frozen
class Doubted(State):
    """It was on in this power cycle, and nobody knows whether it still is: another relay-on makes sure of it."""

    name: ClassVar[str] = "doubted"
    successors: ClassVar[frozenset[str]] = frozenset({"on", "off", "stray"})

    cycle: int

    def is_of(self, goal: PowerGoal) -> bool:
        """Whether the goal is *on* in the very power cycle that is doubted."""
        return goal.level == "on" and self.cycle == goal.cycle

    def needs_clearing(self, goal: PowerGoal) -> bool:
        return not self.is_of(goal) and not goal.cleared

    def serves(self, goal: PowerGoal) -> bool:
        return self.is_of(goal) or goal.cleared

    # mark shown-at-once
    def shown_off(self, now: "Outlet", at_s: float, why: str, proof: Evidence) -> Step:
        # mark off-that-is-older-than-this-run
        return Step(now) if now.signs.still_off else super().shown_off(now, at_s, why, proof)

    def believed(self, goal: PowerGoal) -> "State":
        # What a guest's saved state says of the past is no evidence of the present.
        # mark doubt-against-what-was-saved
        return self if self.is_of(goal) else super().believed(goal)


@frozen
class Stray(State):
    """On, or perhaps on, and not switched on by the service: the guest's machine is told, and decides."""

    name: ClassVar[str] = "stray"
    successors: ClassVar[frozenset[str]] = frozenset({"unknown", "on", "off"})

    relay: Supply
    proof: Evidence | None = None

    def is_foreign(self, now: "Outlet") -> bool:
        # An off that does not rest on silence, and was decided after this was found, cuts it.
        return not now.goal.firm or now.awaits_answer

    def needs_clearing(self, goal: PowerGoal) -> bool:
        return self.relay == "on" or not goal.cleared

    def serves(self, goal: PowerGoal) -> bool:
        # mark stray-that-is-wanted
        return self.relay == "unknown" and goal.cleared

    def taken_over(self, cycle: int) -> "State":
        return On(cycle, self.proof) if self.relay == "on" else Unknown(cycle)

    def seen_on(self, now: "Outlet", at_s: float, media: str | None, why: str, proof: Evidence) -> Step:
        # mark stray-that-is-seen
        return Step(now) if self.relay == "on" else super().seen_on(now, at_s, media, why, proof)

    def seen_kept(self, now: "Outlet", at_s: float) -> Step:
        # mark stray-that-is-disabled
        is_so = self.relay == "on" and at_s > now.signs.on_at_s + EVIDENCE_S and not now.signs.shows_life(at_s)
        # mark stray-that-is-disabled
        return now.lost(at_s, "the board has disabled it") if is_so else Step(now)

    def doubted(self) -> "State":
        # mark stray-that-is-doubted
        return Stray("unknown")


@frozen
class Off(State):
    """Off; the board keeps it so, or may start it by itself."""

    name: ClassVar[str] = "off"
    successors: ClassVar[frozenset[str]] = frozenset({"on", "stray", "unknown"})

    cycle: int
    is_kept: bool
    proof: Evidence | None = None

    @property
    def relay(self) -> Supply:
        return "off"

    def reaches(self, goal: PowerGoal) -> bool:
        return goal.level == "off" and self.is_kept

    def is_foreign(self, now: "Outlet") -> bool:
        return False

    def needs_clearing(self, goal: PowerGoal) -> bool:
        return False

    def serves(self, goal: PowerGoal) -> bool:
        return False

    def off_due_s(self, now: "Outlet") -> float:
        # The outlet draws current though it is off: the next poll decides.
        return math.inf if now.signs.supply == "on" else -math.inf

    def seen_off(self, now: "Outlet", at_s: float, why: str) -> Step:
        return Step(now)

    # mark shown-at-once
    def shown_off(self, now: "Outlet", at_s: float, why: str, proof: Evidence) -> Step:
        return Step(now) if self.proof else now.goto(evolve(self, proof=proof))

    def seen_kept(self, now: "Outlet", at_s: float) -> Step:
        return Step(now) if self.proof else now.goto(evolve(self, proof="told"))

    def seen_free(self, now: "Outlet", at_s: float) -> Step:
        """The board may start the outlet, or has. That is news if the outlet was kept off until then."""
        if now.signs.supply == "on":
            # mark off-that-draws-and-is-free
            return now.stray(at_s, "it draws current, and the board does not keep it off")
        if now.signs.supply == "unknown" and now.confirmed and now.pending is None:
            return now.stray(at_s, "the board does not keep it off, and nobody knows whether it runs", "unknown")
        return now.goto(self.freed())

    def freed(self) -> "State":
        return evolve(self, is_kept=False)

    def polled(self, now: "Outlet", at_s: float, *, surely: bool) -> Step:
        runs = now.signs.supply == "on" and (surely or not self.is_kept)
        return now.stray(at_s, f"{now.shows} though it was off") if runs else Step(now)

    def link_up(self, now: "Outlet", at_s: float, *, is_first: bool) -> Step:
        since_s = max(now.signs.off_at_s, now.signs.asked_at_s + REPORT_LAG_S)
        may_be_started = now.signs.supply == "unknown" and not self.is_kept and now.signs.stirred_at_s > since_s
        if not may_be_started:
            return Step(now)
        # mark timer-that-was-reset
        return now.stray(at_s, "its timer was reset, and nobody knows whether the board started it", "unknown")


STATES: dict[str, type[State]] = checked_graph(Unknown, On, Doubted, Stray, Off)

"""Stopped: the power is off, or nobody knows yet whether the guest runs."""

from collections.abc import Callable
from typing import ClassVar

from attrs import evolve, frozen

from wagman.fsm.alarms import KEEP, Alarm, Fired, Plan
from wagman.fsm.guest.booting import Relay
from wagman.fsm.guest.situation import Memory, Situation, Step
from wagman.fsm.guest.state import State, states
from wagman.model.facts import UNTOUCHED, Beat, PowerFound, PowerGoal, PowerLost, RelayOff
from wagman.model.words import NOT_KNOWN_YET, enumerated

ADOPT_APART_S = 10.0
"""Two beats at least this far apart show that a guest is running (chosen: more than a stale edge can produce)."""


@frozen
class Stopped(State):
    """The power is off, or on its way there. `untouched`: nobody knows yet whether the guest runs, and nothing is switched."""

    name: ClassVar[str] = "stopped"
    successors: ClassVar[frozenset[str]] = frozenset({"starting", "started", "stopping", "restarting", "maintenance"})

    untouched: bool = False
    cut: int | None = None  # the last power cycle that may be cut; None: the one in which the state is entered
    firm: bool = False  # the cut does not rest on silence: beats do not revoke it
    off: bool = False  # the relay was seen off
    off_at_s: float | None = None  # when it was seen off; None: not in this run of the service
    backoff_s: float = 0.0  # > 0: the guest is not due before this alarm
    beat_at_s: float | None = None  # the first of the two beats by which it is adopted
    settled: bool = False  # beats count: those that may be left over from before have had their time
    left_on: bool = False  # boards are reached through it: it keeps its power until a start switches it off and on

    def power(self, memory: Memory) -> PowerGoal:
        # mark way-that-is-left-on
        if self.left_on and not self.untouched:
            return PowerGoal("untouched", memory.cycle)
        return UNTOUCHED if self.untouched else PowerGoal("off", self.cut or 0, already=self.off, firm=self.firm)

    def on_enter(self, now: Situation) -> Step:
        entered = now.remember(exempt=False)
        new = evolve(self, cut=now.memory.cycle) if self.cut is None else self
        new = evolve(new, left_on=now.is_way)
        event = now.event("stopped", reason=self.reason, due_in_s=self.backoff_s or None)
        return new.stay(entered, event, alarms=new.resume(entered))

    def on_heartbeat(self, now: Situation, beat: Beat) -> Step:
        is_before = self.off_at_s is not None and beat.at_s <= self.off_at_s  # the answer to a question from before the cut
        if is_before or not self.settled or not self.believes(now, beat):
            return self.stay(now)
        first, within_s = self.beat_at_s, max(now.config.heartbeat_timeout_s, 2 * ADOPT_APART_S)
        if first is None or beat.at_s - first > within_s:
            return evolve(self, beat_at_s=beat.at_s).stay(now)
        if beat.at_s - first < ADOPT_APART_S:
            return self.stay(now)
        return self.found_running(now, beats=True, why="it beats", at_s=beat.at_s)

    def on_settle(self, now: Situation, fired: Fired) -> Step:
        return evolve(self, settled=True).stay(now)

    def on_backoff(self, now: Situation, fired: Fired) -> Step:
        return evolve(self, backoff_s=0.0).stay(now)

    def on_adopt(self, now: Situation, fired: Fired) -> Step:
        """The adopt window is over, and no beats were heard."""
        heard = now.config.has_heartbeat
        if fired.supply == "off":
            return self.found_off(now)
        # As long as nobody can read whether the guest is to run, it is left alone.
        if now.withheld and now.welcome and (heard or fired.supply == "unknown"):
            return self.stay(now, alarms=self.resume(now))
        if fired.supply == "unknown":
            return self.doubted(now, "nobody knows whether it runs")
        if not heard or not now.welcome:
            return self.found_running(now, beats=False, why="it has power")
        now = now.remember(cycle=now.memory.cycle + 1)
        return self.goto(states.restarting, now, "it has power but does not beat")

    def on_power_lost(self, now: Situation, lost: PowerLost) -> Step:
        if not self.left_on:
            return super().on_power_lost(now, lost) if self.untouched else self.stay(now)
        # mark way-that-lost-its-power
        after, told = now.counted_loss(lost)
        # mark way-that-lost-its-power
        return self.goto(states.stopped, after, "power lost", off=True).after(*told)

    def on_power_found(self, now: Situation, found: PowerFound) -> Step:
        if found.supply == "unknown":
            return self.stay(now) if self.untouched else self.doubted(now, found.why)  # or the adopt window decides
        # In the adopt window, too: what the board has just switched on boots, and an answer to come may be from before that.
        return self.found_running(now, beats=False, why=found.why, at_s=found.at_s)

    def on_relay_off(self, now: Situation, off: RelayOff) -> Step:
        # Beats from before the off prove nothing about the time after it, and beats right after it are echoes.
        plan: Plan = {"settle": Alarm(now.config.settle_s, since_s=off.at_s), "backoff": KEEP, "adopt": KEEP}
        evidence = {"evidence": "assumed"} if off.assumed else {}
        told = () if self.off or self.untouched else (now.event("off", **evidence),)
        return evolve(self, off=True, off_at_s=off.at_s, settled=False, beat_at_s=None).stay(now, *told, alarms=plan)

    def on_start(self, now: Situation) -> Step:
        fresh = now.remember(attempts=0, failures=0, unrecoverable=False)
        if self.untouched:
            return self.stay(fresh).accept("first it is seen whether it already runs")
        if now.waits_for:
            waiting = evolve(self, backoff_s=0.0)
            return waiting.stay(fresh, alarms={"settle": KEEP}).accept(f"it is started after {enumerated(now.waits_for)}")
        return self.begin(fresh, "asked by the operator").accept("power is coming on")

    def on_stop(self, now: Situation, reason: str) -> Step:
        # mark way-that-is-to-be-off
        if self.left_on and not (self.untouched or self.off):
            return self.goto(states.stopping, now, reason).accept("it is asked to halt")
        # mark way-that-is-off-already
        if self.left_on:
            return evolve(self, left_on=False).stay(now).accept("already stopped")
        words = "first it is seen whether it runs" if self.untouched else "already stopped"
        return self.stay(now, now.event("stopped", reason=NOT_KNOWN_YET if self.untouched else self.reason)).accept(words)

    def on_kill(self, now: Situation) -> Step:
        firm = {"untouched": False, "left_on": False, "firm": True}
        killed = evolve(self, reason="killed by the operator", cut=now.memory.cycle, **firm)
        event = now.event("stopped", reason=killed.reason)
        step = killed.stay(now.remember(exempt=False), event, alarms={"settle": KEEP, "backoff": KEEP})
        return step.accept("power is off" if self.off else "power is being cut")

    def on_wagman_start(self, now: Situation) -> Step:
        if not self.due(now.memory):
            # mark turn-that-comes-too-late
            return self.refuse_start(now, self.obstacle(now.memory))
        return self.begin(now, "its turn")

    def due(self, memory: Memory) -> bool:
        """Whether the guest itself is ready to be started by the scheduler."""
        return not self.obstacle(memory)

    def obstacle(self, memory: Memory) -> str:
        """Why the guest may not be started now, in plain words; empty if it may."""
        obstacles = (
            (not memory.enabled, "it is disabled"),
            (memory.wanted != "up", "it is not wanted up"),
            (memory.forbidden, "the environment forbids it"),
            (memory.held, "it is locked out after brownouts"),
            (self.untouched, "it is not known yet whether it runs"),
            (self.backoff_s > 0, "its next try is not due yet"),
        )
        return next((words for is_so, words in obstacles if is_so), "")

    def begin(self, now: Situation, reason: str) -> Step:
        """Change to Starting."""
        if self.follows_called_off(now):
            now = now.remember(cycle=now.memory.cycle - 1)
        return self.goto(states.starting, now, reason, relay=Relay(cleared=self.off))

    def follows_called_off(self, now: Situation) -> bool:
        """Whether a start from the same medium was called off before its power was seen: the next start goes on with it.

        Its relay-on may have left all the same, and what boots by it must not be cut for a new power cycle.
        """
        is_called_off = not self.untouched and self.cut == now.memory.cycle - 1
        return is_called_off and now.memory.media == now.medium

    def believes(self, now: Situation, beat: Beat) -> bool:
        """Whether the beat shows that the guest runs, and calls for a reaction."""
        if not now.config.has_heartbeat:
            # mark noise-of-a-guest-without-a-heartbeat
            return False  # noise on an input to which nothing is wired
        if self.off:
            return beat.source != "control"  # over the control socket anybody can claim to be this guest
        return not self.firm  # a cut that does not rest on silence goes on whatever beats

    def found_running(self, now: Situation, *, beats: bool, why: str, at_s: float | None = None) -> Step:
        """Take over a guest that runs already. One that should not run is asked to halt, never just cut.

        `at_s` is when it was heard, or seen on; its latest beat may be from long before it was told.
        """
        now = now.remember(cycle=now.memory.cycle + 1)
        if not now.welcome:
            event = now.event("unexpected_heartbeat" if beats else "unexpected_power", why=why)
            return self.goto(states.stopping, now, "it runs though it should not").after(event)
        if beats or not now.config.has_heartbeat:
            return self.goto(states.started, now, since_at_s=at_s, adopted=True).after(now.event("adopted", why=why))
        # The board switched it on, and it has not beaten yet.
        relay = Relay(cleared=True, asked=True, on=True, on_at_s=at_s, unwatched=True)
        step = self.goto(states.starting, now.counted_attempt(), "found switched on", relay=relay)
        return step.after(now.event("adopted", why=why))

    def doubted(self, now: Situation, why: str) -> Step:
        """The guest may be running: treat it as if it were, ask it to halt, and cut it only after a silence."""
        now = now.remember(cycle=now.memory.cycle + 1)
        return self.goto(states.restarting if now.welcome else states.stopping, now, why, untouched=True)

    def found_off(self, now: Situation) -> Step:
        """The adopt window is over, and the outlet is off."""
        # A forced start that waited for the adopt window begins now: while hibernating, the scheduler would not start the guest.
        if now.memory.exempt and now.welcome:
            # mark forced-start-in-the-adopt-window
            return self.begin(now, "asked by the operator")
        return self.goto(states.stopped, now, "no sign of life found")

    def resume(self, now: Situation) -> Plan:
        backoff = {"backoff": Alarm(self.backoff_s)} if self.backoff_s > 0 else {}
        heard = now.config.has_heartbeat
        # A guest without power is silent, whatever its ear hears; an ear that never heard the guest might never prove it.
        adopt = {"adopt": Alarm(now.config.adopt_window_s, proof=heard, answered=True)} if self.untouched else {}
        return {"settle": Alarm(now.config.settle_s), **backoff, **adopt}

    def left_off(self, now_s: float, left_s: Callable[[str], float | None]) -> State:
        remainder_s = left_s("backoff")
        return self if remainder_s is None else evolve(self, backoff_s=remainder_s)

    def resumed(self, now: Situation, now_s: float, away_s: float | None) -> State:
        """Distrust the first beats: they may have been queued since before the service came up."""
        return evolve(self, settled=False, backoff_s=max(0.0, self.backoff_s - (away_s or 0.0)))

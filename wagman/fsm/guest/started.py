"""Started: the guest runs."""

from collections.abc import Callable
from typing import ClassVar

from attrs import evolve, frozen

from wagman.fsm.alarms import Alarm, Fired, Plan
from wagman.fsm.guest.situation import Situation, Step
from wagman.fsm.guest.state import State, states
from wagman.model.facts import Beat, BoardStopping, RelayAsked


@frozen
class Started(State):
    """The guest runs; with a heartbeat, it is heard."""

    name: ClassVar[str] = "started"
    successors: ClassVar[frozenset[str]] = frozenset({"stopped", "stopping", "restarting", "maintenance"})

    stable: bool = False
    # when the beat that made it Started was heard (without a heartbeat: when the relay went on); None: nobody knows
    since_at_s: float | None = None
    up_s: float = 0.0  # how long it was up in earlier runs of the service
    adopted: bool = False  # it was found running: no attempt was counted

    def on_enter(self, now: Situation) -> Step:
        return self.stay(now, now.event("started", **now.start_fields), alarms=self.resume(now, self.since_at_s))

    def on_heartbeat(self, now: Situation, beat: Beat) -> Step:
        if not now.config.has_heartbeat:
            return self.stay(now)
        plan = self.resume(now, beat.at_s)
        if self.since_at_s is None:
            return evolve(self, since_at_s=beat.at_s).stay(now, alarms=plan)
        if self.stable or beat.at_s - self.since_at_s < now.config.stable_after_s:
            return self.stay(now, alarms=plan)
        return evolve(self.on_stable(now), alarms=plan)

    def on_silence(self, now: Situation, fired: Fired) -> Step:
        event = now.event("heartbeat_lost", stable=self.stable, silent_s=now.config.heartbeat_timeout_s)
        if self.stable:
            return self.goto(states.stopping, now, "its heartbeat was lost").after(event)
        failed, told = now.counted_failure()
        step = self.goto(states.stopping, failed, "its heartbeat was lost before it was stable", failed=True)
        return step.after(event, *told)

    def on_stable(self, now: Situation, fired: Fired | None = None) -> Step:
        event = now.event("stable", **now.start_fields)
        now = now.remember(attempts=0, failures=0, brownouts=0, unrecoverable=False)
        return evolve(self, stable=True).stay(now, event)

    def on_relay_asked(self, now: Situation, asked: RelayAsked) -> Step:
        """Its power was doubted, and is made sure of: it may boot now, and then has the time that a start has."""
        patience_s = max(now.start_timeout_s, now.config.heartbeat_timeout_s)
        anew: Plan = {"heartbeat": Alarm(patience_s, proof=True, in_sight=True, since_s=asked.at_s)}
        return self.stay(now, alarms=anew if now.config.has_heartbeat else None)

    def on_board_stopping(self, now: Situation, stopping: BoardStopping) -> Step:
        return self.goto(states.restarting, now, stopping.why)

    def on_start(self, now: Situation) -> Step:
        return self.stay(now, now.event("started", reason="asked by the operator")).accept("already started")

    def on_stop(self, now: Situation, reason: str) -> Step:
        return self.goto(states.stopping, now, reason).accept("it is asked to halt")

    def on_restart(self, now: Situation, reason: str) -> Step:
        return self.goto(states.restarting, now, reason).accept("it is asked to halt; then power comes back")

    @property
    def trying(self) -> bool:
        return not self.stable and not self.adopted

    def resume(self, now: Situation, heard_at_s: float | None = None) -> Plan:
        """The alarms: silence since the latest beat; for a guest without a heartbeat, the time until it is stable."""
        if now.config.has_heartbeat:
            return {"heartbeat": Alarm(now.config.heartbeat_timeout_s, proof=True, in_sight=True, since_s=heard_at_s)}
        return {} if self.stable else {"stable": Alarm(now.config.stable_after_s, answered=True, since_s=self.since_at_s)}

    def left_off(self, now_s: float, left_s: Callable[[str], float | None]) -> State:
        return evolve(self, up_s=0.0 if self.since_at_s is None else max(0.0, now_s - self.since_at_s))

    def resumed(self, now: Situation, now_s: float, away_s: float | None) -> State:
        """Count the time that the service was away as up, if the guest cannot have been silent for too long in it."""
        is_known = self.up_s > 0 and away_s is not None and away_s <= now.config.heartbeat_timeout_s
        return evolve(self, since_at_s=now_s - self.up_s - away_s if is_known and away_s is not None else None)

"""Maintenance: somebody works on the guest, and wagman leaves it alone."""

from typing import ClassVar

from attrs import evolve, frozen

from wagman.fsm.alarms import Alarm, Fired, Plan
from wagman.fsm.guest.situation import Memory, Situation, Step
from wagman.fsm.guest.state import State, states
from wagman.model.facts import UNTOUCHED, Beat, PowerFound, PowerGoal, PowerLost, RelayOff


@frozen
class Maintenance(State):
    """Left alone for as long as was ordered: the power stays as it is, and nothing is asked of the guest. Events go on."""

    name: ClassVar[str] = "maintenance"
    successors: ClassVar[frozenset[str]] = frozenset({"stopped"})

    silent: bool = False  # its silence has been told, or no beats are expected

    def power(self, memory: Memory) -> PowerGoal:
        return UNTOUCHED

    def on_enter(self, now: Situation) -> Step:
        return self.stay(now, now.event("maintenance", reason=self.reason), alarms=self.resume(now))

    def on_heartbeat(self, now: Situation, beat: Beat) -> Step:
        if not now.config.has_heartbeat:
            return self.stay(now)
        told = (now.event("heard"),) if self.silent else ()
        heard = evolve(self, silent=False)
        return heard.stay(now, *told, alarms=heard.resume(now, beat.at_s))

    def on_silence(self, now: Situation, fired: Fired) -> Step:
        return evolve(self, silent=True).stay(now, now.event("silent", silent_s=now.config.heartbeat_timeout_s))

    def on_power_lost(self, now: Situation, lost: PowerLost) -> Step:
        return self.stay(now, now.event("power_lost", why=lost.why))

    def on_power_found(self, now: Situation, found: PowerFound) -> Step:
        return self.stay(now, now.event("power_found", why=found.why)) if found.supply == "on" else self.stay(now)

    def on_relay_off(self, now: Situation, off: RelayOff) -> Step:
        # mark off-at-last-in-maintenance
        return self.stay(now, now.event("off"))

    def on_maintenance(self, now: Situation, reason: str) -> Step:
        longer = evolve(self, reason=reason)
        return longer.stay(now, now.event("maintenance", reason=reason))

    def on_maintenance_over(self, now: Situation, reason: str) -> Step:
        """End the maintenance. The guest is looked at as if nothing were known of it, and adopted if it runs."""
        looked_at = states.stopped(reason, untouched=True, cut=0)
        self.check_way(looked_at)
        now = now.remember(exempt=False)
        return looked_at.stay(now, now.event("maintenance_over", reason=reason), alarms=looked_at.resume(now))

    def resume(self, now: Situation, heard_at_s: float | None = None) -> Plan:
        is_expected = now.config.has_heartbeat and not self.silent
        return {"heartbeat": Alarm(now.config.heartbeat_timeout_s, proof=True, since_s=heard_at_s)} if is_expected else {}

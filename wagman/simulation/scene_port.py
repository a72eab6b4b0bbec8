"""What a careful onlooker knows of a port with a guest."""

import math
from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field, fields

from wagman.config.ears import RARE_BEAT_S
from wagman.config.schema import Config, DeviceConfig
from wagman.fsm.outlet.signs import SETTLE_S
from wagman.io.board.power import AFTER_SETTLE_S
from wagman.simulation.records import Answered, Asked, EventShown, RelayMoved, Sent, Silence

SLACK_S = 1.5
"""By how much two clocks, or a command and its effect, may differ about the same moment (chosen)."""

BEAT_S = 8.0
"""The time between beats of a simulated guest, and between those that the board hears, unless it hears it rarely."""

DECIDES = {
    "heartbeat": frozenset[str](),
    "enable": frozenset({"enabled"}),
    "disable": frozenset({"enabled", "wanted"}),
    "maintenance": frozenset({"alone"}),
}
"""What each request decides; all other verbs decide only what is wanted."""


LATE_SWITCH_S = 60.0
"""How long after its reply a command may still be carried out (`Late`, in `wagman.fake.plain`)."""

UNSEEN_OFF_S = SETTLE_S + AFTER_SETTLE_S
"""How long after a command a board is first looked at."""

METERED_S = 30.0
"""How long a guest has to draw current in plain sight before the service has seen it (chosen: some polls)."""

WRITES = ("service.started", "store.recovered")
"""Events that show, if they have an id, that the log has all earlier decisions."""


@define
class Port:
    """A port with a guest."""

    device: DeviceConfig  # after changes of the configuration, with the least of each time
    slowest: DeviceConfig  # the same with the longest of each time
    moved_s: float = -math.inf
    told_s: float = math.inf  # the first message since the relay went on
    silence: Silence = field(factory=Silence)  # the longest that was proved when a cutting command was sent
    allowed_s: float = -math.inf  # when a cutting command was last sent that the guest's silence, or a kill, allowed
    overruled: bool = False  # an operator's `kill` was accepted, and is yet to cut what the service itself has switched on
    killed: bool = False  # an operator's kill has not been carried out yet
    kill_is_lost: bool = False  # nobody waits for the answer to a kill any more: this life of the service may carry it out yet
    enabled_s: float = -math.inf  # when `enable` or `start` was sent
    disabled_s: float = -math.inf  # when a command was sent that cuts it, at once or after a grace
    wanted: str | None = "up"  # what operators were promised last; None: not known
    enabled: bool | None = True
    alone: bool | None = False  # it is in maintenance
    alone_s: float = -math.inf  # since when it is in maintenance, or out of it
    until_s: float = math.inf  # when an order for a limited time ends
    said_s: float = -math.inf  # when the latest deciding request was made
    configured_s: float = -math.inf  # when the configuration last forbade it
    here_s: float = -math.inf  # since when its table has been on this outlet
    stopped_s: float = -math.inf  # when it was last told that it is stopped
    enabled_by_then_s: float = math.nan  # `enabled_s` at that time
    pending: list[Asked] = field(factory=list)  # requests without an answer yet
    contested: set[str] = field(factory=set)  # what overlapping requests decide
    kept_as: str = ""  # the name of the table under which the service keeps its decisions; empty: none yet
    is_logged: bool = True  # the log has its decisions, not only the file beside it
    beat_s: float = BEAT_S  # the longest time between two beats that are told

    @property
    def was_silent(self) -> bool:
        """Whether the guest had been silent for `stop_silence` when the service sent the cut, by all that it was told."""
        return self.silence.for_s >= self.device.stop_silence_s - self.beat_s - SLACK_S

    @property
    def stays_down(self) -> bool:
        """Whether an operator or the configuration has stopped or disabled the guest, and nothing has changed that."""
        if not self.device.enabled and self.stopped_s >= self.configured_s:
            return True
        is_asked_for = any(asked.verb in ("start", "restart") for asked in self.pending)
        return not is_asked_for and (self.wanted == "down" or self.enabled is False) and self.stopped_s >= self.said_s

    def passes(self, now_s: float) -> None:
        """Take in that time has passed: an order for a limited time may be over, which is uncertain within `SLACK_S`."""
        if now_s < self.until_s - SLACK_S:
            return
        if self.alone is not False:
            self.alone, self.alone_s = False, now_s
        else:
            self.wanted = self.wanted and "up"
        self.until_s = math.inf

    @property
    def had_left(self) -> bool:
        """Whether all commands that switch it on were sent before it was told stopped: nobody can call them back.

        Nobody knows the order within one instant: a stop is told once it is on the disk, and counts from then.
        """
        return self.enabled_s in (self.enabled_by_then_s, self.stopped_s)

    @property
    def kill_is_pending(self) -> bool:
        """Whether a `kill` has no answer yet: it may wait for the guest's machine, behind a start that goes on meanwhile."""
        return self.kill_is_lost or any(asked.verb == "kill" for asked in self.pending)

    def tells(self, shown: EventShown) -> None:
        """Take in an event about its being stopped, or about a decision."""
        if shown.event.type == "device.stopped":
            self.stopped_s, self.enabled_by_then_s = shown.at_s, self.enabled_s
        elif shown.event.type.startswith("command."):
            self.is_logged = shown.event.id is not None

    def is_doubted(self) -> None:
        """Forget its decisions: nobody can tell them any more."""
        self.wanted = self.enabled = self.alone = None

    def is_being_cut(self, sent: Sent) -> None:
        """Take in a cutting command. Which of several commands cuts it is not seen, so the longest silence counts."""
        self.disabled_s, self.silence = sent.at_s, max(self.silence, sent.silence, key=lambda each: each.for_s)
        has_halted = self.was_silent and sent.at_s - self.told_s >= self.device.stop_silence_s - SLACK_S
        if has_halted or self.overruled:
            self.allowed_s = sent.at_s

    def was_allowed(self, cut_s: float) -> bool:
        """Whether a command that was allowed can have been carried out at `cut_s`, which may be late."""
        return cut_s - self.allowed_s <= LATE_SWITCH_S + SLACK_S

    def comes_on(self, moved: RelayMoved) -> None:
        """Take in that it got power. What comes on by itself before a look can show it off is taken for off that was not done.

        A contact that did not move, and comes free, was taken for on all along.
        """
        if moved.by == "freed" and self.enabled_s > self.disabled_s:
            return
        is_unseen = not moved.ours and moved.at_s - self.allowed_s <= UNSEEN_OFF_S
        allowed_s = self.allowed_s if is_unseen else -math.inf
        self.is_told(math.inf)
        self.allowed_s = allowed_s
        self.overruled &= moved.ours  # a kill cuts no power that comes on by itself after it

    def is_told(self, at_s: float) -> None:
        """Take in that it is asked to halt, or has just got its power (infinity); silence before that does not count."""
        self.told_s, self.silence = min(self.told_s, at_s) if at_s < math.inf else at_s, Silence()

    def asks(self, asked: Asked) -> None:
        """Take in a request, which may overlap with others."""
        self.contested |= decides(asked) & self._pending_on()
        self.pending.append(asked)
        self.overruled &= asked.verb not in ("start", "restart")

    def answered(self, answered: Answered) -> None:
        """Take in an answer. Which of overlapping requests came last is not known: answers overtake each other."""
        if answered.asked in self.pending:
            self.pending.remove(answered.asked)
        self.overruled |= answered.asked.verb == "kill" and answered.accepted
        self.kill_is_lost |= answered.asked.verb == "kill" and answered.answer is None
        if answered.accepted or answered.answer is None:
            for what in decides(answered.asked):
                self._promised(what, answered.asked, sure=answered.is_kept and what not in self.contested)
            if answered.asked.verb != "maintenance":  # maintenance leaves what is wanted as it was
                self.said_s = max(self.said_s, answered.asked.at_s)
        self.contested &= self._pending_on()

    def _pending_on(self) -> set[str]:
        return {what for asked in self.pending for what in decides(asked)}

    def _promised(self, what: str, asked: Asked, *, sure: bool) -> None:
        if what == "enabled":
            self.enabled = asked.verb == "enable" if sure else None
            return
        until_s = math.inf if asked.for_s is None else asked.at_s + asked.for_s
        if what == "alone":
            self._left_alone(asked, until_s, sure=sure)
        elif sure:  # it would have been refused in maintenance
            self.alone, self.until_s, self.wanted = False, until_s, "up" if asked.verb in ("start", "restart") else "down"
        else:
            self.wanted = None

    def _left_alone(self, asked: Asked, until_s: float, *, sure: bool) -> None:
        """Take in that maintenance begins or ends. Whether an earlier stop for a limited time still ends is not known."""
        if not sure and self.until_s < math.inf:
            self.wanted = None
        self.alone, self.alone_s, self.until_s = (asked.for_s is not None if sure else None), asked.at_s, until_s


def decides(asked: Asked) -> frozenset[str]:
    """Return what an operator's request decides if it is accepted."""
    return DECIDES.get(asked.verb, frozenset({"wanted"}))


def beat_s(config: Config, device: DeviceConfig) -> float:
    """Return the longest time between two beats that are told: a v4 board misses most of those on its one pin.

    What is asked over the network is told of as often as it is asked.
    """
    at_board_s = RARE_BEAT_S if device.port in config.board_of(device).rare_ports else BEAT_S
    return max([at_board_s, *(ear.every_s for ear in device.ears)])


def merged(before: DeviceConfig, now: DeviceConfig, choose: Callable[[float, float], float]) -> DeviceConfig:
    """Return the present configuration, with one or the other value of each time."""
    names = [each.name for each in fields(DeviceConfig) if each.name.endswith("_s")]
    times: dict[str, Any] = {name: choose(getattr(before, name), getattr(now, name)) for name in names}
    return evolve(now, **times)

"""What a careful onlooker knows of a port with a guest."""

import math
from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field, fields

from wagman.config.ears import RARE_BEAT_S
from wagman.config.schema import Config, DeviceConfig
from wagman.simulation.records import Answered, Asked, Sent, Silence, Told

SLACK_S = 1.5
"""How far apart two clocks, or a command and its effect, may place the same moment (chosen)."""

BEAT_S = 8.0
"""How often a simulated guest beats, and how often the board hears it, but where it hears it rarely."""

DECIDES = {
    "heartbeat": frozenset[str](),
    "enable": frozenset({"enabled"}),
    "disable": frozenset({"enabled", "wanted"}),
    "maintenance": frozenset({"alone"}),
}
"""What a request decides; every other verb decides what is wanted alone."""


METERED_S = 30.0
"""For how long a guest has to draw current in plain sight until the service has seen it (chosen: some polls)."""

WRITES = ("service.started", "store.recovered")
"""Events which show, where they have an id, that the log has all that was decided before them."""


@define
class Port:
    """A port with a guest."""

    device: DeviceConfig  # where the configuration has changed: with the least of each time
    slowest: DeviceConfig  # and with the longest
    moved_s: float = -math.inf
    told_s: float = math.inf  # the first message since the relay went on
    silence: Silence = field(factory=Silence)  # the longest that was proved when what cuts it was sent
    killed: bool = False  # an operator asked for it, and it has not been carried out
    enabled_s: float = -math.inf  # `enable` or `start` was sent
    disabled_s: float = -math.inf  # what cuts it was sent, at once or after a grace
    wanted: str | None = "up"  # what the operators were promised last; None: nobody can say
    enabled: bool | None = True
    alone: bool | None = False  # it is in maintenance
    alone_s: float = -math.inf  # since when it is, or is no longer
    until_s: float = math.inf  # when what was ordered for a while is over
    said_s: float = -math.inf  # when the latest request was made that decided so
    configured_s: float = -math.inf  # when the configuration last forbade it
    stopped_s: float = -math.inf  # when it was last told that it is stopped
    enabled_by_then_s: float = math.nan  # and `enabled_s` as it was then
    pending: list[Asked] = field(factory=list)  # requests that were not answered yet
    contested: set[str] = field(factory=set)  # what requests that overlap decide
    kept_as: str = ""  # the table under which the service keeps what was decided about it; empty: under none yet
    is_logged: bool = True  # the log has what was decided about it, and not only what lies beside the log
    beat_s: float = BEAT_S  # how far apart its beats may be told

    @property
    def was_silent(self) -> bool:
        """Whether it had been silent for so long when the service sent what cuts it, by all that it was told."""
        return self.silence.for_s >= self.device.stop_silence_s - self.beat_s - SLACK_S

    @property
    def stays_down(self) -> bool:
        """Whether it has been stopped or disabled, by an operator or in the configuration, and nobody has said otherwise."""
        if not self.device.enabled and self.stopped_s >= self.configured_s:
            return True
        is_asked_for = any(asked.verb in ("start", "restart") for asked in self.pending)
        return not is_asked_for and (self.wanted == "down" or self.enabled is False) and self.stopped_s >= self.said_s

    def passes(self, now_s: float) -> None:
        """Time passes: what was ordered for a while may be over, and up to `SLACK_S` before nobody can tell."""
        if now_s < self.until_s - SLACK_S:
            return
        if self.alone is not False:
            self.alone, self.alone_s = False, now_s
        else:
            self.wanted = self.wanted and "up"
        self.until_s = math.inf

    @property
    def had_left(self) -> bool:
        """Whether all that switches it on had left before it was told that it is stopped: nobody can call it back.

        Of what happens in one instant nobody knows which came first: a stop is told once it is on the disk, and counts from then.
        """
        return self.enabled_s in (self.enabled_by_then_s, self.stopped_s)

    @property
    def kill_is_pending(self) -> bool:
        """Whether a `kill` was not answered yet: it may wait for the guest's machine, behind a start that goes on meanwhile."""
        return any(asked.verb == "kill" for asked in self.pending)

    def tells(self, told: Told) -> None:
        """It is told that it is stopped, or what was decided about it."""
        if told.event.type == "device.stopped":
            self.stopped_s, self.enabled_by_then_s = told.at_s, self.enabled_s
        elif told.event.type.startswith("command."):
            self.is_logged = told.event.id is not None

    def is_doubted(self) -> None:
        """Nobody can say any more what was decided about it."""
        self.wanted = self.enabled = self.alone = None

    def is_being_cut(self, sent: Sent) -> None:
        """What cuts it was sent. Which of several commands did, nobody sees: the longest silence counts."""
        self.disabled_s, self.silence = sent.at_s, max(self.silence, sent.silence, key=lambda each: each.for_s)

    def is_told(self, at_s: float) -> None:
        """It is asked to halt, or has just got its power (infinity): the silence before that counts for nothing."""
        self.told_s, self.silence = min(self.told_s, at_s) if at_s < math.inf else at_s, Silence()

    def asks(self, asked: Asked) -> None:
        """An operator asks, perhaps while others do."""
        self.contested |= decides(asked) & self._pending_on()
        self.pending.append(asked)

    def answered(self, answered: Answered) -> None:
        """What is wanted from now on. Of requests that overlap nobody can say which came last: answers overtake each other."""
        if answered.asked in self.pending:
            self.pending.remove(answered.asked)
        if answered.accepted or answered.answer is None:
            for what in decides(answered.asked):
                self._promised(what, answered.asked, sure=answered.is_kept and what not in self.contested)
            if answered.asked.verb != "maintenance":  # that leaves what is wanted as it was
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
        elif sure:  # in maintenance it would have been refused
            self.alone, self.until_s, self.wanted = False, until_s, "up" if asked.verb in ("start", "restart") else "down"
        else:
            self.wanted = None

    def _left_alone(self, asked: Asked, until_s: float, *, sure: bool) -> None:
        """It is in maintenance from now on, or no longer. Whether a stop for a while before it still ends, nobody can say."""
        if not sure and self.until_s < math.inf:
            self.wanted = None
        self.alone, self.alone_s, self.until_s = (asked.for_s is not None if sure else None), asked.at_s, until_s


def decides(asked: Asked) -> frozenset[str]:
    """What an operator's request decides, where it is accepted."""
    return DECIDES.get(asked.verb, frozenset({"wanted"}))


def beat_s(config: Config, device: DeviceConfig) -> float:
    """How far apart the board may show the beats of a guest: a v4 board sees few of those on its one pin."""
    return RARE_BEAT_S if device.port in config.board_of(device).rare_ports else BEAT_S


def merged(before: DeviceConfig, now: DeviceConfig, choose: Callable[[float, float], float]) -> DeviceConfig:
    """What is configured now, with the one or the other of each time."""
    names = [each.name for each in fields(DeviceConfig) if each.name.endswith("_s")]
    times: dict[str, Any] = {name: choose(getattr(before, name), getattr(now, name)) for name in names}
    return evolve(now, **times)

"""The one loop in which every machine runs: it keeps the alarms and hands the machine one input after the other.

The rules it keeps, so that no machine has to:

- A step names the state's complete set of alarms, each new or kept as it stands.
- Only the wait is cancelled when an alarm falls due, never a transition.
- Whatever was queued when an alarm fell due is handled before the alarm. The number of these items is counted beforehand, so that
  a flood cannot starve the alarm.
- **Absence must be proved.** An alarm that rests on silence fires only once an ear shows that silence (`Listened`): the ear was
  asked after the deadline, and has listened all that time without hearing anything. A dead link, a deaf board, a stopped or slow
  service therefore prove nothing; the alarm is *held* until the proof comes.
- **An alarm that lacks its proof asks for a look** when it falls due, instead of waiting for the next poll; a few times at most,
  because one look proves no more than another.
- An alarm that wants an answer is held until the board has given one since the deadline (`Answered`), whatever the answer. It
  says when it is late, by more than the board can go unseen: then nobody knows what happened meanwhile.
- **What an ear proves counts while the board is in sight** (`in_sight`), and what it proved before only if the board was in sight
  then, too: a guest that is silent because its power was away, which only the board can tell, is not asked to halt, least of all
  where nobody could switch it on again.
"""

import math
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Literal

import trio
from attrs import define, field, frozen

from wagman.fsm.alarms import LEAST_BOOT_S, Alarm, Fired, Plan
from wagman.model.facts import Answered, Listened, Sight
from wagman.tasks.inbox import Inbox

LATE_S = 60.0
"""An alarm that is overdue by more is late, unless the board is polled so rarely (chosen: a dozen polls, as they usually are)."""


LOOKS = 3
"""How many looks an alarm without its proof asks for (chosen: one is enough unless the answer is late, or is lost)."""

LOOK_LATER_S = 0.1
"""How much later than needed a look is asked for (chosen: more than an ear and a guest may disagree about a moment)."""

LOOK_AGAIN_S = 5.0
"""How long an alarm waits for what a look shows before it asks for another (chosen: as often as a board is usually polled)."""


@define(eq=False)
class Looks:
    """The looks that an alarm has asked for."""

    count: int = 0
    not_before_s: float = -math.inf


@frozen
class Armed:
    """An alarm that runs."""

    name: str
    spec: Alarm
    since_s: float
    looks: Looks = field(factory=Looks, eq=False)

    @property
    def due_s(self) -> float:
        """The deadline in seconds of trio's clock, whether or not there is proof."""
        return self.since_s + self.spec.after_s


@frozen
class AlarmView:
    """An alarm as the operator is shown it."""

    name: str
    in_s: float
    held: bool  # due, but its proof or answer has not come
    # if it is held: for the proof of a silence, or for any answer of the board
    waits_for: Literal["silence", "answer"] | None = None


@define
class Alarms:
    """The running alarms of one machine."""

    answered: Answered | None = None  # the latest
    listened: Listened | None = None
    late_s: float = LATE_S  # after this long somebody who looks at the board at all has looked
    in_sight_from_s: float = -math.inf  # since when the board has answered without a gap of more than that
    _armed: dict[str, Armed] = field(init=False, factory=dict)

    def saw(self, sight: Sight) -> None:
        """Note that the board has answered, or that an ear has listened."""
        if isinstance(sight, Listened):
            self.listened = sight
            return
        if self.answered is None or sight.asked_at_s - self.answered.asked_at_s > self.late_s:
            self.in_sight_from_s = sight.asked_at_s
        self.answered = sight

    def needs(self, sight: Sight) -> bool:
        """Whether an alarm is held that this sight may release."""
        return any((_shows(sight, armed) or _sees(sight, armed)) and not self.proved(armed) for armed in self._armed.values())

    def plan(self, plan: Plan | None, now_s: float) -> None:
        """Take over a state's complete set of alarms: a new one is armed, KEEP stands, one that is not named is disarmed."""
        if plan is None:
            return
        old = self._armed
        self._armed = {}
        for name, alarm in plan.items():
            if alarm is not None:
                self._armed[name] = Armed(name, alarm, now_s if alarm.since_s is None else alarm.since_s)
            elif name in old:
                self._armed[name] = old[name]

    def nearest(self) -> Armed | None:
        """The alarm that fires next, among those that need no proof or have it."""
        ready = [armed for armed in self._armed.values() if self.proved(armed)]
        return min(ready, key=lambda armed: armed.due_s, default=None)

    def proved(self, armed: Armed) -> bool:
        """Whether only time keeps this alarm from firing."""
        if armed.spec.in_sight and not _sees(self.answered, armed):
            return False
        return self._has_evidence(armed)

    def _has_evidence(self, armed: Armed) -> bool:
        """Whether the silence or the answer that the alarm rests on is there."""
        if not (armed.spec.proof or armed.spec.answered):
            return True
        is_old = (
            armed.spec.in_sight and self.listened is not None and self.listened.asked_at_s < self.in_sight_from_s - LOOK_AGAIN_S
        )
        return (_shows(self.listened, armed) and not is_old) or _shows(self.answered, armed)

    def next_look_s(self) -> float:
        """When an alarm asks for the next look; infinity: none does."""
        return min((self._look_s(armed) for armed in self._armed.values()), default=math.inf)

    def _look_s(self, armed: Armed) -> float:
        if armed.looks.count >= LOOKS or self.proved(armed):
            return math.inf
        silent_s = -math.inf if self.listened is None or not armed.spec.proof else self.listened.silent_since_s
        return max(armed.due_s, silent_s + armed.spec.after_s, armed.looks.not_before_s) + LOOK_LATER_S

    def looks_now(self, now_s: float) -> bool:
        """Whether a look is to be asked for now; it counts as asked."""
        asking = [armed for armed in self._armed.values() if self._look_s(armed) <= now_s]
        for armed in asking:
            armed.looks.count, armed.looks.not_before_s = armed.looks.count + 1, now_s + LOOK_AGAIN_S
        return bool(asking)

    def fired(self, armed: Armed, now_s: float) -> Fired:
        """Disarm an alarm; returns the input that it becomes."""
        self._armed.pop(armed.name, None)
        supply = "unknown" if self.answered is None else self.answered.supply
        is_late = now_s - armed.due_s > self.late_s
        is_stirred = self.listened is not None and self.listened.stirred_at_s > armed.since_s + LEAST_BOOT_S
        return Fired(armed.name, supply, is_late, is_stirred)

    def remaining_s(self, name: str, now_s: float) -> float | None:
        """Seconds until the alarm falls due (at least 0); None where it does not run."""
        armed = self._armed.get(name)
        return None if armed is None else max(0.0, armed.due_s - now_s)

    def view(self, now_s: float) -> Iterator[AlarmView]:
        """All running alarms, the nearest first."""
        for armed in sorted(self._armed.values(), key=lambda armed: armed.due_s):
            in_s = max(0.0, armed.due_s - now_s)
            held = in_s == 0 and not self.proved(armed)
            has_proof = not armed.spec.proof or (armed.spec.in_sight and self._has_evidence(armed))
            needs: Literal["silence", "answer"] = "answer" if has_proof else "silence"
            yield AlarmView(armed.name, in_s, held, needs if held else None)


def _shows(sight: Sight | None, armed: Armed) -> bool:
    """Whether this sight is the evidence that the alarm needs."""
    match sight:
        case Listened() if armed.spec.proof:
            return sight.asked_at_s >= max(armed.since_s, sight.silent_since_s) + armed.spec.after_s
        case Answered() if armed.spec.answered:
            return sight.asked_at_s >= armed.due_s and (sight.supply == "off" or not armed.spec.proof)
    return False


def _sees(sight: Sight | None, armed: Armed) -> bool:
    """Whether this sight shows that the board could be seen when the alarm fell due."""
    return armed.spec.in_sight and isinstance(sight, Answered) and sight.asked_at_s >= armed.due_s


async def drive(
    take: Callable[[Any], Awaitable[None]],
    inbox: Inbox[Any],
    alarms: Alarms,
    progress: Callable[[], None],
    look: Callable[[], None] = lambda: None,
) -> None:
    """Hand every input and every due alarm to `take`, one after the other, until cancelled.

    Args:
        take: makes the transition and carries its effects out.
        inbox: the machine's inbox.
        alarms: the machine's alarms.
        progress: called at every turn; a watchdog relies on it.
        look: asks for an immediate look at what an alarm waits for.
    """
    while True:
        progress()
        nearest = alarms.nearest()
        item = None
        due_s = math.inf if nearest is None else nearest.due_s
        look_s = alarms.next_look_s()
        with trio.move_on_at(min(due_s, look_s)):
            item = await inbox.receive()
        if item is not None:
            await take(item)
            continue
        if look_s < due_s:
            if alarms.looks_now(trio.current_time()):
                look()
            continue
        await trio.lowlevel.checkpoint()  # senders that woke at the same instant may still send
        for _ in range(inbox.waiting):
            await take(inbox.take())
        if nearest is not None and alarms.nearest() == nearest:
            await take(alarms.fired(nearest, trio.current_time()))

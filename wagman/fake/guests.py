"""A guest: the computer on a port, as the board sees it.

Nothing ticks. A guest's state follows from the times of what happened to it, and its heartbeat pin is an arithmetic
series of level changes, so that the time of any change, and their number up to any time, are formulas.
"""

import math
from typing import Any

from attrs import define, evolve, field, frozen

from wagman.config.wagman import MEDIA

EDGES_PER_BEAT = 8
"""Level changes of the pin that the board counts as one heartbeat (firmware)."""

SAMPLE_S = 0.262144
"""How often the board samples the pins: the overflow of a 16-bit timer at 16 MHz / 64 (firmware)."""

ROUNDING_S = 1e-6
"""By how much sums of times may be wrong after decades: a change at its exact time still counts, also the last one."""

_CURRENT_MA = {"off": 0, "dead": 320, "booting": 480, "running": 480, "halting": 480, "hung": 480, "halted": 96}
"""The current of a guest in each state, in the sensor's steps of 16 mA (running: captured; the others chosen)."""

MOUNTED = frozenset({"booting", "running", "halting", "hung"})
"""States in which a cut leaves the guest's file system dirty."""


class GuestSpecError(ValueError):
    """A guest description that makes no sense."""


def _at_least_zero(_spec: "GuestSpec", attribute: object, value: float | None) -> None:
    if value is not None and not value >= 0:
        raise GuestSpecError(f"{getattr(attribute, 'name', attribute)}: {value} is not a time of 0 s or more")


def _known_media(_spec: "GuestSpec", _attribute: object, value: tuple[str, ...]) -> None:
    if unknown := set(value) - set(MEDIA):
        raise GuestSpecError(f"good: unknown medium {min(unknown)!r} (known: {', '.join(MEDIA)})")


@frozen
class GuestSpec:
    """How a guest behaves; all times in board seconds."""

    boot_s: float = field(default=30.0, validator=_at_least_zero)  # from power to the first heartbeat
    beat_s: float = field(default=8.0, validator=_at_least_zero)  # between heartbeats as the board counts them; 0: never beats
    halt_s: float = field(default=10.0, validator=_at_least_zero)  # what a clean halt takes
    ignore: bool = False  # deaf to shutdown
    good: tuple[str, ...] = field(default=MEDIA, validator=_known_media)  # the media that boot
    flap_s: float | None = field(default=None, validator=_at_least_zero)  # hangs this long after each boot
    hush_s: float = field(default=0.0, validator=_at_least_zero)  # of a clean halt: how long before its end the beats end
    line: bool | None = None  # v4: beats over a serial line of its own, too; None: where nothing else is heard (port 1)

    def changed(self, keys: str) -> "GuestSpec":
        """This description with `key=value,...` applied; raises GuestSpecError."""
        return evolve(self, **dict(_parse(item) for item in _items(keys)))

    @property
    def edge_s(self) -> float:
        """Time between level changes; no faster than the board can see, math.inf for a guest that never beats."""
        return max(self.beat_s / EDGES_PER_BEAT, SAMPLE_S) if self.beat_s else math.inf


def _items(keys: str) -> list[str]:
    """Split at commas; a part without `=` belongs to the one before it (`good=emmc,sd`)."""
    items: list[str] = []
    for part in keys.split(","):
        if "=" in part or not items:
            items.append(part)
        else:
            items[-1] += "+" + part
    return items


def _seconds(text: str) -> float:
    value = float(text)
    if math.isnan(value):
        raise ValueError(text)
    return value


def _flag(text: str) -> bool:
    return {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}[text.lower()]


def _media(text: str) -> tuple[str, ...]:
    return tuple(medium for medium in text.split("+") if medium)


_KEYS = {
    "boot": ("boot_s", _seconds),
    "beat": ("beat_s", _seconds),
    "halt": ("halt_s", _seconds),
    "ignore": ("ignore", _flag),
    "good": ("good", _media),
    "flap": ("flap_s", lambda text: _seconds(text) or None),
    "hush": ("hush_s", _seconds),
    "line": ("line", _flag),
}


def _parse(item: str) -> tuple[str, Any]:
    key, _, text = item.partition("=")
    try:
        name, convert = _KEYS[key.strip()]
    except KeyError:
        raise GuestSpecError(f"unknown guest key {key.strip()!r} (known: {', '.join(_KEYS)})") from None
    try:
        return name, convert(text.strip())
    except (KeyError, ValueError):
        raise GuestSpecError(f"{key.strip()}: cannot read {text.strip()!r}") from None


@frozen
class EdgeTrain:
    """Level changes of a heartbeat pin: eight `first_step_s` apart, then one every `step_s`, none after `end_s`."""

    start_s: float
    first_step_s: float
    step_s: float
    end_s: float = math.inf

    def time_of(self, number: int) -> float:
        """When the `number`th change falls (from 1); math.inf if it never does."""
        at_s = self.start_s + min(number, EDGES_PER_BEAT) * self.first_step_s
        if number > EDGES_PER_BEAT:
            at_s += (number - EDGES_PER_BEAT) * self.step_s
        return at_s if at_s <= self.end_s + ROUNDING_S else math.inf

    def count(self, until_s: float) -> int:
        """How many changes have happened up to and including `until_s`."""
        elapsed_s = min(until_s, self.end_s) - self.start_s + ROUNDING_S
        beat_s = EDGES_PER_BEAT * self.first_step_s
        if elapsed_s < beat_s:
            return max(0, int(elapsed_s / self.first_step_s))
        return EDGES_PER_BEAT + int((elapsed_s - beat_s) / self.step_s)


_SILENT = EdgeTrain(0.0, 1.0, 1.0, end_s=-1.0)


@define(eq=False, repr=False)
class Guest:
    """One guest. Times are board seconds; the caller passes them in, and never a time before the last one."""

    name: str
    spec: GuestSpec = field(factory=GuestSpec)
    medium: str | None = None  # what it booted from; None where the port has no selector of its own
    boots: int = 0  # how often it got power
    dirty_cuts: int = 0
    _power_s: float | None = None
    _booted_s: float = math.inf  # the first heartbeat
    _hung_s: float = math.inf
    _halted_s: float = math.inf
    _halting: bool = False
    _panicked: bool = False  # its kernel hangs with its programs
    _dead: bool = False  # has power, but no medium that boots
    _past_edges: int = 0  # of all trains before this one
    _past_edge_s: float = -math.inf  # the last of them
    _past_beats: int = 0
    _past_beat_s: float = -math.inf  # the last of them
    _train: EdgeTrain = _SILENT

    def state(self, now_s: float) -> str:
        """One of off, dead, booting, running, halting, halted, hung."""
        if self._power_s is None:
            return "off"
        if self._dead:
            return "dead"
        if now_s >= min(self._halted_s, self._hung_s):
            return "halted" if self._halted_s <= self._hung_s else "hung"
        if self._halting:
            return "halting"
        return "running" if now_s >= self._booted_s else "booting"

    def current_ma(self, now_s: float) -> int:
        """Return its current in mA."""
        return _CURRENT_MA[self.state(now_s)]

    # --- The heartbeat pin ---------------------------------------------------------------------------------------

    def edges(self, until_s: float) -> int:
        """Return the number of level changes of the pin up to `until_s`, over all of this guest's lives."""
        return self._past_edges + self._train.count(until_s)

    def edge_at_s(self, number: int) -> float:
        """Return when the level change of that number comes, as things stand; math.inf if it does not."""
        return self._train.time_of(number - self._past_edges)

    def beats(self, until_s: float) -> int:
        """Return the number of heartbeats up to `until_s` as the guest itself counts them, over all of its lives."""
        return self._past_beats + self._train.count(until_s) // EDGES_PER_BEAT

    def beat_at_s(self, number: int) -> float:
        """Return when the heartbeat of that number comes, as things stand; math.inf if it does not."""
        return self._train.time_of((number - self._past_beats) * EDGES_PER_BEAT)

    def last_beat_s(self, until_s: float) -> float:
        """Return when the latest heartbeat up to `until_s` was; -math.inf if never.

        `until_s` is not before the present rhythm.
        """
        beats = self._train.count(until_s) // EDGES_PER_BEAT
        return self._train.time_of(beats * EDGES_PER_BEAT) if beats else self._past_beat_s

    def last_edge_s(self, until_s: float) -> float:
        """Return when the pin last moved up to `until_s`; -math.inf if never. `until_s` is not before the present rhythm."""
        edges = self._train.count(until_s)
        return self._train.time_of(edges) if edges else self._past_edge_s

    def _begin_train(self, now_s: float, train: EdgeTrain) -> None:
        self._past_edge_s = self.last_edge_s(now_s)
        self._past_edges, self._past_beats, self._past_beat_s = self.edges(now_s), self.beats(now_s), self.last_beat_s(now_s)
        self._train = train

    def _end_train(self, at_s: float) -> None:
        self._train = evolve(self._train, end_s=min(at_s, self._train.end_s))

    # --- What happens to it --------------------------------------------------------------------------------------

    def power_on(self, now_s: float, medium: str | None) -> None:
        """Boot from `medium` (None: the guest's own)."""
        self._power_s, self.medium = now_s, medium
        self.boots += 1
        self._boot(now_s)

    def power_off(self, now_s: float) -> str:
        """Cut its power; return the state that this ended."""
        ended = self.state(now_s)
        self.dirty_cuts += ended in MOUNTED
        self._power_s = None
        self._begin_train(now_s, _SILENT)
        return ended

    def pings(self, now_s: float) -> bool:
        """Return whether its kernel answers pings, as it does even when its programs hang."""
        return self.state(now_s) in {"running", "halting", "hung"} and not self._panicked

    def panic(self, now_s: float) -> bool:
        """Hang the kernel and the programs; return False if there was no sign of life to stop."""
        hangs = self.hang(now_s)
        self._panicked = self._panicked or hangs
        return hangs

    def hang(self, now_s: float) -> bool:
        """Hang the programs; return False if there was no sign of life to stop."""
        if self.state(now_s) not in {"booting", "running", "halting"}:
            return False
        self._hung_s, self._halted_s, self._halting = now_s, math.inf, False
        self._end_train(now_s)
        return True

    def revive(self, now_s: float) -> bool:
        """Let a hung guest go on, or boot a halted one by its own button; return False in other states."""
        state = self.state(now_s)
        if state == "hung":
            self._hung_s, self._booted_s, self._panicked = math.inf, min(self._booted_s, now_s), False
            self._beat_from(now_s)
        elif state == "halted":
            self._boot(now_s)
        return state in {"hung", "halted"}

    def halt(self, now_s: float) -> bool:
        """Ask it to shut down cleanly; return False if nobody listens.

        It beats until its file system is down, or `hush_s` before.
        """
        state = self.state(now_s)
        if state == "running" and not self.spec.ignore:
            self._halting, self._halted_s = True, now_s + self.spec.halt_s
            self._end_train(max(now_s, self._halted_s - self.spec.hush_s))
        return state in {"running", "halting"}

    def change(self, now_s: float, spec: GuestSpec) -> None:
        """Take another behaviour: the beat changes at once, everything else when it next matters."""
        rhythm_changed = spec.beat_s != self.spec.beat_s
        self.spec = spec
        if not rhythm_changed:
            return
        match self.state(now_s):
            case "running" | "halting":
                self._beat_from(now_s)
            case "booting":
                self._beat_once_booted(now_s)

    def _boot(self, now_s: float) -> None:
        self._hung_s = self._halted_s = self._booted_s = math.inf
        self._halting = self._panicked = False
        self._dead = self.medium not in self.spec.good if self.medium else not self.spec.good
        if self._dead:
            return
        self._booted_s = now_s + self.spec.boot_s
        self._hung_s = self._booted_s + self.spec.flap_s if self.spec.flap_s else math.inf
        self._beat_once_booted(now_s)

    def _beat_once_booted(self, now_s: float) -> None:
        step_s, boot_s, train = self.spec.edge_s, self._booted_s - now_s, _SILENT
        if math.isfinite(step_s) and math.isfinite(boot_s):
            first_step_s = max(min(step_s, boot_s / EDGES_PER_BEAT), SAMPLE_S)
            start_s = max(now_s, self._booted_s - EDGES_PER_BEAT * first_step_s)
            train = EdgeTrain(start_s, first_step_s, step_s, min(self._halted_s, self._hung_s))
        self._begin_train(now_s, train)

    def _beat_from(self, now_s: float) -> None:
        step_s = self.spec.edge_s
        train = EdgeTrain(now_s, step_s, step_s, min(self._halted_s, self._hung_s)) if math.isfinite(step_s) else _SILENT
        self._begin_train(now_s, train)

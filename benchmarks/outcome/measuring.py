"""The states and power cuts of a site's guests, as they really are."""

import math
from collections.abc import Collection

import trio
from attrs import define, field, frozen

from benchmarks.outcome.hands import is_cut_off
from wagman.config.schema import DeviceConfig
from wagman.model.facts import Plug
from wagman.simulation.records import Messaged, Record, RelayMoved
from wagman.simulation.world import World

SAMPLE_S = 10.0
"""Seconds between two looks at the guests (chosen: less than anything that is measured)."""

HAS_OS = frozenset({"booting", "running"})
"""States in which a cut takes a guest in the middle of its work."""

CHOSEN = frozenset({"command", "board"})
"""Causes of a cut that somebody decided; the cuts of faults happen under every policy."""


@frozen
class Result:
    """The result for the guests of one site in one run. Only cuts that were decided are counted."""

    up: float  # the share of the guests' hours in which they ran
    hard_cuts: int  # of guests that ran or booted, without being asked to halt since they got their power
    outage_cuts: int  # of guests that ran or booted, while the network or the board's link was down, asked to halt or not
    cycles: int  # all cuts, in whatever state the guest was
    hangs_s: tuple[float, ...]  # from each hang until the guest ran again, or until the end
    dead_h: float  # guest-hours down after the last fault


@define
class Patient:
    """A guest under observation."""

    device: DeviceConfig
    asked: bool = False  # asked to halt since it got its power
    hung_s: float = math.nan  # since when it has hung, and not been up again; NaN: not so

    def looks(self, state: str, now_s: float) -> float | None:
        """Take the state that the guest is seen in; return how long its hang lasted, if the hang is over."""
        if state == "hung" and math.isnan(self.hung_s):
            self.hung_s = now_s
        if state != "running" or math.isnan(self.hung_s):
            return None
        lasted_s, self.hung_s = now_s - self.hung_s, math.nan
        return lasted_s


@define(eq=False)
class Measuring:
    """Watches the guests of a site.

    Uptime and hangs count from `from_s` on, cuts from the start; no fault lasts beyond `quiet_s`.
    """

    guests: Collection[DeviceConfig]
    from_s: float
    quiet_s: float
    world: World | None = None
    hard_cuts: int = 0
    outage_cuts: int = 0
    cycles: int = 0
    hangs_s: list[float] = field(factory=list)
    _looks: int = 0
    _up: int = 0
    _dead: int = 0
    _patients: dict[Plug, Patient] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._patients = {each.plug: Patient(each) for each in self.guests}

    def __call__(self, record: Record) -> None:
        """Take a record of the world."""
        match record:
            case Messaged():
                patient = next(each for each in self._patients.values() if each.device.name == record.device)
                patient.asked = True
            case RelayMoved() if record.plug in self._patients:
                self._moved(record, self._patients[record.plug])

    def _moved(self, moved: RelayMoved, patient: Patient) -> None:
        if moved.on:
            patient.asked = False
        elif moved.by in CHOSEN:
            ran = moved.guest in HAS_OS
            self.cycles += 1
            self.hard_cuts += ran and not patient.asked
            self.outage_cuts += ran and self._is_outage(moved.plug.board)

    def _is_outage(self, board: str) -> bool:
        return self.world is not None and (self.world.network.is_out or is_cut_off(self.world.boards[board]))

    async def look_around(self, world: World) -> None:
        """Look at the guests every `SAMPLE_S`, until cancelled."""
        self.world = world
        await trio.sleep(self.from_s)
        while True:
            await trio.sleep(SAMPLE_S)
            for plug, patient in self._patients.items():
                self._look(patient, world.outlet(plug).guest.state(world.now_s), world.now_s)

    def _look(self, patient: Patient, state: str, now_s: float) -> None:
        self._looks += 1
        self._up += state == "running"
        self._dead += state != "running" and now_s > self.quiet_s
        lasted_s = patient.looks(state, now_s)
        if lasted_s is not None:
            self.hangs_s.append(lasted_s)

    def result(self, now_s: float) -> Result:
        """Return the result up to now."""
        open_s = (now_s - each.hung_s for each in self._patients.values() if not math.isnan(each.hung_s))
        return Result(
            self._up / max(self._looks, 1),
            self.hard_cuts,
            self.outage_cuts,
            self.cycles,
            (*self.hangs_s, *open_s),
            self._dead * SAMPLE_S / 3600,
        )

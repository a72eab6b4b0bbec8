"""From a hang to running again, in virtual time: how much longer it takes than what is configured, and why.

A guest that was heard hangs, its command to halt has no effect, its power is cut, it boots. Configured are `heartbeat_timeout`,
`stop_silence`, `off_time`, and here the boot time of the guest. The excess is split in two. The board's part lasts from the first
command that switches to the move of the relay. The service's part is told in polls, since the service acts on what polls show. It
depends on the phase between two beats and two polls at which the guest hangs, so several phases are tried. The figures are the
same on any machine.
"""

from collections.abc import Iterator
from statistics import mean

from attrs import define, field, frozen

from benchmarks.figures import Figure, Section
from benchmarks.processes import MeasurementError
from benchmarks.scale import Scale
from wagman.config.schema import DeviceConfig
from wagman.simulation.play import Scenario, play
from wagman.simulation.records import EventShown, Record, RelayMoved, Sent
from wagman.simulation.script import parse
from wagman.simulation.sites import site

SITES = {"plugs": "ai", "one": "gn", "two": "gn2"}
"""By site, the guest that hangs: on a plug and heard over the network, on a v3 board, and on a v4 board."""

HUNG_AFTER_S = 1200.0
STEP_S = 2.3
"""Seconds from one phase to the next (chosen: does not divide any of the periods)."""

BOOT_S = 30.0
"""The boot time of a simulated guest, in seconds."""

SWITCHES = frozenset({"disable", "enable", "start", "set_media", "bs"})
"""The verbs that make a board switch an outlet; queries, and verbs that only keep an outlet off, are not among them."""


@define
class Story:
    """The history of one guest from its hang on; times are seconds of virtual time."""

    guest: DeviceConfig
    hung_s: float
    running_s: float = 0.0
    boards_s: float = 0.0
    _began_s: float = field(init=False, default=0.0)

    def see(self, record: Record) -> None:
        """Take note of a record, if it matters here."""
        match record:
            case EventShown(at_s, event) if at_s > self.hung_s and (event.type, event.device) == self.awaited:
                self.running_s = self.running_s or at_s
            case Sent(at_s, verb, plug) if at_s > self.hung_s and plug == self.guest.plug and verb in SWITCHES:
                self._began_s = self._began_s or at_s
            case RelayMoved(at_s, plug) if at_s > self.hung_s and plug == self.guest.plug:
                self.boards_s += at_s - self._began_s
                self._began_s = 0.0

    @property
    def awaited(self) -> tuple[str, str]:
        """The type and the guest of the event that ends the outage."""
        return "device.started", self.guest.name

    @property
    def configured_s(self) -> float:
        """The configured times and the boot, in seconds."""
        return self.guest.heartbeat_timeout_s + self.guest.stop_silence_s + self.guest.off_time_s + BOOT_S


@frozen
class Over:
    """The time of one phase beyond what is configured, in seconds: the board's part and the service's."""

    boards_s: float
    ours_s: float


def measure(scale: Scale) -> list[Section]:
    """Measure each kind of board."""
    figures: list[Figure] = []
    for named, name in SITES.items():
        config = site(named)
        guest = next(each for each in config.guests if each.name == name)
        poll_s = config.board_of(guest).poll_s
        overs = list(phases(scale, named, guest))
        story = Story(guest, 0.0)
        kind = {"plugs": "plug", "one": "v3", "two": "v4"}[named]
        figures += [
            Figure(f"{kind}: configured", story.configured_s, "s"),
            Figure(f"{kind}: the board's own time to switch off and on", mean(each.boards_s for each in overs), "s"),
            Figure(f"{kind}: the service's, mean", mean(each.ours_s for each in overs) / poll_s, "polls", 2),
            Figure(f"{kind}: the service's, at most", max(each.ours_s for each in overs) / poll_s, "polls"),
        ]
    note = f"In virtual time, the guest hangs in {scale.phases} phases. A v3 or v4 board is polled every 5 s, a plug every 10 s."
    return [Section("From a hang to running again", figures, note)]


def phases(scale: Scale, named: str, guest: DeviceConfig) -> Iterator[Over]:
    """Yield the excess of each phase.

    Raises:
        MeasurementError: the guest did not come up again, or a promise was broken.
    """
    for number in range(scale.phases):
        hung_s = HUNG_AFTER_S + number * STEP_S
        story = Story(guest, hung_s)
        script = parse(f"{hung_s:g} s; guest {guest.name} hang; 12 min")
        outcome = play(Scenario(1, site(named), script), story.see)
        if outcome.violation is not None or not story.running_s:
            raise MeasurementError(f"{guest.name} is not up again: {outcome.violation}")
        over_s = story.running_s - hung_s - story.configured_s
        yield Over(story.boards_s, over_s - story.boards_s)

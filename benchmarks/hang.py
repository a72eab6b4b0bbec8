"""From a hang to running again, in virtual time: how much longer it takes than what is configured, and whose time that is.

A guest that was heard all along hangs, its command to halt is run and comes to nothing, its power is cut, it boots. Configured
are `heartbeat_timeout`, `stop_silence`, `off_time`, and here the time that the guest takes to boot. What there is beyond is the
board's - from the first command that switches to the relay's move -, and the service's, which goes by what polls and looks show:
that is told in polls. It depends on where between two beats and two polls the guest hangs; several such phases are tried. The
figures are the same on any machine.
"""

from collections.abc import Iterator
from statistics import mean

from attrs import define, field, frozen

from benchmarks.figures import Figure, Section
from benchmarks.processes import MeasurementError
from benchmarks.scale import Scale
from wagman.config.schema import DeviceConfig
from wagman.simulation.play import Scenario, play
from wagman.simulation.records import Record, RelayMoved, Sent, Told
from wagman.simulation.script import parse
from wagman.simulation.sites import site

SITES = {"plugs": "ai", "one": "gn", "two": "gn2"}
"""A guest on a plug that is heard over the network, on a v3 board, and on a v4 board."""

HUNG_AFTER_S = 1200.0
STEP_S = 2.3
"""From one phase to the next (chosen: no divisor of any period that there is)."""

BOOT_S = 30.0
"""How long a guest of the simulation takes to boot."""

SWITCHES = frozenset({"disable", "enable", "start", "set_media", "bs"})
"""The commands that take a board to switch an outlet; none of these has what is off stay off, or asks a question."""


@define
class Story:
    """What happened to a guest from its hang on."""

    guest: DeviceConfig
    hung_s: float
    running_s: float = 0.0
    off_s: float = 0.0
    boards_s: float = 0.0
    _began_s: float = field(init=False, default=0.0)

    def see(self, record: Record) -> None:
        """Take in what is to be counted."""
        match record:
            case Told(at_s, event) if at_s > self.hung_s and (event.type, event.device) == ("device.started", self.guest.name):
                self.running_s = self.running_s or at_s
            case Sent(at_s, verb, plug) if at_s > self.hung_s and plug == self.guest.plug and verb in SWITCHES:
                self._began_s = self._began_s or at_s
            case RelayMoved(at_s, plug) if at_s > self.hung_s and plug == self.guest.plug:
                self.boards_s += at_s - self._began_s
                self._began_s, self.off_s = 0.0, self.off_s or at_s

    @property
    def configured_s(self) -> float:
        """What the configuration asks for, and the boot."""
        return self.guest.heartbeat_timeout_s + self.guest.stop_silence_s + self.guest.off_time_s + BOOT_S


@frozen
class Over:
    """What one phase took beyond what is configured, in seconds."""

    boards_s: float
    ours_s: float


def measure(scale: Scale) -> list[Section]:
    """For each kind of board."""
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
    """The story, begun at several times between two polls and two beats.

    Raises:
        MeasurementError: it does not end as it should.
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

"""Heartbeats and timers under load: the whole service in this process, an instant board outside, a real log on disk.

The board tells of a thousand beats a second; the service reads and believes each line and hands it to the guest's machine, which
arms its timers anew. Probes run in the same loop: machines that only wait for a timer, and note how late it fired.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

import trio
from attrs import define, field, frozen

from benchmarks.figures import Figure, Section
from benchmarks.node import Node, new_node
from benchmarks.processes import MeasurementError
from benchmarks.scale import Scale
from benchmarks.timing import Spread
from wagman.config.load import load
from wagman.fsm.alarms import Alarm, Fired, Plan
from wagman.model.facts import Draft
from wagman.service.daemon import make_store
from wagman.service.parts import Parts, void
from wagman.service.port import connector
from wagman.service.root import WagmanService
from wagman.service.seams import Seams
from wagman.tasks.guest import Guest
from wagman.tasks.inbox import Inbox
from wagman.tasks.loop import Alarms, drive

BEATS_PER_S = 1000

LOADS = {"1,000 beats/s": 0, "1,000 beats/s and 1,000 log events/s": 1000}
"""By name of the load, the number of events a second that go into the log."""

WARM_UP_S = 3.0
"""Seconds until the board is greeted and the guests are up."""

PROBES_S = (0.011, 0.023, 0.047, 0.091)
"""The periods of the probes' timers, in seconds: several, so that they do not fall due all at once."""


@define
class TimedAlarms(Alarms):
    """A guest's timers.

    Each time they are armed after a new beat, the seconds since that beat was read are noted in `taken_s`.
    """

    guest: Guest = field(kw_only=True)
    taken_s: list[float] = field(factory=list)
    _beat_at_s: float | None = None

    def plan(self, plan: Plan | None, now_s: float) -> None:
        """Plan the timers as usual, and note the time if there was a new beat."""
        super().plan(plan, now_s)
        beat_at_s = self.guest.beat_at_s
        if beat_at_s is not None and beat_at_s != self._beat_at_s:
            self._beat_at_s = beat_at_s
            self.taken_s.append(trio.current_time() - beat_at_s)


@define
class Probe:
    """A machine whose timer fires again and again, and is noted in `late_s` by how many seconds it was late."""

    after_s: float
    alarms: Alarms = field(factory=Alarms)
    late_s: list[float] = field(factory=list)
    _due_s: float = 0.0

    async def run(self) -> None:
        """Run until cancelled."""
        self._arm()
        await drive(self._take, Inbox(), self.alarms, lambda: None)

    def _arm(self) -> None:
        now_s = trio.current_time()
        self._due_s = now_s + self.after_s
        self.alarms.plan({"probe": Alarm(self.after_s)}, now_s)

    async def _take(self, item: Any) -> None:
        if isinstance(item, Fired):
            self.late_s.append(trio.current_time() - self._due_s)
        self._arm()


@frozen
class Sample:
    """The result of one load."""

    beats_per_s: float
    events_per_s: float
    rearmed: Spread
    late: Spread


def measure(scale: Scale) -> list[Section]:
    """Measure with busy guests, and with a busy log besides."""
    figures: list[Figure] = []
    for what, events_per_s in LOADS.items():
        samples = [trio.run(sample, scale, events_per_s) for _ in range(min(scale.rounds, 3))]
        best = min(samples, key=lambda each: each.late.p99_ms)
        figures += [
            Figure(f"{what}: beats that were taken", best.beats_per_s, "/s"),
            Figure(f"{what}: events that were written", best.events_per_s, "/s"),
            *best.rearmed.figures(f"{what}: from the beat's bytes to its alarm armed anew"),
            Figure(f"{what}: the worst of these", best.rearmed.worst_ms, "ms"),
            *best.late.figures(f"{what}: alarms late", p99_at_most=20),
            Figure(f"{what}: the latest", best.late.worst_ms, "ms"),
        ]
    note = (
        f"The whole service but its socket, in one process, with its log on disk; for {scale.loaded_s:g} s, the best of 3. "
        "The board is another process."
    )
    return [Section("Heartbeats and alarms under load", figures, note)]


async def sample(scale: Scale, events_per_s: int) -> Sample:
    """Measure one load once."""
    with new_node() as node, node.instant_board(BEATS_PER_S):
        service = new_service(node)
        timed = [TimedAlarms(guest=guest) for guest in service.parts.guests.values()]
        for alarms in timed:
            alarms.guest.alarms = alarms
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(service.run, None, nobody))
            probes = [Probe(after_s) for after_s in PROBES_S]
            for probe in probes:
                nursery.start_soon(probe.run)
            nursery.start_soon(write, service, events_per_s)
            await trio.sleep(WARM_UP_S)
            found = await watch(service, timed, probes, scale.loaded_s)
            nursery.cancel_scope.cancel()
    return found


async def watch(service: WagmanService, timed: Sequence[TimedAlarms], probes: Sequence[Probe], for_s: float) -> Sample:
    """Let the load run for `for_s` seconds, and return what was noted meanwhile."""
    for noted in (*(alarms.taken_s for alarms in timed), *(probe.late_s for probe in probes)):
        noted.clear()
    first_id = service.parts.journal.last_id
    began_s = trio.current_time()
    await trio.sleep(for_s)
    took_s = trio.current_time() - began_s
    taken = [each for alarms in timed for each in alarms.taken_s]
    late = [each for probe in probes for each in probe.late_s]
    return Sample(len(taken) / took_s, (service.parts.journal.last_id - first_id) / took_s, Spread.of(taken), Spread.of(late))


async def write(service: WagmanService, events_per_s: int) -> None:
    """Record events at an even pace until cancelled; for 0 a second, return at once."""
    began_s, written = trio.current_time(), 0
    while events_per_s:
        written += 1
        service.parts.journal.record([(Draft("service.reloaded", None, {"changed": ["poll"], "needs_restart": []}), None)])
        await trio.sleep_until(began_s + written / events_per_s)


def new_service(node: Node) -> WagmanService:
    """Return the service as the daemon makes it, except that it prints nothing."""
    config = load(str(node.config))
    seams = Seams(partial(connector, ptys_only=False))
    return WagmanService(Parts(config, seams, make_store(config, seams), void))


def nobody(_stream: object) -> NoReturn:
    """Refuse a client: this service has no socket."""
    raise MeasurementError("there is no socket to come in by")

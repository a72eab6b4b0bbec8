"""Promises that hold through outages, heat, crashes and restarts (6, 8, 10 and 11)."""

import math
from collections.abc import Iterator
from typing import ClassVar

from attrs import define, field

from wagman.model.facts import Plug
from wagman.simulation.promises.checker import SAID_S, SEEN_S, STATES
from wagman.simulation.records import Began, Configured, Ended, EventShown, Look, Record, RelayMoved
from wagman.simulation.scene import Scene
from wagman.simulation.scene_port import BEAT_S, SLACK_S, Port

LOOK_S = 5.0
"""How long a look at a board takes at most, if it answers (the time-out of our back ends)."""


@define
class NothingLostByOutages:
    """6. wagman cuts nobody because it has lost the link, the board or itself, for however long."""

    promise: ClassVar[int] = 6

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Check each heartbeat that is called lost, and each cut of a guest that was to run."""
        if isinstance(record, EventShown) and record.event.type == "device.heartbeat_lost":
            yield from self.silent(record, scene.by_name[record.event.device or ""], scene)
        elif isinstance(record, RelayMoved) and not record.on and record.plug in scene.ports:
            yield from self.cut(record, scene.ports[record.plug])

    def silent(self, shown: EventShown, port: Port, scene: Scene) -> Iterator[str]:
        """Check that the guest had been silent for long enough.

        One that is heard by ears of its own, and whose board has just restarted, has new power; nobody knows before the next look
        at the board.
        """
        device, moved = port.device, scene.relays.get(port.device.plug)
        look_s = scene.config.board_of(device).poll_s + LOOK_S
        if device.ears and moved is not None and not moved.ours and shown.at_s - moved.at_s < look_s:
            return
        if shown.silence.for_s < device.heartbeat_timeout_s - port.beat_s - SLACK_S:
            yield f"the heartbeat of {device.name} was called lost, and {shown.silence.for_s:.0f} s of silence were proved"

    def cut(self, cut: RelayMoved, port: Port) -> Iterator[str]:
        """Check that a guest which was heard, and not told to halt long ago, keeps its power."""
        device = port.device
        was_off = port.disabled_s < port.moved_s  # when the command was sent; what has switched it on since is not known
        is_late = cut.at_s - port.told_s >= device.stop_timeout_s - SLACK_S
        excused = was_off or is_late or port.killed or port.was_allowed(cut.at_s) or device.shutdown == ()
        heard = cut.guest in ("running", "halting") and cut.silent_s < BEAT_S and not port.was_silent
        if cut.ours and heard and not excused and cut.at_s - port.moved_s > port.slowest.start_timeout_max_s:
            yield f"{device.name} was {cut.guest} when its power was cut"


@define
class HeatIsObeyed:
    """8. In a hot enclosure all guests but forced ones are down within a bounded time, and nothing starts until it is over."""

    promise: ClassVar[int] = 8

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Check relays that go on in the heat, and guests that still run."""
        if isinstance(record, RelayMoved) and record.on and record.plug in scene.ports:
            port, hot_s = scene.ports[record.plug], self.hot_s(scene, record.at_s, record.plug)
            if hot_s > SEEN_S and record.ours and port.device.name not in scene.heat.forced:
                yield f"{port.device.name} was switched on after {hot_s:.0f} s of heat"
        elif isinstance(record, Look) and record.at_s - scene.heat.since_s > self.bound_s(scene):
            for plug, port in scene.ports.items():
                hot_s, truth = self.hot_s(scene, record.at_s, plug), record.truth[plug]
                is_excused = (
                    port.device.name in scene.heat.forced or port.alone or record.at_s - port.alone_s < self.bound_s(scene)
                )
                is_late = hot_s > self.bound_s(scene) and not is_excused
                if truth.on and truth.can_be_seen and is_late:
                    yield f"{port.device.name} runs after {hot_s:.0f} s of heat"

    def hot_s(self, scene: Scene, now_s: float, plug: Plug) -> float:
        """Return for how long it has been too hot, counted only while the service could see that and the outlet's board."""
        return min(now_s - scene.heat.since_s, scene.quiet_s(plug.board, scene.config.enclosure or plug.board))

    def bound_s(self, scene: Scene) -> float:
        """Return how long it may take: each guest in its turn; the last may be booting, and then take its longest to stop."""
        slowest_s = max(port.slowest.start_timeout_max_s + port.slowest.stop_timeout_s for port in scene.ports.values())
        return SEEN_S + len(scene.ports) * scene.config.wagman.hibernate_interval_s + slowest_s + SEEN_S


@define
class CrashesAreContained:
    """10. An exception in any task is contained, and there are none but those that were provoked."""

    promise: ClassVar[int] = 10
    crashed: int = 0
    crashed_s: dict[str, float] = field(factory=dict)
    known: set[str] = field(factory=set)  # guests with a state that can be lost: told of since the last loss of memory

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Check each crash that is told, and how each life ends."""
        if isinstance(record, EventShown):
            yield from self.on_event(record, scene)
        if isinstance(record, Began):
            self.crashed_s.clear()  # a crash in the life before does not explain what this life does not know
            self.known = set() if scene.is_forgotten else self.known
        if isinstance(record, Configured):
            plugs = {name: port.device.plug for name, port in scene.by_name.items()}
            self.known &= {each.name for each in record.config.guests if plugs.get(each.name) == each.plug}
        if isinstance(record, Ended) and record.how not in ("killed", "stopped"):
            yield f"the service ended by itself: {record.how}"

    def on_event(self, shown: EventShown, scene: Scene) -> Iterator[str]:
        """Check a crash, or a guest that begins anew after one."""
        event = shown.event
        if event.type in ("service.task_failed", "service.request_failed"):
            self.crashed += 1
            name = str(event.fields.get("task")).removeprefix("device.")
            self.crashed_s[name] = shown.at_s if name in self.known else -math.inf
            if self.crashed > scene.crashes:
                yield f"a task failed: {dict(event.fields)}"
        if event.type in ("device.power_lost", "device.maintenance_over"):
            self.crashed_s.pop(event.device or "", None)  # the guest is looked at anew, and may be adopted
        if event.type == "device.maintenance_over":
            self.known.discard(event.device or "")  # unknown until its state is told, even by a task that has failed since
        # A guest that has lost its state is watched for a while. If it was known to be off, and is on, its state is not lost.
        is_anew = event.type == "device.adopted" and not event.fields.get("why", "").endswith("though it was off")
        if is_anew and shown.at_s - self.crashed_s.get(event.device or "", -math.inf) < SEEN_S:
            yield f"{event.device} was adopted after its task had failed: its state was lost"
        if event.device and event.type.removeprefix("device.") in STATES:
            self.known.add(event.device)


@define
class DecisionsLast:
    """11. A guest that an operator stopped or disabled gets no power by the service until an operator says so.

    A stop for a limited time also says when the guest may get power again. A guest in maintenance keeps the power that it has.
    """

    promise: ClassVar[int] = 11

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Check each relay that the service switches on, and anything that it switches in maintenance."""
        if not isinstance(record, RelayMoved) or record.plug not in scene.ports:
            return
        port = scene.ports[record.plug]
        sent_s = port.enabled_s if record.on else port.disabled_s
        if record.ours and port.alone and sent_s > port.alone_s + SAID_S and not scene.knows_nothing:
            yield f"{port.device.name} was switched {'on' if record.on else 'off'} in maintenance"
        is_excused = port.had_left or scene.was_left_to(port) or scene.knows_nothing
        if record.on and record.ours and port.stays_down and not is_excused:
            yield f"{port.device.name} was switched on, and was to stay down"

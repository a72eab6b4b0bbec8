"""Power is cut in few ways only, and the ways to boards come on again by themselves (promises 1 and 12)."""

import math
from collections.abc import Iterator
from typing import ClassVar

from attrs import define, field

from wagman.model.facts import Plug
from wagman.simulation.promises.checker import SEEN_S
from wagman.simulation.records import Answered, Began, Configured, Did, EventShown, Look, Record, RelayMoved
from wagman.simulation.scene import Scene
from wagman.simulation.scene_port import SLACK_S, Port

LATE_S = 30.0
"""How long before it was told a start by the board may have begun: the poll that finds it takes long on a slow board (chosen)."""


@define
class CutsAreEarned:
    """1. A relay is cut only after a message and silence, or in one of the few ways that need none."""

    promise: ClassVar[int] = 1
    # Since when each outlet's guest is said to be starting, or has been given up.
    booting_s: dict[Plug, float] = field(factory=dict)
    wiped: bool = False  # the service's log was, since it was last up
    on_s: dict[Plug, float] = field(factory=dict)  # since when each outlet could be taken for on

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Check each cut that the service caused."""
        if isinstance(record, EventShown) and record.event.device in scene.by_name:
            self.on_event(record, scene.by_name[record.event.device].device.plug, scene.came_up_s)
        elif isinstance(record, Began | Did | Configured):
            self.remembers(record, scene)
        if isinstance(record, RelayMoved) and record.ours and record.plug.board not in scene.boards:
            yield f"{record.plug}, which is somebody else's, was switched"
        if not isinstance(record, RelayMoved) or record.plug not in scene.ports:
            return
        port = scene.ports[record.plug]
        if record.on:
            self.comes_on(port, record)
            return
        if record.ours and not self.earned(port, record):
            yield f"{port.device.name} was {record.guest} when its power was cut, {record.silent_s:.0f} s after its last beat"
        if record.plug in self.booting_s:
            self.booting_s[record.plug] = record.at_s  # the next start

    def comes_on(self, port: Port, moved: RelayMoved) -> None:
        """Take in that an outlet came on: a contact that was stuck open, and came free, was taken for on since it was told so."""
        is_freed = moved.by == "freed" and port.enabled_s > port.disabled_s
        self.on_s[moved.plug] = port.enabled_s if is_freed else moved.at_s

    def earned(self, port: Port, cut: RelayMoved) -> bool:
        """Return whether the cut had one of the allowed reasons."""
        device = port.device
        return (
            port.killed
            or device.shutdown == ()
            or port.disabled_s < port.moved_s  # it was off when the command was sent
            or port.was_allowed(cut.at_s)
            or self.halted(port, cut)
            or cut.at_s - port.told_s >= device.stop_timeout_s - SLACK_S
            or self.start_failed(port, cut)
        )

    def on_event(self, shown: EventShown, plug: Plug, came_up_s: float) -> None:
        """Take in whether a start is under way: one that is given up, or fails, ends with a cut."""
        if shown.event.type in ("device.starting", "device.will_stop"):
            is_found = shown.event.fields.get("reason") == "found switched on"  # found by a poll, which may have taken long
            # A slow disk delays the telling; the service's own clock has the true time.
            began_s = min(shown.at_s, max(came_up_s + shown.event.mono_s, shown.at_s - LATE_S))
            self.booting_s.setdefault(plug, began_s - (LATE_S if is_found else 0.0))
        elif shown.event.type in ("device.started", "device.stopping", "device.restarting"):
            self.booting_s.pop(plug, None)

    def remembers(self, record: Began | Did | Configured, scene: Scene) -> None:
        """Forget starts after a loss of memory: a service that knows nothing announces each start.

        One with old memory may believe in any.
        """
        if isinstance(record, Did) and record.words == "disk wiped" and scene.is_down:
            self.booting_s.clear()
            self.wiped = True
        elif isinstance(record, Began):
            if scene.is_forgotten and not self.wiped:
                self.booting_s.update(dict.fromkeys(scene.ports, -math.inf))
            self.wiped = False
        elif isinstance(record, Configured) and record.config != scene.config:
            self.booting_s.update(dict.fromkeys(scene.ports, -math.inf))

    def halted(self, port: Port, cut: RelayMoved) -> bool:
        """Return whether the guest was told to halt, and then was silent."""
        device = port.device
        silent = port.was_silent or not device.has_heartbeat
        return silent and cut.at_s - port.told_s >= device.stop_silence_s - SLACK_S

    def start_failed(self, port: Port, cut: RelayMoved) -> bool:
        """Return whether the guest had its time to boot, and was not heard."""
        on_for_s = cut.at_s - self.on_s.get(cut.plug, port.moved_s)
        heard = cut.guest in ("running", "halting") and cut.silent_s < on_for_s and on_for_s > port.slowest.start_timeout_max_s
        # Silence alone is no failed start: the service must have been told of no beat since the power came, for a start's whole
        # time. A first beat may be made of earlier changes of the pin, and nobody can tell it from a real one.
        start_s = port.device.start_timeout_s - port.beat_s - SLACK_S
        never_heard = port.silence.beats <= 1 and port.silence.for_s >= start_s
        booting_for_s = min(on_for_s, cut.at_s - self.booting_s.get(cut.plug, math.inf))
        return booting_for_s >= port.device.start_timeout_s - SLACK_S and (never_heard or not heard)


@define
class WaysStayOpen:
    """12. The service leaves no way to a board off, unless an operator insisted on it."""

    promise: ClassVar[int] = 12
    off_s: dict[Plug, float] = field(factory=dict)  # since when the service has kept each way off
    insisted: set[Plug] = field(factory=set)  # ways that an operator wants off by force

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Check each switching of a way, and at each look how long it has been off."""
        if isinstance(record, Answered) and record.accepted and record.asked.device in scene.by_name:
            self.asked(record, scene.by_name[record.asked.device].device.plug)
        elif isinstance(record, RelayMoved):
            self.off_s.pop(record.plug, None)
            if self.is_way(record.plug, scene) and not record.on and record.ours and record.plug not in self.insisted:
                self.off_s[record.plug] = record.at_s
        elif isinstance(record, Look):
            # A contact that is stuck open is not the service's doing, whatever its register is told meanwhile.
            self.off_s = {
                plug: off_s for plug, off_s in self.off_s.items() if record.truth[plug].can_be_seen and self.is_way(plug, scene)
            }
            for plug, off_s in self.off_s.items():
                device = scene.ports[plug].device
                if plug not in self.insisted and record.at_s - off_s > device.off_time_s + SEEN_S:
                    yield f"{device.name} has been off for {record.at_s - off_s:.0f} s, and leads to {', '.join(device.leads_to)}"

    def is_way(self, plug: Plug, scene: Scene) -> bool:
        """Return whether what is on that outlet leads to a board, by the present configuration."""
        return plug in scene.ports and bool(scene.ports[plug].device.leads_to)

    def asked(self, record: Answered, plug: Plug) -> None:
        """Take in what an operator has asked for; a stop counts only if it is forced."""
        if record.asked.force and record.asked.verb in ("stop", "kill", "disable"):
            self.insisted.add(plug)
        elif record.asked.verb in ("start", "restart"):
            self.insisted.discard(plug)

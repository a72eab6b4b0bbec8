"""Power is cut in few ways only, and what boards are reached through comes on again by itself (promises 1 and 12)."""

import math
from collections.abc import Iterator
from typing import ClassVar

from attrs import define, field

from wagman.model.facts import Plug
from wagman.simulation.promises.checker import SEEN_S
from wagman.simulation.records import Answered, Began, Configured, Did, Look, Record, RelayMoved, Told
from wagman.simulation.scene import Scene
from wagman.simulation.scene_port import SLACK_S, Port

LATE_S = 30.0
"""A start that the board made began before the poll that found it, which may have taken so long on a slow board (chosen)."""


@define
class CutsAreEarned:
    """1. A relay is cut only after a message and silence, or in one of the few ways that need none."""

    promise: ClassVar[int] = 1
    booting_s: dict[Plug, float] = field(factory=dict)  # since when an outlet's guest is said to be starting, or was given up
    wiped: bool = False  # its log, since it was up last

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Each relay-off that the service caused."""
        if isinstance(record, Told) and record.event.device in scene.by_name:
            self.told(record, scene.by_name[record.event.device].device.plug, scene.came_up_s)
        elif isinstance(record, Began | Did | Configured):
            self.remembers(record, scene)
        if isinstance(record, RelayMoved) and record.ours and record.plug.board not in scene.boards:
            yield f"{record.plug}, which is somebody else's, was switched"
        if not isinstance(record, RelayMoved) or record.on or record.plug not in scene.ports:
            return
        port = scene.ports[record.plug]
        if record.ours and not self.earned(port, record):
            yield f"{port.device.name} was {record.guest} when its power was cut, {record.silent_s:.0f} s after its last beat"
        if record.plug in self.booting_s:
            self.booting_s[record.plug] = record.at_s  # the next start

    def earned(self, port: Port, cut: RelayMoved) -> bool:
        """Whether there was a reason."""
        device = port.device
        return (
            port.killed
            or device.shutdown == ()
            or port.disabled_s < port.moved_s  # it was off when the command left
            or self.halted(port, cut)
            or cut.at_s - port.told_s >= device.stop_timeout_s - SLACK_S
            or self.start_failed(port, cut)
        )

    def told(self, told: Told, plug: Plug, came_up_s: float) -> None:
        """Whether a start is under way; one that is given up or fails ends with a cut."""
        if told.event.type in ("device.starting", "device.will_stop"):
            is_found = told.event.fields.get("reason") == "found switched on"  # by a poll, which may have taken long
            # What a slow disk holds up is told late; the service's own clock says when it was.
            began_s = min(told.at_s, max(came_up_s + told.event.mono_s, told.at_s - LATE_S))
            self.booting_s.setdefault(plug, began_s - (LATE_S if is_found else 0.0))
        elif told.event.type in ("device.started", "device.stopping", "device.restarting"):
            self.booting_s.pop(plug, None)

    def remembers(self, record: Began | Did | Configured, scene: Scene) -> None:
        """A service that knows nothing starts nobody before it says so; one that knows what was long ago may think it does."""
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
        """It was told to halt, and then was silent."""
        device = port.device
        silent = port.was_silent or not device.has_heartbeat
        return silent and cut.at_s - port.told_s >= device.stop_silence_s - SLACK_S

    def start_failed(self, port: Port, cut: RelayMoved) -> bool:
        """It had its time to boot, and was not heard."""
        on_for_s = cut.at_s - port.moved_s
        heard = cut.guest in ("running", "halting") and cut.silent_s < on_for_s and on_for_s > port.slowest.start_timeout_max_s
        # Silence alone is no failed start: the service had been told of no beat since the power came, for all of a start's time.
        # The first beat may be made of what the pin did before, and nobody can tell such a one from a beat.
        start_s = port.device.start_timeout_s - port.beat_s - SLACK_S
        never_heard = port.silence.beats <= 1 and port.silence.for_s >= start_s
        booting_for_s = min(on_for_s, cut.at_s - self.booting_s.get(cut.plug, math.inf))
        return booting_for_s >= port.device.start_timeout_s - SLACK_S and (never_heard or not heard)


@define
class WaysStayOpen:
    """12. What boards are reached through is not left off by the service, unless an operator insisted on it."""

    promise: ClassVar[int] = 12
    off_s: dict[Plug, float] = field(factory=dict)  # since when a way is off by the service's doing
    insisted: set[Plug] = field(factory=set)  # on being off

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Each switching of a way, and how long it has been off at each look."""
        if isinstance(record, Answered) and record.accepted and record.asked.device in scene.by_name:
            self.asked(record, scene.by_name[record.asked.device].device.plug)
        elif isinstance(record, RelayMoved) and record.plug in scene.ports and scene.ports[record.plug].device.leads_to:
            self.off_s.pop(record.plug, None)
            if not record.on and record.ours and record.plug not in self.insisted:
                self.off_s[record.plug] = record.at_s
        elif isinstance(record, Look):
            for plug, off_s in self.off_s.items():
                device = scene.ports[plug].device
                if plug not in self.insisted and record.at_s - off_s > device.off_time_s + SEEN_S:
                    yield f"{device.name} has been off for {record.at_s - off_s:.0f} s, and leads to {', '.join(device.leads_to)}"

    def asked(self, record: Answered, plug: Plug) -> None:
        """What an operator has asked for; a stop counts by force only."""
        if record.asked.force and record.asked.verb in ("stop", "kill", "disable"):
            self.insisted.add(plug)
        elif record.asked.verb in ("start", "restart"):
            self.insisted.discard(plug)

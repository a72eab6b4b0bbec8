"""Guests are started after those that they need, and stopped before them; none waits for ever (promise 2)."""

import math
from collections.abc import Iterator
from typing import ClassVar

from attrs import define, field, frozen

from wagman.config.schema import DeviceConfig
from wagman.simulation.promises.checker import STATES
from wagman.simulation.records import Began, EventShown, Record
from wagman.simulation.scene import Scene
from wagman.store import Event

STARTS = ("its turn", "asked by the operator")
"""Reasons of starts that wait for other guests. A guest that is found running, or is power-cycled in place, does not wait."""

STOPS = (
    "asked by the operator",
    "disabled by the operator",
    "an operator decided so before",
    "the environment forbids that it runs",
)
"""Reasons of stops that wait for other guests. A hung guest does not wait."""


@frozen
class Entered:
    """The last state of a guest, by its own events."""

    state: str
    at_s: float


@define
class InOrder:
    """2. A guest is started after those that it comes after, and they are stopped after it, within the times of each."""

    promise: ClassVar[int] = 2
    states: dict[str, Entered] = field(factory=dict)
    excused: set[str] = field(factory=set)  # guests that are not waited for before they have been up again
    forced: set[str] = field(factory=set)  # guests that an operator has started by force, which wait for nobody
    # Guests wanted down by the log, which has a decision before its operator is answered.
    asked_down: set[str] = field(factory=set)
    # Guests that stay off because the service cannot read what was decided, and says so.
    withheld: set[str] = field(factory=set)
    began_s: float = 0.0  # when the present life of the service began

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Check each start and each stop of a guest against the present states of the others."""
        if isinstance(record, EventShown) and record.event.device in scene.by_name:
            yield from self.on_event(record, scene.by_name[record.event.device].device, scene)
        elif isinstance(record, EventShown) and record.event.type in ("store.unreadable", "store.released"):
            self.withheld = set(scene.by_name) if record.event.type == "store.unreadable" else set()
        elif isinstance(record, Began):
            self.began_s, self.withheld = record.at_s, set()
            if scene.is_forgotten:
                self.states.clear()

    def on_event(self, shown: EventShown, device: DeviceConfig, scene: Scene) -> Iterator[str]:
        """Check an event of that guest."""
        name, event = device.name, shown.event
        what, reason = event.type.removeprefix("device."), event.fields.get("reason")
        # One that boots and was to be stopped then has its power already.
        gets_power = what == "starting" and not (name in self.states and self.states[name].state == "will_stop")
        if gets_power and reason in STARTS and name not in self.forced:
            missed = (each for each in device.after if self.is_missed(each, shown, scene))
            yield from (f"{name} is started, and {each} is not up yet" for each in missed)
        # A guest that is going down for a restart has been asked to halt already.
        if what == "stopping" and reason in STOPS and name in self.states and self.states[name].state == "started":
            yield from (f"{name} is stopped before {each} is" for each in self.leaning(name, shown, scene))
        self.decided(event)
        if what in ("start_failed", "heartbeat_lost", "brownout", "power_lost"):
            self.excused.add(name)
        if what in STATES:
            self.states[name] = Entered(what, shown.at_s)
        if what == "started":
            self.excused.discard(name)

    def decided(self, event: Event) -> None:
        """Take in what an operator wants of a guest."""
        name = str(event.device)
        if event.type in ("command.start", "command.restart"):
            (self.forced.add if event.fields["force"] else self.forced.discard)(name)
            self.asked_down.discard(name)
            self.withheld.discard(name)
        elif event.type in ("command.stop", "command.kill", "command.disable"):
            self.asked_down.add(name)

    def is_missed(self, name: str, shown: EventShown, scene: Scene) -> bool:
        """Return whether that guest is to be up, is not, and still has time for it."""
        entered, port = self.states.get(name), scene.by_name[name]
        # Of requests that overlap, such as a kill and a restart, nobody knows which one counts at this moment.
        is_wanted = port.device.enabled and (port.wanted, port.enabled) == ("up", True) and "wanted" not in port.contested
        if (
            entered is None
            or entered.state == "started"
            or name in self.excused | self.asked_down | self.withheld
            or not is_wanted
        ):
            return False
        waiting = self.states.get(str(shown.event.device), Entered("stopped", math.inf))
        return shown.at_s - max(entered.at_s, waiting.at_s, self.began_s) < port.device.start_timeout_s

    def leaning(self, name: str, shown: EventShown, scene: Scene) -> Iterator[str]:
        """Yield the guests that come after that guest, are going down, and still have time for it."""
        for each in scene.config.guests:
            port, entered = scene.by_name[each.name], self.states.get(each.name)
            if entered is None or entered.state != "stopping" or name not in each.after:
                continue
            is_forbidden = shown.event.fields["reason"] == STOPS[-1] and each.name not in self.forced
            is_to_go = is_forbidden or port.wanted == "down" or port.enabled is False
            if is_to_go and shown.at_s - max(entered.at_s, self.began_s) < each.stop_timeout_s:
                yield each.name

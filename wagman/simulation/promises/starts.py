"""Guests are started one after the other, from the right medium, and again and again (promises 2, 5 and 9)."""

import math
from collections.abc import Iterator
from typing import ClassVar

from attrs import define, field

from wagman.config.schema import DeviceConfig
from wagman.config.wagman import other_medium
from wagman.model.facts import Plug
from wagman.simulation.promises.checker import SAID_S, SEEN_S, STATES, told_state
from wagman.simulation.records import Asked, Began, EventShown, Record, RelayMoved, Sent
from wagman.simulation.scene import Scene
from wagman.simulation.scene_port import SLACK_S
from wagman.store import Event


@define
class OneAtATime:
    """2. No two relay-ons within `stagger`; the scheduler starts one guest at a time; off lasts `off_time`."""

    promise: ClassVar[int] = 2
    last_on_s: float = -math.inf
    off_s: dict[Plug, float] = field(factory=dict)
    states: dict[str, str] = field(factory=dict)  # by guest, from its latest event
    target: str | None = None  # the guest that the scheduler is starting
    called_off_s: dict[str, float] = field(factory=dict)  # when an operator last wanted each guest down

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Check each relay that the service switches on, and each start by the scheduler."""
        if isinstance(record, RelayMoved) and record.plug in scene.ports:
            yield from self.moved(record, scene)
        elif isinstance(record, EventShown):
            yield from self.on_event(record)
        elif isinstance(record, Began):
            self.target = None
            if scene.is_forgotten:
                self.states.clear()

    def moved(self, moved: RelayMoved, scene: Scene) -> Iterator[str]:
        """Check the times between the service's own switchings, if the board carried them out at once."""
        port = scene.ports[moved.plug]
        # The sender cannot know how long a busy board keeps a command waiting.
        late_s = moved.at_s - (port.enabled_s if moved.on else port.disabled_s)
        if not moved.ours or late_s > 2 * SLACK_S:
            return
        if not moved.on:
            self.off_s[moved.plug] = moved.at_s
            return
        stagger_s, off_s = scene.config.wagman.stagger_s, moved.at_s - self.off_s.get(moved.plug, -math.inf)
        if moved.at_s - self.last_on_s < stagger_s - SLACK_S:
            yield f"{port.device.name} went on {moved.at_s - self.last_on_s:.1f} s after another one"
        if off_s < port.device.off_time_s - SLACK_S:
            yield f"{port.device.name} was off for {off_s:.1f} s only"
        # What is more than a slack late was sent earlier, and the next one may come as much sooner after it.
        self.last_on_s = moved.at_s - max(0.0, late_s - SLACK_S)

    def is_waited_for(self, name: str, now_s: float) -> bool:
        """Return whether the scheduler has to wait for this guest: not if it runs or was just called off."""
        return (
            self.states.get(name, "stopped") in ("stopped", "starting")
            and now_s - self.called_off_s.get(name, -math.inf) > SAID_S
        )

    def on_event(self, shown: EventShown) -> Iterator[str]:
        """Check that the scheduler waits for one guest before it turns to the next; unless that came up by itself."""
        event, state = shown.event, told_state(shown.event.type)
        name = event.device or ""
        if state in STATES:
            self.states[name] = state
        match event.type:
            case "wagman.start_next_device":
                if self.target not in (None, name):
                    yield f"{name} was started while {self.target} was starting"
                self.target = name if self.is_waited_for(name, event.mono_s) else None
            case "command.stop" | "command.kill" | "command.disable":
                self.called_off_s[name] = event.mono_s
            case "wagman.start_stalled" | "wagman.start_refused" | "wagman.will_hibernate":
                self.target = None
            case _ if event.device == self.target and state in STATES and state != "starting":
                self.target = None  # it is not starting any more


@define
class MediaFollow:
    """5. After `allowed_attempts` failed starts the recovery medium is used; after a stable start the primary."""

    promise: ClassVar[int] = 5
    failures: dict[str, int] = field(factory=dict)  # since the guest was stable
    cycles: dict[str, float] = field(factory=dict)  # relays that went on since then, or may have
    media: dict[str, str | None] = field(factory=dict)  # as announced for the present start
    # guests that were started, and not adopted, as the service remembers it: an older log tells of an older time
    attempted: set[str] = field(factory=set)

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Check the announced medium against the failures, and the selected one against the announced one."""
        if isinstance(record, EventShown) and record.event.device in scene.by_name:
            device = scene.by_name[record.event.device].device
            yield from self.on_event(record, device)
            if device.after and record.event.type in ("command.start", "command.restart"):
                self.begins_anew(device.name)  # whenever its turn comes
        elif isinstance(record, Began) and scene.is_forgotten:
            self.failures.clear()
            self.attempted.clear()
            self.cycles = dict.fromkeys(scene.by_name, math.inf)
        elif isinstance(record, RelayMoved) and record.on and record.plug in scene.ports:
            yield from self.moved(record, scene)
        elif isinstance(record, Sent) and record.verb == "start":
            self.counts(record, scene)

    def counts(self, sent: Sent, scene: Scene) -> None:
        """Count a start as a possible attempt, even if the relay does not move: it may be stuck."""
        port = None if sent.plug is None else scene.ports.get(sent.plug)
        if port is not None:
            self.cycles[port.device.name] = self.cycles.get(port.device.name, 0) + 1

    def on_event(self, shown: EventShown, device: DeviceConfig) -> Iterator[str]:
        """Take in starts, failures, and what ends the count."""
        name, fields = device.name, shown.event.fields
        if shown.event.type == "device.starting":
            self.attempted.add(name)
        if self.failed(shown.event):
            self.failures[name] = self.failures.get(name, 0) + 1
        match shown.event.type:
            case "device.adopted":
                self.attempted.discard(name)
            case "device.started" if fields.get("attempt"):  # also if a lost cut and a beat looked like a new power cycle
                self.cycles[name] = max(self.cycles.get(name, 0), fields["attempt"])
            case "device.stable":
                self.failures[name] = self.cycles[name] = 0
            case "device.starting" if fields["reason"] in ("its turn", "restart"):
                self.media[name] = fields["media"]
                yield from self.announced(device, fields["attempt"], fields["media"])
            case "device.starting":
                self.begins_anew(name)
                self.media.pop(name, None)

    def begins_anew(self, name: str) -> None:
        """Clear the counts of a guest, as an operator's start does, or any other that is not counted."""
        self.failures[name], self.cycles[name] = 0, math.inf

    def failed(self, event: Event) -> bool:
        """Return whether a start has failed. If nobody saw the power come on, there was no start."""
        if event.type == "device.heartbeat_lost":
            return not event.fields["stable"] and event.device in self.attempted
        return event.type == "device.start_failed"

    def announced(self, device: DeviceConfig, attempt: int, media: str | None) -> Iterator[str]:
        """Check the number of the attempt, and its medium. A failed start was an attempt, even if no relay has moved."""
        failed = self.failures.get(device.name, 0)
        least, most = failed + 1, max(failed, self.cycles.get(device.name, math.inf)) + 1
        if not least <= attempt <= most:
            yield f"{device.name} counts this start as attempt {attempt}; {least} to {most:g} would be right"
        if media != expected_medium(device, attempt):
            yield f"{device.name} is to boot from {media} in attempt {attempt}"

    def moved(self, moved: RelayMoved, scene: Scene) -> Iterator[str]:
        """Check the selector at the moment when the power came."""
        port = scene.ports[moved.plug]
        name = port.device.name
        self.cycles[name] = self.cycles.get(name, 0) + 1
        wanted = self.media.get(name)
        # On a cable that changes bytes, or while the board restarts, the selector's position is not known.
        if moved.ours and wanted is not None and moved.medium != wanted and scene.quiet_s(moved.plug.board) > SEEN_S:
            yield f"{name} booted from {moved.medium}, and {wanted} had been announced"


def expected_medium(device: DeviceConfig, attempt: int) -> str | None:
    """Return the medium of an attempt: first the primary one, then the other, then both in turn."""
    if device.primary is None or attempt <= device.allowed_attempts:
        return device.primary
    beyond = attempt - device.allowed_attempts - max(1, device.recover_attempts)
    return other_medium(device.primary) if beyond <= 0 or beyond % 2 == 0 else device.primary


@define
class LadderHolds:
    """9. A guest that never comes up costs one power cycle per longest backoff, once everything was tried."""

    promise: ClassVar[int] = 9
    failures: dict[str, int] = field(factory=dict)  # since the guest was stable, or an operator asked for it
    started_s: dict[str, float] = field(factory=dict)

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Check the scheduler's starts of guests that were given up; take in what gives them a fresh chance."""
        if isinstance(record, Asked) or (isinstance(record, Began) and scene.is_forgotten):
            self.forget(record.device if isinstance(record, Asked) else None)
        elif isinstance(record, EventShown) and record.event.device in scene.by_name:
            yield from self.on_event(record, scene.by_name[record.event.device].device)

    def on_event(self, shown: EventShown, device: DeviceConfig) -> Iterator[str]:
        """Check that the start comes at least the longest backoff after the last one."""
        name = device.name
        match shown.event.type:
            case "device.start_failed":
                self.failures[name] = self.failures.get(name, 0) + 1
            case "device.stable":
                self.forget(name)
            case "device.power_lost" | "device.adopted":
                self.started_s.pop(name, None)
            case "device.starting" if shown.event.fields["reason"] == "its turn":
                since_s = shown.at_s - self.started_s.get(name, -math.inf)
                if self.climbed(device) and since_s < device.backoff_max_s - SLACK_S:
                    yield f"{name} was given up, and is started again after {since_s:.0f} s"
                if self.climbed(device):
                    self.started_s[name] = shown.at_s

    def climbed(self, device: DeviceConfig) -> bool:
        """Return whether both media have failed as often as they may."""
        return self.failures.get(device.name, 0) >= device.allowed_attempts + device.recover_attempts

    def forget(self, name: str | None) -> None:
        """Forget the counts of a guest; None: of all guests."""
        for each in [name] if name is not None else list(self.failures):
            self.failures.pop(each, None)
            self.started_s.pop(each, None)

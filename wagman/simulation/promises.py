"""The promises, each as a checker that sees a node from outside only.

A checker is shown every record, before the scene takes it in, and yields what is wrong with it in words. What one may demand
is narrower than it looks: commands change on a cable that changes bytes, boards start and cut ports by themselves, and nobody
can see through a silent link. So a relay counts as moved by the service only where it had sent what does that, and what is
shown has to be true only where the service could know.
"""

import math
from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

from attrs import define, field, frozen

from wagman.config.schema import DeviceConfig, other_medium
from wagman.simulation.records import Asked, Began, Configured, Did, Ended, Log, Look, Record, RelayMoved, Sent, Told
from wagman.simulation.scene import BEAT_S, SENT_S, SLACK_S, Port, Scene
from wagman.store import Event

LATE_S = 30.0
"""A guest that came to life so shortly before a cut could not be heard in time (chosen: four polls and a slow command)."""

SEEN_S = 180.0
"""How long a quiet service may take to see what is (chosen: the board's minute report, a poll, a few commands)."""

SAID_S = 3.0
"""How long a guest may keep what it became to itself: it waits for the disk first (the service: 2 s at most, and a moment)."""

STATES = ("stopped", "starting", "will_stop", "started", "stopping", "restarting")
"""The states of a guest; the events that tell of entering them have the same names."""


class Checker(Protocol):
    """Watches over one promise."""

    promise: ClassVar[int]

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """What `record` breaks, in words."""
        ...


@frozen
class Violation:
    """A promise was broken."""

    promise: int
    at_s: float
    text: str

    def __str__(self) -> str:
        return f"promise {self.promise} broken after {self.at_s:.1f} s: {self.text}"


@define
class CutsAreEarned:
    """1. A relay is cut only after a message and silence, or in one of the few ways that need none."""

    promise: ClassVar[int] = 1
    booting_s: dict[int, float] = field(factory=dict)  # since when a port's guest is said to be starting, or was given up
    wiped: bool = False  # its log, since it was up last

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Each relay-off that the service caused."""
        if isinstance(record, Told) and record.event.device in scene.by_name:
            self.told(record, scene.by_name[record.event.device].device.port, scene.came_up_s)
        elif isinstance(record, Began | Did | Configured):
            self.remembers(record, scene)
        if not isinstance(record, RelayMoved) or record.on or record.port not in scene.ports:
            return
        port = scene.ports[record.port]
        if port.ours(record) and not self.earned(port, record):
            yield f"{port.device.name} was {record.guest} when its power was cut, {record.silent_s:.0f} s after its last beat"
        if record.port in self.booting_s:
            self.booting_s[record.port] = record.at_s  # the next start

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

    def told(self, told: Told, port: int, came_up_s: float) -> None:
        """Whether a start is under way; one that is given up or fails ends with a cut."""
        if told.event.type in ("device.starting", "device.will_stop"):
            is_found = told.event.fields.get("reason") == "found switched on"  # by a poll, which may have taken long
            # What a slow disk holds up is told late; the service's own clock says when it was.
            began_s = min(told.at_s, max(came_up_s + told.event.mono_s, told.at_s - LATE_S))
            self.booting_s.setdefault(port, began_s - (LATE_S if is_found else 0.0))
        elif told.event.type in ("device.started", "device.stopping", "device.restarting"):
            self.booting_s.pop(port, None)

    def remembers(self, record: Began | Did | Configured, scene: Scene) -> None:
        """A service that knows nothing starts nobody before it says so; one that knows what was long ago may think it does."""
        if isinstance(record, Did) and record.words == "disk wiped" and "service" in scene.troubles:
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
        unheard = not device.has_heartbeat or port.heard_too_late
        silent = unheard or cut.silent_s >= device.stop_silence_s - port.beat_s - SLACK_S
        return silent and cut.at_s - port.told_s >= device.stop_silence_s - SLACK_S

    def start_failed(self, port: Port, cut: RelayMoved) -> bool:
        """It had its time to boot, and was not heard."""
        on_for_s = cut.at_s - port.moved_s
        heard = cut.guest in ("running", "halting") and cut.silent_s < on_for_s and on_for_s > port.slowest.start_timeout_max_s
        # Silence alone is no failed start: it was not heard since its power came on, as far as the service could know.
        never_heard = port.heard_too_late and port.unheard_s >= on_for_s - SENT_S
        booting_for_s = min(on_for_s, cut.at_s - self.booting_s.get(cut.port, math.inf))
        return booting_for_s >= port.device.start_timeout_s - SLACK_S and (never_heard or not heard)


@define
class OneAtATime:
    """2. No two relay-ons within `stagger`; the Wagman machine starts one device at a time; off lasts `off_time`."""

    promise: ClassVar[int] = 2
    last_on_s: float = -math.inf
    off_s: dict[int, float] = field(factory=dict)
    states: dict[str, str] = field(factory=dict)  # by the latest event of each guest
    target: str | None = None  # whom the Wagman machine is starting
    called_off_s: dict[str, float] = field(factory=dict)  # when an operator last wanted each guest down

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Each relay-on that the service caused, and each start that the Wagman machine makes."""
        if isinstance(record, RelayMoved) and record.port in scene.ports:
            yield from self.moved(record, scene)
        elif isinstance(record, Told):
            yield from self.told(record)
        elif isinstance(record, Began):
            self.target = None
            if scene.is_forgotten:
                self.states.clear()

    def moved(self, moved: RelayMoved, scene: Scene) -> Iterator[str]:
        """Times between switchings, where each was the service's own and the board carried them out at once."""
        port = scene.ports[moved.port]
        if not port.ours(moved) or moved.at_s - (port.enabled_s if moved.on else port.disabled_s) > 2 * SLACK_S:
            return
        if not moved.on:
            self.off_s[moved.port] = moved.at_s
            return
        stagger_s, off_s = scene.config.wagman.stagger_s, moved.at_s - self.off_s.get(moved.port, -math.inf)
        if moved.at_s - self.last_on_s < stagger_s - SLACK_S:
            yield f"{port.device.name} went on {moved.at_s - self.last_on_s:.1f} s after another one"
        if off_s < port.device.off_time_s - SLACK_S:
            yield f"{port.device.name} was off for {off_s:.1f} s only"
        self.last_on_s = moved.at_s

    def is_waited_for(self, name: str, now_s: float) -> bool:
        """Not one that runs already, nor one that was called off just now: it may not have been able to say so yet."""
        return (
            self.states.get(name, "stopped") in ("stopped", "starting")
            and now_s - self.called_off_s.get(name, -math.inf) > SAID_S
        )

    def told(self, told: Told) -> Iterator[str]:
        """The Wagman machine waits for one guest before it turns to the next; one that came up by itself is not waited for."""
        event, state = told.event, told.event.type.removeprefix("device.")
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
                self.target = None  # it is not starting any more, whatever it became


@define
class ShownIsTrue:
    """3. Stopped means relay off; relay on means a state that has power, or unknown and shown so."""

    promise: ClassVar[int] = 3
    states: dict[str, str] = field(factory=dict)  # by the latest event of each guest
    torn: dict[str, str] = field(factory=dict)  # guests whose status said something else at the last look

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Compare what is shown with how it is, where the service has had the time to see it."""
        if isinstance(record, Told) and record.event.type.removeprefix("device.") in STATES:
            self.states[record.event.device or ""] = record.event.type.removeprefix("device.")
        if isinstance(record, Began):
            self.torn.clear()
            if scene.is_forgotten:
                self.states.clear()
        if not isinstance(record, Look) or scene.quiet_s < SEEN_S:
            return
        yield from self.compare_with_events(record)
        if not record.status["board"]["blind"]:
            yield from self.compare_with_truth(record, scene)

    def compare_with_events(self, look: Look) -> Iterator[str]:
        """The status is what the events have told; one of the two may be ahead for a moment, and not for two looks."""
        shown = {row["name"]: row["state"] for row in look.status["devices"]}
        torn = {name: shown[name] for name, state in self.states.items() if shown.get(name, state) != state}
        for name in torn.keys() & self.torn.keys():
            if torn[name] == self.torn[name]:
                yield f"{name} is shown as {torn[name]}, and the latest event said {self.states[name]}"
        self.torn = torn

    def compare_with_truth(self, record: Look, scene: Scene) -> Iterator[str]:
        """Each guest's row, against its relay."""
        for row in record.status["devices"]:
            truth = record.truth[row["port"]]
            if row["self"] or not truth.can_be_seen or record.at_s - truth.since_s < SEEN_S:
                continue
            for_s = record.at_s - max(truth.since_s, scene.came_up_s)
            yield from self.compare(row, truth.on, for_s, scene.ports[row["port"]].slowest)

    def compare(self, row: dict[str, Any], on: bool, for_s: float, device: DeviceConfig) -> Iterator[str]:  # noqa: FBT001
        """One guest's row."""
        confirmed = row["power"]["confirmed"]
        if row["state"] == "stopped" and on and confirmed:
            yield f"{device.name} is shown as stopped and off, and its relay is on"
        unheard_s = device.heartbeat_timeout_s + device.stop_silence_s + SEEN_S
        if row["state"] == "started" and not on and device.has_heartbeat and for_s > unheard_s:
            yield f"{device.name} is shown as started, and its relay has been off for {for_s:.0f} s"


@define
class MediaFollow:
    """5. After `allowed_attempts` failed starts the recovery medium is used; after a stable start the primary."""

    promise: ClassVar[int] = 5
    failures: dict[str, int] = field(factory=dict)  # since the guest was stable
    cycles: dict[str, float] = field(factory=dict)  # relay-ons since then, or what may have been one
    media: dict[str, str | None] = field(factory=dict)  # as announced for the start under way
    adopted: set[str] = field(factory=set)

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """What is announced against what has happened, and what was selected against what was announced."""
        if isinstance(record, Told) and record.event.device in scene.by_name:
            yield from self.told(record, scene.by_name[record.event.device].device)
        elif isinstance(record, Began) and scene.is_forgotten:
            self.failures.clear()
            self.cycles = dict.fromkeys(scene.by_name, math.inf)
        elif isinstance(record, RelayMoved) and record.on and record.port in scene.ports:
            yield from self.moved(record, scene)
        elif isinstance(record, Sent) and record.words[0] == "start":
            self.counts(record.words[-1], scene)

    def counts(self, word: str, scene: Scene) -> None:
        """A start may be an attempt, whether the relay moves or not: it may be stuck."""
        port = scene.ports.get(int(word)) if word.isdecimal() else None
        if port is not None:
            self.cycles[port.device.name] = self.cycles.get(port.device.name, 0) + 1

    def told(self, told: Told, device: DeviceConfig) -> Iterator[str]:
        """Starts, failures, and what ends the count."""
        name, fields = device.name, told.event.fields
        if told.event.type == "device.starting":
            self.adopted.discard(name)
        if self.failed(told.event):
            self.failures[name] = self.failures.get(name, 0) + 1
        match told.event.type:
            case "device.adopted":
                self.adopted.add(name)
            case "device.started" if fields.get("attempt"):  # also where a lost cut and a beat looked like a new power cycle
                self.cycles[name] = max(self.cycles.get(name, 0), fields["attempt"])
            case "device.stable":
                self.failures[name] = self.cycles[name] = 0
            case "device.starting" if fields["reason"] in ("its turn", "restart"):
                self.media[name] = fields["media"]
                yield from self.announced(device, fields["attempt"], fields["media"])
            case "device.starting":
                self.failures[name], self.cycles[name] = 0, math.inf
                self.media.pop(name, None)

    def failed(self, event: Event) -> bool:
        """Whether a start came to nothing. Where nobody saw the power come on, there was none."""
        if event.type == "device.heartbeat_lost":
            return not event.fields["stable"] and event.device not in self.adopted
        return event.type == "device.start_failed"

    def announced(self, device: DeviceConfig, attempt: int, media: str | None) -> Iterator[str]:
        """The number of the attempt, and the medium that goes with it. What failed was one, though no relay may have moved."""
        failed = self.failures.get(device.name, 0)
        least, most = failed + 1, max(failed, self.cycles.get(device.name, math.inf)) + 1
        if not least <= attempt <= most:
            yield f"{device.name} counts this start as attempt {attempt}; {least} to {most:g} would be right"
        if media != expected_medium(device, attempt):
            yield f"{device.name} is to boot from {media} in attempt {attempt}"

    def moved(self, moved: RelayMoved, scene: Scene) -> Iterator[str]:
        """The selector as it stood when the power came."""
        port = scene.ports[moved.port]
        name = port.device.name
        self.cycles[name] = self.cycles.get(name, 0) + 1
        wanted = self.media.get(name)
        if port.ours(moved) and wanted is not None and moved.medium != wanted and scene.quiet_s > SEEN_S:
            yield f"{name} booted from {moved.medium}, and {wanted} had been announced"


def expected_medium(device: DeviceConfig, attempt: int) -> str | None:
    """Primary, then the other one, then both in turn."""
    if device.primary is None or attempt <= device.allowed_attempts:
        return device.primary
    beyond = attempt - device.allowed_attempts - max(1, device.recover_attempts)
    return other_medium(device.primary) if beyond <= 0 or beyond % 2 == 0 else device.primary


@define
class NothingLostByOutages:
    """6. Losing the link, the board or the service, for however long, cuts no guest's power."""

    promise: ClassVar[int] = 6

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Each heartbeat that is called lost, and each cut of a guest that nobody and nothing wanted down."""
        if isinstance(record, Told) and record.event.type == "device.heartbeat_lost":
            yield from self.silent(record, scene.by_name[record.event.device or ""])
        elif isinstance(record, RelayMoved) and not record.on and record.port in scene.ports:
            yield from self.cut(record, scene.ports[record.port])

    def silent(self, told: Told, port: Port) -> Iterator[str]:
        """Only what was silent for so long has lost its heartbeat."""
        device = port.device
        if told.unheard_s < device.heartbeat_timeout_s - port.beat_s - SLACK_S:
            yield f"the heartbeat of {device.name} was called lost, and it was silent for {told.unheard_s:.0f} s at most"

    def cut(self, cut: RelayMoved, port: Port) -> Iterator[str]:
        """A guest that was heard, and not told to halt long ago, keeps its power."""
        device = port.device
        excused = port.killed or device.shutdown == () or cut.at_s - port.told_s >= device.stop_timeout_s - SLACK_S
        heard = cut.guest in ("running", "halting") and cut.silent_s < BEAT_S and not port.heard_too_late
        if port.ours(cut) and heard and not excused and cut.at_s - port.moved_s > LATE_S + port.slowest.start_timeout_max_s:
            yield f"{device.name} was {cut.guest} when its power was cut"


@define
class LogIsWhole:
    """7. No event that was shown is lost, torn, duplicated or reordered in the log, which stays within its bounds."""

    promise: ClassVar[int] = 7
    shown: dict[int, str] = field(factory=dict)  # by id, of the present log
    log_id: str | None = None
    last_id: int | None = 0  # None: the file was damaged, and nobody knows what is left
    sound_id: int = 0  # what was damaged lies before
    moment: tuple[str, float] = ("", 0.0)  # run of the service, and its time of the latest event
    unnumbered: int = 0  # events that were shown without an id, and may get one unseen

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Ids as they are shown, and the file whenever a life has ended."""
        if isinstance(record, Told):
            yield from self.told(record)
        elif isinstance(record, Began) and scene.damaged:
            self.shown.clear()
            self.last_id = None
        elif isinstance(record, Ended) and record.log is None:
            if self.shown:
                yield "the log cannot be read"
            self.unnumbered = 0  # what was not written by then is gone
        elif isinstance(record, Ended) and record.log is not None:
            if self.unnumbered and scene.quiet_s > SEEN_S:
                yield f"{self.unnumbered} events were shown, and never got an id"
            yield from self.on_disk(record.log, scene)

    def told(self, told: Told) -> Iterator[str]:
        """Ids go on from each other; only what was shown before without an id may take one unseen."""
        event = told.event
        yield from self.in_order(told)
        if event.type == "store.opened" and event.fields["log_id"] != self.log_id:
            self.log_id, self.last_id, self.sound_id = event.fields["log_id"], (event.id or 1) - 1, 0
            self.shown.clear()
        if event.id is None:
            self.unnumbered += 1
            return
        if self.last_id is None:
            self.last_id, self.sound_id = event.id - 1, event.id
            if event.type != "store.dropped":  # which comes before all that was shown; any other comes after it
                self.unnumbered = 0
        skipped = event.id - self.last_id - 1
        if not 0 <= skipped <= self.unnumbered:
            yield f"event {event.id} ({event.type}) was shown after {self.last_id}"
        self.unnumbered -= max(0, skipped)
        self.last_id = event.id
        self.shown[event.id] = event.type

    def in_order(self, told: Told) -> Iterator[str]:
        """The service's own time goes on from event to event."""
        boot_id, at_s = told.event.boot_id, told.event.mono_s
        if boot_id == self.moment[0] and at_s < self.moment[1] and told.event.id is not None:
            yield f"{told.event.type} of {at_s} s was shown after an event of {self.moment[1]} s"
        self.moment = (boot_id, at_s)

    def on_disk(self, log: Log, scene: Scene) -> Iterator[str]:
        """All that was shown is there, in its order, and no more than there may be."""
        ids = [number for number, _ in log.rows if number >= self.sound_id and self.last_id is not None]
        if ids != list(range(ids[0], ids[-1] + 1)) if ids else self.shown:
            yield "the ids in the log have gaps"
        if log.log_id == self.log_id:
            yield from self.compare(dict(log.rows))
        if len(ids) > scene.config.service.max_events:
            yield f"the log holds {len(ids)} events"
        if log.bytes > scene.config.service.max_bytes:
            yield f"the log takes {log.bytes} bytes"
        self.last_id, self.unnumbered = ids[-1] if ids else 0, 0

    def compare(self, rows: dict[int, str]) -> Iterator[str]:
        """Each event that was shown, unless the log has dropped it for its age."""
        first = min(rows, default=0)
        for number in [each for each in self.shown if each < first]:
            del self.shown[number]
        for number, what in self.shown.items():
            if what not in rows.get(number, ""):
                yield f"event {number} ({what}) was shown, and the log has {rows.get(number)}"


@define
class HeatIsObeyed:
    """8. In a hot enclosure all guests but forced ones are down within a bounded time, and nothing starts until it is over."""

    promise: ClassVar[int] = 8

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Relay-ons in the heat, and guests that still run."""
        hot_s = min(record.at_s - scene.heated_s, scene.quiet_s)
        if isinstance(record, RelayMoved) and record.on and record.port in scene.ports:
            port = scene.ports[record.port]
            if hot_s > SEEN_S and port.ours(record) and port.device.name not in scene.forced:
                yield f"{port.device.name} was switched on after {hot_s:.0f} s of heat"
        elif isinstance(record, Look) and hot_s > self.bound_s(scene):
            for number, port in scene.ports.items():
                if record.truth[number].on and record.truth[number].can_be_seen and port.device.name not in scene.forced:
                    yield f"{port.device.name} runs after {hot_s:.0f} s of heat"

    def bound_s(self, scene: Scene) -> float:
        """Each guest in its turn; the last one may be booting, and then take its longest to stop."""
        slowest_s = max(port.slowest.start_timeout_max_s + port.slowest.stop_timeout_s for port in scene.ports.values())
        return SEEN_S + len(scene.ports) * scene.config.wagman.hibernate_interval_s + slowest_s + SEEN_S


@define
class LadderHolds:
    """9. A dead device costs at most one power cycle per longest backoff once the ladder is climbed."""

    promise: ClassVar[int] = 9
    failures: dict[str, int] = field(factory=dict)  # since the guest was stable, or an operator asked for it
    started_s: dict[str, float] = field(factory=dict)

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Starts by the Wagman machine of guests that were given up, and what gives them a fresh chance."""
        if isinstance(record, Asked) or (isinstance(record, Began) and scene.is_forgotten):
            self.forget(record.device if isinstance(record, Asked) else None)
        elif isinstance(record, Told) and record.event.device in scene.by_name:
            yield from self.told(record, scene.by_name[record.event.device].device)

    def told(self, told: Told, device: DeviceConfig) -> Iterator[str]:
        """Its start is at least the longest backoff after the one before."""
        name = device.name
        match told.event.type:
            case "device.start_failed":
                self.failures[name] = self.failures.get(name, 0) + 1
            case "device.stable":
                self.forget(name)
            case "device.power_lost" | "device.adopted":
                self.started_s.pop(name, None)
            case "device.starting" if told.event.fields["reason"] == "its turn":
                since_s = told.at_s - self.started_s.get(name, -math.inf)
                if self.climbed(device) and since_s < device.backoff_max_s - SLACK_S:
                    yield f"{name} was given up, and is started again after {since_s:.0f} s"
                if self.climbed(device):
                    self.started_s[name] = told.at_s

    def climbed(self, device: DeviceConfig) -> bool:
        """Whether both media have failed as often as they may."""
        return self.failures.get(device.name, 0) >= device.allowed_attempts + device.recover_attempts

    def forget(self, name: str | None) -> None:
        """Whatever was counted no longer holds (None: for all guests)."""
        for each in [name] if name is not None else list(self.failures):
            self.failures.pop(each, None)
            self.started_s.pop(each, None)


@define
class CrashesAreContained:
    """10. An exception in any task is contained, and there are none but those that were provoked."""

    promise: ClassVar[int] = 10
    crashed: int = 0
    crashed_s: dict[str, float] = field(factory=dict)
    known: set[str] = field(factory=set)  # guests that have a state to lose: one was told of since the last loss of memory

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Crashes that are told of, and how each life ends."""
        if isinstance(record, Told):
            yield from self.told(record, scene)
        if isinstance(record, Began):
            self.crashed_s.clear()  # what this life does not know was not lost by a crash of the one before
            self.known = set() if scene.is_forgotten else self.known
        if isinstance(record, Configured):
            ports = {name: port.device.port for name, port in scene.by_name.items()}
            self.known &= {each.name for each in record.config.guests if ports.get(each.name) == each.port}
        if isinstance(record, Ended) and record.how not in ("killed", "stopped"):
            yield f"the service ended by itself: {record.how}"

    def told(self, told: Told, scene: Scene) -> Iterator[str]:
        """A crash, or a guest that begins anew after one."""
        event = told.event
        if event.type in ("service.task_failed", "service.request_failed"):
            self.crashed += 1
            name = str(event.fields.get("task")).removeprefix("device.")
            self.crashed_s[name] = told.at_s if name in self.known else -math.inf
            if self.crashed > scene.crashes:
                yield f"a task failed: {dict(event.fields)}"
        if event.type == "device.power_lost":
            self.crashed_s.pop(event.device or "", None)  # it was stopped by that, and may well be adopted
        if event.type == "device.adopted" and told.at_s - self.crashed_s.get(event.device or "", -math.inf) < SEEN_S:
            yield f"{event.device} was adopted after its task had failed: its state was lost"
        if event.device and event.type.removeprefix("device.") in STATES:
            self.known.add(event.device)


@define
class DecisionsLast:
    """11. What an operator stopped or disabled gets no power by the service's doing until an operator says so."""

    promise: ClassVar[int] = 11

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Each relay-on that the service caused."""
        if isinstance(record, RelayMoved) and record.on and record.port in scene.ports:
            port = scene.ports[record.port]
            if port.ours(record) and port.stays_down and not (port.had_left or scene.knows_nothing):
                yield f"{port.device.name} was switched on, and was to stay down"


def all_checkers() -> list[Checker]:
    """One of each."""
    return [
        CutsAreEarned(),
        OneAtATime(),
        ShownIsTrue(),
        MediaFollow(),
        NothingLostByOutages(),
        LogIsWhole(),
        HeatIsObeyed(),
        LadderHolds(),
        CrashesAreContained(),
        DecisionsLast(),
    ]

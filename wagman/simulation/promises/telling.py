"""What is shown is true, and lasts (promises 3 and 7)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from attrs import define, field

from wagman.config.schema import DeviceConfig
from wagman.model.facts import Plug
from wagman.simulation.promises.checker import SEEN_S, STATES, told_state
from wagman.simulation.records import Answered, Began, Ended, EventShown, Log, Look, Record
from wagman.simulation.scene import Scene


@define
class ShownIsTrue:
    """3. Stopped means relay off; relay on means a state that has power, or unknown and shown so."""

    promise: ClassVar[int] = 3
    states: dict[str, str] = field(factory=dict)  # by guest, from its latest event
    torn: dict[str, str] = field(factory=dict)  # guests whose status differed from their events at the last look
    vouched_s: dict[str, float] = field(factory=dict)  # when an operator last said of a guest that it was heard

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Compare what is shown with the truth, if the service has had the time to see it."""
        if isinstance(record, EventShown) and told_state(record.event.type) in STATES:
            self.states[record.event.device or ""] = told_state(record.event.type)
        if isinstance(record, Answered) and record.asked.verb == "heartbeat" and (record.accepted or record.answer is None):
            self.vouched_s[record.asked.device] = record.at_s
        if isinstance(record, Began):
            self.torn.clear()
            if scene.is_forgotten:
                self.states.clear()
        if isinstance(record, Look):
            for board in record.status["boards"]:
                if scene.quiet_s(board["name"]) >= SEEN_S:
                    rows = [row for row in record.status["devices"] if row["board"] == board["name"]]
                    yield from self.compare_with_events(rows)
                    yield from () if board["blind"] else self.compare_with_truth(rows, record, scene)

    def compare_with_events(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Compare the status with the events. One of them may be ahead for a moment, but not at two looks."""
        for row in rows:
            name, before = row["name"], self.torn.pop(row["name"], None)
            if row["state"] != self.states.get(name, row["state"]):
                self.torn[name] = row["state"]
                if before == row["state"]:
                    yield f"{name} is shown as {before}, and the latest event said {self.states[name]}"

    def compare_with_truth(self, rows: Sequence[Mapping[str, Any]], record: Look, scene: Scene) -> Iterator[str]:
        """Compare each guest's row with its relay."""
        for row in rows:
            plug = Plug(row["board"], row["port"])
            truth = record.truth[plug]
            if row["self"] or not truth.can_be_seen or record.at_s - truth.since_s < SEEN_S:
                continue
            # A timer's age that has lost a digit is younger, and reads as a beat: one answer is enough for a beat.
            garbled_s = scene.boards[plug.board].garbled_s
            for_s = record.at_s - max(truth.since_s, scene.came_up_s, garbled_s, self.vouched_s.get(row["name"], 0.0))
            yield from self.compare(row, truth.on, for_s, scene.ports[plug].slowest)

    def compare(self, row: Mapping[str, Any], on: bool, for_s: float, device: DeviceConfig) -> Iterator[str]:  # noqa: FBT001
        """Compare the row of one guest with its relay."""
        confirmed = row["power"]["confirmed"]
        if row["state"] == "stopped" and on and confirmed:
            yield f"{device.name} is shown as stopped and off, and its relay is on"
        unheard_s = device.heartbeat_timeout_s + device.stop_silence_s + SEEN_S
        if row["state"] == "started" and not on and device.has_heartbeat and for_s > unheard_s:
            yield f"{device.name} is shown as started, and its relay has been off for {for_s:.0f} s"


@define
class LogIsWhole:
    """7. No event that was shown is lost, torn, duplicated or reordered in the log, which stays within its bounds."""

    promise: ClassVar[int] = 7
    shown: dict[int, str] = field(factory=dict)  # of the present log, by id
    log_id: str | None = None
    last_id: int | None = 0  # None: the file was damaged, and what is left is not known
    sound_id: int = 0  # damaged events have lower ids
    moment: tuple[str, float] = ("", 0.0)  # the run of the service, and its time at the latest event
    unnumbered: int = 0  # events shown without an id, which may get one unseen

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Check ids as they are shown, and the file when a life has ended."""
        if isinstance(record, EventShown):
            yield from self.on_event(record)
        elif isinstance(record, Began) and scene.damaged:
            self.shown.clear()
            self.last_id = None
        elif isinstance(record, Ended) and record.log is None:
            if self.shown:
                yield "the log cannot be read"
            self.unnumbered = 0  # events that were not written by then are gone
        elif isinstance(record, Ended) and record.log is not None:
            if self.unnumbered and scene.around.quiet_s(scene.now_s) > SEEN_S:
                yield f"{self.unnumbered} events were shown, and never got an id"
            yield from self.on_disk(record.log, scene)

    def on_event(self, shown: EventShown) -> Iterator[str]:
        """Check that ids follow each other; only an event that was shown without an id may take one unseen."""
        event = shown.event
        yield from self.in_order(shown)
        if event.type == "store.opened" and event.fields["log_id"] != self.log_id:
            # Told while nothing could be written: an earlier log goes on from its end.
            is_unseen = event.id is None and not event.fields["new"]
            self.log_id, self.last_id, self.sound_id = event.fields["log_id"], None if is_unseen else (event.id or 1) - 1, 0
            self.shown.clear()
        if event.id is None:
            self.unnumbered += 1
            return
        if self.last_id is None:
            self.last_id, self.sound_id = event.id - 1, event.id
            if event.type != "store.dropped":  # `store.dropped` comes before everything that was shown, any other event after it
                self.unnumbered = 0
        skipped = event.id - self.last_id - 1
        if not 0 <= skipped <= self.unnumbered:
            yield f"event {event.id} ({event.type}) was shown after {self.last_id}"
        self.unnumbered -= max(0, skipped)
        self.last_id = event.id
        self.shown[event.id] = event.type

    def in_order(self, shown: EventShown) -> Iterator[str]:
        """Check that the service's own time never decreases."""
        boot_id, at_s = shown.event.boot_id, shown.event.mono_s
        if boot_id == self.moment[0] and at_s < self.moment[1] and shown.event.id is not None:
            yield f"{shown.event.type} of {at_s} s was shown after an event of {self.moment[1]} s"
        self.moment = (boot_id, at_s)

    def on_disk(self, log: Log, scene: Scene) -> Iterator[str]:
        """Check that all shown events are there, in order, and within the bounds."""
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
        """Compare each shown event with the log, unless the log has dropped it for its age."""
        first = min(rows, default=0)
        for number in [each for each in self.shown if each < first]:
            del self.shown[number]
        for number, what in self.shown.items():
            if what not in rows.get(number, ""):
                yield f"event {number} ({what}) was shown, and the log has {rows.get(number)}"

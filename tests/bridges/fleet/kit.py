"""Events and logs for tests of the fleet."""

from collections.abc import Iterator

from attrs import define, field

from wagman.client.following import Happened, Missing, Place, Replaced
from wagman.model.shapes import Event


def event(number: int | None, kind: str = "device.started", log: str = "", **fields: object) -> Event:
    return {
        "id": number,
        "time": "2026-01-31T12:00:00.000Z",
        "boot_id": "boot-1",
        "mono_s": float(number or 0),
        "type": kind,
        "device": "gn",
        "cause": None,
        "fields": {"log": log, **fields},
    }


@define
class Log:
    """What a service's log does, as a follower of it sees it."""

    name: str = "log-1"
    first: int = 1
    last: int = 0
    gone: set[tuple[str, int]] = field(factory=set)  # rolled over, or lost with their log
    written: set[tuple[str, int]] = field(factory=set)
    before: dict[str, int] = field(factory=dict)

    def write(self, count: int) -> None:
        self.written |= {(self.name, self.last + each) for each in range(1, count + 1)}
        self.last += count

    def roll(self, count: int) -> None:
        count = min(count, max(self.last - self.first, 0))  # the last one stays
        self.gone |= {(self.name, each) for each in range(self.first, self.first + count)}
        self.first += count

    def replace(self) -> None:
        self.gone |= {(self.name, each) for each in range(self.first, self.last + 1)}
        number = int(self.name.removeprefix("log-")) + 1
        self.name, self.first, self.last = f"log-{number}", 1, 0

    def after(self, place: Place) -> Iterator[Happened | Missing | Replaced]:
        at = place.id
        if place.log_id not in (None, self.name):
            yield Replaced(place.log_id, at, self.name)
            at = 0
        if self.first > at + 1:
            yield Missing(self.name, at + 1, self.first - 1)
            at = self.first - 1
        for number in range(at + 1, self.last + 1):
            yield Happened(event(number, log=self.name), self.name)

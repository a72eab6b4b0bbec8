"""Simulated days whose truth is known: how each guest really was, what the service showed, and what it told meanwhile."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from attrs import define, field, frozen

from wagman.cli.report.axis import Event
from wagman.config.schema import Config
from wagman.fake.guests import Guest
from wagman.simulation.play import Outcome, Scenario, play
from wagman.simulation.records import Began, EventShown, Look, Record, RelayMoved
from wagman.simulation.script import Item

HAPPENS = ("power_on", "power_off", "hang", "revive", "halt", "change")


@frozen
class Shown:
    """What the status said at a moment of each guest: its state, and for how long it had been in it."""

    at_s: float
    boot_id: str
    states: Mapping[str, tuple[str, float | None]]


@define
class Truth:
    """What an onlooker saw who is no part of the service. Times are seconds since the simulation began."""

    events: list[Event] = field(factory=list)  # as they were shown
    began_s: dict[str, float] = field(factory=dict)  # when each run of the service began
    ran: dict[str, list[tuple[float, float]]] = field(factory=dict)  # when each guest ran, or was halting
    relays: dict[str, list[RelayMoved]] = field(factory=dict)
    shown: list[Shown] = field(factory=list)
    outcome: Outcome | None = None

    def runs(self, name: str, begin_s: float, end_s: float) -> None:
        """A guest ran from then to then."""
        if end_s > begin_s:
            self.ran.setdefault(name, []).append((begin_s, end_s))

    @property
    def end_s(self) -> float:
        """How long it was."""
        assert self.outcome is not None
        return self.outcome.length_s

    def ran_s(self, name: str, begin_s: float, end_s: float) -> float:
        """For how long a guest ran within a stretch."""
        return sum(max(0.0, min(until_s, end_s) - max(from_s, begin_s)) for from_s, until_s in self.ran.get(name, ()))


@contextmanager
def witnessed(truth: Truth) -> Iterator[None]:
    """Note of every fake guest when it runs, meanwhile."""
    since: dict[Guest, float] = {}

    def witness(guest: Guest, now_s: float) -> None:
        """What it did since the last time that something happened to it: nothing ticks, it follows from what happened then."""
        up_s = max(guest._booted_s, since.get(guest, 0.0))
        if guest._power_s is not None and not guest._dead:
            truth.runs(guest.name, up_s, min(now_s, guest._hung_s, guest._halted_s))
        since[guest] = now_s

    def watched(name: str) -> Any:
        original = getattr(Guest, name)

        def method(self: Guest, now_s: float, *args: Any) -> Any:
            witness(self, now_s)
            return original(self, now_s, *args)

        return method

    with pytest.MonkeyPatch.context() as patch:
        for name in HAPPENS:
            patch.setattr(Guest, name, watched(name))
        yield
        for guest in since:
            witness(guest, truth.end_s)


def simulated(config: Config, script: Sequence[Item], seed: int = 1) -> Truth:
    """A run, and the truth of it."""
    truth = Truth()
    plugs = {each.plug: each.name for each in config.devices}
    own = {each.name for each in config.devices if each.is_self}
    lives = [0.0]

    def watch(record: Record) -> None:
        match record:
            case Began():
                lives.append(record.at_s)
            case EventShown():
                truth.began_s.setdefault(record.event.boot_id, lives[-1])
                truth.events.append(record.event.as_json())
            case RelayMoved():
                truth.relays.setdefault(plugs.get(record.plug, str(record.plug)), []).append(record)
            case Look():
                rows = record.status["devices"]
                states = {row["name"]: (row["state"], row["for_s"]) for row in rows if row["name"] not in own}
                truth.shown.append(Shown(record.at_s, record.status["service"]["boot_id"], states))
            case _:
                pass

    with witnessed(truth):
        truth.outcome = play(Scenario(seed, config, script), watch)
    return truth

"""Another configuration while the service runs: in virtual time, against the fake board."""

from collections.abc import Mapping
from typing import Any

import pytest
import trio
from attrs import define, evolve, field

from tests.simulation.node import CONFIG, node
from wagman.config.load import loads
from wagman.config.schema import Config
from wagman.service import reconfiguration
from wagman.service.reconfiguration import reconfigure
from wagman.service.root import WagmanService
from wagman.simulation.play import Scenario, play
from wagman.simulation.records import EventShown, Record
from wagman.simulation.script import parse

AT_S = 1200.0


@define
class Story:
    """What was told, and when."""

    told: list[tuple[float, str, str | None, Mapping[str, Any]]] = field(factory=list)

    def watch(self, record: Record) -> None:
        if isinstance(record, EventShown):
            event = record.event
            self.told.append((record.at_s, event.type, event.device, event.fields))

    def times(self, type_: str, device: str | None = None) -> list[float]:
        return [at_s for at_s, told, about, _ in self.told if told == type_ and about in (device, None)]

    def fields(self, type_: str) -> Mapping[str, Any]:
        return next(fields for _, told, _, fields in self.told if told == type_)


def reloaded(monkeypatch: pytest.MonkeyPatch, new: Config, script: str, old: Config | None = None) -> Story:
    """What happens in a node whose configuration is replaced after AT_S."""
    real = WagmanService.run

    async def run_and_reload(service: WagmanService, *args: Any, **kwargs: Any) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reload, service)
            await real(service, *args, **kwargs)
            nursery.cancel_scope.cancel()

    async def reload(service: WagmanService) -> None:
        await trio.sleep(AT_S)
        reconfigure(service.parts, new)

    monkeypatch.setattr(WagmanService, "run", run_and_reload)
    story = Story()
    assert play(Scenario(1, old or node(), parse(script)), story.watch).length_s > AT_S
    assert story.times("service.task_failed") == []
    return story


def test_a_guests_new_time_out_counts_from_its_next_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    new = loads(CONFIG.replace("port = 1\n", 'port = 1\nheartbeat_timeout = "1min"\n'), "new.toml")
    story = reloaded(monkeypatch, new, "25 min; guest gn hang; guest cs hang; 4 min")
    assert story.fields("service.reloaded") == {"changed": ["device.gn.heartbeat_timeout"], "needs_restart": [], "tables": []}
    lost = story.times("device.heartbeat_lost", "gn")
    assert lost
    assert 60 - 10 <= lost[0] - 1500 <= 90  # a beat comes every 8 s
    assert story.times("device.heartbeat_lost", "cs") == []


def test_a_lower_bound_of_temperature_counts_with_the_next_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    new = loads(CONFIG + "[environment.temperature_c]\nhigh = 20\n", "new.toml")
    story = reloaded(monkeypatch, new, "30 min")
    assert story.times("wagman.will_hibernate")[0] - AT_S < 90


def test_a_sensor_that_is_not_watched_any_more_raises_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    rarely = CONFIG + '[wagman]\nnormal_interval = "1h"\n'  # so that nothing but the reload comes between
    new = loads(rarely + "[environment.temperature_c]\n", "new.toml")
    story = reloaded(monkeypatch, new, "18 min; cable out; 30 min", loads(rarely, "old.toml"))
    assert "environment.temperature_c" in story.fields("service.reloaded")["changed"]
    assert [at_s for at_s in story.times("environment.unknown") if at_s > AT_S] == []


def test_a_new_stagger_and_off_time_count_for_the_next_power_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    new = loads(CONFIG.replace("port = 1\n", 'port = 1\noff_time = "5min"\n'), "new.toml")
    story = reloaded(monkeypatch, new, "21 min; gn: restart; 15 min")
    off = story.times("device.restarting", "gn")[0]
    assert story.times("device.started", "gn")[-1] - off > 300


def test_what_needs_a_restart_is_named_and_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    new = loads(CONFIG.replace("[device.x2]\nport = 4\n", "[device.x9]\nport = 4\n"), "new.toml")
    story = reloaded(monkeypatch, new, "30 min; settled")
    tables = ["x9 takes the place of x2 on port 4: it is to run"]
    assert story.fields("service.reloaded") == {"changed": [], "needs_restart": ["device.x2", "device.x9"], "tables": tables}


def test_the_same_again_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    spread: list[Config] = []
    monkeypatch.setattr(reconfiguration, "spread", lambda _, config: spread.append(config))
    story = reloaded(monkeypatch, evolve(node()), "30 min")
    assert story.fields("service.reloaded") == {"changed": [], "needs_restart": [], "tables": []}
    assert spread == []

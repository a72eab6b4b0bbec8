"""The operator's file: what is written is what is read, and what becomes of a guest when it changes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.node import node, run
from wagman.config.load import load, loads
from wagman.model.errors import CallerError, ConfigError
from wagman.simulation.file import File
from wagman.simulation.records import EventShown, Record, RelayMoved
from wagman.simulation.sites import ONE

ALSO = """
[environment.humidity_pct]
high = 95.5

[wagman]
start_order = ["x1", "gn", "cs", "x2"]
"""


@pytest.mark.parametrize("config", [node(), loads(ONE + ALSO, "example.toml")], ids=["node", "example"])
def test_what_is_written_is_what_is_read(tmp_path: Path, config: Any) -> None:
    file = File(tmp_path / "wagman.toml", config)
    assert load(str(file.path)) == config
    file.set("device.gn.stop_timeout", '"2min"')
    assert load(str(file.path)) != config
    file.restore()
    assert load(str(file.path)) == config


def test_a_file_that_is_not_right_is_no_configuration_and_its_copy_counts(tmp_path: Path) -> None:
    file = File(tmp_path / "wagman.toml", node())
    assert file.load_at_start() == node()
    file.garble()
    with pytest.raises(ConfigError):
        load(str(file.path))
    assert file.load_at_start() == node()


def test_a_device_that_is_not_there_cannot_be_taken_out(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="x9"):
        File(tmp_path / "wagman.toml", node()).drop("x9")


def history(script: str) -> tuple[list[tuple[str, str | None, Mapping[str, Any]]], list[RelayMoved]]:
    """What was told, and which relays moved after the nodes were up."""
    told, moved = list[tuple[str, str | None, Mapping[str, Any]]](), list[RelayMoved]()

    def watch(record: Record) -> None:
        if isinstance(record, EventShown):
            told.append((record.event.type, record.event.device, record.event.fields))
        elif isinstance(record, RelayMoved) and record.at_s > 20 * 60:
            moved.append(record)

    assert run(f"20 min; {script}; 20 min; all well; settled", watch).violation is None
    return told, moved


def test_a_broken_file_changes_nothing_and_is_told_of() -> None:
    told, moved = history("config broken; 5 min; service kill; service start")
    assert [fields["instead"] for type_, _, fields in told if type_ == "service.config_refused"]
    assert not moved


def test_a_changed_time_counts_at_once() -> None:
    told, moved = history("config set device.gn.heartbeat_timeout 100; guest gn hang")
    assert [fields["silent_s"] for type_, _, fields in told if type_ == "device.heartbeat_lost"] == [100]
    assert [record.plug.port for record in moved] == [1, 1]


@pytest.mark.parametrize(
    "change",
    ["config drop x2", "config drop x2; config add x9 4", "config set device.x1.port 4; config set device.x2.port 3"],
    ids=["removed", "renamed", "swapped"],
)
def test_guests_that_come_go_or_move_in_the_file_keep_their_power(change: str) -> None:
    told, moved = history(f"{change}; 5 min; service stop; 10 s; service start; 20 min; config well; service kill; service start")
    assert [fields["needs_restart"] for type_, _, fields in told if type_ == "service.reloaded"]
    assert not moved


def test_a_guest_that_was_taken_out_while_it_was_being_started_is_waited_for_no_more() -> None:
    starting = list[float]()

    def watch(record: Record) -> None:
        if isinstance(record, EventShown) and (record.event.type, record.event.device) == ("device.starting", "cs"):
            starting.append(record.at_s)

    assert run("20 min", watch).violation is None
    soon_s = starting[0] + 5
    assert run(f"{soon_s:.1f} s; service kill; config drop cs; service start; 20 min; all well; settled").violation is None


def test_all_is_well_only_with_the_configuration_of_before() -> None:
    swapped = "config set device.gn.port 2; config set device.cs.port 1; service stop; service start"
    assert run(f"20 min; {swapped}; 20 min; all well; settled").violation is None


def test_a_guest_may_be_taken_out_twice() -> None:
    assert run("20 min; config drop cs; config drop cs; 1 min").violation is None


def test_a_problem_may_outlive_the_table_that_it_was_about() -> None:
    def ended(record: Record) -> None:
        if isinstance(record, EventShown) and (record.event.type, record.event.device) == ("problem.ended", "modem"):
            told.append(record)

    told = list[Record]()
    away = "config rename cs modem; service stop; service start; 1 min; message lost; modem: restart; 1 min; message ok"
    back = "config well; service kill; service start; 5 min; all well; settled"
    assert run(f"20 min; {away}; {back}", ended).violation is None
    assert told

"""Sensors that a command reads, in the configuration file."""

from pathlib import Path

import pytest

from wagman.config.changes import change
from wagman.config.check import run
from wagman.config.enclosure import Bounds
from wagman.config.gauges import GaugeConfig
from wagman.config.load import loads
from wagman.model.errors import ConfigError

PLUG = """\
[board]
kind = "shelly"
host = "10.0.0.5"
[device.gn]
port = 0
heartbeat = false
shutdown = []
"""
GUEST = "[device.gn]\nport = 1\nshutdown = []\n"
BATTERY = """\
[environment.battery_v]
command = ["battery", "--volts"]
low = 11.5
hysteresis = 0.8
low_action = "hibernate"
"""


def test_a_command_reads_a_number_and_the_same_table_has_its_bounds() -> None:
    environment = loads(PLUG + BATTERY + "every = '1min'\ntimeout = '5s'\n", "f").environment
    assert environment.sensors == {"battery_v": Bounds(low=11.5, hysteresis=0.8, low_action="hibernate")}
    assert environment.gauges == {"battery_v": GaugeConfig(("battery", "--volts"), 60.0, 5.0)}


def test_a_number_without_bounds_is_read_and_judged_by_nobody() -> None:
    environment = loads(PLUG + "[environment.panel_w]\ncommand = ['panel']\n", "f").environment
    assert (environment.sensors, [*environment.gauges]) == ({}, ["panel_w"])


def test_it_stands_beside_what_a_board_reports() -> None:
    environment = loads(GUEST + BATTERY, "f").environment
    assert [*environment.sensors] == ["temperature_c", "battery_v"]


def test_where_no_board_reports_the_temperature_a_command_may_read_it() -> None:
    assert [*loads(PLUG + "[environment.temperature_c]\ncommand = ['t']\nhigh = 60\n", "f").environment.gauges] == [
        "temperature_c"
    ]


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        loads(text, "f")
    return tuple(raised.value.problems)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            GUEST + "[environment.temperature_c]\ncommand = ['t']\n",
            "f:5: environment.temperature_c.command: a board reports temperature_c: give what this command reads another name",
        ),
        (
            PLUG + "[environment.battery_v]\nlow = 11.5\n",
            "f:8: environment.battery_v: unknown key: the nearest that is known here is temperature_c",
        ),
        (
            PLUG + "[environment.battery_v]\ncommand = 'upsc'\n",
            'f:9: environment.battery_v.command: must be a list of non-empty strings, the command and its arguments, not "upsc"',
        ),
        (
            PLUG + "[environment.battery_v]\ncommand = []\n",
            "f:9: environment.battery_v.command: [] is no command: give the command that writes the number",
        ),
        (
            PLUG + BATTERY + "every = '2min'\n",
            "f:13: environment.battery_v.every: stale is 3min, and must be at least twice every and timeout together",
        ),
        (
            PLUG + BATTERY + "high = 11\n",
            "f:13: environment.battery_v.high: high (11) must be above low (11.5)",
        ),
        (
            PLUG + BATTERY + "often = 3\n",
            "f:13: environment.battery_v.often: unknown key: the nearest that is known here is ",
        ),
        (
            PLUG + "[environment.'Battery V']\ncommand = ['t']\n",
            'f:8: environment."Battery V": a sensor name has 1 to 32 of a-z, 0-9, _ and -',
        ),
        (PLUG + "[environment]\nbattery_v = ['upsc']\n", "f:9: environment.battery_v: unknown key"),
    ],
)
def test_whatever_is_wrong_is_told_once_with_its_line(text: str, told: str) -> None:
    (found,) = problems(text)
    assert found.startswith(told)


def test_it_changes_while_the_service_runs() -> None:
    old, more = loads(PLUG, "f"), loads(PLUG + BATTERY, "f")
    slower = loads(PLUG + BATTERY + "every = '1min'\n", "f")
    added, changed = change(old, more), change(more, slower)
    assert (added.live, added.waiting, added.config.environment) == (("environment.battery_v",), (), more.environment)
    assert (changed.live, changed.waiting) == (("environment.battery_v.every",), ())


def test_a_command_that_cannot_be_run_is_told_of_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "f"
    file.write_text(PLUG + BATTERY.replace('"battery"', '"/nowhere/battery"'))
    assert run(str(file), lambda _: None) == 0
    assert f"{file}:9: environment.battery_v.command: warning: for " in (told := capsys.readouterr().err)
    assert "/nowhere/battery" in told

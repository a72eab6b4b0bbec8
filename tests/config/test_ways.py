"""`leads_to`: what boards are reached through, and what cannot be meant by it."""

import pytest

from tests.config.kit import problems
from wagman.config.load import loads

FILE = """
[board.rail]
kind = "{kind}"
{keys}

[board.shed]
kind = "tasmota"
host = "shed"

[device.lte]
board = "rail"
port = "1"
shutdown = []
heartbeat = false
{lte}

[device.nas]
board = "shed"
port = "1"
shutdown = []
heartbeat = false
{nas}
"""

EXEC = 'on = ["true"]\noff = ["true"]\nstatus = ["true"]'


def file(kind: str = "shelly", keys: str = 'host = "rail"', lte: str = "", nas: str = "") -> str:
    return FILE.format(kind=kind, keys=keys, lte=lte, nas=nas)


def test_what_leads_to_its_own_board_hangs_on_one_that_switches_off_and_on_by_one_command() -> None:
    assert loads(file(lte='leads_to = ["rail", "shed"]'), "f").devices[0].leads_to == ("rail", "shed")
    (found,) = problems(file("exec", EXEC, lte='leads_to = ["rail"]'))
    assert found.startswith("f:17: device.lte.leads_to: ")
    assert 'it leads to its own board "rail", which nobody could reach once this guest is off' in found


def test_what_leads_to_another_board_may_hang_anywhere() -> None:
    loads(file("exec", EXEC, lte='leads_to = ["shed"]'), "f")


def test_what_leads_to_its_own_board_by_way_of_another_guest_is_found() -> None:
    found = problems(file("exec", EXEC, lte='leads_to = ["shed"]', nas='leads_to = ["rail"]'))
    assert ["device.lte.leads_to" in each for each in found] == [True]


@pytest.mark.parametrize(
    ("lte", "what"),
    [
        ('leads_to = ["rial"]', 'there is no board called "rial"; those that there are: "rail", "shed"'),
        ('leads_to = ["rail"]\nenabled = false', "not reached while it is off"),
        ('leads_to = ["rail"]\nself = true', "is never switched: remove this key"),
        ("leads_to = 3", "must be a list of names of boards"),
    ],
)
def test_what_cannot_be_meant_is_found(lte: str, what: str) -> None:
    assert any(what in each for each in problems(file(lte=lte)))


MQTT = 'host = "hub"\ndevice = "rail"\npreset = "{preset}"\npulse = \'{pulse}\''
BACKLOG = "Power%p OFF; Delay %s0; Power%p ON"


def test_behind_a_broker_it_may_be_where_the_table_says_how_a_port_is_switched_off_and_on() -> None:
    to_its_own = 'leads_to = ["rail"]'
    keys = MQTT.format(preset="tasmota", pulse=BACKLOG)
    assert loads(file("mqtt", keys, lte=to_its_own), "f").devices[0].leads_to == ("rail",)
    (found,) = problems(file("mqtt", 'host = "hub"\ndevice = "rail"\npreset = "tasmota"', lte=to_its_own))
    assert 'it leads to its own board "rail", which nobody could reach once this guest is off' in found
    assert "mqtt with pulse" in found


@pytest.mark.parametrize(
    ("kind", "keys", "longest"),
    [
        ("mqtt", MQTT.format(preset="tasmota", pulse=BACKLOG), ("6min", "6min1s")),
        ("mqtt", MQTT.format(preset="esphome", pulse="%s"), ("30d", None)),
        ("tasmota", 'host = "rail"', ("2h47min59s", "2h48min")),
        ("shelly", 'host = "rail"', ("30d", None)),
    ],
)
def test_its_time_off_is_none_that_the_board_cannot_wait_for(kind: str, keys: str, longest: tuple[str, str | None]) -> None:
    most, more = longest
    loads(file(kind, keys, lte=f'leads_to = ["rail"]\noff_time = "{most}"'), "f")
    if more is not None:
        lte = f'leads_to = ["shed"]\noff_time = "{more}"'
        (found,) = problems(file(kind, keys, lte=lte))
        line = file(kind, keys, lte=lte).split("\n").index(f'off_time = "{more}"') + 1
        assert found.startswith(f"f:{line}: device.lte.off_time: off_time is {more}, and what leads to a board is switched off")
        assert f'its own, "rail", which can wait for {most} at most' in found


@pytest.mark.parametrize(
    ("keys", "key", "what"),
    [
        ('pulse = "OFF"', "pulse", "%s is needed in it: the device has to be told for how many seconds"),
        ('pulse_topic = "x"', "pulse_topic", "pulse is needed, or nothing is sent there"),
        ('pulse = "%s"\npulse_topic = "x/#"', "pulse_topic", "must be an MQTT topic"),
    ],
)
def test_half_a_pulse_is_found(keys: str, key: str, what: str) -> None:
    (found,) = problems(file("mqtt", f'host = "hub"\ndevice = "rail"\npreset = "tasmota"\n{keys}'))
    assert f"board.rail.{key}: " in found
    assert what in found

"""`leads_to`: what boards are reached through, and what cannot be meant by it."""

import pytest

from tests.config.test_problems import problems
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
    assert 'it leads to its own board "rail", which would not be reached any more once it is off' in found


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

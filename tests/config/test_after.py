"""`after`: the order of the guests, and what cannot be meant by it."""

import pytest

from tests.config.kit import problems
from wagman.config.load import loads

FILE = """
[device.nc]
port = 0
self = true
{nc}
[device.gn]
port = 1
shutdown = []
{gn}
[device.cs]
port = 2
shutdown = []
{cs}
[device.x1]
port = 3
shutdown = []
{x1}
"""


def file(**keys: str) -> str:
    return FILE.format(**{"nc": "", "gn": "", "cs": "", "x1": "", **keys})


def names(**keys: str) -> list[str]:
    return [guest.name for guest in loads(file(**keys), "f").guests]


def test_guests_stand_behind_those_that_they_come_after_whatever_their_ports() -> None:
    assert names(gn='after = ["cs"]', cs='after = ["x1"]') == ["x1", "cs", "gn"]


def test_the_start_order_counts_as_far_as_it_can() -> None:
    assert names(gn='after = ["cs"]', x1='\n[wagman]\nstart_order = ["gn", "x1"]') == ["x1", "cs", "gn"]


def test_nothing_changes_where_nobody_comes_after_another_one() -> None:
    assert names() == ["gn", "cs", "x1"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"gn": 'after = ["cx"]'}, 'f:9: device.gn.after: "cx" is no guest; the other guests are "x1", "cs"'),
        ({"gn": 'after = ["x1", "gn"]'}, 'f:9: device.gn.after: "gn" cannot come after itself: remove it'),
        (
            {"gn": 'after = ["nc"]'},
            'f:9: device.gn.after: "nc" is the computer that this service runs on, which is always up: remove it',
        ),
        (
            {"nc": 'after = ["gn"]'},
            "f:5: device.nc.after: the computer that this service runs on is never started: remove this key",
        ),
        (
            {"gn": 'after = ["cs"]', "cs": 'after = ["gn"]'},
            (
                'f:9: device.gn.after: a circle: it comes after "cs", which comes after "gn", '
                "so that none could be started: remove one of them"
            ),
        ),
        (
            {"gn": 'after = ["cs"]', "cs": 'after = ["x1"]', "x1": 'after = ["gn", "cs"]'},
            (
                'f:9: device.gn.after: a circle: it comes after "cs", which comes after "x1", which comes after "gn", '
                "so that none could be started: remove one of them"
            ),
        ),
        ({"gn": 'after = "cs"'}, 'f:9: device.gn.after: must be a list of names of guests, not "cs"'),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_line_and_what_to_do(keys: dict[str, str], said: str) -> None:
    assert [each.replace(".after[0]", ".after").replace(".after[1]", ".after") for each in problems(file(**keys))] == [said]


def test_each_guest_says_for_itself_whom_it_needs() -> None:
    assert problems(file(x1='\n[defaults]\nafter = ["gn"]')) == ["f:19: defaults.after: unknown key: it belongs in [device.NAME]"]

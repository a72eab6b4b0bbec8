"""Problems in whole stories: what is told of is so, and nothing else is told of."""

import pytest

from tests.service.test_recollection import told

FIRST_DAY = "memory"

WORN = "; ".join(["board eeprom enabled gn 1; 2 s"] * 400)
"""A cell of its EEPROM is worn: the board does not remember that it has disabled the port."""


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("20 min; cable out; 10 min; cable in; 10 min", "link:board"),
        ("20 min; board fault silent on; 10 min; board fault silent off; 10 min", "link:board"),
        ("20 min; board fault sensor env dead; 10 min; board fault sensor env ok; 10 min", "sensor:temperature_c"),
        (f"20 min; gn: stop; {WORN}; 10 min", "power:gn"),
        (f"20 min; board fault sensor cu dead gn; gn: stop; {WORN}; board fault sensor cu ok gn; 10 min", "power:gn"),
    ],
)
def test_one_fault_is_one_problem(script: str, problem: str) -> None:
    story = told(script)
    assert [event.fields["id"] for event in story.of("problem.began")] == [FIRST_DAY, problem]
    assert [event.fields["id"] for event in story.of("problem.ended")] == [FIRST_DAY, problem]


def test_a_command_that_fails_again_calls_a_person_at_once() -> None:
    story = told("20 min; message lost; gn: stop; 3 min; message ok; 10 min")
    (began,) = (event for event in story.of("problem.began") if event.fields["id"] == "shutdown:gn")
    first = next(event for event in story.of("device.message") if not event.fields["ok"])
    # The third failure in a row counts, and it is asked every 15 s.
    assert began.mono_s - first.mono_s <= 2 * 15.0 + 1.0

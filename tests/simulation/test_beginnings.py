"""For how long something lasts, and with what it began, is told right whatever the clock on the wall shows."""

import pytest

from tests.simulation.history import History
from tests.simulation.node import run

SHOWN_S = 3.0
"""How much later than it happened an event may be shown here (chosen: a commit, and the look at it)."""

STORIES = {
    "ten days behind, then set right": "clock -864000; 10 min; gn: stop; 5 min; clock 864000; 10 min; gn: start; 10 min",
    "set back again and again": "20 min; clock -3600; gn: stop; 5 min; clock -3600; gn: start; 5 min; gn: restart; 20 min",
    "behind after a restart of the service": "20 min; gn: stop; 5 min; service kill; clock -40000; service start; 20 min",
    "asked for what is so already": (
        "20 min; gn: stop; 9 min; gn: stop; gn: kill; 5 min; cs: start; 5 min; service kill; service start; 9 min"
    ),
    "others have more to tell": (
        "20 min; x1: stop; 1 min; gn: restart; 5 min; cs: restart; 5 min; service stop; service start; 5 min"
    ),
}


@pytest.mark.parametrize("script", STORIES.values(), ids=STORIES)
def test_a_row_tells_for_how_long_the_state_lasts_and_the_event_that_it_began_with(script: str) -> None:
    history = History()
    assert run(script, history).violation is None
    rows = list(history.rows())
    assert len(rows) > 20
    for look, row, began, _ in rows:
        assert abs(row["for_s"] - (look.at_s - began.at_s)) < SHOWN_S, (look.at_s, row, began)
        assert row["since_id"] == began.event.id, (look.at_s, row, began)

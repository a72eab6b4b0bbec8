"""The report of simulated hours, held against what the status had said, and against what the guests and relays really did."""

from collections import Counter

import pytest

from tests.cli.report.judged import Judged
from tests.cli.report.truth import simulated
from wagman.simulation.profiles import PROFILES, make_script
from wagman.simulation.script import parse
from wagman.simulation.sites import site

STORY = """
20 min; guest gn hang; 20 min                            # 1. cut hard, and started again
gn: stop; 5 min; gn: start; 10 s; clock -7200; 10 min    # 2. cut cleanly, on purpose; the clock is set back
service kill; 5 min; service start; 10 min               # 3. nobody looks for a while
cable out; 9 min; cable in; 10 min                       # 4. nobody sees the board
board powercycle; 12 min                                 # 5. all lose their power
x1: kill; 3 min; x1: start; 10 min                       # 6. cut while it runs
cs: restart; 10 min                                      # 7. on purpose, and not for long
"""

HEARD_S = 8.0 + 10.0
"""By how much a beginning or an end may be off from what the guest did: a beat of it, and what a board takes to tell."""


@pytest.fixture(scope="module")
def judged() -> Judged:
    return Judged(simulated(site("one"), parse(STORY)))


def test_it_says_what_the_status_had_said_to_a_second(judged: Judged) -> None:
    compared = list(judged.compared(slack_s=1.0))
    assert [wrong for wrong in compared if wrong is not None] == []
    assert len(compared) > 250


def test_where_it_says_that_a_guest_was_up_or_down_it_was(judged: Judged) -> None:
    for each in judged.figures.values():
        if each.name == "x2":
            continue  # it gives no signs of life: nobody knows more than that it has power
        for span in each.spans:
            begin_s, end_s = judged.real_s(span.begin_s), judged.real_s(span.end_s)
            ran_s = judged.truth.ran_s(each.name, begin_s, end_s)
            if span.kind == "up":
                assert end_s - begin_s - ran_s <= HEARD_S
            elif span.kind == "down":
                assert ran_s <= HEARD_S


def test_its_figures_add_up_to_the_whole_time(judged: Judged) -> None:
    begin_s, end_s = judged.told.whole
    for each in judged.figures.values():
        assert each.up_s + each.down_s + each.kept_s + each.unknown_s == pytest.approx(end_s - begin_s, abs=0.001)


def test_nobody_knows_while_the_service_is_away_or_its_board_not_seen(judged: Judged) -> None:
    for each in judged.figures.values():
        unknown = [(judged.real_s(span.begin_s), judged.real_s(span.end_s)) for span in each.spans if span.kind == "unknown"]
        # The log ends with the last event before the service is killed: how long it ran on is not told.
        (_, (_, came_up_s), (out_s, in_s), (reset_s, seen_s)) = unknown
        assert came_up_s == pytest.approx(3610, abs=1)
        assert [out_s, reset_s] == pytest.approx([4210, 5350], abs=1)
        assert [in_s, seen_s] == pytest.approx([4750, 5370], abs=HEARD_S)


def test_every_outage_has_its_cause_and_its_length(judged: Judged) -> None:
    causes = {name: [outage.cause for outage in each.outages] for name, each in judged.figures.items()}
    assert causes == {"gn": ["silent", "power"], "cs": ["found", "power"], "x1": ["found", "power"], "x2": ["found", "power"]}
    gn = judged.figures["gn"]
    (_, _), (up_again_s, _) = judged.truth.ran["gn"][:2]
    assert gn.outages[0].down_s == pytest.approx(up_again_s - 1200, abs=HEARD_S)
    assert gn.mttr_s == sum(outage.down_s for outage in gn.outages) / 2
    assert gn.mtbf_s == gn.up_s / 2


def test_every_cut_was_as_it_says(judged: Judged) -> None:
    really = {"halted": "clean", "hung": "hard", "running": "hard", "booting": "unproved"}
    for each in judged.figures.values():
        if each.name == "x2":
            continue
        moved = [really[relay.guest] for relay in judged.truth.relays[each.name] if relay.ours and not relay.on]
        assert Counter(each.cuts) == Counter(moved)
    assert Counter(judged.figures["gn"].cuts) == {"hard": 1, "clean": 1}
    assert Counter(judged.figures["cs"].cuts) == {"clean": 1}
    assert Counter(judged.figures["x1"].cuts) == {"hard": 1}


def test_every_off_is_a_power_cycle(judged: Judged) -> None:
    for each in judged.figures.values():
        assert each.power_cycles == sum(not relay.on for relay in judged.truth.relays[each.name])
        assert each.power_losses == 1


def test_whatever_goes_wrong_it_says_what_the_status_had_said() -> None:
    config = site("one")
    judged = Judged(simulated(config, make_script(config, PROFILES["everything"], seed=3, for_s=3600), seed=3))
    compared = list(judged.compared(slack_s=1.0))
    assert [wrong for wrong in compared if wrong is not None] == []
    assert len(compared) > 100

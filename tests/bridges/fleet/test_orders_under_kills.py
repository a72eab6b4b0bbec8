"""Orders while broker, bridge and service are killed at random: `python -m benchmarks.fleet_orders`, made small."""

import pytest

from benchmarks.fleet_orders import Outcome, run
from tests.io.brokers import needs_mosquitto

pytestmark = needs_mosquitto


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(50, kills=5, every_s=0.2, kill_every_s=1.0, settle_s=4.0)


def test_what_is_tried_is_worth_the_trying(outcome: Outcome) -> None:
    assert len(outcome.kills) == 3
    assert {each.kind for each in outcome.given.values()} == {"soon", "held", "far"}
    assert len(outcome.logged) > 5, outcome
    assert any(said.total() > 1 for said in outcome.answers.values()), "some were to come more than once"


def test_each_order_is_in_the_log_at_most_once_and_none_after_its_deadline(outcome: Outcome) -> None:
    assert not outcome.twice
    assert not outcome.late


def test_none_is_carried_out_that_a_broker_held_or_whose_deadline_is_too_far_away(outcome: Outcome) -> None:
    assert not outcome.wrong
    for order in outcome.answers.keys() & {order for order, given in outcome.given.items() if given.kind != "soon"}:
        assert not outcome.answers[order]["accepted"]

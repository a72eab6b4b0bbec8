"""What a probe says of a guest that only the service can have heard."""

from typing import Any

import pytest

from tests.simulation.node import node
from wagman.probe.service import Service

GUEST = next(guest for guest in node().guests if guest.name == "gn")
PATIENCE_S = GUEST.heartbeat_timeout_s


def said(source: str = "board", **row: Any) -> str:
    known = {"name": "gn", "heartbeat_age_s": 8.0, "stale": False, "sources": [], **row}
    answer = Service({"devices": [known]}).heard(GUEST, source)
    return f"{answer.came}: {answer.why}"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({}, "yes: the service heard it 8 s ago"),
        ({"heartbeat_age_s": PATIENCE_S}, "yes: the service heard it 5 min ago"),
        ({"heartbeat_age_s": PATIENCE_S + 120}, "no: the service heard it 7 min ago"),
        (
            {"heartbeat_age_s": 1708.0, "stale": True},
            "unknown: the service heard it 28 min 28 s ago, and cannot see its board now",
        ),
        ({"heartbeat_age_s": None}, "no: the service has not heard it since it started"),
    ],
)
def test_it_answers_as_long_as_the_service_would_not_take_it_for_silent(row: dict[str, Any], text: str) -> None:
    assert said(**row) == text


def test_another_source_is_heard_though_the_board_cannot_be_seen() -> None:
    sources = [{"name": "beacon", "age_s": 3.0, "trouble": None}]
    assert said("beacon", sources=sources, stale=True) == "yes: the service heard it 3 s ago"

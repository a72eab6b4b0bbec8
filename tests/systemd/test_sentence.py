"""The line that `systemctl status` shows."""

from typing import Any

import pytest

from tests.systemd.status import row, status
from wagman.systemd.sentence import MOST_PROBLEMS, sentence

UNCONFIRMED = {"wanted": "off", "confirmed": False}


def test_it_tells_the_state_the_board_and_what_each_device_does() -> None:
    line = sentence(status(row("nc", self=True), row("gn"), row("cs", state="will_stop"), wagman="start_next_device"))
    assert line == "start next device; board up, 24 C; nc this controller, gn started, cs will stop"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "starting", "attempts": 1}, "gn starting (emmc)"),
        ({"state": "starting", "attempts": 4, "media": "sd"}, "gn starting (attempt 4, sd)"),
        ({"state": "starting", "attempts": 0, "media": None}, "gn starting"),
        ({"state": "stopped", "wanted": "down"}, "gn stopped (wanted down)"),
        ({"state": "stopped"}, "gn stopped (wanted up)"),
        ({"state": "stopped", "held": True}, "gn stopped (locked out after brownouts)"),
        ({"state": "stopped", "enabled": False}, "gn stopped (disabled)"),
        ({"state": "stopping", "enabled": False}, "gn stopping (disabled)"),
        ({"state": "stopped", "wanted": "down", "power": UNCONFIRMED}, "gn stopped (wanted down, power unconfirmed)"),
    ],
)
def test_a_device_has_what_a_person_needs_to_know(changes: dict[str, Any], words: str) -> None:
    assert sentence(status(row("gn", **changes))) == f"normal; board up, 24 C; {words}"


@pytest.mark.parametrize(
    ("board", "words"),
    [
        ({"link": "down", "blind": True}, "board link down (/dev/waggle_sysmon)"),
        ({"blind": True}, "board silent"),
        ({"sensors": {"temperature_c": {"value": None}}}, "board up"),
    ],
)
def test_the_board_is_as_it_is(board: dict[str, Any], words: str) -> None:
    assert sentence(status(row("gn"), **board)) == f"normal; {words}; gn started"


def problem(text: str, severity: str = "warning") -> Any:
    return {"severity": severity, "text": text}


def troubled(*problems: Any) -> Any:
    return {**status(row("gn")), "problems": problems}


def test_what_calls_for_a_person_comes_first() -> None:
    line = sentence(troubled(problem("the relay of gn stays on", "critical"), problem("the log cannot be written: full")))
    assert line == (
        "CRITICAL: the relay of gn stays on; WARNING: the log cannot be written: full; normal; board up, 24 C; gn started"
    )


def test_many_problems_leave_room_for_the_rest() -> None:
    line = sentence(troubled(*(problem(f"trouble {number}") for number in range(9))))
    assert line.count("WARNING") == MOST_PROBLEMS
    assert "6 more: wagman status; normal" in line

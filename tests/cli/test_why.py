"""Why a device is as it is, in plain words."""

from typing import Any

import pytest

from wagman.cli.sentences import sentence
from wagman.cli.why import lines, obstacle


def row(**more: Any) -> dict[str, Any]:
    fixed: dict[str, Any] = {
        "name": "gn",
        "state": "stopped",
        "since": None,
        "reason": "its start failed",
        "wanted": "up",
        "enabled": True,
    }
    return {**fixed, "power": {"wanted": "off", "confirmed": True}, "failures": 0, "next_start_in_s": None, "held": False, **more}


def status(wagman: str = "normal", *, blind: bool = False) -> dict[str, Any]:
    return {"wagman": {"state": wagman}, "board": {"blind": blind}}


@pytest.mark.parametrize(
    ("changes", "around", "words"),
    [
        ({"next_start_in_s": 2460.0, "failures": 3}, status(), "next try in 41 min, third failed start in a row"),
        ({"next_start_in_s": 30.0}, status(), "next try in 30 s"),
        ({"enabled": False, "wanted": "down"}, status(), "it is disabled: wagman enable allows it again"),
        ({"wanted": "down"}, status(), "nobody wants it up: wagman start starts it"),
        ({"held": True}, status(), "it is held off after brownouts: wagman start gives it a fresh try"),
        ({}, status("hibernating"), "the environment forbids it"),
        ({"next_start_in_s": 5.0}, status("will_hibernate"), "the environment forbids it"),
        ({"next_start_in_s": 5.0}, status(blind=True), "the board cannot be seen"),
        ({}, status(), "it waits for its turn"),
        ({"state": "starting"}, status(), None),
        ({"state": "started"}, status("hibernating"), None),
    ],
)
def test_what_keeps_it_from_starting_is_told(changes: dict[str, Any], around: dict[str, Any], words: str | None) -> None:
    assert obstacle(row(**changes), around) == words


def test_power_that_is_not_confirmed_and_a_story_that_is_not_known_are_told_of() -> None:
    told = lines(row(power={"wanted": "off", "confirmed": False}), None, [])
    assert told == ["gn is stopped", "its power is not confirmed yet", "the service says: its start failed"]


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (
            "device.starting",
            {"reason": "its turn", "attempt": 4, "media": "sd", "recover": True},
            "starting: its turn, fourth attempt, from sd, to recover it",
        ),
        (
            "device.start_failed",
            {"attempt": 1, "media": None, "waited_s": 120.0},
            "start failed: no heartbeat, after 2 min, first attempt",
        ),
        ("device.stop_failed", {"after_s": 600.0}, "did not halt, after 10 min, so its power was cut"),
        ("device.heartbeat_lost", {"silent_s": 300.0, "stable": True}, "its heartbeat stopped: silent for 5 min"),
        (
            "device.message",
            {"message": "shutdown", "ok": True, "detail": "exit status 0"},
            "told to halt by its shutdown command: exit status 0",
        ),
        ("command.start", {"uid": 1000, "who": "pid 5", "force": True}, "user 1000 asked to start it, by force"),
        ("environment.abnormal", {"sensor": "temperature_c", "state": "high", "value": 71.0}, "temperature_c is high: 71.0"),
        ("link.down", {"reason": "unplugged"}, "the link to the board went down: unplugged"),
        ("device.teleported", {"to_where": "moon", "why": None}, "teleported: to where moon"),
    ],
)
def test_events_are_told_in_plain_words(kind: str, fields: dict[str, Any], words: str) -> None:
    assert sentence({"type": kind, "fields": fields}) == words

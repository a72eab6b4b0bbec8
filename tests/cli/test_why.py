"""Why a device is as it is, in plain words."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pytest

from wagman.cli.prospects import UNPROVED, coming, obstacle
from wagman.cli.text import WIDTH
from wagman.cli.why import lines


def row(**more: Any) -> dict[str, Any]:
    fixed: dict[str, Any] = {
        "name": "gn",
        "state": "stopped",
        "since": None,
        "reason": "its start failed",
        "wanted": "up",
        "enabled": True,
    }
    calm: dict[str, Any] = {"failures": 0, "next_start_in_s": None, "held": False, "alarms": []}
    return {**fixed, **calm, "power": {"wanted": "off", "confirmed": True}, **more}


def status(
    wagman: str = "normal",
    *,
    turn: str | None = None,
    alarms: Sequence[dict[str, Any]] = (),
    link: str = "up",
    blind: bool = False,
    sensors: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    return {
        "wagman": {"state": wagman, "device": turn, "alarms": alarms},
        "board": {"link": link, "blind": blind, "sensors": sensors},
    }


def alarm(name: str, in_s: float, *, held: bool = False) -> dict[str, Any]:
    return {"name": name, "in_s": in_s, "held": held}


@pytest.mark.parametrize(
    ("changes", "around", "words"),
    [
        ({"next_start_in_s": 2460.0, "failures": 3}, status(), "next try in 41 min, third failed start in a row"),
        ({"next_start_in_s": 30.0}, status(), "next try in 30 s"),
        ({"enabled": False, "wanted": "down"}, status(), "it is disabled: wagman enable allows it again"),
        ({"wanted": "down"}, status(), "nobody wants it up: wagman start starts it"),
        ({"held": True}, status(), "it is held off after brownouts: wagman start gives it a fresh try"),
        ({}, status("hibernating"), "hibernating: wagman start --force starts it all the same"),
        (
            {"next_start_in_s": 5.0},
            status("will_hibernate", sensors={"temperature_c": {"value": 71.5, "state": "high"}}),
            "hibernating (temperature 71.5 C, high): wagman start --force starts it all the same",
        ),
        (
            {},
            status(sensors={"temperature_c": {"value": -31.0, "state": "low"}}),
            "too cold for a start by itself (temperature -31 C, low): wagman start starts it all the same",
        ),
        ({"next_start_in_s": 5.0}, status(blind=True), "the board does not answer"),
        ({"next_start_in_s": 5.0}, status(blind=True, link="down"), "the link to the board is down"),
        (
            {},
            status(alarms=[alarm("first_verdict", 240.0)], sensors={"temperature_c": {"value": None, "state": "unknown"}}),
            "the enclosure has yet to be judged, which takes 4 min at most",
        ),
        (
            {},
            status(alarms=[alarm("first_verdict", 240.0)], sensors={"temperature_c": {"value": 20.0, "state": "normal"}}),
            "it waits for its turn",
        ),
        (
            {"alarms": [alarm("adopt", 80.0)]},
            status(),
            "its power is left alone until it is known whether it runs, which takes 1 min 20 s at most",
        ),
        ({}, status(), "it waits for its turn"),
        ({}, status("start_next_device", turn="cs"), "it waits for its turn, after cs"),
        ({"state": "starting"}, status(), None),
        ({"state": "started"}, status("hibernating"), None),
    ],
)
def test_what_keeps_it_from_starting_is_told(changes: dict[str, Any], around: dict[str, Any], words: str | None) -> None:
    assert obstacle(row(**changes), around) == words


@pytest.mark.parametrize(
    ("state", "alarms", "told"),
    [
        ("starting", [alarm("timeout", 90.0)], ["given up, and its power cut, unless it is heard, in 1 min 30 s"]),
        (
            "stopping",
            [alarm("heartbeat", 50.0), alarm("timeout", 560.0), alarm("resend", 3.0)],
            ["its power is cut if it stays silent, in 50 s", "its power is cut even if it does not halt, in 9 min 20 s"],
        ),
        ("started", [alarm("heartbeat", 250.0), alarm("stable", 100.0)], []),
        ("started", [alarm("heartbeat", 0.0, held=True)], [f"taken for hung, and asked to halt, unless it is heard; {UNPROVED}"]),
        ("stopped", [alarm("backoff", 10.0)], []),
    ],
)
def test_what_comes_next_is_told_and_what_is_put_off(state: str, alarms: list[dict[str, Any]], told: list[str]) -> None:
    assert list(coming(row(state=state, alarms=alarms))) == told


def test_power_that_is_not_confirmed_and_a_story_that_is_not_known_are_told_of() -> None:
    told = lines(row(power={"wanted": "off", "confirmed": False}), None, [], [])
    assert told == ["gn is stopped", "its power is not confirmed yet", "the service says: its start failed"]


def test_what_is_long_is_wrapped_at_80_columns() -> None:
    held = f"taken for hung, and asked to halt, unless it is heard; {UNPROVED}"
    told = lines(row(state="started"), None, [held], [])
    assert len(told) > 2
    assert max(map(len, told)) <= WIDTH

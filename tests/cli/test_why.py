"""Why a device is as it is, in plain words."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pytest

from wagman.cli.prospects import NOT_SEEN, UNASKED, UNHEARD, coming, obstacle, troubles, unseen
from wagman.cli.story import GONE, LONGEST, MORE, NOT_THERE, UNPLACED, UNWRITTEN, Story, story
from wagman.cli.text import WIDTH
from wagman.cli.why import lines
from wagman.client.errors import AnswerError


def row(**more: Any) -> Any:
    fixed: dict[str, Any] = {
        "name": "gn",
        "state": "stopped",
        "since": None,
        "for_s": None,
        "since_id": None,
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
) -> Any:
    return {
        "wagman": {"state": wagman, "device": turn, "alarms": alarms},
        "board": {"link": link, "blind": blind, "sensors": sensors, "last_answer_age_s": 180.0},
    }


UNREAD = {"id": "memory", "severity": "critical", "device": None, "text": "it cannot be read", "do": "chown"}


def alarm(name: str, in_s: float, waits_for: str | None = None) -> dict[str, Any]:
    return {"name": name, "in_s": in_s, "held": waits_for is not None, "waits_for": waits_for}


@pytest.mark.parametrize(
    ("changes", "around", "words"),
    [
        (
            {"next_start_in_s": 2460.0, "failures": 3},
            status(),
            "next try in 41 min, as it has failed 3 times in a row to come up and stay up",
        ),
        ({"next_start_in_s": 30.0}, status(), "next try in 30 s"),
        ({"enabled": False, "wanted": "down"}, status(), "it is disabled: wagman enable allows it again"),
        ({"wanted": "down"}, status(), "nobody wants it up: wagman start starts it"),
        ({"held": True}, status(), "it is locked out after brownouts: wagman start gives it a fresh try"),
        ({}, status("hibernating"), "hibernating: wagman start --force starts it all the same"),
        (
            {},
            status(
                "hibernating",
                alarms=[alarm("minimum", 720.0)],
                sensors={"temperature_c": {"value": 23.5, "state": "normal"}},
            ),
            (
                "hibernating, for another 12 min at least (hibernate_min), though it is cool again: "
                "wagman start --force starts it all the same"
            ),
        ),
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
        (
            {"alarms": [alarm("adopt", 0.0, "silence")]},
            status(),
            "its power is left alone, for neither the board nor a heartbeat shows whether it runs: wagman probe asks both once",
        ),
        ({}, status(), "it waits for its turn"),
        (
            {},
            status() | {"problems": [UNREAD]},
            "nobody can read whether somebody has stopped it: wagman start starts it all the same",
        ),
        ({}, status() | {"problems": [{**UNREAD, "severity": "warning"}]}, "it waits for its turn"),
        ({}, status("start_next_device", turn="cs"), "it waits for its turn, after cs"),
        ({"waits_for": ["x1"]}, status(), "it waits for x1 to be started"),
        (
            {"waits_for": ["x1", "cs"]},
            status(alarms=[alarm("after:x1", 90.0), alarm("after:cs", 170.0)]),
            "it waits for x1 and cs to be started, at most 2 min 50 s more",
        ),
        ({"waits_for": ["x1", "cs"]}, status(alarms=[alarm("after:x1", 90.0)]), "it waits for x1 and cs to be started"),
        ({"state": "starting"}, status(), None),
        ({"state": "started"}, status("hibernating"), None),
    ],
)
def test_what_keeps_it_from_starting_is_told(changes: dict[str, Any], around: Any, words: str | None) -> None:
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
        (
            "started",
            [alarm("heartbeat", 0.0, "silence")],
            [f"taken for hung, and asked to halt, unless it is heard; {UNHEARD}"],
        ),
        ("stopping", [alarm("timeout", 0.0, "answer")], [f"its power is cut even if it does not halt; {UNASKED}"]),
        ("stopped", [alarm("backoff", 10.0)], []),
    ],
)
def test_what_comes_next_is_told_and_what_is_put_off(state: str, alarms: list[dict[str, Any]], told: list[str]) -> None:
    assert list(coming(row(state=state, alarms=alarms), status())) == told


def test_a_stop_that_waits_for_others_is_told_with_whom_and_how_long() -> None:
    going = row(state="started", wanted="down", waits_for=["gn"])
    assert list(coming(going, status(alarms=[alarm("before:gn", 600.0)]))) == [
        "asked to halt once gn is stopped, at most 10 min more"
    ]
    both = row(state="started", wanted="down", waits_for=["gn", "cs"])
    assert list(coming(both, status())) == ["asked to halt once gn and cs are stopped"]


def test_a_silence_that_nobody_can_prove_while_the_board_is_not_seen_is_told_as_that() -> None:
    told = coming(row(state="started", alarms=[alarm("heartbeat", 0.0, "silence")]), status(blind=True))
    assert list(told) == [f"taken for hung, and asked to halt, unless it is heard; {NOT_SEEN}"]


def test_for_how_long_nobody_has_seen_the_board_is_told_though_nothing_is_due() -> None:
    around = status(link="down", blind=True)
    assert unseen(row(), status()) is None
    assert lines(row(state="started", for_s=300.0), around, Story([]))[:2] == [
        "gn is started for 5 min",
        "nobody has seen the board for 3 min: all that is shown of it is from before",
    ]


def test_a_guest_that_somebody_works_on_is_in_maintenance() -> None:
    assert lines(row(state="maintenance", for_s=300.0), status(), Story([]))[0] == "gn is in maintenance for 5 min"


def test_what_calls_for_a_person_is_told_if_it_concerns_the_guest() -> None:
    texts = {"relay_stuck:gn": "gn", "relay_stuck:cs": "cs", "link:board": None, "clock": None}
    around: Any = {
        "problems": [{"id": id_, "device": device, "text": f"trouble {id_}", "do": "mend it"} for id_, device in texts.items()]
    }
    assert list(troubles(row(), around)) == ["trouble relay_stuck:gn: mend it", "trouble link:board: mend it"]


def test_a_memory_that_cannot_be_read_is_told_of_where_it_keeps_the_guest_down() -> None:
    around = status() | {"problems": [UNREAD]}
    assert "it cannot be read: chown" in lines(row(state="stopped"), around, Story([]))
    assert "it cannot be read: chown" not in lines(row(state="started"), around, Story([]))


def test_power_that_is_not_confirmed_and_a_story_that_is_not_known_are_told_of() -> None:
    told = lines(row(state="starting", power={"wanted": "off", "confirmed": False}), status(), Story([], NOT_THERE))
    assert told == [
        "gn is starting",
        "its power is not confirmed yet",
        "the service says: its start failed",
        f"  ({NOT_THERE})",
    ]


def test_a_duration_that_nobody_has_measured_is_not_made_up() -> None:
    first, *_ = lines(row(state="started", since="2026-01-31T12:00:00.000Z"), status(), Story([]))
    assert first.startswith("gn is started since 2026-01-31 ")
    assert first.endswith(", by the clock of then")


def test_what_is_long_is_wrapped_at_80_columns() -> None:
    told = lines(row(state="started", alarms=[alarm("heartbeat", 0.0, "silence")]), status(), Story([]))
    assert len(told) > 2
    assert max(map(len, told)) <= WIDTH


# --- The chain of causes ----------------------------------------------------------------------------------------------


def event(number: int | None, type_: str, cause: int | None = None, **more: Any) -> Any:
    fixed: dict[str, Any] = {
        "id": number,
        "time": "2026-01-31T12:00:00.000Z",
        "boot_id": "run",
        "mono_s": 0.0,
        "device": "gn",
        "fields": {},
    }
    return {**fixed, "type": type_, "cause": cause, **more}


def answering(*events: dict[str, Any], chain: Sequence[dict[str, Any]] = ()) -> Any:
    """A service whose log has these events; `chain` is what it answers to that."""

    def call(method: str, **params: Any) -> dict[str, Any]:
        if method == "chain":
            return {"events": list(chain)[: params["limit"]]}
        found = [each for each in events if each["type"] == params["type"] and (each["id"] or 0) > params.get("since", -1)]
        return {"events": found[-params["limit"] :]}

    return call


SERVICE = {"boot_id": "run", "uptime_s": 1000.0}


def test_the_chain_begins_at_the_place_that_the_service_names_whatever_the_clocks_say() -> None:
    chain = [event(9, "device.started", 8), event(8, "device.starting")]
    later = event(12, "device.started", time="2020-01-01T00:00:00.000Z")
    assert story(answering(later, chain=chain), row(wanted="up", since_id=9), SERVICE) == Story(chain)


@pytest.mark.parametrize(
    ("chain", "told", "why"),
    [
        ([], 0, NOT_THERE),
        ([event(9, "device.started", 4)], 1, GONE),
        ([event(number, "device.starting", number - 1) for number in range(200, 100, -1)], LONGEST, MORE),
    ],
)
def test_a_chain_that_is_cut_short_says_so(chain: list[dict[str, Any]], told: int, why: str) -> None:
    found = story(answering(chain=chain), row(since_id=9), SERVICE)
    assert (len(found.events), found.cut_short) == (told, why)
    assert lines(row(state="started"), status(), found)[-1] == f"  ({why})"


def test_an_event_that_the_disk_does_not_take_is_known_by_the_clock_of_the_service() -> None:
    waiting = [event(None, "device.started", mono_s=at_s) for at_s in (300.0, 700.0, 900.5)]
    older = event(None, "device.started", boot_id="another", mono_s=700.0)
    found = story(answering(older, *waiting), row(state="started", for_s=300.5), SERVICE)
    assert found == Story([waiting[1]], UNWRITTEN)


def test_who_wanted_it_down_is_told_also_while_the_disk_does_not_take_that() -> None:
    stopped, asked = event(None, "device.stopped", mono_s=990.0), event(None, "command.stop", mono_s=990.0)
    earlier = event(None, "command.kill", mono_s=500.0)
    found = story(answering(earlier, asked, stopped), row(wanted="down", for_s=10.0), SERVICE)
    assert found == Story([stopped, asked], UNWRITTEN)


def test_a_state_that_an_older_version_kept_is_not_said_to_be_missing_in_the_log() -> None:
    found = story(answering(event(3, "device.started")), row(state="started", wanted="up"), SERVICE)
    assert found == Story([], UNPLACED)


def test_a_log_that_cannot_be_read_says_why_nothing_is_told() -> None:
    def call(method: str, **params: Any) -> Any:
        raise AnswerError({"code": -32005, "message": "the disk has not answered for 10 s"})

    assert story(call, row(since_id=9, wanted="down"), SERVICE) == Story([], "the disk has not answered for 10 s")


def test_who_wanted_it_down_is_told_also_where_that_was_said_of_a_table_of_another_name() -> None:
    log = [event(3, "device.recalled", fields={"verb": "disable"}), event(4, "device.renamed", fields={"was": "x1"})]
    stopped = row(since_id=9, wanted="down")
    found = story(answering(*log, chain=[event(9, "device.stopped")]), stopped, SERVICE)
    assert [each["id"] for each in found.events] == [9, 4, 3]
    later = story(answering(*log, event(8, "command.stop"), chain=[event(9, "device.stopped")]), stopped, SERVICE)
    assert [each["id"] for each in later.events] == [9, 8]


def test_the_messages_of_a_stop_belong_to_its_story_and_repeats_are_told_once() -> None:
    failed = {"message": "shutdown", "ok": False, "detail": "exit status 255", "output": ""}
    chain = [event(6, "device.stopped", 2, fields={"reason": "asked"}), event(2, "device.stopping", fields={"reason": "asked"})]
    messages = [
        event(3, "device.message", 2, fields=failed),
        event(4, "device.message", 1, fields=failed),
        event(5, "device.message", 3, fields={**failed, "count": 4, "over_s": 40.0}),
        event(7, "device.message", 3, fields={**failed, "count": 2, "over_s": 9.0}),
    ]
    found = story(answering(*messages, chain=chain), row(since_id=6), SERVICE)
    assert [each["id"] for each in found.events] == [7, 6, 5, 3, 2]
    told = " ".join(" ".join(lines(row(since_id=6), status(), found)).split())
    assert told.count("exit status 255") == 1
    assert "exit status 255 (7 times)" in told
    assert told.index("stopped") < told.index("exit status 255")

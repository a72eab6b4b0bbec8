"""The catalogue of events: the types in it are those of the program, with the fields that they carry, and all are told well."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wagman
from docs.make.events import FAMILIES, page
from tests.simulation.node import run
from wagman.model.catalogue import COLLAPSING, EVENT_TYPES, FIELDS, sentence_of, severity_of
from wagman.model.facts import VERBS
from wagman.simulation.records import EventShown, Record

PACKAGE = Path(wagman.__file__).parent
ELSEWHERE = ("demo", "simulation", "cli", "client")
SOURCES = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in ELSEWHERE]
OPERATIONS = PACKAGE.parent / "docs/operations.md"
CALLING = ("What calls for you", "Events that are no problems by themselves")
RECORDING = {**dict.fromkeys(("Draft", "note", "_note", "_record", "_draft", "_of_port"), ""), "event": "device."}
"""Calls whose first argument names a type of event, and what they put before it."""

PUT_TOGETHER = {
    *(f"command.{verb}" for verb in VERBS),
    *(f"environment.{verdict}" for verdict in ("normal", "abnormal", "unknown")),
    *(f"device.{state}" for state in ("stopping", "restarting")),
    "service.lines_lost",
}
"""Types whose names are not written out where they are recorded."""

STORY = """
20 min; disk full; gn: restart; cable out; 5 min; cable in; disk ok; board powercycle; guest cs hang; 20 min
board temp 80; 20 min; board temp 20; service crash wagman; gn: disable; gn: start; service stop; service start; 20 min
"""
STORIES_OF_BOARDS = {
    "two": (
        "10 min; cable old out; 5 min; cable old in; 5 min; board new powercycle; 10 min; board new fault silent on; 5 min",
        "10 min; config set device.cs2.port 4; config drop x12; service stop; service start; 5 min",
        "10 min; config rename gn2 modem; service stop; service start; 5 min",
    ),
    "plugs": ("20 min; board rail fault stranger on; 5 min",),
}
"""Boards with names, in trouble, and with other tables, by their site."""

QUIET_STORY = (
    "guest gn halt=5; guest cs halt=5; 20 min; gn: stop; 5 min; gn: start;"
    " 20 min; gn: disable; 5 min; gn: enable; gn: start; 20 min; cs: restart; 3 h"
)
"""Guests that halt before they are asked again."""


def named() -> Iterator[str]:
    """The types that are recorded somewhere in the program, as they are written there."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in RECORDING:
                    yield from (RECORDING[called] + word for word in constants(node.args[0]))


def constants(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(str(word)):
            yield word
        case ast.IfExp():
            yield from constants(node.body)
            yield from constants(node.orelse)


# --- The types --------------------------------------------------------------------------------------------------------


def test_every_event_of_the_program_is_in_the_catalogue_and_no_other() -> None:
    assert set(named()) | PUT_TOGETHER == EVENT_TYPES.keys()


def test_every_field_is_explained_and_no_other() -> None:
    assert {field for kind in EVENT_TYPES.values() for field in kind.fields} == FIELDS.keys()
    assert list(FIELDS) == sorted(FIELDS)


def test_every_type_is_on_the_page_under_its_family() -> None:
    text = page()
    assert all(f"| `{name}` |" in text for name in EVENT_TYPES)
    assert list(dict.fromkeys(name.partition(".")[0] for name in EVENT_TYPES)) == list(FAMILIES)


@pytest.mark.parametrize(
    ("site", "story"), [(None, STORY), *((site, story) for site, stories in STORIES_OF_BOARDS.items() for story in stories)]
)
def test_events_carry_the_fields_that_are_written_down_and_no_others(site: str | None, story: str) -> None:
    unexplained: set[str] = set()

    def watch(record: Record) -> None:
        if isinstance(record, EventShown):
            known = EVENT_TYPES[record.event.type].fields
            unexplained.update(f"{record.event.type}: {field}" for field in record.event.fields if field not in known)

    run(story, watch, named=site)
    assert not unexplained


def test_events_about_a_board_that_has_a_name_name_it() -> None:
    told: dict[str, str] = {}

    def watch(record: Record) -> None:
        if isinstance(record, EventShown) and record.event.type.partition(".")[0] in ("board", "link"):
            told[record.event.type] = sentence_of(record.event.as_json())

    for site, stories in STORIES_OF_BOARDS.items():
        for story in stories:
            run(story, watch, named=site)
    assert {"link.up", "link.down", "board.silent", "board.reset", "board.stranger"} <= told.keys()
    assert not {words for words in told.values() if not re.search(r"the board (old|new|rail|shed)\b", words)}


def test_what_collapses_has_the_fields_that_tell_of_repeats_and_nothing_else_has() -> None:
    assert {name for name, kind in EVENT_TYPES.items() if "over_s" in kind.fields} == COLLAPSING


# --- How grave they are -----------------------------------------------------------------------------------------------


def calling() -> set[str]:
    """The types of which the page for the night says that they call for a person: below its headings, and in its tables."""
    page = OPERATIONS.read_text(encoding="utf-8")
    listed = "".join(page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0] for heading in CALLING)
    named = "".join(re.findall(r"^[`|].*", listed, re.MULTILINE))
    return {name for name in re.findall(r"`([a-z_]+\.[a-z_]+)`", named) if name in EVENT_TYPES}


def test_what_operations_say_calls_for_a_person_is_never_mere_information() -> None:
    assert len(calling()) > 10
    assert not {name for name in calling() if EVENT_TYPES[name].severity == "info" and EVENT_TYPES[name].graver is None}


def test_what_is_not_mere_information_says_what_to_do_and_nothing_else_does() -> None:
    can_be_grave = {name for name, kind in EVENT_TYPES.items() if kind.severity != "info" or kind.graver is not None}
    assert {name for name, kind in EVENT_TYPES.items() if kind.do} == can_be_grave


@pytest.mark.parametrize(
    ("type_", "fields", "severity"),
    [
        ("link.down", {}, "warning"),
        ("device.message", {"ok": False}, "warning"),
        ("device.message", {"ok": True}, "info"),
        ("device.message", {"ok": False, "told_before": False}, "warning"),
        ("device.message", {"ok": False, "told_before": True}, "info"),
        ("device.message", {}, "info"),
        ("wagman.hibernating", {}, "critical"),
        ("board.unsupported", {}, "critical"),
        ("board.unmanaged", {}, "warning"),
        ("device.unexpected_power", {}, "warning"),
        ("device.unexpected_heartbeat", {}, "warning"),
        ("store.dropped", {}, "warning"),
        ("environment.released", {}, "warning"),
        ("service.config_not_kept", {}, "warning"),
        ("command.denied", {}, "warning"),
        ("device.stop_failed", {}, "warning"),
        ("controller.unfed", {}, "warning"),
        ("controller.going_down", {"shut_down": True}, "warning"),
        ("controller.going_down", {"shut_down": False}, "critical"),
        ("service.started", {"warnings": []}, "info"),
        ("service.started", {"warnings": ["no group"]}, "warning"),
        ("service.reloaded", {"changed": ["a"], "needs_restart": []}, "info"),
        ("service.reloaded", {"changed": [], "needs_restart": ["a"]}, "warning"),
        ("store.opened", {"new": False}, "info"),
        ("store.opened", {"new": True}, "warning"),
        ("problem.began", {"severity": "warning"}, "warning"),
        ("problem.began", {"severity": "critical"}, "critical"),
        ("device.started", {}, "info"),
        ("device.teleported", {}, "info"),
    ],
)
def test_how_grave_an_event_is_may_depend_on_its_fields(type_: str, fields: dict[str, Any], severity: str) -> None:
    assert severity_of(type_, fields) == severity


def grave(story: str) -> list[str]:
    """The types of the events of a story that are more than information, after its beginning."""
    found: list[str] = []

    def watch(record: Record) -> None:
        if isinstance(record, EventShown) and severity_of(record.event.type, record.event.fields) != "info":
            found.append(record.event.type)

    run(story, watch)
    return [type_ for type_ in found if type_ != "store.opened"]


def test_a_normal_day_has_no_warning() -> None:
    first_day = "problem.began"  # there is no saved state: whom it will start is said
    assert grave(QUIET_STORY) == [first_day]


def test_a_cable_that_is_out_has_one() -> None:
    assert "link.down" in grave("20 min; cable out; 20 min; cable in; 20 min")


# --- Their sentences --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_type_has_a_sentence_whatever_is_known(kind: str) -> None:
    for fields in ({}, dict.fromkeys(EVENT_TYPES[kind].fields)):
        words = sentence_of({"type": kind, "device": None, "fields": fields})
        assert words
        assert not re.search(r"[{}]|None|  |[:,]$", words)


MOVED = ": decisions about it still count, what was known of its power does not"


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (
            "device.starting",
            {"reason": "its turn", "attempt": 4, "media": "sd", "recover": True},
            "gn began to start: its turn, fourth attempt, from sd, to recover it",
        ),
        ("device.started", {"attempt": 0, "media": None}, "gn started"),
        ("device.started", {"reason": "asked by the operator"}, "gn had started already: asked by the operator"),
        (
            "device.start_failed",
            {"attempt": 1, "media": None, "waited_s": 120.0},
            "a start of gn failed: no heartbeat within 2 min, first attempt",
        ),
        ("device.stopped", {"reason": "its start failed", "due_in_s": 60}, "gn stopped: its start failed, next try in 1 min"),
        ("device.stopped", {"reason": "nothing is known of it yet"}, "gn is to be off, and it is not known yet whether it runs"),
        ("device.stop_failed", {"after_s": 600.0}, "gn did not halt within 10 min, so its power was cut"),
        ("device.heartbeat_lost", {"silent_s": 300.0, "stable": True}, "the heartbeat of gn stopped: silent for 5 min"),
        (
            "device.message",
            {"message": "shutdown", "ok": True, "detail": "exit status 0"},
            "gn was told to halt by its shutdown command: exit status 0",
        ),
        (
            "device.message",
            {"message": "shutdown", "ok": False, "detail": "exit status 255", "output": "hm\nno such host\n", "count": 3},
            "the shutdown command of gn ended with exit status 255 (no such host) (3 times more)",
        ),
        (
            "device.message",
            {"message": "restart", "ok": False, "detail": "cannot be run: No such file", "output": ""},
            "the restart command of gn cannot be run: No such file",
        ),
        (
            "device.message",
            {"message": "shutdown", "ok": False, "detail": "exit status 255", "output": "", "told_before": True},
            "the shutdown command of gn ended with exit status 255; it had been told before",
        ),
        (
            "device.stopped",
            {"reason": "asked by the operator", "silent_s": 60},
            "gn stopped: asked by the operator, after it fell silent",
        ),
        (
            "device.heartbeat_lost",
            {"silent_s": 300.0, "stable": False},
            "the heartbeat of gn stopped: silent for 5 min, before it was stable, which counts as a failure",
        ),
        ("command.start", {"uid": 1000, "who": "pid 5", "force": True}, "user 1000 asked to start gn, by force"),
        (
            "command.stop",
            {"uid": 7, "who": "pid 5", "for": "alice", "order": "b7", "force": False},
            "alice asked to stop gn, through user 7",
        ),
        ("device.recalled", {"verb": "stop", "who": "pid 5", "uid": 7}, "gn follows an earlier decision: stop by user 7"),
        (
            "device.recalled",
            {"verb": "stop", "who": "pid 5", "uid": 7, "for": "alice"},
            "gn follows an earlier decision: stop by alice, through user 7",
        ),
        ("command.stop", {"uid": None, "who": "an operator"}, "an operator asked to stop gn"),
        ("environment.abnormal", {"sensor": "temperature_c", "state": "high", "value": 71.0}, "temperature 71 C, which is high"),
        ("environment.unknown", {"sensor": "humidity_pct", "state": "unknown", "value": None}, "humidity unknown"),
        ("board.unmanaged", {"failures": 80, "limit": 100}, "the board has counted 80 failures of gn, and gives it up at 100"),
        ("service.started", {"warnings": ["no group"]}, "the service started, with warnings: no group"),
        ("service.task_failed", {"task": "wagman", "error": "KeyError: 1"}, "a defect in wagman was contained: KeyError: 1"),
        (
            "service.reloaded",
            {"changed": ["a.b"], "needs_restart": []},
            "another configuration was taken over: changed: a.b; left for a restart: nothing",
        ),
        (
            "service.reloaded",
            {"changed": [], "needs_restart": []},
            "the configuration was read anew: no value in it has changed",
        ),
        (
            "controller.unfed",
            {"power_cycle_at": None},
            "the service was stopped, so the board power-cycles the node controller within an hour",
        ),
        ("controller.unfed", {"in_s": 3000}, "the service was stopped, so the board power-cycles the node controller in 50 min"),
        ("controller.going_down", {"shut_down": True}, "the board was about to cut the controller: it shuts down"),
        ("store.opened", {"log_id": "x", "new": True}, "a new log was begun"),
        ("store.dropped", {"count": 7}, "events were lost before they could be written, 7 of them"),
        ("command.denied", {"uid": 7, "method": "stop"}, "user 7 asked for stop, and may not"),
        ("link.down", {"reason": "unplugged"}, "the link to the board went down: unplugged"),
        (
            "link.down",
            {"reason": "unplugged", "count": 5, "over_s": 90},
            "the link to the board went down: unplugged (5 times more within 1 min 30 s)",
        ),
        ("link.down", {"reason": "unplugged", "count": 1}, "the link to the board went down: unplugged (1 time more)"),
        ("command.board", {"uid": 7, "command": "reset"}, "user 7 forced a command upon the board: reset"),
        ("command.board", {"name": "two", "uid": 7, "command": "reset"}, "user 7 forced a command upon the board two: reset"),
        ("link.down", {"name": "rail", "reason": "unplugged"}, "the link to the board rail went down: unplugged"),
        ("board.stranger", {"name": "rail"}, "another board answers in the place of the board rail"),
        (
            "device.moved",
            {"was_board": "rail", "was_port": 1, "board": "shed", "port": 1},
            f"gn has moved from port 1 of the board rail to port 1 of the board shed{MOVED}",
        ),
        (
            "device.moved",
            {"was_port": 1, "board": "rail", "port": 1},
            f"gn has moved from port 1 to port 1 of the board rail{MOVED}",
        ),
        ("port.off", {"board": "rail", "port": 1}, "port 1 of the board rail, which has no table, was seen off"),
        ("device.teleported", {"to_where": "moon", "why": None}, "gn: device.teleported: to_where moon"),
        ("device.stopping", {"reason": "stop"}, "gn was asked to halt: stop"),
        ("device.stopping", {"reason": "x", "asked": False}, "gn is to be cut without being asked, as the file has it: x"),
        (
            "device.restarting",
            {"reason": "x", "asked": False},
            "gn is to be cut without being asked, as the file has it, for a new start: x",
        ),
    ],
)
def test_events_are_told_in_plain_words_with_their_subject(kind: str, fields: dict[str, Any], words: str) -> None:
    assert sentence_of({"type": kind, "device": "gn", "fields": fields}) == words


def test_a_port_without_a_device_is_named_as_the_board_names_it() -> None:
    told = {"type": "board.log", "device": None, "fields": {"text": "stopping", "port": 4, "board_name": "x2"}}
    assert sentence_of(told) == "the board said of its port 4 (x2): stopping"


def test_who_asked_can_be_named() -> None:
    told = {"type": "command.stop", "device": "gn", "fields": {"uid": 0}}
    assert sentence_of(told, {0: "root"}.__getitem__) == "root asked to stop gn"


ODD: tuple[Any, ...] = (
    10**400,
    -(10**5000),
    float("nan"),
    float("inf"),
    1e300,
    -1,
    True,
    "",
    "{it} {} {0}",
    [],
    {},
    [None, [[[[1]]]]],
    {"a": {"b": None}},
)
"""What no field should hold, and a bad disk or another version may give."""


@pytest.mark.parametrize("type_", EVENT_TYPES)
def test_no_type_stumbles_over_an_odd_field(type_: str) -> None:
    for odd in ODD:
        for field in EVENT_TYPES[type_].fields:
            # "ok" and the like lead to the words in which the others are shown
            for flag in (True, False, None):
                fields = {"ok": flag, "new": flag, "shut_down": flag, field: odd}
                assert sentence_of({"type": type_, "device": odd, "fields": fields})
                assert severity_of(type_, fields)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS_OF_ANY_KIND = st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(), VALUES, max_size=6)
ANY_EVENT = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(sorted(EVENT_TYPES)) | VALUES,
        "device": st.just("gn") | VALUES,
        "fields": FIELDS_OF_ANY_KIND | VALUES,
    },
)


@given(ANY_EVENT)
def test_whatever_an_event_holds_it_is_told(event: dict[str, Any]) -> None:
    assert isinstance(sentence_of(event), str)


@given(st.sampled_from(sorted(EVENT_TYPES)), FIELDS_OF_ANY_KIND)
def test_whatever_an_event_holds_it_is_judged_and_its_sentence_is_not_empty(type_: str, fields: dict[str, Any]) -> None:
    assert severity_of(type_, fields) in ("info", "warning", "critical")
    assert sentence_of({"type": type_, "device": "gn", "fields": fields})


@given(st.sampled_from(sorted(EVENT_TYPES)), FIELDS_OF_ANY_KIND)
def test_a_sentence_is_the_same_before_and_after_the_way_over_the_socket(type_: str, fields: dict[str, Any]) -> None:
    event = {"type": type_, "device": "gn", "fields": fields}
    try:
        sent = json.loads(json.dumps(event, allow_nan=False))
    except ValueError:
        return
    assert sentence_of(sent) == sentence_of(event)

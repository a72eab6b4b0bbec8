"""What calls for a person, found in how everything is."""

import errno
import os
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from wagman.config.load import loads
from wagman.model.errors import FILE_TAKEN, PLACE_GONE
from wagman.service.problems import Facts, Problem, Refusal, Unseen, problems
from wagman.service.problems.guests import FAILED_STARTS
from wagman.service.problems.service import UNFED_S

CONFIG = loads(
    """
    [device.nc]
    port = 0
    self = true
    [device.gn]
    port = 1
    shutdown = ["halt-gn"]
    [device.x1]
    port = 3
    shutdown = []
    """,
    "node.toml",
)
WELL: Mapping[str, Any] = {
    "board": "board",
    "sources": [],
    "self": False,
    "state": "started",
    "wanted": "up",
    "enabled": True,
    "power": {"wanted": "on", "confirmed": True},
    "media": None,
    "failures": 0,
    "unrecoverable": False,
    "held": False,
    "relay_stuck": False,
    "relay_dead": False,
    "heard_off": False,
    "command_trouble": None,
    "alarms": [],
}
SENSORS = {"temperature_c": {"value": 23.5, "age_s": 2.0, "state": "normal"}}


IN_DOUBT = {"wanted": "off", "confirmed": False}


def row(name: str, **changes: Any) -> Mapping[str, Any]:
    return {**WELL, "name": name, **changes}


def facts(*rows: Mapping[str, Any], wagman: str = "normal", **board: Any) -> Facts:
    """A node that is well, or with changes."""
    rows = rows or (row("nc", self=True, media="emmc"), row("gn", media="emmc"), row("x1"))
    seen = {"link": "up", "for_s": 90.0, "blind": False, "device": "/dev/ttyX", "sensors": SENSORS, "last_answer_age_s": 2.0}
    boards = [{"name": "board", "kind": "wagman", **seen, **board}]
    around = {"ports": [], "networks": [], "sensors": {}, "wagman": {"state": wagman, "hibernation": None}}
    return Facts(CONFIG, {"devices": list(rows), **around, "board": boards[0], "boards": boards})


def unseen(given: Facts, **reasons: str) -> Facts:
    """The node, with why its board cannot be seen."""
    return evolve(given, unseen={"board": Unseen(**reasons)})


def ids(*given: Facts) -> list[str]:
    return [each for facts in given for each in problems(facts)]


def only(given: Facts) -> Problem:
    (problem,) = problems(given).values()
    return problem


def test_a_node_that_is_well_has_no_problem() -> None:
    assert problems(facts()) == {}


# --- The board ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "let the service's user open it"),
        (errno.EISDIR, "name a serial port"),
        (errno.ENOTTY, "name a serial port"),
        (errno.EBUSY, "fuser -v /dev/ttyX"),
        (errno.EAGAIN, "fuser -v /dev/ttyX"),
    ],
)
def test_a_port_that_cannot_be_opened_has_its_true_reason_and_nobody_is_asked_for_the_cable(number: int, words: str) -> None:
    reason = f"{os.strerror(number)}: /dev/ttyX"
    problem = only(unseen(facts(link="down", blind=True), link_reason=reason))
    assert reason in problem.text
    assert words in problem.do
    assert "cable" not in problem.do


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EIO, errno.ENXIO])
def test_a_port_that_is_not_there_is_a_matter_of_the_cable(number: int) -> None:
    assert "cable" in only(unseen(facts(link="down", blind=True), link_reason=os.strerror(number))).do


def test_a_board_that_does_not_answer_is_the_same_problem_as_one_that_cannot_be_reached() -> None:
    silent = unseen(facts(blind=True), silent_reason="the board did not answer within 4 s")
    away = unseen(facts(link="down", blind=True), link_reason="the port hung up")
    assert ids(silent, away) == ["link:board", "link:board"]
    assert "within 4 s" in only(silent).text
    assert "hung up" in only(away).text


@pytest.mark.parametrize(
    ("table", "takes_one"),
    [('kind = "shelly"\nhost = "10.0.0.9"', True), ('kind = "exec"\non = ["a"]\noff = ["a"]\nstatus = ["a"]', False)],
)
def test_a_password_is_asked_for_where_the_table_of_the_board_takes_one(table: str, takes_one: bool) -> None:
    config = loads(f"[board]\n{table}\n[device.gn]\nport = 0\nheartbeat = false\nshutdown = []\n", "test")
    given = unseen(
        evolve(facts(row("gn"), blind=True), config=config), silent_reason="status of 0: exit status 1: wrong password"
    )
    problem = problems(given)["link:board"]
    assert ("password_file" in problem.do) == takes_one
    assert problem.text.startswith("the board cannot be used") == takes_one


@pytest.mark.parametrize("what", ["MAC address", "id"])
def test_who_answers_and_does_not_say_who_it_is_is_no_board_that_is_silent(what: str) -> None:
    reason = f"what answers at 10.0.0.9 does not tell its {what}"
    problem = only(unseen(facts(blind=True), silent_reason=reason))
    assert problem.text == f"the board cannot be used: {reason}"
    assert problem.do.startswith("find out what answers there")


def test_a_port_that_another_program_reads_calls_for_the_end_of_that_program() -> None:
    reason = "another program reads this port, too, and took what the board said"
    away, unsteady = facts(link="down", blind=True), facts(link="up")
    for each in (
        unseen(away, link_reason=reason),
        unseen(unsteady, unsteady_reason=reason),
    ):
        problem = only(each)
        assert reason in problem.text
        assert "fuser -v /dev/ttyX" in problem.do
        assert "reset" not in problem.do


@pytest.mark.parametrize(
    ("reason", "do"),
    [
        ("cannot write: database or disk is full", "make room"),
        (
            "cannot open: Permission denied; it belongs to root: sudo chown wagman /s/wagman.db",
            "type the command that the reason names",
        ),
        (f"cannot open: {PLACE_GONE}, and cannot be made anew", "systemctl restart wagman"),
        (f"cannot go on: {FILE_TAKEN}; it is opened anew", "find out who deletes files under"),
    ],
)
def test_what_to_do_about_a_log_that_cannot_be_written_goes_by_the_reason(reason: str, do: str) -> None:
    assert do in only(evolve(facts(), log_reason=reason)).do


def test_a_board_that_has_yet_to_be_asked_is_no_problem() -> None:
    assert ids(facts(link="down", blind=True), facts(blind=True)) == []


def test_a_sensor_is_blamed_only_while_the_board_is_seen() -> None:
    unknown = evolve(facts(), unknown_sensors=("temperature_c",))
    assert only(unknown).id == "sensor:temperature_c"
    assert ids(evolve(facts(blind=True), unknown_sensors=("temperature_c",))) == []


@pytest.mark.parametrize(("age_s", "is_patient"), [(2.0, False), (89.0, False), (900.0, True), (None, True)])
def test_a_sensor_has_time_to_tell_after_the_link_came_up(age_s: float | None, *, is_patient: bool) -> None:
    sensors = {"temperature_c": {"value": None, "age_s": age_s, "state": "unknown"}}
    problem = only(evolve(facts(sensors=sensors), unknown_sensors=("temperature_c",)))
    assert (problem.patience_s > 0) is is_patient


# --- The guests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("media", "told"), [("sd", True), (None, False)])
def test_only_a_guest_that_has_two_media_is_said_to_have_been_tried_from_both(media: str | None, told: bool) -> None:
    problem = only(facts(row("gn", state="stopped", unrecoverable=True, failures=6, media=media)))
    assert ("either medium" in problem.text) is told


@pytest.mark.parametrize(
    ("changes", "id_", "severity"),
    [
        ({"relay_stuck": True}, "relay_stuck:gn", "critical"),
        ({"relay_dead": True, "state": "starting"}, "relay_dead:gn", "critical"),
        ({"heard_off": True, "state": "stopped"}, "heard_off:gn", "critical"),
        ({"heard_off": True, "state": "stopped", "power": IN_DOUBT}, "heard_off:gn", "critical"),
        ({"held": True, "state": "stopped"}, "held:gn", "critical"),
        ({"unrecoverable": True, "failures": 6}, "failing:gn", "critical"),
        ({"failures": FAILED_STARTS}, "failing:gn", "warning"),
        ({"media": "sd"}, "recovery:gn", "warning"),
        ({"command_trouble": "exit status 1"}, "shutdown:gn", "warning"),
        ({"command_trouble": "exit status 1", "state": "stopping"}, "shutdown:gn", "critical"),
        ({"state": "stopped", "power": IN_DOUBT}, "power:gn", "warning"),
        # Its board says nothing of it, as of a port that it does not have.
        ({"state": "stopped", "power": IN_DOUBT, "alarms": [{"name": "adopt", "held": True}]}, "power:gn", "warning"),
        ({"state": "starting", "power": IN_DOUBT}, "unshown:gn", "warning"),
        ({"state": "restarting", "power": IN_DOUBT}, "unshown:gn", "warning"),
        ({"state": "will_stop", "wanted": "down", "power": IN_DOUBT}, "unshown:gn", "warning"),
        ({"state": "starting", "power": IN_DOUBT, "relay_dead": True}, "relay_dead:gn", "critical"),
        ({"state": "starting", "power": IN_DOUBT, "held": True}, "held:gn", "critical"),
    ],
)
def test_a_guest_in_trouble_is_a_problem_of_its_own(changes: Mapping[str, Any], id_: str, severity: str) -> None:
    problem = only(facts(row("gn", **changes)))
    assert (problem.id, problem.severity, problem.device) == (id_, severity, "gn")


@pytest.mark.parametrize("changes", [{"enabled": False, "wanted": "down"}, {"wanted": "down"}])
def test_nobody_is_called_for_a_guest_that_is_not_to_run(changes: Mapping[str, Any]) -> None:
    down = {**changes, "state": "stopped", "held": True, "unrecoverable": True, "failures": 9}
    assert ids(facts(row("gn", **down))) == []
    assert ids(facts(row("gn", **down, relay_stuck=True))) == ["relay_stuck:gn"]


@pytest.mark.parametrize(
    "changes", [{"alarms": [{"name": "adopt", "held": False}]}, {"state": "stopping"}, {"power": WELL["power"]}]
)
def test_power_is_in_doubt_only_where_it_ought_to_be_off_and_has_been_looked_at(changes: Mapping[str, Any]) -> None:
    assert ids(facts(row("gn", **{"state": "stopped", "power": IN_DOUBT, **changes}))) == []


def test_one_failed_start_is_tried_again_and_called_for_by_nobody() -> None:
    assert ids(facts(row("gn", failures=1))) == []


def test_a_guest_without_a_selector_has_no_recovery_medium() -> None:
    assert ids(facts(row("x1", media=None), row("gn", media="emmc"))) == []


@pytest.mark.parametrize("state", ["will_hibernate", "hibernating"])
def test_a_hibernation_says_why(state: str) -> None:
    hot = {"temperature_c": {"value": 74.0, "age_s": 2.0, "state": "high"}}
    assert "temperature_c high" in only(facts(wagman=state, sensors=hot)).text
    assert only(facts(wagman=state)).text.endswith("before hibernate_min is over, though the enclosure is as it should be again")
    assert "when last seen" in only(facts(wagman=state, blind=True)).text
    assert "when last seen" in only(facts(wagman=state, sensors={})).text


# --- The service itself ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "id_", "words"),
    [
        ({"log_reason": "database or disk is full"}, "log", "disk is full"),
        ({"refusal": Refusal("the last good copy of it", ("node.toml:3: bad", "x"))}, "config", "node.toml:3: bad (and 1 more)"),
        ({"needs_restart": ("board.device", "device.x9")}, "restart_pending", "board.device, device.x9"),
        ({"stuck_tasks": ("device.gn",)}, "stuck:device.gn", "device.gn"),
        ({"clock_set": False}, "clock", "clock"),
        ({"unfed_s": UNFED_S}, "unfed", "one hour after"),
        (
            {"unread_reason": "it belongs to root"},
            "memory",
            "cannot be read, so guests that are off stay off: it belongs to root",
        ),
        ({"unkept_reason": "no space left"}, "decisions", "not kept beside the log: no space left"),
        ({"unknown_guests": ("gn", "x1")}, "memory", "gn, x1 will be started"),
    ],
)
def test_what_is_wrong_with_the_service_is_said_with_its_reason(changes: dict[str, Any], id_: str, words: str) -> None:
    problem = only(evolve(facts(), **changes))
    assert problem.id == id_
    assert words in problem.text


def test_a_memory_that_cannot_be_read_says_whom_the_service_will_start_without_it() -> None:
    unread = evolve(facts(), unread_reason="it belongs to root", unread_off=("gn", "x1"))
    assert "1h after its start the service starts gn, x1 without it" in only(unread).do
    for_ever = evolve(CONFIG, service=evolve(CONFIG.service, unreadable_release_s=0.0))
    assert "without that gn, x1 will not be started" in only(evolve(unread, config=for_ever)).do


def test_a_port_without_a_table_names_the_one_that_it_had() -> None:
    given = facts()
    problem = only(evolve(given, status={**given.status, "ports": [{"board": "board", "port": 2, "was": "cs"}]}))
    assert (problem.id, "(cs had)" in problem.text, "wagman board --force stop 2 0" in problem.do) == ("port:2", True, True)


SEVERAL = loads(
    """
    [board.one]
    [board.two]
    device = "/dev/ttyY"
    [board.rail]
    kind = "shelly"
    host = "rail"
    [device.gn]
    board = "two"
    port = 1
    shutdown = []
    [device.ai]
    board = "rail"
    port = 1
    heartbeat = false
    shutdown = []
    """,
    "node.toml",
)


@pytest.mark.parametrize(("board", "typed"), [("one", "wagman board --board one"), ("two", "wagman board --board two")])
def test_what_is_typed_for_a_port_without_a_table_goes_to_its_own_board(board: str, typed: str) -> None:
    """A command without a name would cut what another guest has on the same port of the first Wagman."""
    given = of_several(facts(row("gn", board="two")))
    problem = only(evolve(given, status={**given.status, "ports": [{"board": board, "port": 2, "was": "cs"}]}))
    assert f"switch it off: {typed} --force stop 2 0" in problem.do


@pytest.mark.parametrize(("guest", "board", "typed"), [("gn", "two", ": wagman board --board two cu"), ("ai", "rail", "")])
def test_only_a_board_that_takes_commands_is_to_be_asked_for_its_sensors(guest: str, board: str, typed: str) -> None:
    problem = only(of_several(facts(row(guest, board=board, state="stopped", power=IN_DOUBT))))
    assert problem.do.endswith(f"look at the board's sensors{typed}" if typed else f"wagman why {guest}")


def of_several(given: Facts) -> Facts:
    """The same on a node with two Wagmans and a rail, which are all well."""
    boards = [{**given.status["board"], "name": board.name} for board in SEVERAL.boards]
    return evolve(given, config=SEVERAL, status={**given.status, "boards": boards, "board": boards[0]})


SOURCE = {"name": "http http://gn/", "heard": True, "trouble": None, "still_on": False}


@pytest.mark.parametrize(
    ("source", "state", "expected"),
    [
        ({}, "started", []),
        ({"heard": False}, "started", ["never_heard:gn:http http://gn/"]),
        ({"heard": False}, "stopped", []),
        ({"heard": False, "still_on": True}, "started", []),
        ({"heard": False, "trouble": "no rights"}, "started", ["deaf:gn:http http://gn/"]),
        ({"trouble": "no rights"}, "stopped", ["deaf:gn:http http://gn/"]),
    ],
)
def test_a_source_that_proves_nothing_calls_for_a_person(source: Mapping[str, Any], state: str, expected: list[str]) -> None:
    assert ids(facts(row("gn", state=state, sources=[{**SOURCE, **source}]))) == expected


def test_a_guest_that_waits_to_be_seen_and_never_was_heard_can_be_started_all_the_same() -> None:
    adopt = {"name": "adopt", "held": True}
    stopped = row("gn", state="stopped", sources=[{**SOURCE, "heard": False}], alarms=[adopt])
    problem = only(facts(stopped))
    assert problem.id == "never_heard:gn:http http://gn/"
    assert "wagman kill gn, then wagman start gn" in problem.do


def test_a_network_without_a_witness_that_answers_calls_for_a_person() -> None:
    given = facts()
    status = {**given.status, "networks": [{"name": "lan", "unproved": True}, {"name": "mast", "unproved": False}]}
    assert ids(evolve(given, status=status)) == ["network:lan"]


def test_the_board_may_miss_the_controller_for_a_while_before_a_person_is_called() -> None:
    assert ids(evolve(facts(), unfed_s=60.0)) == []
    missed = only(evolve(facts(), unfed_s=400.0))
    assert (missed.patience_s, missed.for_s) == (UNFED_S, 400.0)


def test_the_worst_comes_first() -> None:
    both = evolve(
        facts(row("gn", relay_stuck=True, failures=FAILED_STARTS)),
        log_reason="full",
        unseen={"board": Unseen(silent_reason="gone")},
    )
    assert [problem.severity for problem in problems(both).values()] == ["critical", "critical", "warning", "warning"]


# --- Whatever the status -----------------------------------------------------------------------------------------------

TEXTS = st.text(max_size=20)
SOURCES = st.fixed_dictionaries({"name": TEXTS, "heard": st.booleans(), "trouble": st.none() | TEXTS, "still_on": st.booleans()})
NETWORKS = st.fixed_dictionaries({"name": TEXTS, "unproved": st.booleans()})
ROWS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["nc", "gn", "x1", "nobody"]),
        "board": st.just("board"),
        "sources": st.lists(SOURCES, max_size=3, unique_by=lambda source: source["name"]),
        "self": st.booleans(),
        "state": st.sampled_from(["stopped", "starting", "will_stop", "started", "stopping", "restarting"]),
        "wanted": st.sampled_from(["up", "down"]),
        "enabled": st.booleans(),
        "power": st.fixed_dictionaries({"wanted": st.just("off"), "confirmed": st.booleans()}),
        "command_trouble": st.none() | TEXTS,
        "alarms": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from(["adopt", "backoff"]), "held": st.booleans()}), max_size=2
        ),
        "media": st.sampled_from([None, "emmc", "sd"]),
        "failures": st.integers(0, 20),
        "unrecoverable": st.booleans(),
        "held": st.booleans(),
        "relay_stuck": st.booleans(),
        "relay_dead": st.booleans(),
        "heard_off": st.booleans(),
    }
)
BOARDS = st.fixed_dictionaries(
    {
        "name": st.just("board"),
        "link": st.sampled_from(["up", "down"]),
        "blind": st.booleans(),
        "for_s": st.none() | st.floats(0, 1e9),
        "device": TEXTS,
        "last_answer_age_s": st.none() | st.floats(0, 1e9),
        "sensors": st.dictionaries(
            st.sampled_from(["temperature_c", "humidity_pct"]),
            st.fixed_dictionaries({"state": st.sampled_from(["normal", "high", "low", "unknown"])}),
        ),
    }
)
LEFT = st.fixed_dictionaries({"board": st.just("board"), "port": st.integers(0, 4), "was": TEXTS})


def with_first_board(status: dict[str, Any]) -> dict[str, Any]:
    return {**status, "board": status["boards"][0]}


GAUGES = st.fixed_dictionaries({"state": st.sampled_from(["normal", "high", "low", "unknown"]), "trouble": st.none() | TEXTS})
STATUSES = st.fixed_dictionaries(
    {
        "devices": st.lists(ROWS, max_size=5, unique_by=lambda row: row["name"]),
        "wagman": st.fixed_dictionaries(
            {
                "state": st.sampled_from(["normal", "start_next_device", "hibernating"]),
                "hibernation": st.sampled_from([None, {"reason": "a storm", "keep": ["gn"]}]),
            }
        ),
        "boards": st.lists(BOARDS, min_size=1, max_size=1),
        "ports": st.lists(LEFT, max_size=3),
        "networks": st.lists(NETWORKS, max_size=3, unique_by=lambda network: network["name"]),
        "sensors": st.dictionaries(TEXTS, GAUGES, max_size=3),
    }
).map(with_first_board)
ANY_FACTS = st.builds(
    Facts,
    st.just(CONFIG),
    STATUSES,
    unseen=st.fixed_dictionaries({"board": st.builds(Unseen, st.none() | TEXTS, st.none() | TEXTS, st.none() | TEXTS)}),
    log_reason=st.none() | TEXTS,
    refusal=st.none() | st.builds(Refusal, TEXTS, st.lists(TEXTS, max_size=3).map(tuple)),
    needs_restart=st.lists(TEXTS, max_size=3).map(tuple),
    stuck_tasks=st.lists(TEXTS, max_size=3, unique=True).map(tuple),
    unknown_sensors=st.lists(TEXTS, max_size=3, unique=True).map(tuple),
    clock_set=st.booleans(),
    unfed_s=st.none() | st.floats(0, 1e6),
    unread_reason=st.none() | TEXTS,
    unread_off=st.lists(TEXTS, max_size=3).map(tuple),
    unkept_reason=st.none() | TEXTS,
    unknown_guests=st.lists(TEXTS, max_size=3).map(tuple),
)


@given(ANY_FACTS)
def test_whatever_the_status_each_problem_is_found_once_and_says_what_to_do(given: Facts) -> None:
    for id_, problem in problems(given).items():
        assert problem.id == id_
        assert problem.text
        assert problem.do
        assert problem.severity in ("critical", "warning")


# --- For a while ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("keep", "kept"), [([], ""), (["gn"], ", but for gn")])
def test_a_hibernation_that_somebody_ordered_says_why_and_how_it_ends(keep: list[str], kept: str) -> None:
    given = facts(wagman="hibernating")
    order = {"reason": "a storm", "who": "pid 7", "uid": 0, "at": "", "keep": keep}
    status = {**given.status, "wagman": {**given.status["wagman"], "hibernation": order}}
    problem = only(evolve(given, status=status))
    assert problem.text == f"hibernating: no guest runs until somebody wakes them{kept} (a storm)"
    assert (problem.severity, problem.do.split(";")[0]) == ("warning", "wagman wake")


@pytest.mark.parametrize(("state", "is_told"), [("will_stop", True), ("starting", False)])
@pytest.mark.parametrize("changes", [{"relay_dead": True}, {"power": IN_DOUBT}])
def test_whoever_waits_for_a_stop_that_waits_for_a_boot_is_told_what_ends_it(
    changes: Mapping[str, Any], state: str, *, is_told: bool
) -> None:
    assert ("wagman kill gn" in only(facts(row("gn", state=state, **changes))).do) is is_told

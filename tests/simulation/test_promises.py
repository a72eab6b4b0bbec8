"""What the checkers may hold against the service, and what not, where it takes rare runs to get there."""

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve

from tests.simulation.node import node, run
from wagman.model.facts import DEFAULT_BOARD, Plug
from wagman.simulation.play import Scenario, play
from wagman.simulation.promises import (
    CrashesAreContained,
    CutsAreEarned,
    DecisionsLast,
    InOrder,
    LogIsWhole,
    MediaFollow,
    OneAtATime,
    ShownIsTrue,
)
from wagman.simulation.records import Answered, Asked, Began, Did, Ended, EventShown, Look, Record, RelayMoved, Sent, Truth
from wagman.simulation.scene import Scene
from wagman.simulation.script import parse
from wagman.simulation.sites import site
from wagman.store import Event

GN, X2 = Plug(DEFAULT_BOARD, 1), Plug(DEFAULT_BOARD, 4)


def told(*events: tuple[str, str | None]) -> list[EventShown]:
    """These events (type and guest), one each second."""
    return [
        EventShown(float(at_s), Event(at_s, "2100-01-01T00:00:00.000Z", "run", float(at_s), type_, device, None, {}))
        for at_s, (type_, device) in enumerate(events, start=1)
    ]


@pytest.mark.parametrize(
    ("meanwhile", "wrong"),
    [
        (["stopped"], ["cs was started while gn was starting"]),
        (["stopped", "starting"], ["cs was started while gn was starting"]),
        (["stopped", "started"], []),
        (["command.kill", "stopped"], []),
        (["command.kill", "stopped", "stable", "stable"], ["cs was started while gn was starting"]),
    ],
    ids=["is asked to start", "is booting already", "runs already", "was called off just now", "was called off long ago"],
)
def test_the_next_guest_has_to_wait_for_one_that(meanwhile: list[str], wrong: list[str]) -> None:
    scene, checker = Scene(node()), OneAtATime()
    states = [(state if "." in state else f"device.{state}", "gn") for state in meanwhile]
    records = told(*states, ("wagman.start_next_device", "gn"), ("wagman.start_next_device", "cs"))
    assert [text for record in records for text in checker.see(record, scene)] == wrong


@pytest.mark.parametrize(
    ("ends", "wrong"),
    [
        *(([f"device.{state}"], []) for state in ("started", "stopped", "will_stop", "stopping", "restarting")),
        (["device.start_failed"], ["cs was started while gn was starting"]),
        (["device.starting"], ["cs was started while gn was starting"]),
    ],
)
def test_the_next_guest_waits_until_the_one_before_is_not_starting_any_more(ends: list[str], wrong: list[str]) -> None:
    scene, checker = Scene(node()), OneAtATime()
    turn = [("wagman.start_next_device", "gn"), ("device.starting", "gn")]
    records = told(*turn, *((end, "gn") for end in ends), ("wagman.start_next_device", "cs"))
    assert [text for record in records for text in checker.see(record, scene)] == wrong


@pytest.mark.parametrize(
    ("late_s", "apart_s", "is_wrong"),
    [(0.0, 5.0, False), (0.0, 3.4, True), (2.9, 5.0, False), (2.9, 4.5, True), (1.4, 3.6, True), (3.1, 1.0, False)],
)
def test_two_starts_are_as_far_apart_as_they_were_sent_though_a_board_carried_out_the_first_one_late(
    late_s: float, apart_s: float, *, is_wrong: bool
) -> None:
    scene, checker = Scene(node()), OneAtATime()
    assert scene.config.wagman.stagger_s == 5.0
    second_s = 1000.0 + apart_s
    on: dict[str, Any] = {"on": True, "by": "command", "guest": "off", "silent_s": 99.0}
    moves: list[Record] = [
        RelayMoved(1000.0 + late_s, GN, request="enable 1", **on),
        RelayMoved(second_s, X2, request="enable 4", **on),
    ]
    records: list[Record] = [Sent(1000.0, "enable", GN), Sent(second_s, "enable", X2), *moves]
    wrong: list[str] = []
    for record in sorted(records, key=lambda each: each.at_s):
        wrong += checker.see(record, scene)
        scene.update(record)
    assert bool(wrong) == is_wrong


@pytest.mark.parametrize(
    ("ended", "is_wrong"),
    [
        ((), True),
        (("board fault lose 0.01 both", "board fault lose 0 both"), False),
        (("board fault garbage 200",), False),
        (("cable out", "cable in"), True),  # what the board tells then is true
    ],
)
def test_while_answers_are_garbled_a_guest_without_power_may_seem_to_beat(ended: Sequence[str], *, is_wrong: bool) -> None:
    scene, checker = Scene(node()), ShownIsTrue()
    for words in ended:
        scene.update(Did(600.0, words))
    row = {"board": DEFAULT_BOARD, "port": 1, "name": "gn", "self": False, "state": "started", "power": {"confirmed": True}}
    status = {"boards": [{"name": DEFAULT_BOARD, "blind": False}], "devices": [row]}
    truth = {GN: Truth(on=False, since_s=300.0, guest="off", can_be_seen=True)}
    scene.update(Did(1000.0, "gn: start"))
    assert bool(list(checker.see(Look(1000.0, status, truth, None), scene))) == is_wrong


@pytest.mark.parametrize(
    ("told_late_s", "cut_after_s", "is_wrong"), [(0, 125, False), (8, 125, False), (0, 60, True), (8, 60, True)]
)
def test_a_start_has_its_time_from_when_it_began_however_late_that_is_told(
    told_late_s: float, cut_after_s: float, is_wrong: bool
) -> None:
    """A slow disk holds up what is told."""
    scene, checker = Scene(node()), CutsAreEarned()
    on = RelayMoved(1000.0, GN, on=True, by="command", guest="off", silent_s=99.0, request="enable 1")
    began = Event(1, "2100-01-01T00:00:00.000Z", "run", 999.0, "device.starting", "gn", None, {})
    cut_s = 1000.0 + cut_after_s
    records: list[Record] = [
        Sent(999.5, "enable", GN),
        on,
        EventShown(999.0 + told_late_s, began),
        Sent(cut_s - 0.5, "disable", GN),
    ]
    wrong: list[str] = []
    for record in [*records, RelayMoved(cut_s, GN, on=False, by="command", guest="booting", silent_s=99.0, request="disable 1")]:
        wrong += checker.see(record, scene)
        scene.update(record)
    assert bool(wrong) == is_wrong


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({1.0: "enable", 4.0: "disable"}, []),
        ({1.0: "enable", 3.5: "start"}, ["gn was switched on, and was to stay down"]),
        ({1.0: "enable", 4.0: "disable", 5.0: "enable"}, ["gn was switched on, and was to stay down"]),
        ({3.0: "enable"}, []),
    ],
    ids=["sent before, while the board was slow", "sent in part only", "sent again", "sent in the same instant"],
)
def test_a_relay_that_goes_on_after_a_stop_breaks_it_unless_it_was(sent: dict[float, str], wrong: list[str]) -> None:
    scene, checker = Scene(node()), DecisionsLast()
    stop = Asked(2.0, "stop", "gn")
    spoken: list[Record] = [stop, Answered(2.0, stop, {"accepted": True}), evolve(told(("device.stopped", "gn"))[0], at_s=3.0)]
    commands: list[Record] = [Sent(at_s, verb, GN) for at_s, verb in sent.items()]
    for record in sorted([*spoken, *commands], key=lambda each: each.at_s):
        scene.update(record)
    assert (
        list(checker.see(RelayMoved(6.0, GN, on=True, by="command", guest="off", silent_s=9.0, request="enable 1"), scene))
        == wrong
    )


@pytest.mark.parametrize(
    "script",
    [
        "board fault power 4 off; config drop x2; service kill; service start; 5 min",
        "config drop x2; service kill; service start; 5 min; board fault power 4 off; 5 min",
        "x2: kill; 1 min; board fault relay 4 stuck; x2: start; 5 min",
        "x2: kill; 1 min; board fault sensor cu dead; x2: start; 20 min; board fault power 4 off; 5 min",
    ],
    ids=[
        "lost before it was taken out of the configuration",
        "lost meanwhile",
        "never had",
        "lost before it was seen to draw any",
    ],
)
def test_a_guest_without_a_heartbeat_whose_lack_of_power_nobody_can_see_is_not_missed(script: str) -> None:
    config = site("one")
    assert play(Scenario(1, config, parse(f"20 min; {script}; all well; settled"))).violation is None


def test_a_guest_without_a_heartbeat_that_was_seen_to_draw_current_is_missed() -> None:
    scene = Scene(site("one"))
    for record in (
        Began(0.0, 1),
        RelayMoved(1.0, X2, on=True, by="command", guest="off", silent_s=0.0, request="enable 1"),
        Did(100.0, "board fault sensor cu dead"),
        RelayMoved(200.0, X2, on=False, by="fault", guest="running", silent_s=0.0),
    ):
        scene.update(record)
    assert not scene.cannot_be_missed(scene.by_name["x2"])


def test_a_kill_that_waits_for_a_slow_disk_behind_a_start_may_cut_what_came_on_meanwhile() -> None:
    assert run("20 min; gn: stop; 5 min; disk slow 3; gn: start; 0.4 s; gn: kill; 3 min; all well; settled").violation is None


def test_a_guest_that_came_to_itself_after_its_start_had_failed_may_be_cut() -> None:
    frozen = "guest x1 hang; 106 s; service freeze 1575.3; guest x1 revive; 5 min"
    script = parse(f"193.709 s; service kill; 0.25 s; service start; 498.478 s; board reset; 188.409 s; {frozen}")
    assert play(Scenario(1248, site("one"), script)).violation is None


def test_a_log_that_was_damaged_may_have_gaps_until_a_service_has_been_able_to_set_it_aside() -> None:
    again = "service start; 5 min; service kill; 1 min; "
    script = f"3 h; disk full; service kill; disk truncated 94; {again * 2} service start; all well; settled"
    assert run(script).violation is None


@pytest.mark.parametrize(
    ("meanwhile", "is_blamed"),
    [([], True), ([Began(2.0, 2)], False), (told(("device.power_lost", "gn")), False)],
    ids=["nothing", "another life", "a loss of power"],
)
def test_a_crash_is_blamed_for_a_guest_that_begins_anew_unless_something_else_explains_it(
    meanwhile: list[Record], is_blamed: bool
) -> None:
    scene, checker = Scene(node()), CrashesAreContained()
    scene.crashes = 1
    crash = Event(1, "2100-01-01T00:00:00.000Z", "run", 1.0, "service.task_failed", None, None, {"task": "device.gn"})
    records = [*told(("device.started", "gn")), EventShown(1.0, crash), *meanwhile, *told(("device.adopted", "gn"))]
    assert bool([text for record in records for text in checker.see(record, scene)]) == is_blamed


@pytest.mark.parametrize(
    ("found", "is_blamed"), [((), False), (("device.started",), True)], ids=["while it is looked at", "once it was found up"]
)
def test_a_crash_after_maintenance_is_blamed_only_once_it_is_known_what_the_guest_is(
    found: Sequence[str], is_blamed: bool
) -> None:
    scene, checker = Scene(node()), CrashesAreContained()
    scene.crashes = 1
    crash = Event(1, "2100-01-01T00:00:00.000Z", "run", 1.0, "service.task_failed", None, None, {"task": "device.gn"})
    before = told(*((type_, "gn") for type_ in ("device.maintenance", "device.maintenance_over", *found)))
    records = [*before, EventShown(1.0, crash), *told(("device.adopted", "gn"))]
    assert bool([text for record in records for text in checker.see(record, scene)]) == is_blamed


def test_a_guest_that_had_no_state_yet_cannot_lose_it_by_a_crash() -> None:
    scene, checker = Scene(node()), CrashesAreContained()
    scene.crashes, scene.lossy = 1, True
    crash = Event(1, "2100-01-01T00:00:00.000Z", "run", 1.0, "service.task_failed", None, None, {"task": "device.gn"})
    records: list[Record] = [
        *told(("device.started", "gn")),
        Began(0.5, 2),
        EventShown(1.0, crash),
        *told(("device.adopted", "gn")),
    ]
    assert [text for record in records for text in checker.see(record, scene)] == []


@pytest.mark.parametrize(("is_lossy", "is_wrong"), [(False, True), (True, False)])
def test_a_guest_that_an_older_log_may_have_as_adopted_need_not_have_failed(*, is_lossy: bool, is_wrong: bool) -> None:
    scene, checker = Scene(node()), MediaFollow()
    scene.lossy = is_lossy

    def about(type_: str, **fields: Any) -> EventShown:
        return EventShown(1.0, Event(1, "2100-01-01T00:00:00.000Z", "run", 1.0, type_, "gn", None, fields))

    started = about("device.starting", reason="its turn", attempt=1, media="emmc")
    records: list[Record] = [started, Began(0.5, 2), about("device.heartbeat_lost", stable=False), started]
    assert bool([text for record in records for text in checker.see(record, scene)]) == is_wrong


@pytest.mark.parametrize(("asked", "is_wrong"), [(("restart",), True), (("kill", "restart"), False)])
def test_of_requests_that_overlap_nobody_knows_whether_a_guest_is_to_be_waited_for(
    asked: Sequence[str], *, is_wrong: bool
) -> None:
    scene, checker = Scene(site("ordered")), InOrder()
    records: list[Record] = [*told(("device.stopped", "x1")), *(Asked(2.0, verb, "x1") for verb in asked)]
    start = Event(1, "2100-01-01T00:00:00.000Z", "run", 3.0, "device.starting", "gn", None, {"reason": "asked by the operator"})
    found = list[str]()
    for record in (*records, EventShown(3.0, start)):
        found += checker.see(record, scene)
        scene.update(record)
    assert found == (["gn is started, and x1 is not up yet"] if is_wrong else [])


def test_a_service_that_cannot_open_its_log_yet_counts_anew() -> None:
    scene, checker = Scene(node()), MediaFollow()
    fields = {"reason": "its turn", "attempt": 1, "media": "emmc"}
    start = Event(9, "2100-01-01T00:00:00.000Z", "run", 9.0, "device.starting", "gn", None, fields)
    before: list[Record] = [
        *told(("device.start_failed", "gn")),
        Ended(2.0, "killed", None),
        Did(3.0, "disk full"),
        Began(4.0, 2),
    ]
    for record in before:
        assert list(checker.see(record, scene)) == []
        scene.update(record)
    assert list(checker.see(EventShown(9.0, start), scene)) == []


@pytest.mark.parametrize(("new", "is_blamed"), [(False, False), (True, True)], ids=["a log of before", "a new one"])
def test_only_a_new_log_that_is_opened_late_begins_with_the_first_number(new: bool, is_blamed: bool) -> None:
    def late(id_: int | None, type_: str, **fields: object) -> EventShown:
        return EventShown(1.0, Event(id_, "2100-01-01T00:00:00.000Z", "run", 1.0, type_, None, None, fields))

    opened = late(None, "store.opened", log_id="other", new=new)
    records = [opened, late(2147, "store.dropped", count=13), late(2149, "store.recovered", after_s=649.4)]
    scene, checker = Scene(node()), LogIsWhole()
    assert bool([text for record in records for text in checker.see(record, scene)]) == is_blamed

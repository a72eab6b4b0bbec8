"""What an onlooker knows of what operators asked for, and were promised."""

from collections.abc import Sequence

import pytest
from attrs import evolve

from tests.simulation.node import node
from wagman.model.facts import DEFAULT_BOARD, Plug
from wagman.simulation.records import Answered, Asked, Began, Configured, Did, Ended, EventShown, Read, Record, RelayMoved, Sent
from wagman.simulation.scene import Scene
from wagman.simulation.scene_port import Port
from wagman.store import Event


def told(*records: Record) -> Port:
    """The guest gn, after these records."""
    scene = Scene(node())
    for record in records:
        scene.update(record)
    return scene.by_name["gn"]


def asked(verb: str, at_s: float = 0.0) -> Asked:
    return Asked(at_s, verb, "gn")


def yes(request: Asked) -> Answered:
    return Answered(1.0, request, {"accepted": True})


def no(request: Asked) -> Answered:
    return Answered(1.0, request, {"accepted": False})


DISABLE, ENABLE, KILL, START, STOP = (asked(verb) for verb in ("disable", "enable", "kill", "start", "stop"))

GN = Plug(DEFAULT_BOARD, 1)

ON = (Sent(1.0, "enable", GN), RelayMoved(2.0, GN, on=True, by="command", guest="off", silent_s=0.0, request="enable 1"))
OFF = (
    Sent(1.0, "disable", GN),
    RelayMoved(2.0, GN, on=False, by="command", guest="booting", silent_s=0.0, request="disable 1"),
)


@pytest.mark.parametrize("answers", [(DISABLE, START), (START, DISABLE)])
def test_of_requests_that_overlap_nobody_can_say_which_came_last(answers: Sequence[Asked]) -> None:
    port = told(DISABLE, START, *map(yes, answers))
    assert (port.wanted, port.enabled) == (None, False)


@pytest.mark.parametrize("answers", [(ENABLE, START), (START, ENABLE)])
def test_requests_that_decide_different_things_do_not_get_in_each_others_way(answers: Sequence[Asked]) -> None:
    port = told(STOP, yes(STOP), ENABLE, START, *map(yes, answers))
    assert (port.wanted, port.enabled) == ("up", True)


def test_what_is_asked_once_all_is_answered_counts() -> None:
    again = asked("stop", 2.0)
    assert told(STOP, START, yes(STOP), yes(START), again, yes(again)).wanted == "down"


def test_what_is_refused_changes_nothing() -> None:
    assert told(STOP, no(STOP)).wanted == "up"


def test_without_an_answer_nobody_knows_whether_it_was_heard() -> None:
    assert told(STOP, Answered(20.0, STOP, None)).wanted is None


LOST_KILL = Answered(20.0, KILL, None)


@pytest.mark.parametrize("records", [(KILL, *ON), (KILL, *ON, yes(KILL)), (KILL, LOST_KILL, *ON)])
def test_a_kill_that_waits_behind_a_start_is_yet_to_come(records: Sequence[Record]) -> None:
    assert told(*records).killed


@pytest.mark.parametrize(
    "records", [(KILL, yes(KILL), *ON), (KILL, yes(KILL), *OFF), (KILL, *ON, yes(KILL), *OFF), (KILL, LOST_KILL, *ON, *OFF)]
)
def test_a_kill_that_was_carried_out_or_overtaken_excuses_no_other_cut(records: Sequence[Record]) -> None:
    assert not told(*records).killed


def test_a_kill_whose_answer_nobody_waited_for_ends_with_the_service() -> None:
    assert not told(KILL, LOST_KILL, Ended(9000.0, "killed", None), Began(9001.0, 2), *ON).killed


OPENED, READ = Read(9101.0, "open"), Read(9101.0, "read")


@pytest.mark.parametrize(
    ("lost", "read", "lost_later", "wanted"),
    [
        ("disk wiped", (OPENED, READ), "disk muddled", "down"),
        ("disk wiped", (OPENED,), "disk muddled", None),
        ("disk wiped", (), "disk muddled", None),
        ("disk muddled", (OPENED,), "disk wiped", "down"),
        ("disk muddled", (READ,), "disk wiped", None),
        ("disk restored beside", (OPENED,), "disk newer", "down"),
        ("disk restored beside", (READ,), "disk newer", None),
    ],
)
def test_what_was_lost_is_put_back_by_the_next_run_once_it_has_opened_the_log_and_read_what_there_is(
    lost: str, read: Sequence[Record], lost_later: str, wanted: str | None
) -> None:
    later = (Began(9101.0, 2), *read, Ended(9200.0, "killed", None), Did(9201.0, lost_later))
    assert told(STOP, yes(STOP), Ended(9000.0, "killed", None), Did(9100.0, lost), *later).wanted == wanted


def shown(type_: str, id_: int | None, device: str | None = None) -> EventShown:
    return EventShown(0.0, Event(id_, "", "", 0.0, type_, device, None, {}))


PROVISIONAL = (shown("command.stop", None, "gn"),)


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        ((shown("command.stop", 7, "gn"),), "down"),
        (PROVISIONAL, None),
        ((*PROVISIONAL, shown("device.off", None, "gn")), None),
        ((*PROVISIONAL, shown("store.recovered", 7)), "down"),
        ((*PROVISIONAL, shown("service.started", None)), None),
        ((*PROVISIONAL, shown("service.started", 7)), "down"),  # by the next run, which had read the file
    ],
)
def test_what_was_decided_while_the_log_took_nothing_is_in_the_file_alone(
    events: Sequence[EventShown], wanted: str | None
) -> None:
    lost = (Ended(9000.0, "killed", None), Did(9100.0, "disk undecided"))
    assert told(STOP, yes(STOP), *events, *lost).wanted == wanted


BLANK = (Did(9100.0, "disk barred all"), Began(9101.0, 2))
FLIPPED = (Did(9100.0, "disk flipped 7"), Began(9101.0, 2), Read(9102.0, "open"))


@pytest.mark.parametrize(
    ("records", "enabled"),
    [
        ((), False),
        (BLANK, None),
        ((*BLANK, Did(9102.0, "disk ok"), Read(9103.0, "open")), False),
        (FLIPPED, None),
        ((*FLIPPED, Read(9103.0, "read")), False),
    ],
    ids=[
        "it is to be refused",
        "the run cannot read that",
        "the run has read it by now",
        "the run has read a log that was damaged, and not yet what lies beside it",
        "and that, too",
    ],
)
def test_a_start_of_a_disabled_guest_is_said_so_only_to_a_run_that_cannot_know(
    records: Sequence[Record], enabled: bool | None
) -> None:
    start = asked("start", 99_000.0)
    answer = Answered(99_001.0, start, {"accepted": True})
    port = told(DISABLE, yes(DISABLE), Ended(9000.0, "killed", None), *records, start, answer)
    assert port.enabled is enabled


GIVEN_UP = Answered(9130.0, asked("start", 9110.0), None)


@pytest.mark.parametrize(
    ("before", "enabled"),
    [
        ((Began(9101.0, 2),), None),
        ((Began(9101.0, 2), Read(9105.0, "open")), False),
    ],
    ids=["not read yet", "read"],
)
def test_a_start_that_was_given_up_may_be_carried_out_by_a_run_that_has_not_read_that_the_guest_is_disabled(
    before: Sequence[Record], enabled: bool | None
) -> None:
    port = told(DISABLE, yes(DISABLE), Ended(9000.0, "killed", None), *before, GIVEN_UP.asked, GIVEN_UP)
    assert port.enabled is enabled


def test_a_start_that_found_the_service_down_is_carried_out_by_nobody() -> None:
    port = told(DISABLE, yes(DISABLE), Began(9000.0, 2), Ended(9101.0, "killed", None), GIVEN_UP.asked, GIVEN_UP)
    assert port.enabled is False


def test_a_start_that_is_answered_only_after_the_memory_was_read_may_have_been_taken_before() -> None:
    port = told(DISABLE, yes(DISABLE), Ended(9000.0, "killed", None), Began(9101.0, 2), START, Read(9112.0, "open"), yes(START))
    assert port.enabled is None


def named(*names: str) -> Configured:
    """The tables of a file, by what they are called."""
    config = node()
    guests = [evolve(each, name=name) for each, name in zip(config.guests, names, strict=True)]
    own = [each for each in config.devices if each.is_self]
    return Configured(9001.0, evolve(config, devices=(*own, *guests)))


@pytest.mark.parametrize(
    ("noticed", "wanted"),
    [([], None), ([Began(9002.0, 2), Read(9003.0, "open")], "up")],
    ids=["no run could read in between", "each was taken over"],
)
def test_a_table_that_moved_twice_has_a_past_of_which_a_run_that_could_read_in_between_decides(
    noticed: Sequence[Record], wanted: str | None
) -> None:
    first, *others = [each.name for each in node().guests]
    assert first == "gn"
    begun: list[Record] = [Began(0.0, 1), Read(0.5, "open"), STOP, yes(STOP), Ended(9000.0, "killed", None)]
    files = named("modem", *others), named("gn", "modem", *others[1:]), named("gn", *others)
    moves = [record for file in files for record in (file, *noticed)]
    assert told(*begun, *moves).wanted == wanted

"""What the figures are, told of logs that are written by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.report.log import NOON, begins, event, reported
from wagman.cli.report.axis import Event, axis_of
from wagman.cli.report.figures import figures
from wagman.cli.report.history import Row, history
from wagman.cli.report.page import page
from wagman.cli.report.reading import row_of
from wagman.cli.report.words import document, lines, percent
from wagman.model.catalogue import EVENT_TYPES

HANGS = [
    event(400, "device.heartbeat_lost", "gn", stable=True, silent_s=300.0),
    event(400, "device.stopping", "gn", reason="its heartbeat was lost"),
    event(470, "device.stopped", "gn", reason="its heartbeat was lost", silent_s=60.0),
    event(470, "device.starting", "gn", reason="its turn", attempt=1),
    event(475, "device.off", "gn"),
    event(500, "device.started", "gn"),
]


def test_a_guest_that_hangs_is_down_since_it_was_heard_last() -> None:
    found = reported([*begins(), *HANGS], until_s=1000)
    assert (found.up_s, found.down_s, found.kept_s, found.unknown_s) == (600, 400, 0, 0)
    assert [(each.cause, each.down_s, each.ended) for each in found.outages] == [("silent", 400, "up")]
    assert (found.uptime, found.mtbf_s, found.mttr_s) == (0.6, 600, 400)
    assert (found.cuts, found.power_cycles, found.power_losses) == (["hard"], 1, 0)


def test_what_an_operator_wants_down_is_no_outage() -> None:
    stop = event(100, "command.stop", "gn", who="root")
    told = [stop, {**event(100, "device.stopping", "gn", reason="asked by the operator"), "cause": stop["id"]}]
    told += [event(103, "device.message", "gn", ok=True), event(200, "device.stopped", "gn", silent_s=60.0)]
    told += [event(203, "device.off", "gn"), event(250, "device.starting", "gn", reason="asked by the operator")]
    found = reported([*begins(), *told, event(300, "device.started", "gn")], until_s=1000)
    assert (found.up_s, found.down_s, found.kept_s) == (800, 0, 200)
    assert (found.outages, found.mtbf_s, found.mttr_s) == ([], None, None)
    assert (found.cuts, found.power_cycles) == (["clean"], 1)


def test_power_that_is_lost_on_the_way_down_or_later_does_not_make_an_outage_of_what_an_operator_wanted() -> None:
    stop = event(100, "command.stop", "gn", who="root")
    told = [stop, {**event(100, "device.stopping", "gn", reason="asked by the operator"), "cause": stop["id"]}]
    lost = [event(110, "device.power_lost", "gn"), event(110, "device.stopped", "gn", reason="power lost")]
    found = reported([*begins(), *told, *lost], until_s=1000)
    assert (found.up_s, found.down_s, found.kept_s, found.outages) == (100, 0, 900, [])
    assert (found.power_cycles, found.power_losses) == (1, 1)


def test_a_stop_that_was_refused_is_no_wish() -> None:
    lost = [event(100, "device.power_lost", "gn"), event(100, "device.stopped", "gn", reason="power lost")]
    stop = event(200, "command.stop", "gn", who="root")
    refused = {**event(200.001, "command.refused", "gn", reason="far would not be reached"), "cause": stop["id"]}
    found = reported([*begins(), *lost, stop, refused], until_s=1000)
    assert (found.down_s, found.kept_s) == (900, 0)
    assert [(each.cause, each.down_s, each.ended) for each in found.outages] == [("power", 900, "lasts")]
    found = reported([*begins(), *lost, stop], until_s=1000)
    assert (found.down_s, found.kept_s) == (100, 800)


def test_an_event_that_was_not_kept_is_the_cause_of_none() -> None:
    """It has no id, and neither has the cause of an event that nobody asked for."""
    stop = {**event(100, "command.stop", "other", who="root"), "id": None}
    found = reported([*begins(), stop, *HANGS], until_s=1000)
    assert (found.down_s, found.kept_s) == (400, 0)


def test_one_that_never_comes_up_again_is_down_to_the_end() -> None:
    told = [event(100, "device.power_lost", "gn"), event(100, "device.stopped", "gn", reason="power lost")]
    told += [event(120, "device.starting", "gn", reason="its turn"), event(360, "device.start_failed", "gn", waited_s=240)]
    told += [event(360, "device.stopped", "gn", reason="its start failed")]
    found = reported([*begins(), *told], until_s=1000)
    assert [(each.cause, each.down_s, each.ended) for each in found.outages] == [("power", 900, "lasts")]
    assert (found.mttr_s, found.failed_starts, found.power_losses) == (None, 1, 1)
    assert found.cuts == ["unproved"], "the power was lost, and that is no cut; the failed start ended in one"


def test_a_guest_that_was_not_up_yet_is_out_only_since_its_start_has_failed() -> None:
    told = [event(0, "service.started"), event(100, "device.starting", "gn", reason="its turn")]
    told += [event(340, "device.start_failed", "gn", waited_s=240), event(340, "device.stopped", "gn", reason="its start failed")]
    found = reported(
        [*told, event(400, "device.starting", "gn", reason="its turn"), event(500, "device.started", "gn")], until_s=1000
    )
    assert (found.up_s, found.down_s) == (500, 400)
    assert [(each.cause, each.down_s) for each in found.outages] == [("start", 160)]


def test_the_figures_are_those_of_the_period() -> None:
    found = reported([*begins(), *HANGS], until_s=1000, since_s=450)
    assert (found.up_s, found.down_s) == (500, 50)
    assert [(each.cause, each.down_s) for each in found.outages] == [("silent", 50)]


def test_what_is_in_maintenance_is_neither_up_nor_an_outage() -> None:
    told = [
        event(100, "device.maintenance", "gn", reason="asked by the operator, for 2 h"),
        event(150, "device.power_lost", "gn"),
    ]
    told += [event(300, "device.maintenance_over", "gn"), event(320, "device.adopted", "gn"), event(320, "device.started", "gn")]
    found = reported([*begins(), *told], until_s=1000)
    assert (found.up_s, found.down_s, found.kept_s, found.unknown_s) == (780, 0, 200, 20)
    assert (found.outages, found.cuts) == ([], [])


# --- When nobody knows ------------------------------------------------------------------------------------------------


def test_nobody_knows_before_the_first_event_of_a_guest() -> None:
    found = reported([event(0, "service.started"), event(100, "device.started", "gn")], until_s=1000)
    assert (found.up_s, found.unknown_s, found.uptime) == (900, 100, 1.0)


def test_nobody_knows_from_the_last_word_of_one_run_to_the_first_of_the_next() -> None:
    again = event(400, "service.started", run="b")
    found = reported([*begins(), event(100, "device.stable", "gn"), again], until_s=1000)
    assert (found.up_s, found.unknown_s) == (700, 300)


def test_the_wall_clock_may_jump_within_a_run() -> None:
    jumped = [event(600, "device.stable", "gn", by=-7200.0), event(700, "service.started", run="b", by=-7200.0)]
    found = reported([*begins(), *jumped], until_s=1000)
    assert (found.up_s, found.unknown_s) == (900, 100)


def test_a_service_whose_clock_ran_faster_is_told_of_by_the_clock_on_the_wall() -> None:
    told = [event(0, "board.reset", run="fast"), event(0, "service.started", run="fast", speed=20.0)]
    told += [event(0, "device.started", "gn", run="fast")]
    told += [event(10, "device.heartbeat_lost", "gn", run="fast", silent_s=40.0), event(20, "device.started", "gn", run="fast")]
    told += [event(100, "service.started", run="slow"), event(100, "device.started", "gn", run="slow")]
    told += [event(150, "device.heartbeat_lost", "gn", run="slow", silent_s=40.0)]
    hasty = [{**each, "mono_s": each["mono_s"] * 20} if each["boot_id"] == "fast" else each for each in told]
    found = history(hasty)
    assert found.whole == (NOON.timestamp(), NOON.timestamp() + 150)
    (gn,) = figures(found, found.whole)
    assert [(each.begin_s - NOON.timestamp(), each.end_s - NOON.timestamp()) for each in gn.outages] == [(8, 20), (110, 150)]


def test_the_end_of_a_report_of_a_service_whose_clock_runs_faster_is_now() -> None:
    told = [event(0, "service.started", run="fast", speed=20.0)]
    found = history(told, [Row("gn", "started", 300.0)], ("fast", 600.0))
    assert found.whole == (NOON.timestamp(), NOON.timestamp() + 30)
    assert found.guests["gn"].track.states[0].at_s == NOON.timestamp() + 15


def test_a_clock_that_was_not_set_yet_is_not_believed() -> None:
    unset = {**event(10, "service.started", run="b", by=-1e9), "clock": "unset"}
    told = [*begins(), event(5, "device.stable", "gn"), unset, event(300, "link.up", run="b")]
    axis = axis_of(told)
    assert axis.at_s[3] - axis.at_s[0] == pytest.approx(10)
    assert all(run.is_placed for run in axis.runs)


@pytest.mark.parametrize(
    ("loses", "finds"),
    [
        ("link.down", "link.up"),
        ("board.silent", "link.up"),
        ("network.unproved", "network.proved"),
    ],
)
def test_nobody_knows_while_the_way_to_it_is_not_there(loses: str, finds: str) -> None:
    row = Row("gn", "started", 1000.0, has_ears=loses.startswith("network"))
    found = reported([*begins(), event(500, loses), event(700, finds)], until_s=1000, rows=[row])
    # That nobody answered is told of after five minutes.
    assert found.unknown_s == (500 if loses.startswith("network") else 200)


def test_another_board_that_is_not_seen_says_nothing_of_it() -> None:
    row = Row("gn", "started", 1000.0, board="mine")
    found = reported([*begins(), event(500, "link.down", name="other"), event(700, "link.up", name="other")], 1000, rows=[row])
    assert found.unknown_s == 0


@pytest.mark.parametrize(
    ("state", "alarms", "known_s"),
    [
        ("stopped", ["adopt"], 0),
        ("stopped", ["settle"], 1000),
        ("started", ["heartbeat"], 1000),
        ("maintenance", [], 1000),
    ],
)
def test_of_a_guest_that_nobody_has_seen_yet_nothing_is_known(state: str, alarms: list[str], known_s: float) -> None:
    shown: Any = {"name": "gn", "state": state, "for_s": 1000.0, "alarms": [{"name": each} for each in alarms]}
    found = reported([event(0, "service.started", begun_anew=["gn"])], until_s=1000, rows=[row_of(shown)])
    assert (found.up_s + found.down_s + found.kept_s, found.unknown_s) == (known_s, 1000 - known_s)


def test_an_outage_of_which_nothing_is_known_is_none() -> None:
    told = [event(500, "link.down"), event(510, "device.power_lost", "gn"), event(510, "device.stopped", "gn")]
    told += [event(520, "device.starting", "gn"), event(590, "device.started", "gn"), event(600, "link.up")]
    found = reported([*begins(), *told], until_s=1000)
    assert (found.outages, found.down_s, found.unknown_s) == ([], 0, 100)


def test_of_an_outage_of_which_part_is_known_that_part_counts() -> None:
    told = [event(510, "device.power_lost", "gn"), event(510, "device.stopped", "gn"), event(550, "link.down")]
    found = reported([*begins(), *told, event(600, "link.up"), event(650, "device.started", "gn")], until_s=1000)
    (only,) = found.outages
    assert (only.down_s, only.unknown_s, found.mttr_s) == (90, 50, 90)


# --- How it is told ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "text"), [(None, "-"), (1.0, "100.00 %"), (0.999999, "99.99 %"), (0.5, "50.00 %"), (0.0, "0.00 %")]
)
def test_a_percentage_is_not_rounded_to_all(part: float | None, text: str) -> None:
    assert percent(part) == text


def test_text_and_json_have_the_same_figures() -> None:
    told = history([*begins(), *HANGS, event(1000, "environment.normal")])
    found = figures(told, told.whole)
    text = "\n".join(lines(told, told.whole, found))
    assert "gn     60.00 %  6m40s  0s    0s       1        10m00s  6m40s" in text
    assert "gn: 1 outage: it fell silent (1)" in text
    assert "1 power cycle; cuts: 1 hard; failed starts: 0" in text
    (guest,) = document(told, told.whole, found)["guests"]
    assert (guest["uptime_pct"], guest["up_s"], guest["down_s"], guest["mttr_s"]) == (60.0, 600, 400, 400)
    assert guest["outages"][0]["from"] == "2026-01-31T12:01:40.000Z"


def test_the_page_needs_nothing_else_and_takes_no_name_for_markup() -> None:
    evil = "<script>alert(1)</script>"
    told = history([event(0, "device.started", evil), event(9, "device.brownout", evil, resets=3), event(99, "link.up")])
    text = page(told, told.whole, figures(told, told.whole))
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "default-src 'none'" in text
    assert not [word for word in ("http://", "https://", "src=", "@import", "url(h") if word in text]
    assert 'name="viewport"' in text
    assert "@media print" in text


def test_a_guest_of_whose_power_the_log_tells_nothing_has_a_page() -> None:
    told = history([event(0, "device.heartbeat_lost", "gn", silent_s=300.0), event(60, "environment.normal")])
    assert "<svg" in page(told, told.whole, figures(told, told.whole))


@pytest.mark.parametrize(("events", "words"), [(1, ", 1 event<"), (2, ", 2 events<")])
def test_the_page_says_how_many_events_it_was_made_of(events: int, words: str) -> None:
    told = history(begins()[:events])
    assert words in page(told, told.whole, [])


def test_a_storm_of_events_makes_no_large_page() -> None:
    told = history(_storm(20_000))
    found = figures(told, told.whole)
    assert len(page(told, told.whole, found)) < 100_000 * len(found)


def _storm(count: int) -> list[Event]:
    kinds = [
        (kind, f"g{number}") for number in range(5) for kind in ("heartbeat_lost", "stopping", "stopped", "starting", "started")
    ]
    return [event(20.0 * at, f"device.{kinds[at % 25][0]}", kinds[at % 25][1], silent_s=30.0) for at in range(count)]


# --- Whatever the log holds -------------------------------------------------------------------------------------------

ANYTHING: Any = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.none(), max_size=1)
FIELDS = st.dictionaries(
    st.sampled_from(["silent_s", "waited_s", "over_s", "reason", "id", "after_s", "name", "begun_anew", "speed"]), ANYTHING
)
DAMAGED = st.fixed_dictionaries(
    {},
    optional={
        "id": ANYTHING,
        "time": ANYTHING | st.sampled_from(["2026-01-31T12:00:00Z", "2026-01-31T13:00:00", "9999-12-31T23:59:59Z"]),
        "boot_id": st.sampled_from(["a", "b"]) | ANYTHING,
        "mono_s": ANYTHING,
        "type": st.sampled_from(sorted(EVENT_TYPES)) | ANYTHING,
        "device": st.sampled_from(["gn", None]) | ANYTHING,
        "cause": ANYTHING,
        "clock": st.just("unset"),
        "fields": FIELDS | ANYTHING,
    },
)


@given(st.lists(DAMAGED | ANYTHING, max_size=12))
def test_whatever_the_log_holds_there_is_a_report_that_adds_up(events: list[Any]) -> None:
    told = history(events)
    found = figures(told, told.whole)
    for each in found:
        assert each.up_s + each.down_s + each.kept_s + each.unknown_s == pytest.approx(told.whole[1] - told.whole[0], abs=0.01)
        assert all(outage.down_s > 0 for outage in each.outages)
    assert list(lines(told, told.whole, found))
    assert document(told, told.whole, found)
    assert page(told, told.whole, found)

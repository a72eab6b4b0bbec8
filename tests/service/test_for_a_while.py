"""What operators order for a while ends by itself, also over restarts, power cuts and lost logs: a whole node in virtual time."""

import pytest

from tests.service.test_recollection import Story, told

RUNS = "20 min; "
ON_S = 1200.0  # when something is ordered in these stories


def first_s(story: Story, type_: str, device: str = "gn") -> float:
    """When it was told for the first time that something has been ordered."""
    return next(at_s for at_s, event in story.told if event.type == type_ and event.device == device and at_s > ON_S)


# --- stop --for -------------------------------------------------------------------------------------------------------


def test_a_guest_that_is_stopped_for_a_while_runs_again_by_itself_so_long_after_it_was_asked_for() -> None:
    story = told(f"{RUNS}gn: stop for 900; 10 min")
    assert story.rows()["gn"]["state"] == "stopped"
    assert story.rows()["gn"]["term"] == {"kind": "stop", "in_s": pytest.approx(300, abs=40)}
    assert story.rows()["gn"]["next_start_in_s"] == pytest.approx(300, abs=40)
    story = told(f"{RUNS}gn: stop for 900; 25 min")
    assert first_s(story, "device.stop_over") == pytest.approx(ON_S + 900, abs=3)
    assert first_s(story, "device.starting") == pytest.approx(ON_S + 900, abs=70)
    assert (story.rows()["gn"]["state"], story.rows()["gn"]["term"]) == ("started", None)


@pytest.mark.parametrize(
    "meanwhile", ["service stop; clock 864000", "service kill; disk wiped; clock -864000", "service kill; disk undecided"]
)
def test_its_time_goes_on_while_the_service_is_away_whatever_becomes_of_clock_and_log(meanwhile: str) -> None:
    story = told(f"{RUNS}gn: stop for 1800; 10 min; {meanwhile}; 5 min; service start; 30 min")
    assert first_s(story, "device.stop_over") == pytest.approx(ON_S + 1800, abs=5)
    assert 1 not in {port for at_s, port in story.switched_on if ON_S < at_s < ON_S + 1800}
    assert story.rows()["gn"]["state"] == "started"


def test_a_time_that_is_over_while_the_service_is_away_is_over_when_it_comes_up() -> None:
    story = told(f"{RUNS}gn: stop for 600; 5 min; service kill; 1 h; service start; 10 min")
    assert first_s(story, "device.stop_over") == pytest.approx(ON_S + 3900, abs=5)
    assert story.rows()["gn"]["state"] == "started"


@pytest.mark.parametrize(("verb", "state"), [("stop", "stopped"), ("start", "started")])
def test_whoever_decides_anew_takes_it_back(verb: str, state: str) -> None:
    story = told(f"{RUNS}gn: stop for 600; 5 min; gn: {verb}; 30 min")
    assert (story.rows()["gn"]["state"], story.rows()["gn"]["term"]) == (state, None)
    assert story.of("device.stop_over") == []


def test_heat_is_waited_for_all_the_same() -> None:
    story = told(f"{RUNS}gn: stop for 600; board temp 80; 1 h")
    assert len(story.of("device.stop_over")) == 1
    assert story.rows()["gn"]["state"] == "stopped"
    assert story.rows()["gn"]["next_start_in_s"] is None


# --- maintenance ------------------------------------------------------------------------------------------------------


def test_nothing_is_done_about_a_guest_in_maintenance_and_what_is_wrong_with_it_is_a_notice() -> None:
    story = told(f"{RUNS}gn: maintenance for 7200; 1 min; guest gn hang; message lost; 90 min")
    assert [cut for cut in story.cuts if cut.at_s > ON_S and cut.plug.port == 1] == []
    assert story.of("device.message") == []
    assert first_s(story, "device.silent") > ON_S
    problems = {each["id"]: each for each in story.looks[-1].status["problems"] if each["device"] == "gn"}
    assert problems["maintenance:gn"]["severity"] == "notice"
    assert {each["severity"] for each in problems.values()} == {"notice"}


def test_it_holds_over_restarts_and_heat_and_ends_by_itself_with_a_guest_that_runs_taken_over() -> None:
    story = told(
        f"{RUNS}gn: maintenance for 3600; 5 min; board temp 80; 20 min; board temp 20; service kill; disk wiped; 5 min; "
        "service start; 45 min"
    )
    assert first_s(story, "device.maintenance_over") == pytest.approx(ON_S + 3600, abs=5)
    assert [cut for cut in story.cuts if cut.at_s > ON_S and cut.plug.port == 1] == []
    assert first_s(story, "device.adopted") > ON_S + 3600
    assert story.rows()["gn"]["state"] == "started"


def test_a_guest_that_hangs_when_it_is_over_is_asked_to_halt_and_started_again() -> None:
    story = told(f"{RUNS}gn: maintenance for 1800; 1 min; guest gn hang; 2 h")
    cuts = [cut.at_s for cut in story.cuts if cut.at_s > ON_S and cut.plug.port == 1]
    assert cuts
    assert min(cuts) > ON_S + 1800
    assert story.rows()["gn"]["state"] == "started"


def test_every_other_command_is_refused_until_it_has_ended() -> None:
    story = told(
        f"{RUNS}gn: maintenance for 3600; 1 min; gn: stop; 1 min; gn: kill; 1 min; gn: start; 5 min; gn: maintenance; 5 min"
    )
    assert len(story.of("command.refused")) == 3
    assert story.of("device.maintenance_over")[0].fields["reason"] == "ended by the operator"
    assert story.rows()["gn"]["state"] == "started"


def test_a_guest_that_was_down_stays_down_after_it() -> None:
    story = told(f"{RUNS}gn: stop; 5 min; gn: maintenance for 600; 30 min")
    assert 1 not in story.ports_on_after(ON_S)
    assert story.rows()["gn"]["state"] == "stopped"


# --- hibernate and wake -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["", "disk wiped; "])
def test_all_guests_are_down_until_somebody_wakes_them_over_restarts_and_lost_logs(loss: str) -> None:
    down = f"{RUNS}all: hibernate cs; 20 min; service kill; {loss}service start; 2 h"
    story = told(down)
    states = {name: row["state"] for name, row in story.rows().items() if not row["self"]}
    assert states == {"gn": "stopped", "cs": "started", "x1": "stopped", "x2": "stopped"}
    assert story.looks[-1].status["wagman"]["hibernation"]["keep"] == ["cs"]
    assert [each["id"] for each in story.looks[-1].status["problems"]] == ["hibernating"]
    assert {port for at_s, port in story.switched_on if at_s > ON_S} == set()
    story = told(f"{down}; all: wake; 10 min")
    assert {row["state"] for row in story.rows().values()} == {"started"}
    assert story.looks[-1].status["wagman"]["hibernation"] is None


def test_a_guest_that_is_kept_is_looked_after() -> None:
    story = told(f"{RUNS}all: hibernate gn; 20 min; guest gn hang; 1 h")
    assert first_s(story, "device.heartbeat_lost") > ON_S
    assert story.rows()["gn"]["state"] == "started"


def test_heat_counts_beside_it_for_as_long_as_it_would_alone() -> None:
    hot = f"{RUNS}all: hibernate cs; 20 min; board temp 80; 20 min"
    assert told(hot).rows()["cs"]["state"] == "stopped"
    story = told(f"{hot}; board temp 20; 30 min")
    assert {name: row["state"] for name, row in story.rows().items() if name in ("cs", "gn")} == {
        "cs": "started",
        "gn": "stopped",
    }

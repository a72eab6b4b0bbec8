"""What was decided outlives restarts, logs that are lost, damaged, older or somebody else's, renames and moves: in virtual time.

Each of these failed where a decision was kept in the log alone, under the name of the table.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field

from tests.simulation.node import node
from tests.store.kit import in_virtual_time, journal_at
from wagman.config.schema import Config
from wagman.model.facts import Port
from wagman.service.decided import Decided
from wagman.service.decisions_file import DecisionsFile, Found
from wagman.service.recollection import Recollection
from wagman.simulation.play import Outcome, Scenario, play
from wagman.simulation.records import EventShown, Look, Record, RelayMoved
from wagman.simulation.script import parse
from wagman.store import Event, Keeper, Loaded, SmallFile, inline
from wagman.store.owner import barred_words
from wagman.tasks.moments import Clocks, Stamp
from wagman.tasks.supervisor import Supervisor

BEFORE = "20 min; x1: disable; gn: stop; 5 min; "


@define
class Story:
    """What happened."""

    outcome: Outcome | None = None
    told: list[tuple[float, Event]] = field(factory=list)
    looks: list[Look] = field(factory=list)
    cuts: list[RelayMoved] = field(factory=list)
    switched_on: list[tuple[float, Port]] = field(factory=list)

    def watch(self, record: Record) -> None:
        match record:
            case EventShown():
                self.told.append((record.at_s, record.event))
            case Look():
                self.looks.append(record)
            case RelayMoved(on=False):
                self.cuts.append(record)
            case RelayMoved(on=True, by="command" | "board"):
                self.switched_on.append((record.at_s, record.plug.port))

    def of(self, type_: str) -> list[Event]:
        return [event for _, event in self.told if event.type == type_]

    def shown_in_vain(self, lives: int) -> int:
        """How many events had no id when they were shown, in the lives from the second on."""
        boots = list(dict.fromkeys(event.boot_id for _, event in self.told))[:lives]
        return sum(event.id is None and event.boot_id in boots for _, event in self.told)

    def ports_on_after(self, at_s: float) -> set[Port]:
        return {port for moved_s, port in self.switched_on if moved_s > at_s}

    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        return {row["name"]: row for row in self.looks[-1].status["devices"]}

    def problems(self, at_s: float) -> Mapping[str, Mapping[str, Any]]:
        look = min(self.looks, key=lambda each: abs(each.at_s - at_s))
        return {each["id"]: each for each in look.status["problems"]}


def told(script: str, config: Config | None = None) -> Story:
    """Play a script on a node; no checker may object."""
    story = Story()
    story.outcome = play(Scenario(1, config or node(), parse(script)), story.watch)
    assert story.outcome.violation is None, story.outcome.violation
    assert story.of("service.task_failed") == []
    return story


def with_release(seconds: float) -> Config:
    config = node()
    return evolve(config, service=evolve(config.service, unreadable_release_s=seconds))


CLOCKS = Clocks(lambda: "then", lambda: Stamp("boot", 0.0))

DOWN_S = 1500.0  # when the service goes down in these stories


@pytest.mark.parametrize(
    "loss",
    [
        "disk wiped",
        "disk truncated 50",
        "disk newer",
        "disk undecided",
        "disk barred log",
        "config rename x1 modem",
        "config set device.x1.port 4; config set device.x2.port 3",
    ],
)
def test_who_was_stopped_or_disabled_stays_down_whatever_becomes_of_the_log_and_the_tables(loss: str) -> None:
    story = told(f"{BEFORE}service stop; {loss}; 1 s; service start; 2 h")
    rows = story.rows()
    guest = "modem" if "rename" in loss else "x1"
    assert story.ports_on_after(DOWN_S).isdisjoint({rows["gn"]["port"], rows[guest]["port"]})
    assert (rows[guest]["enabled"], rows[guest]["wanted"]) == (False, "down")
    assert (rows["gn"]["enabled"], rows["gn"]["wanted"]) == (True, "down")


def test_an_operator_who_says_otherwise_is_obeyed_after_the_log_was_lost() -> None:
    story = told(f"{BEFORE}service kill; disk wiped; service start; 10 min; x1: enable; 1 s; x1: start; 5 min")
    assert 3 in story.ports_on_after(DOWN_S)
    assert story.rows()["x1"]["state"] == "started"


def test_what_counts_is_told_with_who_decided_it() -> None:
    again = "service stop; service start; 10 min"
    story = told(f"{BEFORE}service kill; disk wiped; service start; 10 min; {again}")
    assert len(story.of("device.recalled")) == 2
    recalled = {event.device: event.fields for event in story.of("device.recalled")}
    assert recalled.keys() == {"gn", "x1"}
    assert {key: recalled["x1"][key] for key in ("verb", "who", "uid")} == {"verb": "disable", "who": "pid 1", "uid": 0}
    assert recalled["x1"]["decided_at"].startswith("2100-01-01T00:20:0")


# --- A memory that cannot be read -------------------------------------------------------------------------------------


def test_while_nobody_can_read_what_was_decided_what_runs_is_taken_over_and_what_is_off_stays_off() -> None:
    story = told(f"{BEFORE}service kill; cs: start; disk barred all; service start; 50 min")
    assert story.ports_on_after(DOWN_S) == set()
    assert {event.device for at_s, event in story.told if event.type == "device.adopted" and at_s > DOWN_S} == {"cs", "x2"}
    (unreadable,) = story.of("store.unreadable")
    assert "belongs to root" in unreadable.fields["reason"]
    assert unreadable.fields["release_in_s"] == 3600
    problem = story.problems(DOWN_S + 600)["memory"]
    assert problem["severity"] == "critical"
    assert "sudo chown" in problem["text"]
    assert "1h after its start the service starts gn, x1 without it" in problem["do"]


def test_it_is_read_as_soon_as_it_can_be_and_then_counts() -> None:
    story = told(f"{BEFORE}service kill; disk barred all; board fault power 2 off; 1 s; service start; 20 min; disk ok; 10 min")
    assert story.ports_on_after(DOWN_S) == {2}
    assert all(at_s > DOWN_S + 1200 for at_s, _ in story.switched_on if at_s > DOWN_S)
    (released,) = story.of("store.released")
    assert released.fields["because"] == "it could be read"
    assert set(released.fields["devices"]) == {"cs"}
    assert "memory" not in story.problems(1e9)


SLOW = "service kill; disk ok; disk slow 18; service start; 100 s; disk ok; 8 min"


def test_what_was_decided_while_the_log_had_no_room_counts_though_the_disk_answers_late_when_the_service_comes_up() -> None:
    story = told(f"5 min; disk full; gn: disable; 3 min; {SLOW}")
    assert story.ports_on_after(480.0) == set()
    (unreadable,) = story.of("store.unreadable")
    assert "the disk has not answered for 10 s" in unreadable.fields["reason"]
    assert [event.fields["because"] for event in story.of("store.released")] == ["it could be read"]
    assert story.of("decisions.damaged") == []


def test_so_does_what_was_to_run_again() -> None:
    story = told(f"5 min; gn: stop; 3 min; disk full; gn: start; 10 s; {SLOW}; all well; settled")
    assert 1 in story.ports_on_after(490.0)


def test_whom_the_log_says_to_be_down_is_not_said_to_be_started_where_nothing_lies_beside_it() -> None:
    script = "service kill; disk undecided; disk barred log; board fault power 2 off; 1 s; service start; 20 min; disk ok; 10 min"
    story = told(f"{BEFORE}{script}")
    (released,) = story.of("store.released")
    assert released.fields["devices"] == ["cs"]
    assert story.ports_on_after(DOWN_S) == {2}


def test_a_guest_that_an_operator_starts_is_not_waited_for() -> None:
    story = told(f"{BEFORE}service kill; disk barred all; service start; 10 min; gn: start; 10 min")
    assert story.ports_on_after(DOWN_S) == {1}


def test_where_only_the_log_cannot_be_read_what_lies_beside_it_counts_once_the_time_is_over() -> None:
    story = told("20 min; x1: disable; 5 min; service kill; disk barred log; board fault power 2 off; service start; 90 min")
    ((at_s, port),) = ((at_s, port) for at_s, port in story.switched_on if at_s > DOWN_S)
    assert port == 2
    assert at_s > DOWN_S + 3600
    (released,) = story.of("store.released")
    assert released.fields["because"] == "it could not be read for 1h"


def test_what_was_started_without_it_halts_as_ever_once_it_can_be_read() -> None:
    script = "service kill; disk undecided; disk barred log; service start; 50 min; disk ok; 20 min"
    story = told(f"{BEFORE}{script}", with_release(600.0))
    assert story.ports_on_after(DOWN_S) == {1, 3}
    stopping = {event.device: event for at_s, event in story.told if event.type == "device.stopping" and at_s > DOWN_S}
    assert {event.fields["reason"] for event in stopping.values()} == {"an operator decided so before"}
    assert {event.device: event.fields["verb"] for event in story.of("device.recalled")} == {"gn": "stop", "x1": "disable"}
    rows = story.rows()
    assert {name: (row["enabled"], row["wanted"]) for name, row in rows.items() if name in stopping} == {
        "gn": (True, "down"),
        "x1": (False, "down"),
    }


def test_who_decides_before_it_can_be_read_has_decided_later_for_good() -> None:
    obeyed = "service kill; disk barred all; service start; 5 min; x1: start; gn: stop; 5 min; disk ok; 10 min"
    story = told(f"{BEFORE}{obeyed}; service stop; service start; 5 min")
    assert (story.rows()["x1"]["state"], story.rows()["gn"]["wanted"]) == ("started", "down")
    assert story.of("device.recalled") == []


def test_who_was_stopped_and_is_only_enabled_before_that_can_be_read_stays_down() -> None:
    story = told(f"{BEFORE}service kill; disk barred all; service start; 5 min; x1: enable; gn: enable; 5 min; disk ok; 2 h")
    assert story.ports_on_after(DOWN_S).isdisjoint({1, 3})
    assert {name: (row["enabled"], row["wanted"]) for name, row in story.rows().items() if name in ("x1", "gn")} == {
        "x1": (True, "down"),
        "gn": (True, "down"),
    }


def test_without_a_time_it_waits_for_ever() -> None:
    script = "20 min; service kill; disk barred all; board fault power 2 off; service start; 5 h"
    story = told(script, with_release(0.0))
    assert {port for at_s, port in story.switched_on if at_s > 1200} == set()
    (unreadable,) = story.of("store.unreadable")
    assert unreadable.fields["release_in_s"] is None


def test_a_log_that_was_set_aside_with_nothing_beside_it_is_a_memory_that_cannot_be_read() -> None:
    story = told(f"{BEFORE}service kill; disk newer; disk undecided; service start; 50 min")
    assert story.ports_on_after(DOWN_S) == set()
    assert len(story.of("store.unreadable")) == 1
    assert set(story.problems(DOWN_S + 600)) & {"memory"}


def test_where_there_never_was_a_memory_the_first_day_begins_at_once_and_says_whom_it_will_start() -> None:
    story = told(f"{BEFORE}service kill; disk wiped; disk undecided; service start; 30 min")
    assert story.ports_on_after(DOWN_S) >= {1, 3}
    problem = story.problems(DOWN_S + 61)["memory"]
    assert "gn, x1 will be started" in problem["text"]
    assert "wagman disable" in problem["do"]
    assert "memory" not in story.problems(1e9)


def test_a_first_day_is_over_for_good_once_the_guests_were_seen() -> None:
    story = told("20 min; board temp 85; 30 min; board temp 25; 40 min")
    assert [event.fields["id"] for event in story.of("problem.began")] == ["memory", "hibernating"]


# --- Tables -----------------------------------------------------------------------------------------------------------


def test_a_table_that_is_renamed_is_told_of_and_what_was_decided_later_counts_under_the_new_name() -> None:
    story = told(
        f"{BEFORE}config rename x1 modem; service stop; 1 s; service start; 5 min; service kill; disk wiped; service start; 5 min"
    )
    (renamed,) = story.of("device.renamed")
    assert (renamed.device, dict(renamed.fields)) == ("modem", {"was": "x1", "port": 3})
    assert not story.rows()["modem"]["enabled"]


def test_a_table_that_is_moved_is_told_of() -> None:
    story = told(f"{BEFORE}config set device.x1.port 4; config set device.x2.port 3; service stop; 1 s; service start; 5 min")
    assert {event.device: dict(event.fields) for event in story.of("device.moved")} == {
        "x1": {"port": 4, "was_port": 3},
        "x2": {"port": 3, "was_port": 4},
    }


def test_a_table_that_was_away_for_a_while_finds_what_was_decided_about_it() -> None:
    away = "config drop x1; service stop; 1 s; service start; 10 min; config well; service stop; 1 s; service start; 10 min"
    story = told(f"{BEFORE}{away}")
    assert story.ports_on_after(DOWN_S).isdisjoint({3})
    (left,) = story.of("port.left")
    assert dict(left.fields) == {"port": 3, "board_name": "x1", "was": "x1"}
    assert not story.rows()["x1"]["enabled"]


@pytest.mark.parametrize("lost", ["disk wiped", "disk undecided"])
def test_a_table_that_was_away_while_the_memory_was_read_late_finds_what_was_decided_about_it(lost: str) -> None:
    away = f"service stop; config drop x1; {lost}; service start; 5 min; service kill; disk barred all; service start; 5 min"
    story = told(f"{BEFORE}{away}; disk ok; 5 min; config well; service stop; service start; 10 min")
    assert story.ports_on_after(DOWN_S).isdisjoint({3})
    assert not story.rows()["x1"]["enabled"]


def test_a_port_whose_table_was_away_before_the_memory_could_be_read_is_shown_from_then_on() -> None:
    story = told("20 min; config drop x1; service kill; disk barred all; service start; 5 min; disk ok; 1 min")
    assert not story.of("service.task_failed")
    assert [(port["port"], port["was"]) for port in story.looks[-1].status["ports"]] == [(3, "x1")]


@pytest.mark.parametrize("copy", ["disk restored", "disk restored beside"])
@pytest.mark.parametrize(
    "back",
    [
        "modem: disable; 5 min; service stop; {copy}; service start; 5 min; config well; service stop; service start",
        "modem: disable; 5 min; service stop; {copy}; config well; service start",
        "service stop; {copy}; service start; 5 min; modem: disable; 5 min; config well; service stop; service start",
    ],
)
def test_an_older_copy_brings_back_no_table_that_another_has_taken_over(copy: str, back: str) -> None:
    renamed = (
        "20 min; service stop; disk copied; service start; 5 min; config rename x1 modem; service stop; service start; 5 min"
    )
    story = told(f"{renamed}; {back.format(copy=copy)}; 10 min")
    assert [event.device for event in story.of("device.renamed")][-1] == "x1"
    assert not story.rows()["x1"]["enabled"]


def test_a_table_that_was_away_while_another_had_its_port_finds_what_was_decided_about_it() -> None:
    restart = "service stop; 1 s; service start; 10 min"
    swapped = f"config set device.x1.port 4; config set device.x2.port 3; {restart}; config drop x1; config set device.x2.port 4"
    story = told(f"{BEFORE}{swapped}; {restart}; config well; {restart}")
    assert not story.rows()["x1"]["enabled"]
    assert story.of("device.starting")[-1].device != "x1"


def test_a_port_that_loses_its_table_keeps_its_power_and_is_shown_until_it_is_seen_off() -> None:
    dropped = "20 min; config drop cs; service stop; 1 s; service start"
    story = told(f"{dropped}; 3 h")
    assert story.cuts == []
    (port,) = story.looks[-1].status["ports"]
    assert (port["port"], port["was"], port["power"]) == (2, "cs", "on")
    assert "port:2" in story.problems(1e9)
    later = told(f"{dropped}; 10 min; board fault power 2 off; 15 min; service stop; 1 s; service start; 10 min")
    assert later.looks[-1].status["ports"] == []
    assert len(later.of("port.left")) == len(later.of("port.off")) == 1
    assert "port:2" not in later.problems(1e9)


def test_what_a_restart_will_make_of_the_tables_is_told_at_the_reload() -> None:
    story = told(f"{BEFORE}config rename x1 modem; 1 min")
    (reloaded,) = story.of("service.reloaded")
    (sentence,) = reloaded.fields["tables"]
    assert sentence.startswith("modem takes the place of x1 on port 3: it stays disabled (disable by pid 1, 2100-01-01")


# --- Disabled by the configuration ------------------------------------------------------------------------------------


def test_a_guest_that_the_configuration_disables_is_stopped_in_an_orderly_way_and_nobody_can_start_it() -> None:
    story = told("20 min; config set device.gn.enabled false; 10 min; gn: start; gn: enable; gn: restart; 10 min")
    assert [event.fields["reason"] for event in story.of("device.stopping")] == ["disabled in the configuration"]
    refused = [event.fields["reason"] for event in story.of("command.refused")]
    assert len(refused) == 3
    assert all("enabled = false" in reason for reason in refused)
    assert story.ports_on_after(1200.0) == set()
    assert story.rows()["gn"]["enabled"] is False


def test_what_was_wanted_before_comes_back_with_the_permission() -> None:
    story = told(
        "20 min; config set device.gn.enabled false; 10 min; service kill; 1 s; service start; 5 min; config well; 5 min"
    )
    assert story.ports_on_after(1200.0) == {1}
    assert story.rows()["gn"]["state"] == "started"


def test_a_guest_that_runs_when_the_service_comes_up_with_it_disabled_is_asked_to_halt() -> None:
    story = told("20 min; service kill; config set device.gn.enabled false; service start; 10 min")
    assert "disabled in the configuration" in [event.fields["reason"] for event in story.of("device.stopping")]
    assert story.rows()["gn"]["state"] == "stopped"


# --- A full disk ------------------------------------------------------------------------------------------------------


def test_what_is_decided_while_the_disk_is_full_outlives_a_restart() -> None:
    story = told("20 min; disk full; x1: disable; gn: stop; 5 min; service kill; 1 s; service start; 2 h; disk ok; 10 min")
    assert story.ports_on_after(1260.0).isdisjoint({1, 3})


@pytest.mark.parametrize("ends", [("stop",), ("kill",), ("kill", "kill"), ("stop", "kill", "stop", "kill")])
def test_events_that_were_shown_and_never_written_are_counted_by_the_first_that_is(ends: tuple[str, ...]) -> None:
    """A restart with a full disk dropped them without a word."""
    lives = "; ".join(f"5 min; service {end}; 1 s; service start" for end in ends)
    story = told(f"20 min; disk full; gn: restart; {lives}; 5 min; disk ok; 10 min; service kill; 1 s; service start; 5 min")
    (dropped,) = story.of("store.dropped")
    assert dropped.fields["count"] == story.shown_in_vain(lives=len(ends))
    after = [event.id for at_s, event in story.told if event.id is not None and at_s > 1200]
    assert dropped.id == min(after)


def test_events_that_were_written_after_all_are_not_counted() -> None:
    story = told("20 min; disk full; gn: restart; 5 min; disk ok; 2 min; service kill; 1 s; service start; 5 min")
    assert story.of("store.dropped") == []


def test_what_to_type_names_a_file_that_was_set_aside_as_it_is_called_then(tmp_path: Path) -> None:
    path = tmp_path / "decisions.json"
    path.write_text("precious")

    async def body() -> None:
        async with journal_at(tmp_path / "wagman.db") as (journal, told):
            file = DecisionsFile(journal, Keeper(SmallFile(path), inline, str, lambda _: None))
            await file.set_aside(f"cannot read {path}: Permission denied; {barred_words(path)}")
            await trio.sleep(1)
            (damaged,) = [event.fields for event in told if event.type == "decisions.damaged"]
            assert damaged["reason"].startswith(f"cannot read {path}: Permission denied; {path} belongs to ")
            assert damaged["reason"].endswith(f" {damaged['set_aside']}")

    in_virtual_time(body)


def test_a_service_that_takes_longer_to_come_up_than_it_is_to_wait_goes_on_without_the_memory_at_once(tmp_path: Path) -> None:
    config = with_release(1.0)

    async def body() -> None:
        async with journal_at(tmp_path / "wagman.db") as (journal, told):
            file = DecisionsFile(journal, Keeper(SmallFile(tmp_path / "decisions.json"), inline, str, lambda _: None))
            supervisor = Supervisor(config, journal, {}, CLOCKS, lambda _: None)
            decided = Decided(config, {}, journal, file, lambda _: None, lambda: supervisor)
            recollection = Recollection(config, {}, journal, file, decided)
            await recollection.take_up(Loaded({}, trusted=False, unread="it is held"), Found(is_there=True))
            await trio.sleep(10)  # while the commands are looked at
            await recollection.run()
            await trio.sleep(1)
            assert "store.released" in [event.type for event in told]

    in_virtual_time(body)

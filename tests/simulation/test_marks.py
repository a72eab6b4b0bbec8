"""Every kind of event, and every branch of the guest's machine, the outlet's, the turns and the loop, is reached by a story.

What no story reaches bears a mark in the code, a comment above the statement; each mark has the one test that must reach it.
"""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

import wagman

PACKAGE = Path(wagman.__file__).parent

NOT_REACHED = {
    "board.dialect": "the dialect is configured here",
    "board.stranger": "nobody swaps boards here",
    "board.unsupported": "the board speaks what is configured",
    "command.board": "operators here use the service's own commands only",
    "command.hibernate": "no operator here has all guests rest: the profile of orders does",
    "command.wake": "likewise",
    "command.denied": "all operators here may do everything",
    "controller.going_down": "no operator restarts the controller here",
    "device.power_doubted": "a Wagman does not show what was before",
    "device.brownout": "takes three resets, each within ten seconds of the same guest's relay-on",
    "service.request_failed": "a defect",
    "service.task_stuck": "takes a task that hangs: a process has that, virtual time waits for it",
    "network.unproved": "all guests are heard on their board here",
    "store.illegible": "takes a bit that flips in the right place",
    "store.dropped": "takes 10,000 events while the disk is full",
    "wagman.start_refused": "takes a change of mind between the scheduler's decision and its arrival",
}
"""Kinds of events that no story reaches; each has tests of its own."""

WATCHED = ("fsm/guest/*.py", "fsm/outlet/*.py", "io/board/power.py", "io/board/sightings.py", "tasks/loop.py")
"""Where each branch is a decision about somebody's power."""

MARK = re.compile(r"^ *# mark (?P<name>[a-z-]+)$")

MARKS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "tests/fsm/test_device_table.py": {
        "what_every_input_makes_of_every_state": ("power-that-is-doubted",),
    },
    "tests/fsm/test_device_maintenance.py": {
        "power_that_goes_off_at_last_is_told_and_left_as_it_is": ("off-at-last-in-maintenance",),
        "where_it_turns_out_that_it_was_over_before_the_guest_is_looked_at_anew": ("maintenance-of-an-older-memory",),
    },
    "tests/fsm/test_device_starts.py": {
        "a_start_that_was_given_up_is_not_counted_as_failed": ("start-that-was-given-up",),
    },
    "tests/fsm/test_device_stops.py": {
        "a_restart_ends_in_stopped_where_those_that_it_needs_have_gone_down_meanwhile": ("restart-behind-others",),
        "power_goes_only_after_the_message_and_then_the_whole_silence": ("silent-while-being-told",),
        "a_device_without_a_heartbeat_is_asked_again_before_it_is_cut_late": ("suspended-while-it-halts",),
        "a_restart_ends_in_stopped_where_the_environment_has_come_to_forbid_it": ("restart-in-the-heat",),
        "a_stop_while_restarting_cuts_at_once_where_shutdown_is_empty": ("command-of-its-own-for-a-restart",),
    },
    "tests/fsm/test_device_beats.py": {
        "a_brownout_while_restarting_holds_the_device_too": ("restart-without-power",),
        "beats_of_a_device_that_has_none_say_nothing": ("noise-of-a-guest-without-a-heartbeat",),
    },
    "tests/fsm/test_device_commands.py": {
        "what_the_configuration_disables_gets_neither_its_turn_nor_what_an_operator_asks_for": (
            "turn-of-a-guest-that-may-not-run",
            "operator-against-the-configuration",
        ),
        "a_start_while_hibernating_is_refused_unless_forced": ("operator-against-the-heat",),
        "the_wagmans_start_is_checked_again_when_it_is_handled": ("turn-that-comes-too-late",),
    },
    "tests/fsm/test_device_resuming.py": {
        "a_start_that_an_earlier_run_has_asked_for_is_looked_at_before_it_is_stopped": ("start-of-an-earlier-run",),
        "a_start_that_an_earlier_run_has_given_up_is_not_repeated_but_looked_at": ("given-up-by-an-earlier-run",),
        "a_start_whose_power_is_made_sure_of_has_all_of_its_time": ("start-that-is-made-sure-of",),
        "a_forced_start_in_the_adopt_window_is_not_forgotten": ("forced-start-in-the-adopt-window",),
        "what_is_no_state_is_not_trusted": ("no-state-of-a-guest",),
    },
    "tests/io/test_power.py": {
        "an_outlet_that_comes_on_while_it_is_to_be_kept_off_anew_is_reported_and_not_just_cut": (
            "comes-on-while-it-is-kept-off-anew",
        ),
        "an_off_that_rested_on_silence_lapses_when_the_guest_was_heard_meanwhile": ("beats-before-the-cut",),
        "a_guest_that_shows_life_after_the_board_restarted_is_on_and_gets_no_command": ("doubt-against-what-was-saved",),
        "a_start_that_is_wanted_is_not_reported_again_with_each_poll_while_it_waits_for_its_turn": ("stray-that-is-wanted",),
        "ports_without_a_guest_are_of_no_concern": ("port-without-a-guest",),
        "a_cut_that_the_board_reports_before_its_greeting_waits_for_what_the_greeting_says": ("cut-before-the-greeting",),
    },
    "tests/fsm/test_outlet_table.py": {
        "what_every_input_makes_of_every_state": (
            "stray-that-is-seen",
            "stray-that-is-disabled",
            "stray-that-is-doubted",
            "off-that-draws-and-is-free",
            "shown-at-once",
            "nothing-to-read",
            "timer-that-was-reset",
        ),
    },
    "tests/fsm/test_outlet_shown.py": {
        "an_off_that_was_shown_before_the_guest_was_heard_is_no_news": ("off-that-is-no-news",),
        "what_an_earlier_run_switched_on_and_the_first_look_shows_off_is_switched_on_once_more": (
            "off-that-is-older-than-this-run",
        ),
    },
    "tests/fsm/test_outlet_pulse.py": {
        "a_new_power_cycle_is_one_command_and_no_off": ("pulse-that-has-left",),
    },
    "tests/fsm/test_device_ways.py": {
        "an_operator_has_to_insist_on_its_stop": ("operator-against-the-way",),
        "one_that_hangs_keeps_its_power_until_a_start_makes_a_new_power_cycle_of_it": ("way-that-is-left-on",),
        "one_that_lost_its_power_is_due_at_once": ("way-that-lost-its-power",),
        "one_that_is_left_on_is_asked_to_halt_before_an_operator_who_insists_has_it_cut": ("way-that-is-to-be-off",),
        "one_that_lost_its_power_stays_off_where_an_operator_insists": ("way-that-is-off-already",),
        "neither_heat_nor_an_order_stops_it": ("way-in-the-heat",),
    },
    "tests/io/test_plain.py": {
        "what_leads_to_the_board_is_switched_off_and_on_by_one_command_of_which_nobody_sees_the_end": ("pulse-of-a-plain-board",),
        "a_reading_within_the_settle_time_may_be_from_before_the_command": ("board-that-needs-time", "look-of-a-plain-board"),
        "where_nothing_can_be_read_a_reply_is_assumed_once_it_had_its_time_and_is_not_repeated": ("reply-of-a-plain-board",),
    },
}
"""The marks whose statements each test must reach, by file and test."""

OF_NO_CONSEQUENCE = {
    *("return Step(now)", "return Step(self)", "return self.stay(now)", "return state.stay(now)", "return self"),
    *("return False", "return", "return -math.inf"),
}
"""Lines that need no mark: nothing happens there."""

NAMED = re.compile(r'(?:event|Draft|note)\("(?P<type>[a-z_.]+)"')


def kinds_in_the_source() -> set[str]:
    text = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    return {kind if "." in kind else f"device.{kind}" for kind in NAMED.findall(text)}


# --- Marks ------------------------------------------------------------------------------------------------------------


@frozen
class Marked:
    """The lines of the statement under a mark."""

    name: str
    file: Path
    lines: range


def watched() -> list[Path]:
    """The files that are watched."""
    return sorted(path for pattern in WATCHED for path in PACKAGE.glob(pattern))


def marked() -> Iterator[Marked]:
    """All marks in the code that is watched."""
    for file in watched():
        text = file.read_text(encoding="utf-8")
        ends = {node.lineno: node.end_lineno or 0 for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)}
        for number, line in enumerate(text.splitlines(), 1):
            if mark := MARK.match(line):
                yield Marked(mark["name"], file, range(number + 1, ends[number + 1] + 1))


# --- What runs --------------------------------------------------------------------------------------------------------


def by_story(directory: Path) -> tuple[Mapping[str, Any], Mapping[Path, Any]]:
    """What the stories told, and which lines and branches they took."""
    report = directory / "report.json"
    rooms = ",".join(sorted({str(path.parent) for path in watched()}))
    # Slipcover puts its marks into the code itself: a tracer takes as long again as the stories.
    run = (sys.executable, "-m", "slipcover", "--branch", "--source", rooms, "--json", "--out", str(report))
    told = subprocess.run((*run, "-m", "tests.simulation.stories"), cwd=PACKAGE.parent, capture_output=True, check=True).stdout
    return json.loads(told), files_of(report)


def by_test(directory: Path, *program: str) -> tuple[str, Mapping[Path, Any]]:
    """What a program printed, and which test took each line, in a process of its own: a tracer may run here already."""
    settings, report = directory / "coveragerc", directory / "report.json"
    settings.write_text("[run]\ndynamic_context = test_function\n", encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    environment["COVERAGE_FILE"] = str(directory / "coverage")
    coverage, rcfile = (sys.executable, "-m", "coverage"), f"--rcfile={settings}"
    include = ",".join(f"*/wagman/{pattern}" for pattern in WATCHED)
    run = (*coverage, "run", rcfile, f"--include={include}", "-m", *program)
    told = subprocess.run(run, env=environment, cwd=PACKAGE.parent, stdout=subprocess.PIPE, check=True, text=True).stdout
    json_report = (*coverage, "json", rcfile, "-q", "-o", str(report), "--show-contexts")
    subprocess.run(json_report, env=environment, cwd=PACKAGE.parent, check=True)
    return told, files_of(report)


def files_of(report: Path) -> Mapping[Path, Any]:
    """The watched files in such a report."""
    files = {PACKAGE.parent / name: of_file for name, of_file in json.loads(report.read_text(encoding="utf-8"))["files"].items()}
    return {path: files[path] for path in watched()}


Stories = tuple[Mapping[str, Any], Mapping[Path, Any]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Stories:
    return by_story(tmp_path_factory.mktemp("stories"))


def lines_not_taken(report: Mapping[str, Any]) -> set[int]:
    """Lines that were not run, or that always led to the same next one."""
    never = set(report["missing_lines"])
    return never | {start for start, end in report["missing_branches"] if abs(end) not in never}


def test_every_promise_holds_in_every_story(played: Stories) -> None:
    assert played[0]["wrong"] == []


def test_every_kind_of_event_is_reached_or_said_not_to_be(played: Stories) -> None:
    assert kinds_in_the_source() - set(played[0]["told"]) == set(NOT_REACHED)


def test_every_branch_is_taken_or_bears_a_mark(played: Stories) -> None:
    under_marks = {(each.file, line) for each in marked() for line in each.lines}
    missed = []
    for file, report in played[1].items():
        source = file.read_text(encoding="utf-8").splitlines()
        for number in sorted(lines_not_taken(report)):
            line = source[number - 1].strip()
            if (file, number) not in under_marks and line not in OF_NO_CONSEQUENCE and line != "raise NotImplementedError":
                missed.append(f"{file.name}:{number}: {line}")
    assert missed == []


def test_every_mark_is_reached_by_its_own_test(tmp_path: Path) -> None:
    tests = {name: (file, f"test_{test}") for file, of_file in MARKS.items() for test, names in of_file.items() for name in names}
    assert {each.name for each in marked()} == set(tests)
    chosen = sorted({f"{file}::{test}" for file, test in tests.values()})
    told, files = by_test(tmp_path, "pytest", "-q", "-n0", "-p", "no:cacheprovider", *chosen)
    assert " passed" in told
    for each in marked():
        contexts, test = files[each.file]["contexts"], tests[each.name][1]
        reached_by = {context.rpartition(".")[2] for line in each.lines for context in contexts.get(str(line), ())}
        assert test in reached_by, f"{test} does not reach {each.name} in {each.file.name}:{each.lines.start}"

"""Every kind of event, and every branch of the guest's machine, of the reconciler and of the loop, is reached by a story.

Those that are not are listed here, each with the reason; the searches of `tests/fsm` and the tests of `tests/io` reach them.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import wagman

NOT_REACHED = {
    "board.dialect": "the dialect is configured here",
    "board.unsupported": "the board speaks what is configured",
    "command.board": "operators here use the service's own commands only",
    "command.denied": "all operators here may do everything",
    "controller.going_down": "no operator restarts the controller here",
    "device.brownout": "takes three resets, each within ten seconds of the same guest's relay-on",
    "service.request_failed": "a defect",
    "service.task_stuck": "takes a task that hangs: a process has that, virtual time waits for it",
    "store.dropped": "takes 10,000 events while the disk is full",
    "wagman.start_refused": "takes a change of mind between the Wagman machine's decision and its arrival",
}
"""Kinds of events that no story reaches; each has tests of its own."""

WATCHED = (
    *(f"fsm/guest/{family}.py" for family in ("state", "stopped", "booting", "started", "halting")),
    *("io/board/power.py", "io/board/sightings.py", "tasks/loop.py"),
)
"""Where each branch is a decision about somebody's power."""

NOT_TAKEN: Mapping[str, tuple[str, ...]] = {
    "what these states never meet, and what is of no consequence in them": (
        "return self.stay(now)",
        "return False",
        "return",
        "return -math.inf",
        "return self",
        "raise IllegalTransitionError(self.name, new.name)",
    ),
    "a change of mind between the Wagman machine's decision and its arrival": (
        'return self.refuse_start(now, f"it is {self.name}")',
        "return self.refuse_start(now, self.obstacle(now.memory))",
        "return self.stay(now, StartRefused(obstacle))",
    ),
    "a message that is being delivered for longer than a guest has to be silent": (
        'return self.stay(now, alarms={**STANDING, "heartbeat": silence(now)})  # silence counts only after the message',
    ),
    "noise on an input that nothing is connected to": ("return False  # noise on an input that nothing is connected to",),
    "a forced start, a restart or a stop that the heat, a brownout or the adopt window overtakes": (
        'return self.begin(now, "asked by the operator")',
        "return super().without_power(now)",
        'return self.goto(states.stopped, now, "the environment forbids its restart", firm=firm)',
        "return self.goto(states.stopped, now, self.reason)",
    ),
    "a board that starts a port by itself in the moment in which it is to start, or to be off": (
        "self._found(self.ports[number], at_s, why)",
        'self._found(port, at_s, "it draws current, and the board does not keep it off")',
    ),
    "lines of the log that are lost, so that a poll or a beat tells first": (
        'self._lost(port, PowerLost(number, at_s, "the board has disabled it"))',
        'elif port.relay != "off":',
    ),
    "a board that browns out as it switches on, and is greeted only after it has cut": (
        "self._unplaced[number] = at_s",
        "self.seen_off(number, at_s)",
    ),
    "a start that a stop overtakes in the moment in which it leaves, while the meter is dead": (
        'self._found(port, at_s, "its start was withdrawn, and nobody knows whether it came on", "unknown")',
        'elif port.supply == "off":',
    ),
    "an off that is decided, and a link that is lost before it is carried out": (
        'self._found(port, at_s, "it beats again before its power could be cut")',
    ),
    "a start that is taken back when it may have left already: what has not left is not sent any more": (
        'if port.supply == "on":',
        "elif at_s <= port.on_at_s + EVIDENCE_S:",
        "port.cycle = port.goal.cycle",
        "self._withdrawn_judged(port, at_s)",
        'self._found(port, at_s, "it came on though its start had been withdrawn")',
    ),
}
"""Lines that the stories do not reach or leave by one way only, by what it would take."""


NAMED = re.compile(r'(?:event|Draft|Notice|note)\("(?P<type>[a-z_.]+)"')


def kinds_in_the_source() -> set[str]:
    text = "".join(path.read_text(encoding="utf-8") for path in Path(wagman.__file__).parent.rglob("*.py"))
    return {kind if "." in kind else f"device.{kind}" for kind in NAMED.findall(text)}


def play_all(directory: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What the stories' process told, and which branches it took; in a process of its own, for a tracer may run here already."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    environment["COVERAGE_FILE"] = str(directory / "coverage")
    include = ",".join(f"*/wagman/{name}" for name in WATCHED)
    coverage = [sys.executable, "-m", "coverage"]
    run = [*coverage, "run", f"--rcfile={os.devnull}", "--branch", f"--include={include}", "-m", "tests.simulation.stories"]
    told = subprocess.run(run, env=environment, cwd=Path(wagman.__file__).parents[1], stdout=subprocess.PIPE, check=True).stdout
    report = directory / "report.json"
    subprocess.run([*coverage, "json", f"--rcfile={os.devnull}", "-q", "-o", report], env=environment, check=True)
    return json.loads(told), json.loads(report.read_text(encoding="utf-8"))["files"]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return play_all(tmp_path_factory.mktemp("stories"))


def lines_not_taken(files: Mapping[str, Any]) -> set[str]:
    """The source of each line that was not run, or that always led to the same next one."""
    found = set()
    for name, report in files.items():
        source = Path(name).read_text(encoding="utf-8").splitlines()
        never = set(report["missing_lines"])
        one_way = {start for start, end in report["missing_branches"] if abs(end) not in never}
        found |= {source[number - 1].strip() for number in never | one_way}
    return found - {"raise NotImplementedError"}


def test_every_promise_holds_in_every_story(played: tuple[Mapping[str, Any], Mapping[str, Any]]) -> None:
    assert played[0]["wrong"] == []


def test_every_kind_of_event_is_reached_or_said_not_to_be(played: tuple[Mapping[str, Any], Mapping[str, Any]]) -> None:
    assert kinds_in_the_source() - set(played[0]["told"]) == set(NOT_REACHED)


def test_every_branch_is_taken_or_said_not_to_be(played: tuple[Mapping[str, Any], Mapping[str, Any]]) -> None:
    assert {Path(name).name for name in played[1]} == {Path(name).name for name in WATCHED}
    assert lines_not_taken(played[1]) <= {line for lines in NOT_TAKEN.values() for line in lines}

"""The live view: what its keys do, what it draws, and how it behaves on a terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from tests.api.fake_service import Guest, guests, row
from tests.cli.kit import PATIENCE_S, WAGMAN, Daemon, scripted
from wagman.cli.status import device_cells as status_cells
from wagman.cli.top_keys import (
    HELP,
    HINTS,
    SHORT_HINTS,
    VERBS,
    Request,
    State,
    came,
    help_lines,
    keys,
    pressed,
    question,
    settled,
)
from wagman.cli.top_view import (
    SMALL_ROWS,
    TIMER_ROWS,
    Picture,
    beat,
    can_be_chosen,
    cut,
    device_cells,
    event_line,
    screen,
    timer_texts,
)

DEVICES = ("gn", "cs", "x1")
ON_GN = State(chosen="gn")


def after(state: State, *typed: str) -> tuple[State, list[Request]]:
    """The state after these keys, and what was asked for on the way."""
    requests = []
    for key in typed:
        state, request = pressed(state, key, DEVICES)
        requests += [request] if request else []
    return state, requests


# --- Keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"jk", ["j", "k"]),
        (b"\x1b[A\x1b[B", ["\x1b[A", "\x1b[B"]),
        (b"\x1bOAj", ["\x1bOA", "j"]),
        (b"\x1b[1;5Dy", ["\x1b[1;5D", "y"]),
        (b"\x1bK", ["\x1bK"]),
        (b"\x1b\x1b[A", ["\x1b", "\x1b[A"]),
        (b"\x1b", ["\x1b"]),
        (b"\xff", ["\ufffd"]),
        (b"\n", ["\n"]),
    ],
)
def test_a_key_of_several_characters_is_one_key(data: bytes, found: list[str]) -> None:
    assert list(keys(data)) == found


@given(st.binary())
def test_no_byte_is_lost_among_the_keys(data: bytes) -> None:
    assert "".join(keys(data)) == data.decode(errors="replace")


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [("j", "cs"), ("jj", "x1"), ("jjj", "x1"), ("k", "gn"), ("jk", "gn")],
)
def test_j_and_k_choose_and_stop_at_the_ends(typed: str, chosen: str) -> None:
    assert after(ON_GN, *typed)[0].chosen == chosen


@pytest.mark.parametrize(("down", "up"), [("\x1b[B", "\x1b[A"), ("\x1bOB", "\x1bOA")])
def test_arrows_choose_too(down: str, up: str) -> None:
    assert after(ON_GN, down)[0].chosen == "cs"
    assert after(ON_GN, down, down, up)[0].chosen == "cs"


@pytest.mark.parametrize(
    ("key", "verb"),
    [("s", "start"), ("t", "stop"), ("r", "restart"), ("K", "kill"), ("e", "enable"), ("d", "disable")],
)
def test_a_request_is_asked_about_and_sent_on_y(key: str, verb: str) -> None:
    asked, requests = after(ON_GN, key)
    assert asked.asked == (verb, "gn")
    assert question(Request(verb, "gn")).startswith(f"{verb} gn")
    assert question(Request(verb, "gn")).endswith("? y/n")
    assert requests == []
    state, requests = after(asked, "y")
    assert requests == [(verb, "gn")]
    assert state.asked is None


def test_a_kill_is_asked_about_by_what_it_does() -> None:
    assert "without a shutdown" in question(Request("kill", "gn"))
    assert "without a shutdown" not in question(Request("stop", "gn"))


@given(st.text(max_size=3).filter(lambda key: key not in ("y", "Y")))
def test_whatever_is_not_y_withdraws(key: str) -> None:
    state, requests = after(ON_GN, "t", key)
    assert requests == []
    assert state == State(chosen="gn", said="stop gn: not sent")


@given(st.lists(st.sampled_from([*"jkstrKednyq", "\x1b[A", "\x1b", "x"])))
def test_nothing_is_sent_without_its_question_just_before(typed: list[str]) -> None:
    state = ON_GN
    for key in typed:
        before = state
        state, request = pressed(state, key, DEVICES)
        assert request == (before.asked if key == "y" else None)
        assert state.chosen in DEVICES
        assert state.asked is None or (key in VERBS and state.asked == (VERBS[key], state.chosen))


@pytest.mark.parametrize("key", ["q", "Q", "\x04"])
def test_q_ends_it_unless_something_is_asked(key: str) -> None:
    assert after(ON_GN, key)[0].is_over
    assert not after(ON_GN, "t", key)[0].is_over


def test_what_was_said_stays_until_the_next_key() -> None:
    assert after(ON_GN._replace(said="stop gn: accepted"), "j")[0].said == ""


def test_without_devices_there_is_nothing_to_ask() -> None:
    for key in ("s", "j"):
        assert pressed(State(), key, ()) == (State(), None)


def test_the_choice_outlasts_other_devices_and_falls_back_to_the_first() -> None:
    assert settled(State("cs"), DEVICES).chosen == "cs"
    assert settled(State("gone"), DEVICES).chosen == "gn"
    assert settled(State("gone"), ()).chosen == ""


def test_b_and_space_scroll_the_events_and_stop_at_the_latest() -> None:
    assert after(ON_GN, "b", "b")[0].back == 10
    assert after(ON_GN, "b", "b", " ")[0].back == 5
    assert after(ON_GN, "b", " ", " ")[0].back == 0
    assert after(ON_GN, "\x1b[5~")[0].back == after(ON_GN, "b")[0].back


def test_events_that_are_looked_at_stay_where_they_are_while_others_come() -> None:
    assert came(State(back=5), 3, 200).back == 8
    assert came(State(back=199), 3, 200).back == 199
    assert came(State(), 3, 200).back == 0


def test_a_question_mark_shows_every_key_and_the_next_key_sends_nothing() -> None:
    shown, _ = after(ON_GN, "?")
    assert shown.helps
    assert {*VERBS, "?"} <= {key for key, _ in HELP}
    assert after(shown, "K") == (ON_GN, [])
    assert after(shown, "q")[0].is_over


# --- The picture ------------------------------------------------------------------------------------------------------


# However slow the tests are, it reads the same throughout: 9d00h, or 9 d.
SINCE = "2026-01-31T12:00:00.000Z"
FOR_S = timedelta(days=9, minutes=30).total_seconds()
ON = {"wanted": "on", "confirmed": True}


def alarm(name: str, in_s: float, *, held: bool = False) -> dict[str, Any]:
    return {"name": name, "in_s": in_s, "held": held}


def device(name: str, port: int, **more: Any) -> Any:
    return {**row(Guest(name, port)), "since": SINCE, "for_s": FOR_S, "held": False, **more}


def status(*devices: dict[str, Any], **board: Any) -> Any:
    sensors = {"temperature_c": {"value": 23.5, "age_s": 2.0, "state": "normal"}}
    known = {"link": "up", "dialect": "v3", "device": "/dev/waggle_sysmon", "firmware": "1.0.4", "since": SINCE, "for_s": FOR_S}
    return {
        "service": {"version": "1.2", "uptime_s": 7500.0, "boot_id": "b"},
        "board": {**known, "blind": False, "last_answer_age_s": 2.0, "sensors": sensors, **board},
        "wagman": {"state": "normal", "since": SINCE, "for_s": FOR_S, "device": None, "alarms": [alarm("look", 4)]},
        "devices": list(devices),
    }


NC = device("nc", 0, self=True, state="started")
GN = device(
    "gn", 1, state="started", power=ON, attempts=1, heartbeat_age_s=3.0, current_ma=640, alarms=[alarm("heartbeat", 297.0)]
)
CS = device("cs", 2, failures=2, attempts=2, next_start_in_s=110.0, reason="its start failed", alarms=[alarm("backoff", 110.0)])
X1 = device("x1", 3, state="started", enabled=False, power={**ON, "confirmed": False})
STATUS = status(NC, GN, CS, X1)


def shown(picture: Picture, width: int = 80, height: int = 24) -> list[str]:
    return [line.text for line in screen(picture, width, height)]


def text(state: State = ON_GN, status: Any = STATUS, away: str = "", width: int = 80, height: int = 24) -> str:
    return "\n".join(shown(Picture(status, ["an event"], state, away), width, height))


def test_a_row_has_state_and_time_beat_and_limit_power_attempts_medium_current_and_temperature() -> None:
    lines = shown(Picture(STATUS, [], ON_GN))
    at = next(number for number, line in enumerate(lines) if "GUEST" in line)
    assert lines[at].split() == ["GUEST", "STATE", "FOR", "BEAT", "POWER", "TRIES", "MEDIA", "CURRENT", "TEMP", "NOTES"]
    assert lines[at + 2].split() == [">", "gn", "started", "9d00h", "3s/5m00s", "on", "1", "emmc", "640", "mA", "512"]
    assert lines[at + 3].split()[:6] == ["cs", "stopped", "9d00h", "-", "off", "2"]


def test_power_that_the_board_has_not_shown_is_marked() -> None:
    assert " on " in text(status=status(GN))
    assert " on? " in text(status=status(X1))


def test_power_that_nobody_orders_is_left_alone() -> None:
    """In maintenance, and as long as nobody knows whether the guest runs."""
    off = {"wanted": "off", "confirmed": False}
    looked_for = device("gn", 1, state="stopped", power=off, alarms=[alarm("adopt", 0.0, held=True)])
    assert device_cells(looked_for)[4] == "alone"
    assert status_cells(looked_for)[4] == "alone"
    assert "unconfirmed" not in status_cells(looked_for)[-1]
    known = device("gn", 1, state="stopped", power=off)
    assert (device_cells(known)[4], status_cells(known)[4]) == ("off?", "off")
    assert "unconfirmed" in status_cells(known)[-1]


def test_what_is_not_known_is_a_dash() -> None:
    unknown = device("gn", 1, current_ma=None, temperature_raw=None, media=None)
    assert re.search(r"^> gn +stopped +9d00h +- +off +0 +- +- +-$", text(status=status(unknown)), re.MULTILINE)


@pytest.mark.parametrize(
    ("age_s", "alarms", "expected"),
    [
        (None, [], "-"),
        (None, [alarm("heartbeat", 20)], "-"),
        (3.0, [], "3s"),
        (3.0, [alarm("stable", 9)], "3s"),
        (3.0, [alarm("stable", 9), alarm("heartbeat", 297.0)], "3s/5m00s"),
        (400.0, [alarm("heartbeat", 0.0, held=True)], "6m40s/held"),
    ],
)
def test_a_beat_is_shown_against_its_limit(age_s: float | None, alarms: list[dict[str, Any]], expected: str) -> None:
    assert beat(device("gn", 1, heartbeat_age_s=age_s, alarms=alarms)) == expected


def test_alarms_of_all_machines_count_down_the_next_one_first() -> None:
    held = device("x1", 3, alarms=[alarm("first_verdict", 0, held=True), alarm("timeout", 5)])
    told = [each.split() for each in timer_texts(status(GN, held))]
    assert told == [
        ["held", "x1", "first", "verdict"],
        ["4s", "wagman", "look"],
        ["5s", "x1", "timeout"],
        ["4m57s", "gn", "heartbeat"],
    ]


def test_alarms_that_find_no_room_are_counted() -> None:
    many = status(device("gn", 1, alarms=[alarm(f"alarm{number:02}", number + 10) for number in range(30)]))
    told = text(status=many)
    named = len(re.findall(r"gn alarm\d\d|wagman look", told))
    assert f"and {31 - named} more" in told
    assert sum("alarm" in line for line in told.splitlines()) == TIMER_ROWS
    assert "more" not in text(status=many, width=400)


def test_without_alarms_it_says_so() -> None:
    quiet = status(device("gn", 1))
    del quiet["wagman"]["alarms"]
    assert "timers   none" in text(status=quiet)


def test_the_wagman_and_the_link_are_on_top() -> None:
    lines = text().splitlines()
    assert lines[0] == "service  1.2, up for 2 h 5 min"
    assert lines[1] == "board    up, v3 1.0.4 on /dev/waggle_sysmon, answered 2 s ago"
    assert lines[2] == "sensors  temperature 23.5 C"
    assert lines[3] == "wagman   normal for 9 d"
    busy = {**STATUS, "wagman": {**STATUS["wagman"], "state": "start_next_device", "device": "cs"}}
    assert "wagman   start_next_device (cs) for 9 d" in text(status=busy)


def test_a_link_that_is_down_is_red() -> None:
    lines = screen(Picture(status(GN, link="down", blind=True), [], ON_GN), 80, 24)
    assert lines[1].text.startswith("board    link down for 9 d")
    assert lines[1].style == "red"


def test_a_board_that_does_not_answer_is_not_called_up() -> None:
    lines = screen(Picture(status(GN, blind=True, last_answer_age_s=250.0), [], ON_GN), 80, 24)
    assert lines[1].text.rstrip() == "board    not answering for 4 min 10 s, v3 1.0.4 on /dev/waggle_sysmon"
    assert lines[1].style == "red"
    never = text(status=status(GN, blind=True, last_answer_age_s=None))
    assert "board    not answered yet, v3 1.0.4 on /dev/waggle_sysmon\n" in never
    assert "board    not answered yet, v3 1.0.4 on /dev/waggle_sysmon\n" in text(status=status(GN, last_answer_age_s=None))


def test_a_service_that_is_away_leaves_the_last_picture_and_says_so() -> None:
    told = text(away="away for 3 s")
    assert told.splitlines()[0] == "service  away for 3 s"
    assert "> gn" in told


def test_below_the_table_is_why_the_chosen_device_is_so() -> None:
    assert "cs: its start failed; 2 failed, start in 1m50s" in text(State("cs"))
    assert "x1: never started; unconfirmed, disabled" in text(State("x1"))


def test_only_the_chosen_device_is_marked() -> None:
    lines = screen(Picture(STATUS, [], State("cs")), 80, 24)
    assert [line.text[:4] for line in lines if "reverse" in line.style] == ["> cs"]


def test_the_controller_itself_cannot_be_chosen() -> None:
    assert can_be_chosen(STATUS) == list(DEVICES)


@pytest.mark.parametrize(
    ("state", "bottom"),
    [
        (ON_GN, help_lines(80)[-1]),
        (State("gn", asked=Request("stop", "gn")), "stop gn? y/n"),
        (State("gn", said="stop gn: accepted"), "stop gn: accepted"),
        (State("gn", said="\x1b[2J"), "\\x1b[2J"),
    ],
)
def test_the_bottom_line_asks_answers_or_helps(state: State, bottom: str) -> None:
    assert shown(Picture(STATUS, [], state))[-1] == bottom


def test_the_help_fits_80() -> None:
    assert len(help_lines(80)) == 1


@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_key_is_lost_however_narrow_the_terminal_is(width: int) -> None:
    told = shown(Picture(STATUS, [], ON_GN), width=width)
    assert all(any(hint in line for line in told) for hint in HINTS)
    assert max(map(len, told)) <= width


@pytest.mark.parametrize(
    ("width", "columns"),
    [(57, "GUEST STATE FOR BEAT POWER CURRENT NOTES"), (50, "GUEST STATE FOR BEAT POWER NOTES"), (12, "GUEST ST…")],
)
def test_a_narrow_terminal_leaves_out_whole_columns_the_least_needed_first(width: int, columns: str) -> None:
    told = [" ".join(line.split()) for line in shown(Picture(STATUS, [], ON_GN), width=width)]
    assert columns in told


# --- What calls for a person ------------------------------------------------------------------------------------------


def problem(number: int, severity: str = "warning") -> dict[str, Any]:
    return {"id": f"id:{number}", "severity": severity, "for_s": 200.0, "text": f"wrong {number}", "do": f"mend {number}"}


def test_what_calls_for_a_person_comes_first_with_what_to_do() -> None:
    troubled: Any = {**STATUS, "problems": [problem(1, "critical")]}
    lines = screen(Picture(troubled, [], ON_GN), 80, 24)
    assert [line.text for line in lines[:3]] == ["CRITICAL wrong 1, for 3 min 20 s", "  do: mend 1", ""]
    assert "red" in lines[0].style


def test_problems_that_find_no_room_are_counted_and_named() -> None:
    many: Any = {**STATUS, "problems": [problem(number) for number in range(5)]}
    assert shown(Picture(many, [], ON_GN))[:3] == [
        "WARNING wrong 0, for 3 min 20 s",
        "  do: mend 0",
        "and 4 more: id:1, id:2, id:3, id:4",
    ]


def test_a_guest_that_is_stopped_can_be_read_as_well_as_the_others() -> None:
    lines = screen(Picture(STATUS, [], ON_GN), 80, 24)
    assert next(line.style for line in lines if line.text.startswith("  cs")) == ""


def test_readings_of_before_the_board_went_out_of_sight_are_marked() -> None:
    last = {"current_ma": 640, "current_raw": None, "temperature_raw": 510, "age_s": 700.0}
    old = {**GN, "current_ma": None, "temperature_raw": None, "stale": True, "last": last, "alarms": []}
    line = next(line for line in shown(Picture(status(old), [], ON_GN)) if line.startswith("> gn"))
    assert line.split()[4:] == ["3s?", "on?", "1", "emmc", "was", "640", "mA", "-"]


def test_the_last_events_get_the_room_that_is_left() -> None:
    events = [f"event {number}" for number in range(100)]
    for height in (24, 50):
        lines = shown(Picture(STATUS, events, ON_GN), height=height)
        told = [line for line in lines if line.startswith("event")]
        assert len(told) >= height - 18
        assert told == events[-len(told) :]
        assert lines[-2] == "event 99"


@given(
    width=st.integers(1, 250),
    height=st.integers(1, 80),
    count=st.integers(0, 5),
    events=st.lists(st.text(alphabet="abc ", max_size=300), max_size=90),
)
def test_it_fits_terminals_of_every_size(width: int, height: int, count: int, events: list[str]) -> None:
    busy = [device(f"d{port}", port, alarms=[alarm("stale_temperature_c", 9.0)] * 5, failures=7) for port in range(count)]
    lines = shown(Picture(status(*busy), events, State("d0")), width, height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    assert lines[-1] == cut(help_lines(width, HINTS if height >= SMALL_ROWS else SHORT_HINTS)[-1], width)


def test_the_widest_rows_fit_80_up_to_the_notes() -> None:
    wide = device("longer", 1, state="restarting", since=SINCE, heartbeat_age_s=299.0, current_ma=1120)
    told = text(State("longer"), status({**wide, "alarms": [alarm("heartbeat", 1.0)], "attempts": 12, "failures": 3}))
    assert re.search(r"^> longer  restarting  9d00h  4m59s/5m00s  off    12     emmc   1120 mA  512 ", told, re.MULTILINE)


# --- Much of it, and little room --------------------------------------------------------------------------------------


def large(guests: int = 20, boards: int = 12) -> Any:
    """A node with many guests on many boards, of which one cannot be seen, and with problems."""
    devices = [
        device(f"guest{number}", number % 4 + 1, board=f"shed{number % boards}", state="started") for number in range(guests)
    ]
    told = status(*devices)
    each = [{**told["board"], "name": f"shed{number}", "blind": number == boards - 1} for number in range(boards)]
    return {**told, "boards": each, "problems": [problem(1, "critical"), problem(2)]}


@pytest.mark.parametrize("size", [(40, 15), (80, 24), (132, 40), (200, 50)])
@pytest.mark.parametrize("chosen", ["guest0", "guest7", "guest19"])
def test_at_every_size_problems_are_on_top_and_the_chosen_guest_is_seen(size: tuple[int, int], chosen: str) -> None:
    events = [f"event {number}" for number in range(50)]
    lines = shown(Picture(large(), events, State(chosen)), *size)
    assert lines[0].startswith("CRITICAL wrong 1")
    assert any(line.startswith(f"> {chosen} ") for line in lines)
    assert any(line.startswith("shed11") for line in lines), "the board that cannot be seen"
    assert sum(line.startswith("event") for line in lines) >= (2 if size[1] > 15 else 1)
    assert "? help" in lines[-1]


def test_rows_that_find_no_room_are_counted() -> None:
    lines = shown(Picture(large(), [], State("guest9")), 80, 24)
    rows = [line for line in lines if line[2:].startswith("guest")]
    assert 5 <= len(rows) < 20
    (where,) = re.findall(r"^  (\d+) to (\d+) of 20; guest9: ", "\n".join(lines), re.MULTILINE)
    assert int(where[1]) - int(where[0]) + 1 == len(rows)
    assert " of 20" not in "\n".join(shown(Picture(large(), [], State("guest9")), 200, 50))


def test_of_many_boards_those_that_are_not_seen_come_first_and_the_others_are_counted() -> None:
    lines = shown(Picture(large(guests=2), [], State("guest0")), 100, 40)
    boards = [line for line in lines if line.startswith(("shed", "boards"))]
    assert boards[0].startswith("shed11  ")
    assert boards[-1] == "boards   9 more, none of them not seen"
    assert len(boards) == 4


def test_with_several_boards_a_row_says_where_a_device_hangs() -> None:
    told = text(State("guest3"), large(guests=4, boards=2), width=120)
    assert re.search(r"^> guest3 +shed1:4 +started", told, re.MULTILINE)
    assert "PORT" not in text()


def test_a_long_name_of_a_board_does_not_run_into_what_is_said_of_it() -> None:
    named: Any = {**STATUS, "boards": [{**STATUS["board"], "name": "greenhouse"}]}
    assert "greenhouse up, v3" in text(status=named)


def test_older_events_are_shown_with_how_many_are_newer() -> None:
    events = [f"event {number}" for number in range(100)]
    lines = shown(Picture(STATUS, events, ON_GN._replace(back=10)), height=40)
    assert lines[-3:-1] == ["event 89", "10 newer events: space goes on"]
    few = shown(Picture(STATUS, events[:3], ON_GN._replace(back=10)), height=40)
    assert [line for line in few if "event" in line] == ["event 0", "2 newer events: space goes on"]


@pytest.mark.parametrize(("width", "height"), [(40, 15), (80, 24), (200, 50)])
def test_the_help_has_every_key_in_full(width: int, height: int) -> None:
    lines = shown(Picture(STATUS, [], ON_GN._replace(helps=True)), width, height)
    assert not [key for key, does in HELP if f"{key:<13}{does}" not in lines]


def test_an_event_is_told_in_words() -> None:
    event: Any = {
        "time": "2026-01-31T12:00:00.000Z",
        "device": "gn",
        "type": "device.stopping",
        "fields": {"reason": "too\x07 hot"},
    }
    assert event_line(event).endswith("  gn was asked to halt: too\\x07 hot")


# --- On a terminal ----------------------------------------------------------------------------------------------------


@define(eq=False)
class Terminal:
    """A pty with the view on it."""

    process: subprocess.Popen[bytes]
    leader: int
    follower: int
    before: list[Any]
    output: bytes = field(default=b"")

    def type(self, typed: str) -> None:
        os.write(self.leader, typed.encode())

    def resize(self, width: int, height: int) -> None:
        resize(self.leader, width, height)
        self.process.send_signal(signal.SIGWINCH)

    def wait(self, condition: Callable[[], object]) -> None:
        due_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < due_s, self.frame
            if select.select([self.leader], [], [], 0.05)[0]:
                self.output += os.read(self.leader, 65_536)

    def shows(self, *texts: str) -> None:
        """Wait until the latest frame has all of them."""
        self.wait(lambda: all(each in self.frame for each in texts))

    @property
    def frame(self) -> str:
        """What is on the screen: a new one begins with the cursor at home."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.output.decode(errors="replace").split("\x1b[H")[-1])

    def has_lines(self, number: int) -> bool:
        """The last picture has so many."""
        return len(self.frame.splitlines()) == number

    def ended(self) -> int:
        """Wait for its end, and for the terminal to be as it was."""
        self.wait(lambda: self.process.poll() is not None)
        self.wait(lambda: b"\x1b[?1049l" in self.output)
        assert self.output.rindex(b"\x1b[?25h") > self.output.index(b"\x1b[?25l")
        assert termios.tcgetattr(self.follower) == self.before
        return self.process.returncode


def resize(leader: int, width: int, height: int) -> None:
    fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


@contextmanager
def top(daemon: Daemon, width: int = 80, height: int = 24, **env: str) -> Iterator[Terminal]:
    leader, follower = pty.openpty()
    resize(leader, width, height)
    before = termios.tcgetattr(follower)
    environment = daemon.environment(TERM="xterm", **env)
    process = subprocess.Popen([*WAGMAN, "top"], stdin=follower, stdout=follower, stderr=follower, env=environment)
    try:
        yield Terminal(process, leader, follower, before)
    finally:
        process.kill()
        process.wait()
        os.close(leader)
        os.close(follower)


def test_a_key_and_y_send_a_command_and_show_the_answer(daemon: Daemon) -> None:
    with top(daemon) as terminal:
        terminal.shows("> gn", "q quit")
        terminal.type("js")
        terminal.shows("> cs", "start cs? y/n")
        assert daemon.state("cs") == "stopped"
        terminal.type("y")
        terminal.shows("start cs: accepted: so be it", "asked to start cs")
        terminal.shows("cs started, first attempt, from emmc")
        terminal.type("tn")
        terminal.shows("stop cs: not sent")
        assert daemon.state("cs") == "started"
        terminal.type("q")
        assert terminal.ended() == 0


def test_what_the_service_refuses_is_shown(daemon: Daemon) -> None:
    daemon.board("guest gn enabled=")
    daemon.ask("disable", device="gn")
    with top(daemon) as terminal:
        terminal.shows("> gn")
        terminal.type("sy")
        terminal.shows("start gn: refused: it is disabled: enable it first")


def test_it_begins_with_the_latest_events(daemon: Daemon) -> None:
    daemon.board("record device.stable gn")
    with top(daemon) as terminal:
        terminal.shows("gn was up long enough")


def test_it_outlasts_a_restart_of_the_service(own_daemon: Daemon) -> None:
    with top(own_daemon) as terminal:
        terminal.shows("> gn", "up for")
        own_daemon.kill()
        terminal.shows("service  away for", "> gn")
        terminal.type("sy")
        terminal.shows("start gn: not sent")
        own_daemon.start()
        terminal.shows("service  0.1, up for")
        own_daemon.board("record device.stable x1")
        terminal.shows("x1 was up long enough")
        terminal.type("sy")
        terminal.shows("start gn: accepted", "gn started")


def test_it_follows_the_size_of_the_terminal_whatever_the_environment_says(daemon: Daemon) -> None:
    with top(daemon, COLUMNS="33", LINES="7") as terminal:
        terminal.shows(*help_lines(80))
        for width, height, hints in ((30, 10, SHORT_HINTS), (200, 50, HINTS)):
            terminal.resize(width, height)
            terminal.wait(partial(terminal.has_lines, height))
            terminal.shows(*help_lines(width, hints))


def test_a_large_node_is_looked_through_on_a_small_terminal(tmp_path: Path) -> None:
    events = [
        {"id": number, "time": SINCE, "device": f"guest{number}", "type": "device.stable", "fields": {}} for number in range(20)
    ]

    def answer(method: str, params: dict[str, Any]) -> list[Any]:
        results = {
            "subscribe": {"subscription": 1, "log_id": "l", "last_id": 99},
            "events": {"events": events},
            "status": large(),
        }
        return [{"result": results[method]}]

    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, answer), top(daemon, width=40, height=15) as terminal:
        terminal.shows("CRITICAL wrong 1", "> guest0", "1 to ", "guest19 was up", "? help  q quit  jk move")
        terminal.type("j" * 19)
        terminal.shows("CRITICAL wrong 1", "> guest19", "to 20 of 20")
        terminal.type("b")
        terminal.shows("5 newer events", "guest14 was up")
        terminal.type("?")
        terminal.shows("s            start it", "any other key goes back")
        terminal.type("K")
        terminal.shows("> guest19")
        terminal.resize(200, 50)
        terminal.wait(partial(terminal.has_lines, 50))
        terminal.shows("CRITICAL wrong 1", "> guest19", "  guest0 ", "jk move  s start")
        terminal.type("q")
        assert terminal.ended() == 0


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_can_only_print_is_told_why_it_sees_nothing(daemon: Daemon, term: str) -> None:
    leader, follower = pty.openpty()
    try:
        command = [sys.executable, "-m", "wagman", "top"]
        environment = daemon.environment(TERM=term)
        done = subprocess.run(
            command, stdin=follower, stdout=follower, stderr=subprocess.PIPE, text=True, timeout=30, check=False, env=environment
        )
    finally:
        os.close(leader)
        os.close(follower)
    assert done.returncode == 2
    assert done.stderr == f"wagman: top cannot draw on this terminal (TERM={term}): use wagman status, or wagman events -f\n"


def test_a_terminal_that_does_not_know_its_size_is_taken_for_80_by_24(daemon: Daemon) -> None:
    with top(daemon, width=0, height=0) as terminal:
        terminal.shows("> gn", *help_lines(80))
        assert len(terminal.frame.splitlines()) == 24


@pytest.mark.parametrize(
    ("leave", "code"),
    [
        (lambda terminal: terminal.type("q"), 0),
        (lambda terminal: terminal.type("\x04"), 0),
        (lambda terminal: terminal.process.send_signal(signal.SIGINT), 130),
        (lambda terminal: terminal.process.send_signal(signal.SIGTERM), 143),
    ],
    ids=["q", "end of input", "SIGINT", "SIGTERM"],
)
def test_every_way_out_restores_the_terminal(leave: Callable[[Terminal], None], code: int, daemon: Daemon) -> None:
    with top(daemon) as terminal:
        terminal.shows("> gn")
        assert termios.tcgetattr(terminal.follower) != terminal.before
        leave(terminal)
        assert terminal.ended() == code


def test_a_defect_restores_the_terminal_too(tmp_path: Path) -> None:
    looks = iter([{**STATUS, "devices": [row(each) for each in guests().values()]}, {}])

    def answer(method: str, params: dict[str, Any]) -> list[Any]:
        results = {"subscribe": {"subscription": 1, "log_id": "l", "last_id": 0}, "events": {"events": []}}
        return [{"result": results[method] if method in results else next(looks)}]

    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, answer), top(daemon) as terminal:
        assert terminal.ended() == 1
        terminal.wait(lambda: b"KeyError" in terminal.output)


def test_it_does_not_begin_without_a_service(tmp_path: Path) -> None:
    with top(Daemon(tmp_path)) as terminal:
        terminal.wait(lambda: terminal.process.poll() is not None)
        terminal.wait(lambda: b"no service on" in terminal.output)
        assert terminal.process.returncode == 3
        assert b"\x1b[?1049h" not in terminal.output

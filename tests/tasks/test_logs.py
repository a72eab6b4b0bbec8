"""The service's log lines."""

import errno
import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from wagman.store import Event
from wagman.store.event import MAX_FIELDS_BYTES
from wagman.tasks.journald import Journald, encoded, fields_of
from wagman.tasks.logs import MOST_WAITING, Lines, Log, complain, is_journal, standard_log, words_for

PATIENCE_S = 30.0


def event(type_: str) -> Event:
    return Event(7, "2026-11-22T00:00:00.000Z", "boot", 1.5, type_, "gn", 3, {"reason": "its\nturn"})


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TextIO, int]]:
    """A stream that leads to the journal, and where its lines come out."""
    reading, writing = os.pipe()
    found = os.fstat(writing)
    monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
    with os.fdopen(writing, "w") as stream:
        yield stream, reading
    os.close(reading)


def test_a_plain_line_for_the_journal_begins_with_its_priority(pipe: tuple[TextIO, int]) -> None:
    words = words_for(pipe[0], "json")
    lines = [words(event(type_)) for type_ in ("device.started", "device.start_failed", "device.unrecoverable")]
    assert [line[:3] for line in lines] == ["<6>", "<4>", "<2>"]
    assert [json.loads(line[3:])["type"] for line in lines] == ["device.started", "device.start_failed", "device.unrecoverable"]
    assert json.loads(lines[0][3:])["fields"] == {"reason": "its\nturn"}
    assert [line.count("\n") for line in lines] == [1, 1, 1]


def test_elsewhere_a_line_is_json_and_nothing_else() -> None:
    assert json.loads(words_for(io.StringIO())(event("device.start_failed")))["id"] == 7


def test_a_person_is_shown_the_local_time_and_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    clock = datetime(2026, 11, 22, tzinfo=UTC).astimezone().strftime("%H:%M:%S")
    shown = [re.sub(r"\x1b\[\d*m", "", words_for(stream)(event(type_))) for type_ in ("device.stopping", "link.down")]
    assert re.fullmatch(rf"{clock} \[info *\] gn was asked to halt: its\\x0aturn *\n", shown[0])
    assert re.fullmatch(rf"{clock} \[warning *\] the link to the board went down: its\\x0aturn *\n", shown[1])


def test_only_a_terminal_pays_for_what_makes_lines_pretty() -> None:
    script = (
        "import sys, wagman.service.daemon; from wagman.tasks import logs; logs.standard_log(); print('structlog' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert said.stdout == "False\n"


def test_what_is_configured_counts_more_than_where_the_lines_go(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    assert words_for(stream, "text")(event("device.stopping")).endswith("gn was asked to halt: its\\x0aturn\n")
    monkeypatch.setattr(stream, "isatty", lambda: True)
    assert json.loads(words_for(stream, "json")(event("device.stopping")))["id"] == 7


def test_a_journal_is_known_by_its_device_and_inode(pipe: tuple[TextIO, int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_journal(pipe[0])
    assert not is_journal(io.StringIO())
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    assert not is_journal(pipe[0])
    monkeypatch.delenv("JOURNAL_STREAM")
    assert not is_journal(pipe[0])


def test_why_the_service_ends_is_an_error_on_each_of_its_lines(pipe: tuple[TextIO, int], monkeypatch: pytest.MonkeyPatch) -> None:
    stream, end = pipe
    monkeypatch.setattr(sys, "stderr", stream)
    complain("one\ntwo")
    stream.flush()
    assert os.read(end, 10_000) == b"<3>wagman: one\n<3>wagman: two\n"


def test_by_hand_it_is_said_without_marks(capsys: pytest.CaptureFixture[str]) -> None:
    complain("one")
    assert capsys.readouterr().err == "wagman: one\n"


def test_where_nobody_takes_why_it_ends_it_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w", buffering=1) as full:  # noqa: PTH123 - line by line, as standard error is
        monkeypatch.setattr(sys, "stderr", full)
        complain("one")
        monkeypatch.undo()
        with pytest.raises(OSError, match="No space"):
            full.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


# --- Where the lines go -----------------------------------------------------------------------------------------------


@define(eq=False)
class Place:
    """Where lines go: nothing is taken before it is opened; then each write as much as is granted to it, 0 for none."""

    grants: list[int] = field(factory=list)  # all that is written, where there are no more of them
    awaited: int = 0  # writes
    taken: bytearray = field(factory=bytearray)
    is_open: threading.Event = field(factory=threading.Event)
    was_asked: threading.Event = field(factory=threading.Event)
    has_had_them: threading.Event = field(factory=threading.Event)

    def write(self, data: memoryview) -> int:
        self.was_asked.set()
        self.is_open.wait(PATIENCE_S)
        count = min(self.grants.pop(0), len(data)) if self.grants else len(data)
        self.awaited -= 1
        if self.awaited == 0:
            self.has_had_them.set()
        if not count:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.taken += data[:count]
        return count

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.taken.splitlines()]


def log_to(place: Place) -> Log:
    return Log(Lines(words_for(io.StringIO()), place.write))


def told(numbers: range) -> list[Event]:
    return [evolve(event("device.started"), id=number) for number in numbers]


def test_lines_come_out_in_their_order_and_all_of_them_before_the_end() -> None:
    place = Place()
    place.is_open.set()
    with log_to(place) as log:
        for each in told(range(500)):
            log(each)
    assert [line["id"] for line in place.lines()] == list(range(500))


def test_where_nobody_takes_them_nobody_waits_and_what_found_no_room_is_counted_in_its_place() -> None:
    place = Place(awaited=MOST_WAITING + 1)
    first, *rest = told(range(MOST_WAITING + 6))
    with log_to(place) as log:
        log(first)
        assert place.was_asked.wait(PATIENCE_S)  # that one is on its way, and holds up the others
        for each in rest:
            log(each)
        place.is_open.set()
        assert place.has_had_them.wait(PATIENCE_S)
        log(event("device.stopped"))
    *taken, notice, last = place.lines()
    assert [line["id"] for line in taken] == list(range(MOST_WAITING + 1))
    assert (notice["type"], notice["fields"], notice["id"], notice["durable"]) == (
        "service.lines_lost",
        {"lines": 5},
        None,
        False,
    )
    assert last["type"] == "device.stopped"


def test_what_a_full_disk_does_not_take_is_counted_and_no_line_is_joined_to_one_that_was_cut_off() -> None:
    place = Place(grants=[1000, 10, 0, 0, 0])
    place.is_open.set()
    with log_to(place) as log:
        for each in told(range(5)):
            log(each)
    whole, torn, notice, last = place.taken.splitlines()
    assert json.loads(whole)["id"] == 0
    assert torn == whole[:10]
    assert json.loads(notice)["fields"] == {"lines": 3}
    assert json.loads(last)["id"] == 4


def test_the_end_waits_for_a_place_that_takes_nothing_but_not_for_long() -> None:
    place = Place()
    with log_to(place) as log:
        for each in told(range(MOST_WAITING + 2)):
            log(each)
    assert not place.taken
    place.is_open.set()


# --- The journal ------------------------------------------------------------------------------------------------------


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    """A journal: whatever is sent to its socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "socket"))
        journal.settimeout(PATIENCE_S)
        yield journal


def decoded(entry: bytes) -> dict[str, str]:
    """An entry, as the journal reads it."""
    fields: dict[str, str] = {}
    while entry:
        line, _, entry = entry.partition(b"\n")
        key, is_plain, value = line.partition(b"=")
        if not is_plain:
            size = int.from_bytes(entry[:8], "little")
            value, entry = entry[8 : 8 + size], entry[8 + size :]
            assert entry[:1] == b"\n"
            entry = entry[1:]
        assert key.decode() not in fields
        fields[key.decode()] = value.decode()
    return fields


def test_the_journal_is_given_the_sentence_and_what_can_be_looked_for(
    pipe: tuple[TextIO, int], listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", pipe[0])
    with standard_log(socket=listening.getsockname()) as log:
        log(event("device.start_failed"))
    entry = decoded(listening.recv(100_000))
    whole = json.loads(entry.pop("WAGMAN_EVENT"))
    assert entry == {
        "MESSAGE": "a start of gn failed: no heartbeat in time",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "wagman",
        "WAGMAN_TYPE": "device.start_failed",
        "WAGMAN_DEVICE": "gn",
        "WAGMAN_ID": "7",
        "WAGMAN_CAUSE": "3",
    }
    assert whole == event("device.start_failed").as_json()


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Z_]{0,9}", fullmatch=True), st.text(st.characters(exclude_categories=["Cs"]))))
def test_whatever_a_field_holds_it_cannot_forge_another(fields: dict[str, str]) -> None:
    assert decoded(encoded(fields)) == fields


@given(st.text(), st.text())
def test_an_entry_has_one_message_of_one_line(reason: str, device: str) -> None:
    entry = decoded(encoded(fields_of(evolve(event("link.down"), device=device, fields={"reason": reason}))))
    assert entry["MESSAGE"].isprintable()
    assert entry["PRIORITY"] == "4"


def test_who_asked_is_named_in_the_journal_where_the_name_is_known() -> None:
    asked = event("command.stop")
    assert "root asked to stop gn" in fields_of(evolve(asked, fields={"uid": 0}))["MESSAGE"]
    assert "user 4000000 asked to stop gn" in fields_of(evolve(asked, fields={"uid": 4_000_000}))["MESSAGE"]


def test_an_event_of_the_largest_size_is_taken(listening: socket.socket) -> None:
    way = Journald(listening.getsockname())
    assert way(
        evolve(event("device.message"), fields={"output": "\n" * (MAX_FIELDS_BYTES // 2), "ok": False, "detail": "x" * 4000})
    )
    assert decoded(listening.recv(1_000_000))["WAGMAN_TYPE"] == "device.message"


def test_where_the_journal_is_away_for_a_while_what_it_missed_is_counted(listening: socket.socket) -> None:
    path = Path(listening.getsockname())
    away = path.rename(path.with_name("away"))
    attempts: list[bool] = []
    has_failed = threading.Event()
    way = Journald(str(path))

    def take(each: Event) -> bool:
        attempts.append(way(each))
        has_failed.set()
        return attempts[-1]

    with Log(take) as log:
        log(event("device.started"))
        assert has_failed.wait(PATIENCE_S)
        away.rename(path)
        log(event("device.stopped"))
    lost, told = (decoded(listening.recv(100_000)) for _ in range(2))
    assert lost["MESSAGE"] == "lines for the journal were lost, 1 of them, which wagman events has"
    assert (lost["PRIORITY"], told["WAGMAN_TYPE"]) == ("4", "device.stopped")


def test_without_a_journal_that_listens_lines_are_written(
    pipe: tuple[TextIO, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, end = pipe
    monkeypatch.setattr(sys, "stdout", stream)
    with standard_log(socket=str(tmp_path / "none")) as log:
        log(event("device.started"))
    assert os.read(end, 10_000).startswith(b'<6>{"type": "device.started"')


def test_json_for_the_journal_is_written_as_lines_where_that_is_configured(
    pipe: tuple[TextIO, int], listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, end = pipe
    monkeypatch.setattr(sys, "stdout", stream)
    with standard_log("json", socket=listening.getsockname()) as log:
        log(event("device.started"))
    assert os.read(end, 10_000).startswith(b'<6>{"type": "device.started"')

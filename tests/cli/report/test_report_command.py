"""`wagman report`, through the real process, from a real socket and from files."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.kit import Daemon
from wagman.cli.completion import candidates
from wagman.cli.report import _write
from wagman.cli.report.history import History


@pytest.fixture(scope="module")
def lived(shared_daemon: Daemon) -> Daemon:
    """A service with something in its log."""
    shared_daemon.ask("start", device="gn")
    return shared_daemon


def test_it_reports_from_the_service(lived: Daemon) -> None:
    done = lived.wagman("report")
    assert (done.returncode, done.stderr) == (0, "")
    assert "GUEST  UPTIME" in done.stdout
    assert "\ngn " in done.stdout


def test_one_guest_and_one_document(lived: Daemon) -> None:
    told = lived.json("report", "gn", "--since", "1h")
    assert [guest["name"] for guest in told["guests"]] == ["gn"]
    guest = told["guests"][0]
    known_s = guest["up_s"] + guest["down_s"] + guest["kept_down_s"] + guest["unknown_s"]
    assert known_s == pytest.approx(told["length_s"], abs=0.01)


def test_a_file_tells_the_same(lived: Daemon, tmp_path: Path) -> None:
    lines = tmp_path / "events"
    lines.write_text(lived.wagman("events", "--json", "-n", "1000").stdout)
    of_lines = lived.json("report", "--log", str(lines))
    for each in lived.directory.glob("wagman.db*"):
        shutil.copy(each, tmp_path)
    of_database = lived.json("report", "--log", str(tmp_path / "wagman.db"))
    assert of_lines == of_database
    assert of_lines["events"] == len(lines.read_text().splitlines())


def test_a_log_that_is_read_is_left_as_it_was(lived: Daemon, tmp_path: Path) -> None:
    for each in lived.directory.glob("wagman.db*"):
        shutil.copy(each, tmp_path)
    log, link = tmp_path / "wagman.db", tmp_path / "link"
    link.symlink_to(log)
    assert (tmp_path / "wagman.db-wal").stat().st_size > 0, "as after a power cut"

    def read_twice() -> int:
        before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
        told = [lived.json("report", "--log", str(path))["events"] for path in (log, link)]
        assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before
        assert told[0] == told[1] > 0
        return int(told[0])

    torn = read_twice()
    with closing(sqlite3.connect(log)) as conn:
        conn.execute("PRAGMA wal_checkpoint")  # as a service that ends in order does
    assert {each.name for each in tmp_path.iterdir()} == {"wagman.db", "link"}
    assert read_twice() == torn


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "is no log"),
        ('{"type":' * 100_000, "is no log"),
        ('{"answer": 42}\n[]\n7\n', "holds no event"),
        ("", "holds no event"),
    ],
    ids=["nested", "nested tables", "other JSON", "empty"],
)
def test_a_file_that_is_no_log_is_refused_in_one_line(text: str, says: str, lived: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.write_text(text)
    done = lived.wagman("report", "--log", str(file))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert says in done.stderr


def test_the_log_of_a_service_that_runs_is_its_own(lived: Daemon) -> None:
    done = lived.wagman("report", "--log", str(lived.directory / "wagman.db"))
    assert done.returncode == 2
    assert "database is locked; a service that runs is asked without --log" in done.stderr


def test_the_page_is_written_as_a_whole_or_not_at_all(lived: Daemon, tmp_path: Path) -> None:
    path = tmp_path / "guests.html"
    assert lived.wagman("report", "--html", str(path)).returncode == 0
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert path.read_text().endswith("</html>\n")
    assert [each.name for each in tmp_path.iterdir()] == ["guests.html"]
    nowhere = lived.wagman("report", "--html", str(tmp_path / "no" / "guests.html"))
    assert nowhere.returncode == 1
    assert "No such file or directory" in nowhere.stderr


def test_where_a_link_leads_to_the_page_is_put_and_the_link_stays(lived: Daemon, tmp_path: Path) -> None:
    (tmp_path / "shown").mkdir()
    page, link = tmp_path / "shown" / "guests.html", tmp_path / "guests.html"
    link.symlink_to(page)
    for _ in "once", "again":
        assert lived.wagman("report", "--html", str(link)).returncode == 0
        assert link.is_symlink()
        assert page.read_text().endswith("</html>\n")


def test_a_page_can_go_into_a_pipe_which_stays_one(lived: Daemon, tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "guests.html"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert lived.wagman("report", "--html", str(link)).returncode == 0
        assert os.read(reader, 15) == b"<!DOCTYPE html>"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert {each.name for each in tmp_path.iterdir()} == {"pipe", "guests.html"}


def test_a_page_that_cannot_be_written_leaves_the_previous_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "guests.html"
    page.write_text("the previous one")
    monkeypatch.setattr("wagman.cli.report.page.page", lambda *_: "\ud800")  # which no file takes
    with pytest.raises(UnicodeEncodeError):
        _write(str(page), History((0.0, 1.0), {}, 0, 0), (0.0, 1.0), [])
    assert page.read_text() == "the previous one"
    assert [each.name for each in tmp_path.iterdir()] == ["guests.html"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nobody"], "unknown guest 'nobody'"),
        (["--since", "soon"], "is no time such as 30d"),
        (["--since", "2999-01-01"], "the log ends before that"),
        (["--log", "/nowhere"], "No such file"),
        (["--log", __file__], "is no log"),
        (["--json", "--html", "x"], "not allowed with"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(lived: Daemon, words: list[str], says: str) -> None:
    done = lived.wagman("report", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_shell_completes_options_and_guests(lived: Daemon) -> None:
    assert "gn" in (candidates(["report", "--socket", str(lived.socket), ""]) or [])
    assert candidates(["report", "--html", ""]) is None
    assert candidates(["report", "--s"]) == ["--since", "--socket"]

"""What `wagman fleet` says where it cannot begin."""

import errno
import os
import re
import sqlite3
import subprocess
import sys
from argparse import Namespace
from contextlib import closing
from pathlib import Path

import pytest
import trio

from wagman.bridges.fleet import command, tail
from wagman.bridges.fleet.archive import Database
from wagman.bridges.fleet.broker import LinkError
from wagman.bridges.fleet.payloads import absent
from wagman.cli import main
from wagman.cli.outcome import DONE, FAILED, USAGE, CommandError
from wagman.cli.parser import parse

WITHOUT_PAHO = "import sys; sys.modules['paho'] = None; from wagman.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize("words", [["status"], ["bridge", "--check"], ["--help"]], ids=" ".join)
def test_without_the_package_that_speaks_mqtt_it_says_what_to_install(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_PAHO, "fleet", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "wagman: a fleet needs the package paho-mqtt: pip install 'wagman[fleet]'\n")


@pytest.mark.parametrize("wrong", ["state", "state/ledger.db"])
def test_a_bridge_that_can_keep_no_ledger_says_what_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    """Because something else is in the place of what is `wrong`."""
    config = tmp_path / "fleet.toml"
    config.write_text(
        f'[node]\nname = "v042"\n[broker]\nhost = "127.0.0.1"\ntls = false\n[service]\nstate_dir = "{tmp_path}/state"\n'
    )
    if wrong == "state":
        (tmp_path / wrong).write_text("")
    else:
        (tmp_path / wrong).mkdir(parents=True)
    assert main(["fleet", "bridge", "--config", str(config)]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"wagman: {tmp_path}/state")
    assert "it needs room on that disk, and the right to write there (state_dir in [service])" in said


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC])
def test_a_damaged_ledger_that_cannot_be_set_aside_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    config = tmp_path / "fleet.toml"
    config.write_text(f'[node]\nname = "v042"\n[broker]\nhost = "127.0.0.1"\ntls = false\n[service]\nstate_dir = "{tmp_path}"\n')
    (tmp_path / "ledger.db").write_bytes(b"no ledger" * 1000)
    monkeypatch.setattr(Path, "rename", fail)
    assert main(["fleet", "bridge", "--config", str(config)]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"wagman: {tmp_path}/ledger.db is damaged, and cannot be set aside: {os.strerror(number)}; ")


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (BrokenPipeError(32, "closed"), BrokenPipeError, "closed"),  # exit code 141
        (KeyboardInterrupt("^C"), KeyboardInterrupt, "^C"),  # exit code 130
        (sqlite3.DatabaseError("malformed"), CommandError, "fleet.db: malformed"),
        (LinkError("gone"), CommandError, "gone"),
        (ZeroDivisionError("a mistake"), ZeroDivisionError, "a mistake"),
    ],
    ids=str,
)
def test_one_error_of_the_tasks_ends_the_command_as_if_there_were_no_tasks(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, raised: type[BaseException], words: str
) -> None:
    async def fail() -> None:
        raise error

    async def tasks() -> None:
        async with trio.open_nursery() as outer, trio.open_nursery() as inner:
            outer.start_soon(trio.sleep_forever)
            inner.start_soon(fail)

    monkeypatch.setitem(command._RUN, "collect", lambda _: trio.run(tasks))
    with pytest.raises(raised, match=re.escape(words)):
        command.run(Namespace(what="collect", sqlite="fleet.db"))


@pytest.fixture
def collected(tmp_path: Path) -> str:
    """A database with one node, which is well."""
    path = tmp_path / "fleet.db"
    with closing(Database(path)) as database:
        database.node("v042", "online", {"online": True, "session": "s", "since": command.now()})
        database.node("v042", "status", {**absent(("a", 1, 1), command.now()), "service": "up"})
        database.commit()
    return str(path)


@pytest.mark.parametrize("what", ["status", "events", "metrics"])
def test_what_is_no_database_of_a_collector_is_an_error_and_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "other")) as other:
        other.execute("CREATE TABLE other (x)")
    (tmp_path / "empty").touch()
    for name in ("other", "empty"):
        before = (tmp_path / name).read_bytes()
        assert main(["fleet", what, "--sqlite", str(tmp_path / name)]) == FAILED
        assert f"{name}: no such table: events" in capsys.readouterr().err
        assert (tmp_path / name).read_bytes() == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "other"]


@pytest.mark.parametrize("damage", ['{"v":1', "{}", "[]"])
def test_a_damaged_row_is_told_as_nothing_known(collected: str, capsys: pytest.CaptureFixture[str], damage: str) -> None:
    with closing(sqlite3.connect(collected)) as database:
        database.execute("UPDATE nodes SET status = ?", (damage,))
        database.commit()
    assert main(["fleet", "status", "--sqlite", collected]) == FAILED
    assert "no status yet" in capsys.readouterr().out
    assert main(["fleet", "metrics", "--sqlite", collected]) == DONE


def test_a_damaged_event_is_an_error_in_words(collected: str, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(collected)) as database:
        database.execute("INSERT INTO events VALUES (7, 'v042', 'a', 1, 't', 'x', NULL, '{')")
        database.commit()
    assert main(["fleet", "events", "--sqlite", collected]) == FAILED
    assert "the event in row 7 is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["v99", "v9*"])
def test_events_of_a_node_that_there_is_not_are_an_error(collected: str, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["fleet", "events", name, "--sqlite", collected]) == USAGE
    assert capsys.readouterr().err == f"wagman: there is no node {name} in {collected}: there is v042\n"
    assert main(["fleet", "events", "v0*", "--sqlite", collected]) == DONE


def test_events_of_a_node_that_may_come_yet_are_waited_for(
    monkeypatch: pytest.MonkeyPatch, collected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tail, "time", Namespace(sleep=interrupt))
    with pytest.raises(KeyboardInterrupt):
        command.run(parse(["fleet", "events", "v99", "-f", "--sqlite", collected]))
    assert "there is no node v99" in capsys.readouterr().err


def test_a_node_that_there_is_not_is_not_well(collected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "status", "v042", "--sqlite", collected]) == DONE
    assert main(["fleet", "status", "v042", "v99", "--sqlite", collected]) == FAILED
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "1 node: 1 well"
    assert "there is no node v99" in said.err

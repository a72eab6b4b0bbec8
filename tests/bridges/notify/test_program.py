"""`wagman notify` as a process, with real destinations."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bridges.notify.kills import campaign, configured
from tests.bridges.notify.kit import Mailbox, Web, json_url, mail_server, notify, running, settled, until, web_server, written
from tests.cli.kit import Daemon, scripted
from wagman.bridges.notify.command import courier
from wagman.bridges.notify.config import Destination, NotifyConfig, Program
from wagman.bridges.notify.rules import Rules
from wagman.bridges.notify.watch import Watch

REFUSAL = {"error": {"code": -32001, "message": "root may not look"}}


def test_kill_9_loses_nothing_and_doubles_nothing_by_id(tmp_path: Path) -> None:
    outcome = campaign(tmp_path, 3)
    assert outcome.events >= 3
    assert min(outcome.messages.values()) >= 1


def test_it_tells_what_stands_and_happens_calls_while_all_is_well_and_ends_when_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = Daemon(tmp_path)
    daemon.start("problem warning fan:1 it stands still")
    with mail_server() as (mailbox, mail), web_server() as (web, port):
        config = configured(tmp_path, daemon.socket, mail, port)
        try:
            with running(config) as process:
                until(lambda: mailbox.got and web.got and web.gets, lambda: process.said)
                assert_of_the_fan(mailbox, web)
                assert notify("--config", str(config)) == 1
                assert "another one tells people already" in capsys.readouterr().err
                daemon.board("record device.start_failed gn")
                until(lambda: len(mailbox.got) == 2, lambda: process.said)
                assert "mast: WARNING a start of gn failed" in mailbox.got[1].title
                assert process.end() == 0
                assert "alive: called" in process.said
                assert [line for line in process.said if line.startswith("mail: ") and "was delivered: mast: WARNING" in line]
            damaged = tmp_path / "state" / "mail.json"
            assert damaged.stat().st_mode & 0o777 == 0o600
            assert settled(damaged)["under_way"] is None
            damaged.write_text("?")
            with running(config) as process:
                until(lambda: len(mailbox.got) == 3, lambda: process.said)
                assert "what was told before is not known any more" in mailbox.got[2].body
                assert "it stands still" in mailbox.got[2].body
        finally:
            daemon.end()


def assert_of_the_fan(mailbox: Mailbox, web: Web) -> None:
    for got in (mailbox.got, web.got):
        assert got[0].title == "mast: WARNING it stands still"
        assert "do: mend fan:1" in got[0].body
    assert web.gets == ["/alive"]


@pytest.mark.parametrize("is_made", [True, False])
def test_on_a_disk_that_has_become_read_only_people_are_told_all_the_same_by_one_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_made: bool
) -> None:
    daemon, disk = Daemon(tmp_path), tmp_path / "disk"
    state = disk / "state"
    state.mkdir(parents=True) if is_made else disk.mkdir()
    daemon.start("problem warning fan:1 it stands still")
    with web_server() as (web, port), read_only(disk):
        url = json_url(port)
        tables = f'[tell]\ngather = "100ms"\n[to.web]\nurl = "{url}"\n'
        config = written(tmp_path, f'node = "mast"\nsocket = "{daemon.socket}"\nstate_dir = "{state}"\n{tables}')
        try:
            with running(config) as process:
                until(lambda: web.got, lambda: process.said)
                assert web.got[0].title == "mast: WARNING it stands still"
                assert [line for line in process.said if "written down" in line]
                if is_made:
                    assert notify("--config", str(config)) == 1
                    assert "another one tells people already" in capsys.readouterr().err
                assert process.end() == 0
        finally:
            daemon.end()


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    done = subprocess.run(["mount", "--bind", place, place], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
        yield
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_file_that_cannot_be_read_makes_way_and_people_are_told_that_something_may_be_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "web.json").mkdir()
    to = Destination("web", Rules(), command=("true",))
    memory = courier(NotifyConfig(Program(), (to,)), to, tmp_path, Watch("")).memory
    assert [entry.text for entry in memory.plan.pending.values()] == [
        "not everything could be told: what was told before is not known any more"
    ]
    assert f"the file is {tmp_path}/web.damaged now" in capsys.readouterr().out


def test_everybody_can_be_told_for_a_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with mail_server() as (mailbox, mail), web_server() as (web, port):
        config = written(tmp_path, f'node = "mast"\n[to.mail]\nurl = "{mail}"\n[to.web]\nurl = "{json_url(port)}"\n')
        web.status = 503
        assert notify("--config", str(config), "--test") == 1
        assert "mail: taken, look whether it arrives\nweb: not delivered: " in capsys.readouterr().out
        assert [mail.title for mail in mailbox.got] == ["mast: a test of wagman notify"]
        assert notify("--config", str(config), "--test", "mial") == 2
        assert capsys.readouterr().err == "wagman notify: there is no destination 'mial': there is mail, web\n"
        assert notify("--config", str(config), "--test", "mail") == 0


def test_who_may_not_look_is_told_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = written(tmp_path, f'socket = "{tmp_path}/s"\nstate_dir = "{tmp_path}/state"\n[to.log]\ncommand = ["true"]\n')
    with scripted(tmp_path / "s", *9 * [lambda _method, _params: [REFUSAL]]) as script:
        assert notify("--config", str(config)) == 4
        script.connections.clear()
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(str(tmp_path / "s"))
    assert 'read_group = "wagman-read"' in capsys.readouterr().err

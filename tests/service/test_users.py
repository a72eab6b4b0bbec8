"""Who may do what with the real service: real users and groups, and the real commands."""

import grp
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest

from tests.service.commands import one_line
from tests.service.kit import CONFIG, PATIENCE_S, Node, eventually, new_node
from wagman.client.errors import AnswerError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users")

CONTROL, READ, OTHER, OPERATE = [each for each in grp.getgrall() if each.gr_gid][:4]
USER = 61_234

AS_USER = """
import importlib, os, sys
from wagman.cli import main, parser
parser.parse(sys.argv[2:])
for name in ("client.following", "cli.help", "cli.prospects", "cli.sentences"):
    importlib.import_module(f"wagman.{name}")
uid, gid, *groups = map(int, sys.argv[1].split())
os.setgroups(groups), os.setgid(gid), os.setuid(uid)
sys.exit(main(sys.argv[2:]))
"""
"""Whatever is imported is imported before: that user may not be able to read where it lies."""


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """Without a board: who may do what does not depend on it."""
    with new_node() as node:
        named = {"control_group": CONTROL, "read_group": READ, "operate_group": OPERATE}
        groups = "\n".join(f'{key} = "{group.gr_name}"' for key, group in named.items())
        node.configure(CONFIG.replace("[service]", f"[service]\n{groups}"))
        node.folder.chmod(0o755)
        node.start("run", "--config", str(node.config))
        eventually(node.answers)
        yield node


def wagman(node: Node, gid: int, groups: Sequence[int], *arguments: str) -> subprocess.CompletedProcess[str]:
    """What the command says to a user with this group and these supplementary ones."""
    who = " ".join(map(str, (USER, gid, *groups)))
    command = [sys.executable, "-c", AS_USER, who, *arguments, "--socket", str(node.socket)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


@pytest.mark.parametrize("command", ["status", "events", "why gn", "enable gn", "ping gn", "start gn --no-wait"])
@pytest.mark.parametrize("gid", [CONTROL.gr_gid, USER])
def test_a_member_of_the_control_group_may_do_everything(command: str, gid: int, node: Node) -> None:
    done = wagman(node, gid, [OTHER.gr_gid, CONTROL.gr_gid], *command.split())
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["status", "events", "why gn", "enable gn", "disable gn --no-wait"])
def test_a_member_of_the_operate_group_may_look_and_switch(command: str, node: Node) -> None:
    done = wagman(node, USER, [OPERATE.gr_gid], *command.split())
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["kill gn --yes", "ping gn", "board hb", "maintenance gn --for 1h", "wake"])
def test_a_member_of_the_operate_group_may_nothing_else(command: str, node: Node) -> None:
    done = wagman(node, USER, [OPERATE.gr_gid], *command.split())
    assert (done.returncode, done.stdout) == (4, "")
    assert "may switch guests, but not" in done.stderr


def test_why_names_the_one_on_whose_behalf_it_was_asked(node: Node) -> None:
    assert wagman(node, USER, [OPERATE.gr_gid], "stop", "cs", "--no-wait", "--on-behalf", "alice").returncode == 0
    (told,) = [event["fields"] for event in node.events("command.stop") if event["device"] == "cs"]
    assert (told["uid"], told["for"], "order" in told) == (USER, "alice", False)
    story = wagman(node, USER, [READ.gr_gid], "why", "cs").stdout
    assert f"alice asked to stop cs, through user {USER}" in story
    (kept,) = node.folder.rglob("decisions.json")
    assert json.loads(kept.read_text())["devices"]["cs"]["on_behalf"] == "alice"


def test_who_has_all_guests_hibernate_and_wake_on_somebodys_behalf_is_told_of_by_both_names(node: Node) -> None:
    everybody = [row["name"] for row in node.call("status")["devices"] if not row["self"]]
    node.call("hibernate", reason="storm", keep=everybody, on_behalf="alice", order="b7")
    node.call("wake", on_behalf="alice", order="b8")
    told = [node.events(f"command.{verb}")[-1]["fields"] for verb in ("hibernate", "wake")]
    assert [(each["for"], each["order"]) for each in told] == [("alice", "b7"), ("alice", "b8")]


def test_a_name_that_would_not_stand_in_a_sentence_is_told_so(node: Node) -> None:
    with pytest.raises(AnswerError, match="on_behalf must be a text"):
        node.call("stop", device="cs", on_behalf="\x1b[2J")


@pytest.mark.parametrize("command", ["status", "events", "why gn"])
def test_a_member_of_the_read_group_may_look(command: str, node: Node) -> None:
    assert wagman(node, USER, [READ.gr_gid], *command.split()).returncode == 0


@pytest.mark.parametrize("command", ["start gn", "stop gn", "kill gn --yes", "disable gn", "enable gn", "ping gn", "board hb"])
def test_a_member_of_the_read_group_may_not_touch_and_is_told_what_would_help(command: str, node: Node) -> None:
    done = wagman(node, USER, [READ.gr_gid], *command.split())
    assert (done.returncode, done.stdout) == (4, "")
    assert one_line(done.stderr)
    assert "become a member of the control group" in done.stderr
    assert node.events("command.denied")


@pytest.mark.parametrize("command", ["status", "events -f", "stop gn", "board hb"])
def test_anybody_else_is_turned_away_and_is_told_what_would_help(command: str, node: Node) -> None:
    done = wagman(node, USER, [OTHER.gr_gid], *command.split())
    assert (done.returncode, done.stdout) == (4, "")
    assert one_line(done.stderr)
    assert "become a member" in done.stderr

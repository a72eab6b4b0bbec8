"""The page about the first guest: what it tells people to type, done with a fake rail and a guest that is a real server."""

import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.kit import PATIENCE_S, PLAIN, WAGMAN, until
from tests.docs.blocks import ROOT
from tests.probe.kit import Rail, Web, rail, web
from wagman.cli.parser import parse
from wagman.client.blocking import Client
from wagman.client.errors import ClientError
from wagman.init.flags import planned
from wagman.init.text import HEAD, checked

PAGE = (ROOT / "docs" / "first-guest.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^(wagman init .*|wagman run .*)$", PAGE, re.MULTILINE)[:2]
MAKING = [line for line in re.findall(r"^wagman init .*$", PAGE, re.MULTILINE) if " -o " not in line]
FILES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("command", "file"), list(zip(MAKING, FILES, strict=True)), ids=("plug", "wagman", "pdu"))
def test_each_first_command_makes_the_file_that_is_shown(command: str, file: str) -> None:
    assert checked(planned(parse(shlex.split(command)[1:]))).removeprefix(f"{HEAD}\n\n") == file.removeprefix(f"{HEAD}\n\n")


def test_the_first_file_is_shown_with_the_lines_on_top() -> None:
    assert FILES[0].startswith(f"{HEAD}\n\n")


def test_the_file_of_a_plug_has_eight_lines() -> None:
    assert len([line for line in FILES[0].splitlines() if line and not line.startswith("#")]) == 8


@contextmanager
def typed(folder: Path, outlet: Rail, page: Web) -> Iterator[Path]:
    """The two commands of the page, with the addresses of the rail and of the guest; the path of the service's socket."""
    init, run = (
        shlex.split(
            line.replace("192.168.1.97", outlet.host).replace("http://gn/health", page.url).replace("ssh gn poweroff", "true")
        )
        for line in COMMANDS
    )
    subprocess.run([*WAGMAN, *init[1:]], cwd=folder, env=PLAIN, check=True, capture_output=True, timeout=PATIENCE_S)
    file = folder / "wagman.toml"
    # The places of the service are root's, and there is one of each on a machine.
    file.write_text(f'{file.read_text()}\n[service]\nsocket = "{folder}/s"\nstate_dir = "{folder}/state"\n')
    with subprocess.Popen([*WAGMAN, *run[1:]], cwd=folder, env=PLAIN, stdout=subprocess.DEVNULL) as service:
        try:
            yield folder / "s"
        finally:
            service.terminate()


def is_started(socket: Path) -> bool:
    """The guest runs, and was heard."""
    try:
        with Client(str(socket)) as client:
            [row] = client.call("status")["devices"]
    except ClientError:
        return False
    return row["state"] == "started" and row["heartbeat_age_s"] is not None and row["power"]["confirmed"]


def test_two_commands_have_a_guest_on_a_plug_supervised(tmp_path: Path) -> None:
    with rail("shelly") as outlet, web() as page:
        outlet.do("press 0 on")
        began_s = time.monotonic()
        with typed(tmp_path, outlet, page) as socket:
            until(lambda: is_started(socket))
        assert time.monotonic() - began_s < PATIENCE_S + 30
        assert [each["by"] for each in outlet.switched if each["port"] == 0 and not each["on"]] == []

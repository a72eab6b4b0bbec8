"""The mast of the demonstration: what it claims would fail if it were not so, and what it is shown on."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.test_demo import begun, folder, is_clean
from wagman.cli.outcome import CommandError
from wagman.cli.parser import parse
from wagman.config.load import loads
from wagman.demo.mast_site import config_text
from wagman.demo.show import chosen_scenario

TOLD = {"rail": 1001, "guests": {"ai": 1002, "camera": 1003, "weather": 1004}, "gateway": 1005}

LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
    fcntl.ioctl(ours, 0x8914, struct.pack("16sh", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
try:
    open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w").write("1")
except OSError:
    pass  # there is none at all
os.execv(sys.executable, [sys.executable, "-m", "wagman", "demo"])
"""

__all__ = ["folder"]


def test_the_configuration_is_one_that_the_service_takes(tmp_path: Path) -> None:
    config = loads(config_text(tmp_path, TOLD), "demo")
    assert [guest.name for guest in config.guests] == ["ai", "camera", "weather"]
    assert not config.board_named("board").measures


def test_it_is_shown_where_nothing_else_is_asked_for() -> None:
    assert chosen_scenario(None, None) == "mast"
    assert chosen_scenario(None, "v4") == "tour"
    assert chosen_scenario("unplug", "v4") == "unplug"


def test_it_has_nothing_that_speaks_a_dialect() -> None:
    with pytest.raises(CommandError, match="mast has no Wagman that could speak v4"):
        chosen_scenario("mast", "v4")


def test_it_ends_with_what_the_commands_say_and_what_to_type_for_a_plug_of_ones_own(folder: Path) -> None:
    out, err = begun(folder).communicate(timeout=110)
    assert err == ""
    story, why, status = out.replace("\n$ wagman why ai\n", "\0").replace("\n$ wagman status\n", "\0").split("\0")
    assert "the relay of camera stays on although it was switched off again and again" in story
    assert "the heartbeat of ai stopped: silent for 45 s" in why
    assert [line.split()[2] for line in status.splitlines() if line.startswith(("ai ", "camera ", "weather "))] == ["started"] * 3
    typed = [shlex.split(line, comments=True)[1:] for line in status.rpartition("With a plug of your own")[2].splitlines()[1:]]
    assert [parse(words).command for words in typed] == ["init", "probe", "run"]


def test_a_witness_that_answers_whatever_the_network_does_would_cost_the_guests_their_power(folder: Path) -> None:
    """An outage that the service takes for silence fails the demonstration."""
    code = "import wagman.demo.mast_site as site; ask = site._question\n"
    code += "site._question = lambda what, port: ['true'] if what == 'ask' else ask(what, port)\n"
    code += "from wagman.cli import main; raise SystemExit(main(['demo', '--scenario', 'mast']))"
    env = {**os.environ, "TMPDIR": str(folder)}
    ended = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, env=env, timeout=90, check=False)
    assert ended.returncode == 1
    assert "-- Shown: a guest that hung" in ended.stdout
    assert ended.stderr == "wagman: a guest's silence counts, though nobody shows that it is its own\n"
    assert is_clean(folder)


def test_it_needs_no_ipv6_and_no_network_but_the_loopback(folder: Path) -> None:
    apart = ("unshare", "--net", "--map-root-user")
    if subprocess.run((*apart, "true"), capture_output=True, check=False).returncode:
        pytest.skip("this machine makes no network namespace")
    env = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen((*apart, sys.executable, "-c", LOOPBACK_UP), stdout=subprocess.PIPE, text=True, env=env) as demo:
        assert demo.stdout
        assert any("Shown: the guests were started" in line for line in demo.stdout)
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=20)
    assert is_clean(folder)

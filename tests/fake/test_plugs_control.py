"""A fake rail is told what goes wrong, in words, and runs as a process of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.io.plugs import rail_of, virtually
from wagman.fake.control import ControlError
from wagman.fake.plugs.control import COMMANDS, execute
from wagman.fake.plugs.server import PlugServer
from wagman.fake.plugs.shelly import FakeShelly
from wagman.io.shelly import ShellyBoard


def serving() -> PlugServer:
    rail = rail_of()
    return PlugServer(rail, FakeShelly(rail).answer)


def test_each_fault_has_its_words() -> None:
    async def main() -> None:
        server = serving()
        rail = server.rail
        for line in ("press 0 on", "weld 0", "lie 45", "ignore 2", "late 11", "clock unset", "net half", "replace 001122334455"):
            assert execute(server, line) == {"ok": True}
        assert (rail.outlets[0].contact.stuck, rail.lying_s, rail.ignored, rail.late_s) == (True, 45, 2, 11)
        assert (rail.clock_set, server.fault, rail.mac) == (False, "half", "001122334455")
        await trio.sleep(20)
        for line in ("hang 0", "revive 0", "halt 0", "mend 0", "net ok", "restart cold 30"):
            assert execute(server, line) == {"ok": True}
        status = execute(server, "status")
        assert (status["answers"], status["outlets"][0]["state"], status["outlets"][0]["on"]) == (False, "off", False)
        assert [(change["board_s"], change["on"]) for change in status["relay_log"]] == [(0, True), (20, False)]
        await trio.sleep(60)
        assert (execute(server, "status")["answers"], execute(server, "status")["boots"]) == (True, 2)

    virtually(main)


@pytest.mark.parametrize(
    "line", ["", "wled 0", "weld", "weld 9", "weld x", "press 0 up", "restart hot", "late -1", "late nan", "hang 0"]
)
def test_what_is_not_understood_is_said_so(line: str) -> None:
    async def main() -> None:
        with pytest.raises(ControlError):
            execute(serving(), line)

    virtually(main)


def test_who_gives_too_few_words_or_too_many_is_told_how_many_it_takes() -> None:
    async def main() -> None:
        with pytest.raises(ControlError, match="press: 1 word given, 2 wanted"):
            execute(serving(), "press 0")

    virtually(main)


WORDS = st.one_of(st.sampled_from([*COMMANDS, "0", "1", "on", "warm", "ok", "1e9", "\u0664"]), st.text(max_size=4))


@given(st.lists(WORDS, max_size=4))
def test_no_words_crash_it(words: list[str]) -> None:
    async def main() -> None:
        server = serving()
        try:
            assert execute(server, " ".join(words))
        except ControlError:
            server.catch_up()

    virtually(main)


@contextmanager
def running(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "wagman.fake.plugs", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]", line: str = "") -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    if line:
        process.stdin.write(line + "\n")
        process.stdin.flush()
    return json.loads(process.stdout.readline())


@pytest.mark.trio
async def test_it_runs_by_itself_and_is_told_what_goes_wrong() -> None:
    with running("shelly", "--outlets", "2", "--guest", "boot=1") as process:
        board = ShellyBoard(host=f"127.0.0.1:{said(process)['port']}").backend()
        await board.switch("1", on=True)
        assert said(process, "weld 1") == {"ok": True}
        await board.switch("1", on=False)
        outlet = said(process, "status")["outlets"][1]
        assert (outlet["on"], outlet["told_on"]) == (True, False)
        assert said(process, "nonsense")["ok"] is False
        assert said(process, "quit") == {"ok": True}
        assert process.wait(10) == 0


def test_the_end_of_its_input_ends_nothing_and_a_signal_does() -> None:
    with running("tasmota") as process:
        said(process)
        assert process.stdin is not None
        process.stdin.close()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_port_that_is_taken_is_said_so() -> None:
    with running("shelly") as first, running("shelly", "--port", str(said(first)["port"])) as second:
        assert second.wait(20) == 1
        assert second.stderr is not None
        assert "in use" in second.stderr.read()

"""A configuration from flags: as short as it can be, and right."""

import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wagman.cli import main
from wagman.cli.help import COMMANDS
from wagman.cli.outcome import CommandError
from wagman.cli.parser import parse
from wagman.config.load import loads
from wagman.init import specs
from wagman.init.flags import planned
from wagman.init.plan import GuestPlan
from wagman.init.text import checked, toml
from wagman.init.words import WordError

ON_A_PLUG = ["--board", "shelly=192.168.1.97", "--guest", "gn,port=0,http=http://gn/health", "--shutdown", "ssh gn poweroff"]


def made(*flags: str) -> str:
    return checked(planned(parse(["init", *flags])))


def said(*flags: str) -> str:
    """What is said of flags that make no sense."""
    with pytest.raises((CommandError, WordError)) as refused:
        made(*flags)
    return str(refused.value)


def test_a_guest_on_a_plug_that_speaks_http_takes_eight_lines() -> None:
    text = made(*ON_A_PLUG)
    assert [line for line in text.splitlines() if line and not line.startswith("#")] == [
        'network.lan.witness = { tcp = "192.168.1.97:80" }',
        "[board]",
        'kind = "shelly"',
        'host = "192.168.1.97"',
        "[device.gn]",
        "port = 0",
        'heartbeat = { http = "http://gn/health" }',
        'shutdown = ["ssh", "gn", "poweroff"]',
    ]


def test_a_comment_above_each_table_says_what_it_is() -> None:
    lines = made(*ON_A_PLUG).splitlines()
    for number, line in enumerate(lines):
        if line.startswith(("[", "network.")):
            assert lines[number - 1].startswith("# ")


@pytest.mark.parametrize(
    ("host", "witness"),
    [
        ("plug", "plug:80"),
        ("plug:8080", "plug:8080"),
        ("fd00::1", "[fd00::1]:80"),
        ("[fd00::1]", "[fd00::1]:80"),
        ("[fd00::1]:81", "[fd00::1]:81"),
    ],
)
def test_the_plug_itself_is_the_witness_where_nobody_else_is_named(host: str, witness: str) -> None:
    plan = planned(parse(["init", "--board", f"tasmota={host}", "--guest", "gn,port=1,ping=gn", "--shutdown", ""]))
    assert [each.values for each in plan.witnesses] == [{"tcp": witness}]


@pytest.mark.parametrize(
    ("keys", "witness"),
    [
        ("", "hub:1883"),
        (",tls=false", "hub:1883"),
        (",tls=true", "hub:8883"),
        (",tls_ca=/etc/ca.pem", "hub:8883"),
    ],
)
def test_a_broker_is_a_witness_at_the_port_where_it_listens(keys: str, witness: str) -> None:
    text = made("--board", f"mqtt=hub,preset=tasmota,device=plug{keys}", "--guest", "gn,port=1,banner=gn:22,shutdown=")
    assert tomllib.loads(text)["network"]["lan"]["witness"] == {"tcp": witness}


def test_a_broker_on_this_computer_is_no_witness() -> None:
    board = "mqtt=localhost,preset=tasmota,device=plug"
    assert "--witness ping=192.168.1.1" in said("--board", board, "--guest", "gn,port=1,banner=gn:22,shutdown=")


def test_the_path_of_a_chip_is_that_of_its_board() -> None:
    text = made("--board", "gpio=/dev/gpiochip1,released=held", "--guest", "gn,port=1,shutdown=")
    assert tomllib.loads(text)["board"] == {"kind": "gpio", "chip": "/dev/gpiochip1", "released": "held"}


def test_a_witness_that_is_named_is_taken_instead() -> None:
    assert 'network.lan.witness = { ping = "192.168.1.1" }' in made(*ON_A_PLUG, "--witness", "ping=192.168.1.1")


def test_a_daemon_on_this_computer_is_no_witness() -> None:
    assert "--witness ping=192.168.1.1" in said("--board", "powerman", "--guest", "gn,port=gn,banner=gn:22,shutdown=true")


def test_a_wagman_hears_its_guests_itself_and_needs_no_network() -> None:
    text = made("--board", "wagman=/dev/x,dialect=auto", "--guest", "gn,port=1", "--shutdown", "ssh gn poweroff")
    assert tomllib.loads(text) == {
        "board": {"kind": "wagman", "device": "/dev/x", "dialect": "auto"},
        "device": {"gn": {"port": 1, "shutdown": ["ssh", "gn", "poweroff"]}},
    }


def test_a_guest_that_nobody_hears_is_said_to_be_one() -> None:
    text = made("--board", "shelly=plug", "--guest", "modem,port=3", "--shutdown", "")
    assert tomllib.loads(text)["device"]["modem"] == {"port": 3, "heartbeat": False, "shutdown": []}
    assert "gives no sign of life" in text


def test_the_computer_itself_is_not_asked_to_halt() -> None:
    text = made("--board", "shelly=plug", "--guest", "nc,port=3,self=true", "--guest", "gn,port=1,shutdown=")
    assert tomllib.loads(text)["device"]["nc"] == {"port": 3, "self": True}


def test_commands_have_commas_and_blanks_and_any_key_can_be_said() -> None:
    text = made(
        *("--board", "exec,on=switch %p on,off=switch %p off,status=switch %p,poll=30s"),
        *("--guest", "gn,port=7,http=http://gn/a,b?c=1,expect=gn, alive,every=20s,tcp=gn:9,heartbeat_timeout=10min"),
        *("--shutdown", "ssh gn 'poweroff, now'", "--witness", "ping=10.0.0.1", "--witness", "tcp=10.0.0.2:80"),
    )
    document = tomllib.loads(text)
    assert document["board"] == {
        "kind": "exec",
        "on": ["switch", "%p", "on"],
        "off": ["switch", "%p", "off"],
        "status": ["switch", "%p"],
        "poll": "30s",
    }
    assert document["device"]["gn"] == {
        "port": 7,
        "heartbeat": [{"http": "http://gn/a,b?c=1", "expect": "gn, alive", "every": "20s"}, {"tcp": "gn:9"}],
        "heartbeat_timeout": "10min",
        "shutdown": ["ssh", "gn", "poweroff, now"],
    }


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "give both --board and --guest"),
        (["--board", "shelly=plug"], "give both --board and --guest"),
        (["--board", "shely=plug", "--guest", "gn"], 'no kind of board called "shely"; the nearest are shelly'),
        (["--board", "shelly", "--guest", "gn"], "a board of kind shelly needs host"),
        (
            ["--board", "gpio=/dev/gpiochip1", "--guest", "gn"],
            'needs released, as in --board gpio=/dev/gpiochip1,released=..., which is "on" or "held"',
        ),
        (["--board", "exec", "--guest", "gn"], "a board of kind exec needs on, off"),
        (
            ["--board", "shelly=plug,pol=5s", "--guest", "gn"],
            'no key of a board of kind shelly called "pol"; the nearest are poll',
        ),
        (["--board", "shelly=plug,poll=soon", "--guest", "gn"], "poll must be a duration"),
        (["--board", "shelly=plug", "--guest", "gn,prt=1"], 'no key of a guest called "prt"; the nearest are port'),
        (["--board", "shelly=plug", "--guest", "gn,port=1,port=2"], "port is there twice"),
        (["--board", "shelly=plug", "--guest", "gn,port=1,http=gn"], "http must be an address as http://"),
        (
            ["--board", "shelly=plug", "--guest", "gn,port=1"],
            "say which command asks it to halt, as in --shutdown 'ssh gn poweroff'",
        ),
        (["--board", "shelly=plug", "--shutdown", "true", "--guest", "gn"], "stands behind the --guest whose it is"),
        (
            ["--board", "shelly=plug", "--guest", "gn,port=1", "--shutdown", "ssh 'gn"],
            "shutdown must be a command as typed in a shell",
        ),
        (["--board", "shelly=plug", "--guest", "gn", "--shutdown", ""], "device.gn.port: missing: say which port"),
        (["--board", "shelly=plug", "--guest", "gn,port=1,tcp=plug:80,shutdown="], "plug is"),
        (["--board", "shelly=plug", "--guest", "a,port=1,shutdown=", "--guest", "b,port=1,shutdown="], 'already that of "a"'),
        (["--board", "shelly=plug", "--guest", "Gn,port=1,shutdown="], "a device name has 1 to 32 of a-z"),
        ([*ON_A_PLUG, "--witness", "192.168.1.1"], "say how and whom, as in ping=192.168.1.1"),
        ([*ON_A_PLUG, "--witness", "udp=9000"], "a witness has to be asked"),
        ([*ON_A_PLUG, "--guest", "\udcff,port=1,shutdown="], "UTF-8"),
    ],
)
def test_flags_that_make_no_sense_are_refused_with_what_to_say_instead(flags: list[str], words: str) -> None:
    assert words in said(*flags)


@given(words=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5), max_size=3))
@example(words=["\x7f"])
def test_whatever_words_a_command_has_are_in_the_file(words: list[str]) -> None:
    text = made("--board", "shelly=plug", "--guest", "gn,port=0", f"--shutdown={shlex.join(words)}")
    assert tomllib.loads(text)["device"]["gn"]["shutdown"] == words


def test_a_guest_twice_is_refused() -> None:
    assert "gn is there twice" in said(*ON_A_PLUG, "--guest", "gn,port=1,shutdown=")


# --- The command --------------------------------------------------------------------------------------------------------


def test_the_file_is_written_checked_and_the_next_step_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "wagman.toml"
    assert main(["init", *ON_A_PLUG, "-o", str(path)]) == 0
    out = capsys.readouterr().out
    assert f"{path}: ok, 1 guest (gn on port 0)" in out
    assert f"wagman probe --config {path}" in out
    assert path.read_text() == made(*ON_A_PLUG)


@pytest.mark.parametrize("example", [line for line in COMMANDS["init"].examples if "--" in line])
def test_each_example_of_the_help_makes_a_file(tmp_path: Path, example: str) -> None:
    assert main([*shlex.split(example.replace("\\\n", ""))[1:], "-o", str(tmp_path / "wagman.toml")]) == 0


def test_a_file_that_is_there_is_not_written_over_but_by_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wagman.toml"
    path.write_text("mine")
    assert main(["init", *ON_A_PLUG, "-o", str(path)]) == 4
    assert "--force" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main(["init", *ON_A_PLUG, "-o", str(path), "--force"]) == 0
    assert path.read_text() == made(*ON_A_PLUG)


def test_nothing_is_written_where_the_file_would_be_wrong(tmp_path: Path) -> None:
    path = tmp_path / "wagman.toml"
    assert main(["init", "--board", "shelly=plug", "--guest", "gn,port=77,shutdown=", "-o", str(path)]) == 2
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", *ON_A_PLUG, "-o", str(tmp_path / "no" / "such" / "wagman.toml")]) == 1
    assert "No such file or directory" in capsys.readouterr().err
    assert main(["init", *ON_A_PLUG, "-o", "a\0b"]) == 1


# --- Whatever is typed --------------------------------------------------------------------------------------------------

ANYTHING = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
KEYS = st.sampled_from(["port", "http", "ping", "banner", "tcp", "udp", "exec", "serial", "expect", "every", "self", "enabled"])
VALUES = st.sampled_from(["0", "1", "gn", "gn:22", "http://gn/", "10s", "true", "9000", "[]", '["a", "b"]', "'"]) | ANYTHING
PAIRS = st.lists(st.tuples(KEYS | ANYTHING, VALUES).map("=".join), max_size=4)
HEADS = st.sampled_from(["shelly=plug", "wagman", "exec,on=a,off=b", "powerman", "tasmota=1.2.3.4:80", "mqtt=hub"]) | ANYTHING


@given(board=HEADS, guests=st.lists(st.tuples(st.just("gn") | ANYTHING, PAIRS), min_size=1, max_size=2), halt=VALUES)
@example(board="shelly=plug", guests=[("gn", ["port=0", "http=http://gn/"])], halt="ssh gn \x7f")
def test_what_is_accepted_is_a_right_file_that_says_what_was_typed(
    board: str, guests: list[tuple[str, list[str]]], halt: str
) -> None:
    words = [f"--guest={','.join([name, *pairs])}" for name, pairs in guests]
    flags = [f"--board={board}", *(word for each in words for word in (each, f"--shutdown={halt}"))]
    try:
        args = parse(["init", *flags, "--witness", "ping=10.9.9.9"])
        plan = planned(args)
        text = checked(plan)
    except (CommandError, WordError):
        return
    config = loads(text, "made.toml")
    assert {each.name for each in config.devices} == {guest.name for guest in plan.guests}
    document = tomllib.loads(text)
    for guest in plan.guests:
        assert said_of(document["device"][guest.name]) == wanted(guest)


def said_of(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != "heartbeat"}


def wanted(guest: GuestPlan) -> dict[str, Any]:
    return {key: value for key, value in guest.values.items() if key != "heartbeat"}


@given(text=ANYTHING | st.tuples(st.sampled_from(["ping", "http", "exec", "udp"]), VALUES).map("=".join))
def test_a_witness_is_one_or_refused(text: str) -> None:
    try:
        ear = specs.ear(text)
    except WordError:
        return
    assert text.startswith(f"{ear.kind}=")


def test_what_would_be_wrong_can_still_be_shown() -> None:
    plan = planned(parse(["init", "--board", "shelly=plug", "--guest", "gn,port=77,shutdown="]))
    assert "port = 77" in toml(plan)

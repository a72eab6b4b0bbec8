"""Files that are not there, not readable, or not TOML."""

import os
from pathlib import Path

import pytest

from wagman.config import check
from wagman.config.document import MOST_BYTES, read
from wagman.config.load import load, loads
from wagman.config.schema import Config
from wagman.model.errors import ConfigError

GUEST = "[device.gn]\nport = 1\nshutdown = []\n"


def anything_goes(config: Config) -> None:
    pass


def problem(path: Path | str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(str(path))
    (told,) = caught.value.problems
    return told


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "wagman.toml"
    path.write_bytes(content)
    return path


def test_a_missing_file_is_told_by_its_name_and_what_writes_one(tmp_path: Path) -> None:
    assert problem(tmp_path / "no") == f"{tmp_path}/no: cannot be read: No such file or directory: wagman init writes one"


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    assert problem(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"


def test_a_pipe_nobody_writes_to_holds_up_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    wanted = "cannot be read: it is a pipe or a device, and an ordinary file is wanted"
    assert problem(tmp_path / "pipe") == f"{tmp_path}/pipe: {wanted}"


def test_what_comes_through_a_pipe_on_purpose_is_read() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"# a file")
    os.close(writer)
    assert read(f"/dev/fd/{reader}") == "# a file"
    os.close(reader)


def test_a_path_with_a_nul_is_told() -> None:
    assert problem("a\0b").startswith("'a\\x00b': cannot be read: ")


def test_what_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, b"# one\n# two \xff\n")
    assert problem(path) == f"{path}:2: not UTF-8: save the file in that encoding"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert load(str(written(tmp_path, b"\xef\xbb\xbf" + GUEST.encode()))) == loads(GUEST, "f")


def test_lines_may_end_as_in_dos(tmp_path: Path) -> None:
    assert load(str(written(tmp_path, GUEST.replace("\n", "\r\n").encode()))) == loads(GUEST, "f")


def test_a_file_of_the_greatest_size_is_read_and_one_more_byte_is_too_much(tmp_path: Path) -> None:
    full = GUEST.encode() + b"#" * (MOST_BYTES - len(GUEST))
    assert load(str(written(tmp_path, full))) == loads(GUEST, "f")
    path = written(tmp_path, full + b"#")
    assert problem(path) == f"{path}: larger than {MOST_BYTES} bytes: is this the right file?"


def test_a_key_that_would_take_long_to_parse_is_told_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, f"{GUEST}{'x.' * 31_000}y = 1\n".encode())
    assert problem(path) == f"{path}:4: a key of more than 16 parts: no key that is known here has so many"


def test_an_endless_file_is_not_read_to_its_end() -> None:
    assert problem("/dev/zero") == f"/dev/zero: larger than {MOST_BYTES} bytes: is this the right file?"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[board]\npoll = 5 s\n", "f:2: not valid TOML: "),
        ('[board]\npoll = "a\n', "f:2: not valid TOML: "),
        ("[board]\npoll = 1\npoll = 2\n", "f:3: not valid TOML: "),
        ("[board]\n[board]\n", "f:2: not valid TOML: "),
        ("\n\nx = [1,\n", "f:4: not valid TOML: "),
        (f"x = {'9' * 5000}\n", "f: not valid TOML: "),
        (f"x = {'[' * 20_000}", "f: nested too deeply"),
        (f"x = {'[' * 20_000}{']' * 20_000}", "f: nested too deeply"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(text, "f")
    assert [each[: len(told)] for each in caught.value.problems] == [told]
    assert "(at " not in str(caught.value), "the line is told once"


def test_nesting_of_any_depth_is_told_one_way_or_the_other() -> None:
    for depth in range(1, 1000, 7):
        with pytest.raises(ConfigError):
            loads(f"[board]\npoll = {'[' * depth}{']' * depth}\n", "f")


# --- The command ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        (GUEST, "ok, 1 guest (gn on port 1)"),
        (GUEST + "[device.cs]\nport = 0\nshutdown = []\n", "ok, 2 guests (cs on port 0, gn on port 1)"),
        ("[device.nc]\nport = 0\nself = true\n", "ok, 0 guests"),
    ],
)
def test_check_config_sums_up_a_good_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, summary: str) -> None:
    path = written(tmp_path, text.encode())
    assert check.run(str(path), anything_goes) == 0
    assert capsys.readouterr() == (f"{path}: {summary}\n", "")


def test_check_config_prints_every_problem_of_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, b"[bord]\n[device.gn]\nport = 7\n")
    assert check.run(str(path), anything_goes) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.removeprefix(f"{path}:").split(" ")[:2] for line in err.splitlines()] == [
        ["1:", "bord:"],
        ["2:", "device.gn.shutdown:"],
        ["3:", "device.gn.port:"],
    ]


def test_a_command_that_cannot_work_is_a_warning_at_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = ('["no-such-program"]', '["true"]', '["/etc"]')
    path = written(tmp_path, TWO_GUESTS.format(*commands).encode())
    assert check.run(str(path), anything_goes) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{path}: ok, ")
    told = [line.removeprefix(f"{path}:") for line in err.splitlines()]
    assert [line.partition(" for ")[0] for line in told] == ["2: defaults.shutdown: warning:", "8: device.cs.shutdown: warning:"]
    assert 'there is no program called "no-such-program"' in told[0]
    assert "/etc cannot be run: it is a directory" in told[1]


def test_the_commands_of_boards_ears_and_witnesses_are_looked_at_as_those_of_guests_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, ALL_COMMANDS.encode())
    assert check.run(str(path), anything_goes) == 0
    told = [line.removeprefix(f"{path}:").partition(" for ")[0] for line in capsys.readouterr().err.splitlines()]
    assert told == [
        "3: board.on: warning:",
        "5: board.status: warning:",
        "8: network.lan.witness[1].exec: warning:",
        "11: device.gn.heartbeat.exec: warning:",
        "12: device.gn.still_on.exec: warning:",
    ]


ALL_COMMANDS = """[board]
kind = "exec"
on = ["no-such-program", "%p"]
off = ["true"]
status = ["/etc"]
[network.lan]
witness = [{ ping = "10.0.0.1" },
    { exec = ["no-such-witness"] }]
[device.gn]
port = 1
heartbeat = { exec = ["no-such-ear"] }
still_on = { exec = ["no-such-meter"] }
heartbeat_timeout = "10min"
start_timeout = "5min"
stop_silence = "2min"
start_timeout_max = "10min"
shutdown = ["true"]
"""

TWO_GUESTS = """[defaults]
shutdown = {}
[device.gn]
port = 1
restart = {}
[device.cs]
port = 2
shutdown = {}
"""


def test_a_user_that_there_is_not_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, GUEST.encode())
    assert check.run(str(path), anything_goes, user="no-such-user") == 2
    assert "there is no user 'no-such-user'" in capsys.readouterr().err

"""Whether a command can be run at all."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagman.config.as_user import Account, own_account
from wagman.config.runnable import trouble

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users")
NOBODY = Account("nobody", 65_534, 65_534, (), "/nonexistent")


@pytest.fixture
def bin_(tmp_path: Path) -> Path:
    """A folder with a program called ssh, a file that is none, and a folder."""
    for name, mode in (("ssh", 0o755), ("notes", 0o644)):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(mode)
    (tmp_path / "folder").mkdir()
    return tmp_path


def why(bin_: Path, *command: str) -> str:
    return trouble([word.replace("BIN", str(bin_)) for word in command], str(bin_)) or ""


def test_a_program_that_is_there_is_no_trouble(bin_: Path) -> None:
    assert trouble(["ssh", "gn", "halt"], str(bin_)) is None
    assert trouble([str(bin_ / "ssh")], "/nowhere") is None
    assert trouble([], str(bin_)) is None


def test_a_command_in_one_string_is_recognised_and_the_right_one_is_shown(bin_: Path) -> None:
    said = why(bin_, "ssh root@gn 'shutdown now'")
    assert said.endswith("""did you mean ["ssh", "root@gn", "shutdown now"]?""")


def test_a_program_with_a_blank_in_its_name_that_is_there_is_no_trouble(bin_: Path) -> None:
    (bin_ / "halt gn").symlink_to(bin_ / "ssh")
    assert why(bin_, "halt gn") == ""


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("shh", 'there is no program called "shh" in '),
        ("shh root@gn halt", 'there is no program called "shh root@gn halt" in '),
        ("ssh 'root", """there is no program called "ssh 'root" in """),
        ("BIN/nothing", "BIN/nothing cannot be run: No such file or directory"),
        ("BIN/folder", "BIN/folder cannot be run: it is a directory"),
        ("BIN/notes", "BIN/notes cannot be run by this user: chmod +x"),
        ("notes", 'there is no program called "notes" in '),
    ],
)
def test_a_program_that_cannot_be_run_is_named_with_the_reason(bin_: Path, program: str, words: str) -> None:
    assert words.replace("BIN", str(bin_)) in why(bin_, program)


@pytest.mark.parametrize(
    "options",
    [
        ("-i", "BIN/key"),
        ("-o", "BatchMode=yes", "-i", "BIN/key"),
        ("-F", "BIN/key"),
        ("-o", "IdentityFile=BIN/key"),
        ("--cacert", "BIN/key"),
    ],
)
def test_a_file_that_it_is_told_to_read_must_be_readable(bin_: Path, options: Sequence[str]) -> None:
    assert why(bin_, "ssh", *options, "gn", "halt") == f"{bin_}/key cannot be read: No such file or directory"
    (bin_ / "key").touch()
    assert why(bin_, "ssh", *options, "gn", "halt") == ""


def test_a_script_must_be_readable_to_its_interpreter() -> None:
    assert trouble(["sh", "/no/such/halt.sh"], "/usr/bin:/bin") == "/no/such/halt.sh cannot be read: No such file or directory"


@pytest.mark.parametrize("command", [("ssh", "gn", "/sbin/poweroff"), ("ssh", "gn", "sudo", "-n", "/sbin/halt"), ("ssh", "-i")])
def test_what_is_at_the_other_end_is_not_looked_for_here(bin_: Path, command: Sequence[str]) -> None:
    assert why(bin_, *command) == ""


@given(st.lists(st.text(max_size=12), max_size=5))
def test_whatever_the_command_it_is_judged(command: list[str]) -> None:
    judged = trouble(command, "/usr/bin:/bin")
    assert judged is None or judged


# --- As another user ---------------------------------------------------------------------------------------------------


@as_root
def test_a_key_that_only_root_can_read_is_found_on_behalf_of_the_services_user(tmp_path: Path) -> None:
    key, command = tmp_path / "key", ["true", "-i", str(tmp_path / "key")]
    key.touch(0o600)
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == os.geteuid() and folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    assert trouble(command, "/usr/bin:/bin") is None
    assert NOBODY.ask(lambda: trouble(command, "/usr/bin:/bin")) == f"{key} cannot be read: Permission denied"


@as_root
def test_who_asks_on_anothers_behalf_stays_who_he_is() -> None:
    assert NOBODY.ask(lambda: [os.geteuid(), os.getegid(), os.environ["HOME"]]) == [65_534, 65_534, "/nonexistent"]
    assert os.geteuid() == 0


@as_root
def test_a_question_that_fails_is_not_answered_and_ends_nothing() -> None:
    assert NOBODY.ask(lambda: 1 // 0) is None


def test_on_ones_own_behalf_one_asks_oneself() -> None:
    assert own_account().ask(os.getpid) == os.getpid()

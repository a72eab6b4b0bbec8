"""Files with a password or a key."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.config.kit import kinds, problems
from wagman.config.load import loads
from wagman.config.secrets import MOST_BYTES, read_password, read_secret
from wagman.model.errors import BoardError

GUEST = "[device.gn]\nport = 1\nshutdown = []\n"


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with kinds():
        yield


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "plug"
    path.write_bytes(b"top secret \n")
    path.chmod(0o640)
    return path


def of_board(value: str) -> str:
    return f"[board]\nkind = 'strip'\nhost = 'h'\npassword_file = '{value}'\n{GUEST}heartbeat = false\n"


def of_ear(value: str) -> str:
    ear = f"{{ letter = 'x', key_file = '{value}' }}"
    return f"{GUEST}heartbeat = [\n{ear}\n]\n[network.lan]\nwitness = {{ knock = 'w' }}\n"


@pytest.mark.parametrize(
    ("text", "place"), [(of_board, "4: board.password_file"), (of_ear, "5: device.gn.heartbeat[0].key_file")]
)
def test_a_secret_that_everybody_can_read_is_refused(text: Callable[[str], str], place: str, secret: Path) -> None:
    assert loads(text(str(secret)), "f").devices
    secret.chmod(0o644)
    assert problems(text(str(secret))) == [f"f:{place}: everybody on this machine can read {secret}: chmod o-r {secret}"]


def test_a_folder_in_the_place_of_a_secret_is_not_to_be_hidden(tmp_path: Path) -> None:
    """Whoever did as he is told would have closed it to everybody."""
    tmp_path.chmod(0o755)
    assert loads(of_board(str(tmp_path)), "f").devices


def test_a_secret_that_cannot_be_seen_from_here_may_be_right(tmp_path: Path) -> None:
    assert loads(of_board(str(tmp_path / "none")), "f").devices


@pytest.mark.parametrize("value", ["", "a/b", ".", "..", "../x", "./x"])
def test_a_secret_is_named_so_that_it_is_found_wherever_the_service_runs(value: str) -> None:
    (told,) = problems(of_board(value))
    assert "must be the path of a file, from / on, or the name of a credential of the unit" in told


def test_a_secret_in_a_pipe_nobody_writes_to_holds_up_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(OSError, match="an ordinary file is wanted"):
        read_secret(str(tmp_path / "pipe"))


def test_a_credential_is_one_that_systemd_hands_over(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret.parent))
    assert read_secret("plug") == read_secret(str(secret)) == b"top secret "
    secret.chmod(0o644)
    (told,) = problems(of_board("plug"))
    assert told.endswith("everybody on this machine can read plug: chmod o-r plug")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert loads(of_board("plug"), "f").devices
    with pytest.raises(OSError, match="there is no credential plug"):
        read_secret("plug")


def test_a_secret_that_is_too_long_is_none_that_was_cut(secret: Path) -> None:
    secret.write_bytes(b"x" * (MOST_BYTES - 1) + b"\n")
    assert read_secret(str(secret)) == b"x" * (MOST_BYTES - 1)
    secret.write_bytes(b"x" * MOST_BYTES + b"\n")
    with pytest.raises(OSError, match="longer than 4096 bytes: is it the right"):
        read_secret(str(secret))
    with pytest.raises(BoardError, match=f"password_file {secret}: longer than 4096 bytes"):
        read_password(str(secret))

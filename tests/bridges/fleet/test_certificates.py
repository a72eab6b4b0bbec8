"""The script for certificates that is shipped: what it makes, and what it never makes twice."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "contrib/mosquitto/certificates.sh"

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def certificates(home: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run([SCRIPT, home / "fleet", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def files(home: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in (home / "fleet").iterdir()}


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("client", "v042"), "v042"),
        (("broker", "localhost"), "broker"),
        (("client", "broker"), "broker"),
        (("client", "ca"), "ca"),
    ],
)
def test_a_name_that_has_a_certificate_is_not_given_again(tmp_path: Path, words: tuple[str, ...], name: str) -> None:
    for each in (("authority",), ("broker", "localhost"), ("client", "v042")):
        assert certificates(tmp_path, *each)[0] == 0
    before = files(tmp_path)
    code, said = certificates(tmp_path, *words)
    assert (code, files(tmp_path)) == (2, before)
    assert f"there is a certificate for {name} already; remove it first" in said


@pytest.mark.parametrize("words", [(), ("somebody",), ("client",), ("broker",)])
def test_a_line_that_is_not_whole_shows_what_there_is_to_give(tmp_path: Path, words: tuple[str, ...]) -> None:
    code, said = certificates(tmp_path, *words)
    assert (code, (tmp_path / "fleet").exists()) == (2, False)
    assert [line.split()[:3] for line in said.splitlines()] == [
        ["certificates.sh", "DIR", each] for each in ("authority", "broker", "client")
    ]

"""The program, as a process."""

import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bridges.metrics.kit import samples
from tests.cli.kit import Daemon, until
from wagman.cli.outcome import CommandError
from wagman.cli.parser import parse


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    yield daemon
    daemon.end()


def test_it_prints_them_once_or_says_why_it_cannot(daemon: Daemon) -> None:
    daemon.start()
    done = daemon.wagman("metrics")
    assert (done.returncode, done.stderr, samples(done.stdout)["wagman_up"]) == (0, "", 1)
    daemon.kill()
    done = daemon.wagman("metrics")
    assert (done.returncode, done.stdout) == (3, "")
    assert "systemctl status wagman" in done.stderr


def test_it_runs_until_it_is_told_to_end_and_bears_that_the_service_is_away(daemon: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "wagman.prom"
    running = daemon.begin("metrics", "--textfile", str(file), "--every", "100ms", "--listen", "0")
    address = running.line().strip()

    def fetched() -> float:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - of this computer
            return samples(answer.read().decode())["wagman_up"]

    assert address.startswith("http://127.0.0.1:")
    assert fetched() == 0
    assert "no service on" in running.line()
    until(lambda: file.exists() and samples(file.read_text()) == {"wagman_up": 0})
    daemon.start()
    until(lambda: samples(file.read_text())["wagman_up"])
    assert fetched() == 1
    running.process.terminate()
    code, out, err = running.end()
    assert (code, err, file.exists()) == (0, "", False)
    assert "the service answers again" in out


def test_a_file_that_cannot_be_written_and_a_port_that_is_taken_end_it_with_a_sentence(daemon: Daemon, tmp_path: Path) -> None:
    done = daemon.wagman("metrics", "--textfile", str(tmp_path / "none" / "x.prom"))
    assert (done.returncode, done.stderr) == (1, f"wagman metrics: {tmp_path}/none/x.prom: No such file or directory\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = daemon.wagman("metrics", "--listen", str(taken.getsockname()[1]))
    assert (done.returncode, "Address already in use" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


@pytest.mark.parametrize("words", [("--listen", "65536"), ("--listen", "localhost"), ("--listen", "-1"), ("--every", "0")])
def test_what_makes_no_sense_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="is no"):
        parse(["metrics", *words])

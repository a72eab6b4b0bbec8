"""A small service for the commands to talk to."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.kit import Daemon


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path_factory.mktemp("daemon"))
    daemon.start()
    yield daemon
    daemon.end()


@pytest.fixture
def daemon(shared_daemon: Daemon) -> Daemon:
    """One for all tests of a module; its devices are as new for each."""
    shared_daemon.board("reset")
    return shared_daemon


@pytest.fixture
def own_daemon(tmp_path: Path) -> Iterator[Daemon]:
    """One that a test may kill."""
    daemon = Daemon(tmp_path)
    daemon.start()
    yield daemon
    daemon.end()


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """Where the tests run in the background of a shell, SIGINT is ignored, and the commands would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

"""The small service that the tests at a real broker share."""

from collections.abc import Iterator

import pytest

from tests.cli.kit import Daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One for all: its log is read from its beginning by each bridge that has a ledger of its own."""
    daemon = Daemon(tmp_path_factory.mktemp("service"))
    daemon.start()
    yield daemon
    daemon.end()

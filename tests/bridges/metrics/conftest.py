"""What the tests of the metrics share."""

import socket

import pytest


@pytest.fixture
def free_port() -> int:
    """A port of this computer that nobody listened on just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port

"""A port for a server that wants to be told one."""

import socket


def free_port(host: str = "127.0.0.1") -> int:
    """A port of this computer that nobody listened on just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        number: int = probe.getsockname()[1]
        return number


def listens(port: int) -> bool:
    """Whether somebody takes connections on that port of this computer."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

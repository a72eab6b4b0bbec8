"""Where something is reached over TCP: a host, with its port where that is not the usual one."""

from typing import Final

from wagman.config.hosts import place

PLACE: Final = place("a host, with its port where that is not the usual one")
"""An IPv6 address is read with brackets around it, whether the file has them or not."""


def split(place: str, usual_port: int) -> tuple[str, int]:
    """The host, without brackets, and the port of a place."""
    host, colon, port = place.rpartition(":")
    if not colon or port.endswith("]"):
        return place.strip("[]"), usual_port
    return host.strip("[]"), int(port)


def joined(host: str, port: int) -> str:
    """The place that `split` takes apart, with its port."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

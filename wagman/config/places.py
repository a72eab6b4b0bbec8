"""Where something is reached over TCP: a host, with its port where that is not the usual one."""

import ipaddress
from typing import Final

from wagman.config.hosts import ipv4_in_full, place

PLACE: Final = place("a host, with its port where that is not the usual one")
"""An IPv6 address is read with brackets around it, whether the file has them or not."""


OWN_NAMES: Final = frozenset(("localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"))
"""Names that every computer has for itself (RFC 6761; `/etc/hosts` of Debian and of Red Hat)."""


def split(place: str, usual_port: int) -> tuple[str, int]:
    """The host, without brackets, and the port of a place."""
    host, colon, port = place.rpartition(":")
    if not colon or port.endswith("]"):
        return place.strip("[]"), usual_port
    return host.strip("[]"), int(port)


def joined(host: str, port: int) -> str:
    """The place that `split` takes apart, with its port."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_this_computer(host: str) -> bool:
    """Whether a host is this computer on any computer: its loopback addresses, however they are written, and their names."""
    name = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(ipv4_in_full(name) or name)
    except ValueError:
        return name in OWN_NAMES or name.endswith(".localhost")
    meant = getattr(address, "ipv4_mapped", None) or address
    return bool(meant.is_loopback or meant.is_unspecified)

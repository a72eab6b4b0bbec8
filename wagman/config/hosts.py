"""Hosts, with or without a port: what a file may name as one. Whatever is refused here, no look-up could ever find."""

import re
from ipaddress import IPv6Address
from typing import Final, Literal

from wagman.config.kinds import Kind

MOST_PORT: Final = 65_535
"""The last TCP or UDP port (specified)."""

MOST_NAME_BYTES: Final = 253
"""The longest name of a host, as it is looked up (specified: DNS)."""

MOST_NUMBERS: Final = 4
"""How many numbers an IPv4 address has at most; the last one of fewer stands for the rest (`inet_aton`)."""

MOST_BYTE: Final = 255

# Looking up a name with an empty or longer label raises errors of other kinds than a name that nobody knows, and so does an
# underscore beside letters beyond ASCII.
_LABEL: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}|[^\W_](?:-|[^\W_]){0,62}")
_IPV6: Final = re.compile(r"[0-9A-Fa-f:.]+(?:%[\w.-]+)?")
_PLACE: Final = re.compile(r"(?:\[(?P<ipv6>[^\[\]]+)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?")


def is_name(text: str) -> bool:
    """Whether a text can be the name of a host, or an IPv4 address. A dot at its end says that the name is complete."""
    labels = text.removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return False
    if all(label.isdecimal() for label in labels) and ipv4_in_full(text) is None:
        return False
    try:
        return len(text.encode("idna").removesuffix(b".")) <= MOST_NAME_BYTES
    except UnicodeError:
        return False


def ipv4_in_full(text: str) -> str | None:
    """An IPv4 address with all its numbers: `127.1` is 127.0.0.1, as `inet_aton` takes it. None: it is none."""
    *first, last = text.split(".")
    if len(first) >= MOST_NUMBERS or not all(each.isdecimal() and each.isascii() for each in (*first, last)):
        return None
    rest = MOST_NUMBERS - len(first)
    if any(int(each) > MOST_BYTE for each in first) or int(last) >= 256**rest:
        return None
    return ".".join([*first, *map(str, int(last).to_bytes(rest))])


def is_ipv6(text: str) -> bool:
    """Whether a text is an IPv6 address, with or without the interface that it belongs to."""
    try:
        return _IPV6.fullmatch(text) is not None and bool(IPv6Address(text))
    except ValueError:
        return False


def place_of(text: str) -> tuple[str, int | None]:
    """The host and the port of `HOST` or `HOST:PORT`; the port is None where there is none.

    An IPv6 address stands between brackets, which it needs only before a port.

    Raises:
        ValueError: it is neither.
    """
    if is_ipv6(text):
        return text, None
    found = _PLACE.fullmatch(text)
    if found is None or not (is_ipv6(found["ipv6"]) if found["ipv6"] else is_name(found["name"])):
        raise ValueError("no host")
    port = None if found["port"] is None else int(found["port"])
    if port is not None and not 0 < port <= MOST_PORT:
        raise ValueError("no port")
    return found["ipv6"] or found["name"], port


def place(wants: str, *, port: Literal["none", "may", "must"] = "may") -> Kind:
    """The kind of hosts with no port, or that may or must have one. Where they may, an IPv6 address gets its brackets."""

    def read(value: object) -> str:
        text = value if isinstance(value, str) else ""
        try:
            _, found = place_of(text)
        except ValueError:
            raise ValueError(wants) from None
        if found is None if port == "must" else found is not None and port == "none":
            raise ValueError(wants)
        return f"[{text}]" if port == "may" and is_ipv6(text) else text

    return Kind(wants, read)

"""What a single value of fleet.toml may be."""

import re
from typing import Final

from wagman.config.hosts import is_ipv6, is_name
from wagman.config.kinds import Kind, matching
from wagman.model.facts import VERBS

_NAME = r"[a-z0-9-]{1,32}"
_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(B|kB|MB)/s")
_OFTEN = re.compile(r"([0-9]{1,6})/(s|min|h)")
_TIMES: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}
_UNITS: Final = {"B": 1, "kB": 1_000, "MB": 1_000_000}


def _rate(value: object) -> float:
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None or not float(found[1]):
        raise ValueError(RATE.wants)
    return float(found[1]) * _UNITS[found[2]]


def _host(value: object) -> str:
    if not isinstance(value, str) or not (is_name(value) or is_ipv6(value)):
        raise ValueError(HOST.wants)
    return value


# Elsewhere a host may bear its port; here that is a key of its own, and the name is compared with the certificate.
HOST = Kind("a name or an address alone, for the port has a key of its own: port", _host)

# A name is a level of a topic, and a name that a broker's access list compares: no wildcard, nothing to be quoted.
NAME = matching("1 to 32 of a-z, 0-9 and -", _NAME)
PREFIX = matching("one or more levels of a topic, of letters, digits, _ and -", r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
RATE = Kind('a number of bytes a second, such as "16kB/s"', _rate, lambda rate: f'"{rate / 1_000:g}kB/s"')


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and re.fullmatch(_NAME, each) for each in value):
        raise ValueError(WHOM.wants)
    return tuple(value)


ORDERS = tuple(verb for verb in VERBS if verb != "maintenance")
"""The orders that a node may take. Not `maintenance`: that is begun and ended at the guest itself, and has a duration."""


def _verbs(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(each in ORDERS for each in value):
        raise ValueError(ORDERED.wants)
    return tuple(value)


def _often(value: object) -> tuple[int, float]:
    found = _OFTEN.fullmatch(value) if isinstance(value, str) else None
    if found is None or not int(found[1]):
        raise ValueError(OFTEN.wants)
    return int(found[1]), _TIMES[found[2]]


WHOM = Kind('a list of names, such as ["alice"]', _names)
ORDERED = Kind(f"a list of {', '.join(ORDERS)}", _verbs)
OFTEN = Kind(
    'a number of orders in a time, such as "30/min"',
    _often,
    lambda rate: f'"{rate[0]}/{next(name for name, seconds in _TIMES.items() if seconds == rate[1])}"',
)

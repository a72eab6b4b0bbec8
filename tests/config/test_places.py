"""Where a board or a broker is reached: a host, with its port where that is not the usual one."""

from typing import Any

import pytest

from wagman.config.boards import BoardConfig
from wagman.config.load import loads
from wagman.config.places import joined, split
from wagman.model.errors import ConfigError

GUEST = "[device.gn]\nport = '1'\nheartbeat = false\nshutdown = []\n"
KINDS = {"shelly": 80, "tasmota": 80, "powerman": 10101, "mqtt": 1883}


def board(kind: str, host: object, more: str = "") -> BoardConfig:
    keys = "preset = 'tasmota'\ndevice = 'plug'\n" if kind == "mqtt" else ""
    written = host if isinstance(host, int) else f'"{host}"'
    return loads(f"[board]\nkind = '{kind}'\nhost = {written}\n{keys}{more}{GUEST}", "f").boards[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("rail", ("rail", None)),
        ("rail.lan:8080", ("rail.lan", 8080)),
        ("10.0.0.9:1", ("10.0.0.9", 1)),
        ("[fd00::1]", ("fd00::1", None)),
        ("[fd00::1]:65535", ("fd00::1", 65535)),
    ],
)
def test_a_place_is_a_host_and_its_port(kind: str, host: str, place: tuple[str, int | None]) -> None:
    assert board(kind, host).place == (place[0], place[1] or KINDS[kind])


@pytest.mark.parametrize("kind", ["shelly", "tasmota", "mqtt"])
@pytest.mark.parametrize("host", ["fd00::1", "::1", "fe80::1%eth0"])
def test_an_ipv6_address_needs_no_brackets(kind: str, host: str) -> None:
    assert board(kind, host).place == (host, KINDS[kind])
    assert board(kind, host) == board(kind, f"[{host}]")


@pytest.mark.parametrize("more", ["tls = true\n", "tls_ca = '/etc/ca.pem'\n"])
def test_an_encrypted_broker_has_a_port_of_its_own(more: str) -> None:
    assert board("mqtt", "hub", more).place == ("hub", 8883)
    assert board("mqtt", "hub:1884", more).place == ("hub", 1884)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "host",
    [
        *("", " ", "a b", "http://plug", "plug/x", "u@plug", "plug?x", "<plug>", "plug,"),
        *("plug:http", "plug:", ":80", "plug:0", "plug:99999", "plug:80:80", "[plug]", "[::1]x", "[::1", "fd00::1:99999:80"),
        5,
    ],
)
def test_what_is_no_place_is_refused(kind: str, host: Any) -> None:
    with pytest.raises(ConfigError, match=r"f:3: board\.host: must be a host, with its port where that is not"):
        board(kind, host)


def test_a_board_that_is_no_connection_away_has_no_place() -> None:
    assert loads(GUEST.replace("'1'", "1"), "f").boards[0].place is None


@pytest.mark.parametrize(("text", "place"), [("plug:81", ("plug", 81)), ("[fd00::1]:80", ("fd00::1", 80))])
def test_what_was_taken_apart_can_be_joined(text: str, place: tuple[str, int]) -> None:
    assert split(text, 80) == place
    assert joined(*place) == text

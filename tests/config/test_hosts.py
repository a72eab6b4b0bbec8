"""What may be the host of something: names that can be looked up, and addresses, with and without a port."""

import socket
from contextlib import suppress

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from wagman.bridges.fleet.kinds import HOST as FLEET_HOST
from wagman.config.ears import HOST, HOST_PORT, URL
from wagman.config.hosts import is_name, place_of
from wagman.config.places import PLACE
from wagman.io.powerman import ADDRESS

LABEL = "x" * 63
NAMES = ["gn", "g_n-1", "hub.lan", "hub.lan.", "10.0.0.9", "10.1", "büro", "büro.example", LABEL]
NAMES += [".".join([LABEL] * 3 + ["x" * 61])]
NO_NAMES = [
    "",
    ".",
    "...",
    "hub..lan",
    ".hub",
    "hub.lan..",
    "-hub",
    "hub.-lan",
    "h ub",
    "hub\n",
    "<hub>",
    "hub,",
    "x" * 64,
    "hub." + "x" * 64,
    "ü" * 63,  # longer, as it is looked up
    "bröker_1.example",
    "192.168.1.999",  # nothing but numbers, and yet no address
    "10.0.0.1.2",
    ".".join([LABEL] * 3 + ["x" * 62]),
]


@pytest.mark.parametrize("kind", [HOST, PLACE, ADDRESS, FLEET_HOST])
def test_every_host_goes_by_the_same_rule(kind: object) -> None:
    assert [kind.read(name) for name in NAMES] == NAMES  # type: ignore[attr-defined]
    for name in (*NO_NAMES, None, 7):
        with pytest.raises(ValueError, match=r"host|name"):
            kind.read(name)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [name for name in NAMES if name.isascii()])
def test_the_host_of_a_page_and_of_a_port_does_so_too(name: str) -> None:
    assert HOST_PORT.read(f"{name}:22") == f"{name}:22"
    assert URL.read(f"http://{name}:8081/health") == f"http://{name}:8081/health"


@pytest.mark.parametrize("name", NO_NAMES)
def test_nor_is_it_taken_there_if_it_could_not_be_looked_up(name: str) -> None:
    with pytest.raises(ValueError, match="a host and a port"):
        HOST_PORT.read(f"{name}:22")
    with pytest.raises(ValueError, match="an address as http"):
        URL.read(f"http://{name}:8081/health")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("hub", ("hub", None)),
        ("hub:1", ("hub", 1)),
        ("hub:65535", ("hub", 65535)),
        ("::1", ("::1", None)),
        ("[::1]", ("::1", None)),
        ("[fe80::1%eth0]:22", ("fe80::1%eth0", 22)),
    ],
)
def test_a_place_is_a_host_with_or_without_a_port(text: str, place: tuple[str, int | None]) -> None:
    assert place_of(text) == place


@pytest.mark.parametrize(
    "text", ["hub:", "hub:0", "hub:65536", "hub:http", "hub:1:2", "[hub]", "[::1", "::1]", "[::1]x", "[]", ":80"]
)
def test_what_is_no_place(text: str) -> None:
    for kind in (PLACE, ADDRESS):
        with pytest.raises(ValueError, match=r"host|name"):
            kind.read(text)


def test_an_address_that_may_have_a_port_gets_its_brackets() -> None:
    assert [kind.read("fd00::1") for kind in (PLACE, ADDRESS)] == ["[fd00::1]"] * 2
    assert HOST.read("fd00::1") == "fd00::1"


# Beyond ASCII the tables of Unicode have the last word, which is heard when the name is looked up.
@given(st.text("xX_-.0", min_size=1, max_size=80) | st.text(st.characters(codec="ascii"), max_size=70))
@example("x" * 63)
def test_whatever_is_taken_for_a_name_in_ascii_can_be_looked_up(text: str) -> None:
    async def look_up() -> None:
        with suppress(socket.gaierror):
            await trio.socket.getaddrinfo(text, 80, flags=socket.AI_NUMERICHOST)

    if is_name(text):
        trio.run(look_up)

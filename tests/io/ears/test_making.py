"""Tables of ears: what they may hold, and what they are made into."""

from contextlib import suppress
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from wagman.config.ears import HOST, HOST_PORT, URL, EarConfig
from wagman.config.kinds import Kind
from wagman.config.setting import settings
from wagman.io.ears.addresses import Place
from wagman.io.ears.banner import BannerEar
from wagman.io.ears.ear import Ear, Listening
from wagman.io.ears.exec import ExecEar
from wagman.io.ears.hearing import Hearing
from wagman.io.ears.http import HttpEar
from wagman.io.ears.making import ear_of, network_of
from wagman.io.ears.network import Network
from wagman.io.ears.passive import PassiveEar, Shared
from wagman.io.ears.ping import PingEar
from wagman.io.ears.serial import BAUD, SerialEar, SerialListener
from wagman.io.ears.tcp import TcpEar
from wagman.io.ears.udp import UdpEar, UdpEars

EARS: list[EarConfig] = [
    HttpEar(http="http://gn/health"),
    BannerEar(banner="gn:22"),
    PingEar(ping="10.0.0.11"),
    TcpEar(tcp="gn:22"),
    UdpEar(udp=9000),
    ExecEar(exec=("check-gn", "--fast")),
    SerialEar(serial="/dev/ttyUSB3"),
]


@pytest.mark.parametrize("ear", EARS, ids=lambda ear: ear.kind)
def test_the_key_that_says_whom_to_listen_to_is_named_as_the_kind(ear: EarConfig) -> None:
    keys = settings(type(ear))
    assert {ear.kind, "every", "timeout", "network"} <= keys.keys()
    assert all(attribute.metadata["setting"].kind is not None for attribute in keys.values())
    assert ear.source.startswith(f"{ear.kind} ")
    assert ear.about


def test_the_name_of_a_source_is_its_kind_and_whom_it_listens_to() -> None:
    assert [ear.source for ear in EARS] == [
        "http http://gn/health",
        "banner gn:22",
        "ping 10.0.0.11",
        "tcp gn:22",
        "udp 9000",
        "exec check-gn --fast",
        "serial /dev/ttyUSB3",
    ]


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (
            HOST_PORT,
            ["gn:22", "10.0.0.11:8081", "[fd00::1]:22", "[fe80::1%eth0]:22", "gn.example.org:65535", "a:1", "g_n-1:22"],
            [
                "gn",
                "gn:",
                "gn:0",
                "gn:65536",
                ":22",
                "fd00::1:22",
                "gn :22",
                "gn:22\n",
                "-gn:22",
                22,
                None,
                "http://gn:22",
                "gn:+1",
            ],
        ),
        (HOST, ["gn", "10.0.0.11", "fd00::1", "[fd00::1]", "gn.local"], ["", "gn:22", "a b", "gn/x", "-c1", 5, "gn\n", "." * 3]),
        (
            URL,
            ["http://gn", "http://gn:8081/health?full=1", "http://[fd00::1]:80/", "http://10.0.0.11/"],
            [
                "gn/health",
                "https://gn/",
                "http://",
                "http://u:p@gn/",
                "http://gn:99999/",
                "http://gn/a b",
                "http://gn/\n",
                "http://[/",
                1,
            ],
        ),
        (BAUD, [9600, 115200], [1200, 0, -1, "9600", 9600.0, True]),
    ],
    ids=["HOST_PORT", "HOST", "URL", "BAUD"],
)
def test_what_a_value_may_be(kind: Kind, right: list[Any], wrong: list[Any]) -> None:
    assert [kind.read(value) for value in right] == right
    for value in wrong:
        with pytest.raises(ValueError, match=kind.wants.replace("[", r"\[").replace("(", r"\(")[:20]):
            kind.read(value)


@given(st.text(max_size=20) | st.from_regex(r"http://[a-z\[\]:@0-9]{0,10}", fullmatch=True))
def test_any_text_is_taken_or_refused(text: str) -> None:
    for kind in (HOST, HOST_PORT, URL):
        with suppress(ValueError):
            assert kind.read(text) == text


@pytest.mark.parametrize(
    ("text", "host", "port"), [("gn:22", "gn", 22), ("[fd00::1]:22", "fd00::1", 22), ("10.0.0.11:8081", "10.0.0.11", 8081)]
)
def test_a_place_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    place = Place.of(text, 2.0)
    assert (place.host, place.port) == (host, port)


def made(config: EarConfig, shared: Shared, network: Network | None = None) -> Listening:
    return ear_of(config, "gn", Hearing(print).add(config.source, heard=True), network, shared)


def test_ears_are_made_of_what_the_file_says() -> None:
    async def main() -> None:
        shared = Shared()
        lan = network_of("lan", [PingEar(ping="10.0.0.254"), ExecEar(exec=("true",), timeout_s=4)], print, shared)
        assert len(lan.witnesses) == 2
        assert lan.within_s == ExecEar(exec=("true",), timeout_s=4).question_s
        for config in EARS:
            ear = made(config, shared, lan)
            assert isinstance(ear, PassiveEar if config.passive else Ear)
            assert (ear.network is lan) == config.networked
            assert made(config, shared).network.needs_witness is False
        assert isinstance(made(EARS[-1], shared), SerialListener)
        (task,) = shared.tasks.values()
        assert isinstance(task, UdpEars)
        assert task.port == 9000

    trio.run(main)


def test_what_is_passive_has_no_probe() -> None:
    for config in EARS:
        if config.passive:
            with pytest.raises(NotImplementedError):
                config.probe()

"""What each probe shows of a guest in each of its states: real kernels, real processes, real outages.

The table is that of docs/heartbeats.md.
"""

import signal
from collections.abc import Iterator
from functools import partial

import pytest
import trio

from tests.io.ears.namespaces import CONTROLLER, GATEWAY, GUEST, HEALTH, SSH, Net, needs_namespaces
from wagman.config.ears import EarConfig
from wagman.io.ears.banner import BannerEar
from wagman.io.ears.ear import Ear
from wagman.io.ears.hearing import Hearing
from wagman.io.ears.http import HttpEar
from wagman.io.ears.network import Network
from wagman.io.ears.ping import PingEar
from wagman.io.ears.tcp import TcpEar
from wagman.model.errors import EarError
from wagman.model.facts import Beat, Listened, PortFact

pytestmark = needs_namespaces

TIMEOUT_S = 0.5

EARS: dict[str, EarConfig] = {
    "ping": PingEar(ping=GUEST, timeout_s=TIMEOUT_S),
    "tcp": TcpEar(tcp=f"{GUEST}:{SSH}", timeout_s=TIMEOUT_S),
    "banner": BannerEar(banner=f"{GUEST}:{SSH}", expect="SSH-2.0", timeout_s=TIMEOUT_S),
    "http": HttpEar(http=f"http://{GUEST}:{HEALTH}/health", expect="gn", timeout_s=TIMEOUT_S),
    "witness": PingEar(ping=GATEWAY, timeout_s=TIMEOUT_S),
}

STATES = {
    "off": set[str]() | {"witness"},
    "running": {"ping", "tcp", "banner", "http", "witness"},
    "its programs hang": {"ping", "tcp", "witness"},
    "its program is dead": {"ping", "witness"},
    "the switch is off": set(),
    "the controller's own link is down": set(),
    "halted": {"witness"},
}
"""Who answers in which state of the guest, or of the network."""


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    with Net() as made:
        yield made


@pytest.fixture
def guest(net: Net) -> Iterator[Net]:
    """The guest runs, and all links are up."""
    for which in ("ct", "gw", "gn"):
        net.link(which, "up")
    net.switch("up")
    net.start()
    net.on_controller(partial(all_answer, net))
    yield net
    net.kill()


async def who_answers() -> set[str]:
    answered: set[str] = set()

    async def ask(name: str) -> None:
        if await EARS[name].probe().ask():
            answered.add(name)

    async with trio.open_nursery() as nursery:
        for name in EARS:
            nursery.start_soon(ask, name)
    return answered


async def all_answer(_: Net) -> None:
    """Links that were down take a moment."""
    with trio.fail_after(20):
        while await who_answers() != EARS.keys():  # noqa: ASYNC110 - the kernel sets no event
            await trio.sleep(0.05)


def bring_about(net: Net, state: str) -> None:
    match state:
        case "off" | "halted":
            net.kill()
            net.link("gn", "down")
        case "its programs hang":
            net.signal(signal.SIGSTOP)
        case "its program is dead":
            net.kill()
        case "the switch is off":
            net.switch("down")
        case "the controller's own link is down":
            net.link("ct", "down")


@pytest.mark.parametrize("state", STATES)
def test_each_probe_shows_what_the_table_says(guest: Net, state: str) -> None:
    found: list[set[str]] = []

    async def look() -> None:
        found.append(await who_answers())

    bring_about(guest, state)
    guest.on_controller(look)
    assert found == [STATES[state]]


def test_a_ping_that_the_kernel_forbids_says_what_to_do_and_is_no_silence(guest: Net) -> None:
    async def look() -> None:
        with pytest.raises(
            EarError, match=r'ping_group_range lets no group do so.*sysctl -w net.ipv4.ping_group_range="0 2147483647"'
        ):
            await EARS["ping"].probe().ask()

    guest.let_ping("1 0")
    try:
        guest.on_controller(look)
    finally:
        guest.let_ping("0 0")


def test_many_pings_at_once_are_told_apart(guest: Net) -> None:
    async def look() -> None:
        probe, answered = EARS["ping"].probe(), list[bool]()

        async def ask(probe_: PingEar) -> None:
            answered.append(await probe_.probe().ask())

        async with trio.open_nursery() as nursery:
            for host in (GUEST, GATEWAY, CONTROLLER, "10.77.0.99") * 10:
                nursery.start_soon(ask, PingEar(ping=host, timeout_s=TIMEOUT_S))
        assert sorted(answered) == [False] * 10 + [True] * 30
        assert [await probe.ask() for _ in range(3)] == [True] * 3

    guest.on_controller(look)


def test_a_ping_goes_over_ipv6_too(guest: Net) -> None:
    async def look() -> None:
        assert await PingEar(ping="::1", timeout_s=TIMEOUT_S).probe().ask()
        assert not await PingEar(ping="fd77::99", timeout_s=TIMEOUT_S).probe().ask()
        assert not await BannerEar(banner=f"[::1]:{SSH}", timeout_s=TIMEOUT_S).probe().ask()

    guest.on_controller(look)


# --- A whole ear ------------------------------------------------------------------------------------------------------

EVERY_S = 0.3
HEARTBEAT_TIMEOUT_S = 1.5
OUTAGE_S = 4.0  # 60 s of a real site, in proportion


async def heard(kind: str, network: Network, happens: list[tuple[float, partial[None]]]) -> list[PortFact]:
    told: list[PortFact] = []
    configs = {
        "http": HttpEar(http=f"http://{GUEST}:{HEALTH}/health", every_s=EVERY_S, timeout_s=TIMEOUT_S),
        "ping": PingEar(ping=GUEST, every_s=EVERY_S, timeout_s=TIMEOUT_S),
    }
    ear = Ear(configs[kind], Hearing(told.append).add(kind, heard=True), network)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ear.run)
        for after_s, do in happens:
            await trio.sleep(after_s)
            do()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    return told


def longest_s(facts: list[PortFact]) -> float:
    return max((fact.asked_at_s - fact.silent_since_s for fact in facts if isinstance(fact, Listened)), default=0.0)


@pytest.mark.parametrize("has_witness", [True, False])
def test_an_outage_of_the_network_proves_nothing_and_would_without_a_witness(guest: Net, has_witness: bool) -> None:
    happens = [(0.5, partial(guest.switch, "down")), (OUTAGE_S, partial(guest.switch, "up"))]

    async def look() -> None:
        network = Network("lan", [EARS["witness"].probe()], TIMEOUT_S) if has_witness else Network.none()
        facts = await heard("http", network, happens)
        assert isinstance(facts[0], Beat)
        assert (longest_s(facts) >= HEARTBEAT_TIMEOUT_S) == (not has_witness)

    guest.on_controller(look)


@pytest.mark.parametrize("kind", ["http", "ping"])
def test_a_guest_whose_programs_hang_is_silent_by_http_and_not_by_ping(guest: Net, kind: str) -> None:
    happens = [(0.5, partial(guest.signal, signal.SIGSTOP)), (4.0, partial(guest.signal, signal.SIGCONT))]

    async def look() -> None:
        facts = await heard(kind, Network("lan", [EARS["witness"].probe()], TIMEOUT_S), happens)
        assert isinstance(facts[-1], Beat)
        assert (longest_s(facts) >= HEARTBEAT_TIMEOUT_S) == (kind == "http")

    guest.on_controller(look)

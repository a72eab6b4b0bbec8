"""Datagrams that guests send by themselves: whom they are believed of, and what their absence shows."""

import hashlib
import hmac
import socket
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from tests.docs.blocks import ROOT, blocks
from wagman.io.ears.hearing import Hearing
from wagman.io.ears.network import Network
from wagman.io.ears.passive import AGAIN_S, PassiveEar
from wagman.io.ears.udp import MOST_APART_S, Datagrams, UdpEar, UdpEars
from wagman.model.facts import Beat, Listened, PortFact

KEY = b"correct horse battery staple"
WALL_S = 1764410000.0
EVERY_S = 0.3


def signed(told: str, name: str = "gn", key: bytes = KEY) -> bytes:
    said = f"{name} {told}".encode()
    return said + b" " + hmac.new(key, said, hashlib.sha256).hexdigest().encode() + b"\n"


def doubts(datagrams: Datagrams, data: bytes, wall_s: float = WALL_S) -> str | None:
    return datagrams.doubt(data.split(), wall_s)


# --- Proofs -----------------------------------------------------------------------------------------------------------


def test_without_a_key_a_name_is_enough() -> None:
    assert doubts(Datagrams(b"gn", None), b"gn\n") is None


def test_without_a_key_a_proof_is_not_looked_past() -> None:
    assert doubts(Datagrams(b"gn", None), signed("1764410000")) == "it holds more than a name, and no key is configured"


def test_a_proof_is_believed_once() -> None:
    gn, data = Datagrams(b"gn", KEY), signed("1764410000.25")
    assert doubts(gn, data) is None
    assert doubts(gn, data) == "its time is not later than that of the one before"
    assert doubts(gn, signed("1764410000.26")) is None


def test_a_datagram_of_before_is_refused_after_a_later_one() -> None:
    gn = Datagrams(b"gn", KEY)
    assert doubts(gn, signed("1764410010")) is None
    assert doubts(gn, signed("1764410009")) == "its time is not later than that of the one before"


@pytest.mark.parametrize("off_s", [MOST_APART_S + 1, -MOST_APART_S - 1])
def test_clocks_that_are_too_far_apart_are_refused_and_hold_up_no_right_one(off_s: float) -> None:
    gn = Datagrams(b"gn", KEY)
    assert doubts(gn, signed(str(WALL_S + off_s))) == "the guest's clock and this computer's are 61 s apart"
    assert doubts(gn, signed(str(WALL_S))) is None


@pytest.mark.parametrize(
    ("data", "doubt"),
    [
        (b"gn\n", "it holds no time and proof"),
        (b"gn 1764410000\n", "it holds no time and proof"),
        (b"gn nan " + b"0" * 64, "it holds no time and proof"),
        (b"gn 1e9 " + b"0" * 64, "it holds no time and proof"),
        (b"gn -5 " + b"0" * 64, "it holds no time and proof"),
        (b"gn 1764410000 " + b"0" * 64, "its proof was made with another key"),
        (b"gn 1764410000 \xff", "its proof was made with another key"),
        (signed("1764410000", key=b"another"), "its proof was made with another key"),
        (
            signed("1764410000").replace(b"gn", b"gn ", 1).replace(b" 1764410000 ", b" 1764410001 "),
            "its proof was made with another key",
        ),
        (signed("1764410000") + b" more", "it holds no time and proof"),
    ],
)
def test_what_is_not_proved_is_refused_with_the_reason(data: bytes, doubt: str) -> None:
    assert doubts(Datagrams(b"gn", KEY), data) == doubt


def test_a_proof_of_one_guest_is_none_of_another() -> None:
    assert doubts(Datagrams(b"cs", KEY), signed("1764410000").replace(b"gn", b"cs")) == "its proof was made with another key"


@given(st.binary(max_size=300), st.sampled_from((KEY, None)))
def test_whatever_arrives_is_believed_or_refused(data: bytes, key: bytes | None) -> None:
    gn = Datagrams(b"gn", key)
    assert doubts(gn, data) is not None or data.split() == [b"gn"]


# --- The port ---------------------------------------------------------------------------------------------------------


@define(eq=False)
class Site:
    """A port on loopback, the guests that send to it, and what each was told."""

    port: int
    ears: UdpEars
    told: dict[str, list[PortFact]] = field(factory=dict)
    by_name: dict[str, PassiveEar] = field(factory=dict)

    def add(self, *names: str, key_file: Path | None = None) -> None:
        for name in names:
            self._add(name, key_file)
            key_file = None

    def _add(self, name: str, key_file: Path | None) -> None:
        config = UdpEar(udp=self.port, key_file=None if key_file is None else str(key_file), every_s=EVERY_S)
        self.told[name] = []
        ear = PassiveEar(config, Hearing(self.told[name].append).add(name, heard=True), Network.none())
        self.ears.add(name, ear, config)
        self.by_name[name] = ear

    def send(self, data: bytes, family: socket.AddressFamily = socket.AF_INET) -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as ours:
            ours.sendto(data, ("127.0.0.1" if family == socket.AF_INET else "::1", self.port))

    def beats(self, name: str) -> int:
        return sum(isinstance(fact, Beat) for fact in self.told[name])

    async def until(self, holds: Callable[[], bool]) -> None:
        with trio.fail_after(20):
            while not holds():  # noqa: ASYNC110 - what arrives from outside sets no event
                await trio.sleep(0.01)

    async def opened(self) -> None:
        await self.until(lambda: self.ears.read_until_s > 0)


def running(script: Callable[[Site], Awaitable[None]], prepare: Callable[[Site], None] = lambda site: site.add("gn")) -> None:
    async def main() -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as free:
            free.bind(("::", 0))
            port = free.getsockname()[1]
        site = Site(port, UdpEars(port, lambda: WALL_S))
        prepare(site)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(site.ears.run)
            for ear in site.by_name.values():
                nursery.start_soon(ear.run)
            await script(site)
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_one_port_hears_all_guests_and_each_for_itself() -> None:
    async def script(site: Site) -> None:
        await site.opened()
        site.send(b"gn\n")
        site.send(b"cs\n", socket.AF_INET6)
        site.send(b"nobody\n")
        site.send(b"")
        site.send(b"gn cs\n")
        await site.until(lambda: site.beats("gn") == site.beats("cs") == 1)
        beats = [fact for facts in site.told.values() for fact in facts if isinstance(fact, Beat)]
        assert [beat.source for beat in beats] == ["udp", "udp"]
        assert all(trio.current_time() - 5 < beat.at_s <= trio.current_time() for beat in beats)

    running(script, lambda site: site.add("gn", "cs"))


def test_a_guest_is_heard_by_each_of_its_ears_at_the_port(tmp_path: Path) -> None:
    (tmp_path / "gn.key").write_bytes(KEY)
    listeners: list[PassiveEar] = []

    def prepare(site: Site) -> None:
        site.add("gn", key_file=tmp_path / "gn.key")
        still_on = UdpEar(udp=site.port, key_file=str(tmp_path / "gn.key"), every_s=EVERY_S)
        source = Hearing(lambda _fact: None).add("udp", heard=True, still_on=True)
        site.ears.add("gn", ear := PassiveEar(still_on, source, Network.none()), still_on)
        listeners.extend((site.by_name["gn"], ear))

    async def script(site: Site) -> None:
        await site.opened()
        site.send(signed("1764410000"))
        await site.until(lambda: all(ear.heard_at_s is not None for ear in listeners))
        assert site.beats("gn") == 1
        site.send(signed("1764410000"))  # recorded, and sent again
        await site.until(lambda: all(ear.refused is not None for ear in listeners))
        assert site.beats("gn") == 1

    running(script, prepare)


def test_a_guest_that_sends_no_more_is_silent_since_its_last_datagram() -> None:
    async def script(site: Site) -> None:
        await site.opened()
        site.send(b"gn\n")
        await site.until(lambda: site.beats("gn") == 1)
        heard_at_s = site.by_name["gn"].heard_at_s
        await site.until(lambda: isinstance(site.told["gn"][-1], Listened))
        fact = site.told["gn"][-1]
        assert isinstance(fact, Listened)
        assert heard_at_s is not None
        assert heard_at_s <= fact.silent_since_s <= heard_at_s + AGAIN_S
        assert fact.asked_at_s <= trio.current_time()

    running(script)


def test_a_key_is_read_and_what_is_refused_says_why(tmp_path: Path) -> None:
    key_file = tmp_path / "gn.key"
    key_file.write_bytes(KEY + b"\n")

    async def script(site: Site) -> None:
        await site.opened()
        site.send(b"gn\n")
        await site.until(lambda: site.by_name["gn"].refused == "it holds no time and proof")
        site.send(signed("1764410000"))
        await site.until(lambda: site.beats("gn") == 1)
        assert site.by_name["gn"].refused is None

    running(script, lambda site: site.add("gn", key_file=key_file))


@pytest.mark.parametrize("content", [None, b"", b" \n"])
def test_a_key_that_cannot_be_read_proves_nothing_and_keeps_no_other_guest_from_being_heard(
    tmp_path: Path, content: bytes | None
) -> None:
    key_file = tmp_path / "gn.key"
    if content is not None:
        key_file.write_bytes(content)

    async def script(site: Site) -> None:
        await site.opened()
        site.send(b"gn\n")
        site.send(b"cs\n")
        await site.until(lambda: site.beats("cs") == 1)
        assert "the key cannot be read" in (site.by_name["gn"].trouble or "")
        await trio.sleep(3 * EVERY_S)
        assert site.told["gn"] == []
        key_file.write_bytes(KEY)
        await site.until(lambda: site.by_name["gn"].trouble is None)
        site.send(signed("1764410000"))
        await site.until(lambda: site.beats("gn") == 1)

    running(script, lambda site: site.add("gn", "cs", key_file=key_file))


def test_a_port_that_somebody_else_has_proves_nothing() -> None:
    async def main() -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as taken:
            taken.bind(("::", 0))
            site = Site(taken.getsockname()[1], UdpEars(taken.getsockname()[1]))
            site.add("gn")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(site.ears.run)
                nursery.start_soon(site.by_name["gn"].run)
                await site.until(lambda: site.by_name["gn"].trouble is not None)
                assert site.by_name["gn"].trouble == f"the UDP port {site.port} cannot be read: Address already in use"
                await trio.sleep(3 * EVERY_S)
                assert site.told["gn"] == []
                nursery.cancel_scope.cancel()

    trio.run(main)


# --- The guest's side, as the page says it ----------------------------------------------------------------------------


def guests_side(word: str, key_file: Path, port: int) -> str:
    text = next(block.text for block in blocks(ROOT / "docs/heartbeats.md") if word in block.text)
    return text.replace("10.0.0.1", "127.0.0.1").replace("9000", str(port)).replace("/etc/wagman-beat.key", str(key_file))


@pytest.mark.parametrize(("word", "shell", "is_signed"), [("/dev/udp", "bash", False), ("hmac", "python3", True)])
def test_what_the_page_has_for_the_guest_is_heard(word: str, shell: str, is_signed: bool, tmp_path: Path) -> None:
    (tmp_path / "gn.key").write_bytes(KEY + b"\n")

    async def script(site: Site) -> None:
        site.ears.wall_s = time.time
        await site.opened()
        program = guests_side(word, tmp_path / "gn.key", site.port)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(trio.run_process, [shell, "-c", program], check=False))
            await site.until(lambda: site.beats("gn") == 1)
            nursery.cancel_scope.cancel()

    running(script, lambda site: site.add("gn", key_file=tmp_path / "gn.key" if is_signed else None))

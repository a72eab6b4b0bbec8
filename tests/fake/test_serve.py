"""The fake board as a task in virtual time, as the simulation uses it."""

import errno
import random
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from wagman.fake.control import ControlError
from wagman.fake.guests import GuestSpec
from wagman.fake.hardware import DirtyCut, RelayChange
from wagman.fake.serve import UNREAD_BYTES, FakeBoard, HostPort


def in_virtual_time(story: Callable[[FakeBoard], Awaitable[None]], fake: FakeBoard | None = None) -> FakeBoard:
    fake = fake or FakeBoard()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(fake.run)
            await trio.sleep(12)
            await story(fake)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return fake


async def read_until(port: HostPort, mark: bytes) -> bytes:
    data = b""
    while mark not in data:
        piece = await port.receive_some()
        assert piece, "hung up"
        data += piece
    return data


async def ask(port: HostPort, command: str) -> str:
    await port.send_all(f"@ask {command}\n".encode())
    return (
        (await read_until(port, b"->>>\r\n"))
        .decode()
        .partition(f"sid=ask {command.split(maxsplit=1)[0]}\r\n")[2]
        .removesuffix("->>>\r\n")
    )


def test_a_request_is_answered_at_its_board_time() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        began_s = trio.current_time()
        assert await ask(port, "boots") == "1\r\n"
        assert 0 <= trio.current_time() - began_s < 0.34

    in_virtual_time(story)


def test_a_board_of_another_speed_runs_that_much_faster() -> None:
    async def story(fake: FakeBoard) -> None:
        assert fake.now_s == pytest.approx(240)
        assert fake.status()["relays"][2]["on"]

    in_virtual_time(story, FakeBoard(speed=20))


@pytest.mark.parametrize(("lag_s", "pieces"), [(0.0, 7), (0.25, 1)])
def test_with_a_lag_what_the_board_says_is_noticed_later_and_in_fewer_pieces(lag_s: float, pieces: int) -> None:
    async def story(fake: FakeBoard) -> None:
        await trio.sleep(1)
        port = await fake.open()
        await port.send_all(b"@ask cu\n")
        data = [await port.receive_some()]
        first_s = fake.now_s
        while b"->>>" not in data[-1]:
            data.append(await port.receive_some())
        assert len(data) == pieces
        assert first_s == pytest.approx(13 + lag_s, abs=0.34)
        assert b"".join(data) == b"<<<- sid=ask cu\r\n640 480 0 0 0 0\r\n->>>\r\n"

    in_virtual_time(story, FakeBoard(lag_s=lag_s))


def test_what_is_said_while_nobody_holds_the_port_open_is_lost() -> None:
    async def story(fake: FakeBoard) -> None:
        await trio.sleep(300)
        port = await fake.open()
        assert (await ask(port, "boots")) == "1\r\n"

    assert in_virtual_time(story).lost_bytes > 300


def test_the_port_is_opened_by_one_at_a_time() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked
            await fake.open()
        assert caught.value.errno == errno.EBUSY
        await port.aclose()
        await (await fake.open()).aclose()

    in_virtual_time(story)


def test_an_unplugged_cable_hangs_up_and_board_and_guests_run_on() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        await ask(port, "boots")
        fake.unplug()
        assert await port.receive_some() == b""
        assert await port.receive_some() == b""
        with pytest.raises(OSError):  # noqa: PT011 - as a tty does
            await port.send_all(b"@a up\n")
        with pytest.raises(FileNotFoundError):
            await fake.open()
        await trio.sleep(100)
        assert fake.status()["relays"][1]["on"]
        fake.replug()
        await ask(await fake.open(), "boots")

    in_virtual_time(story)


def test_what_was_said_before_a_hang_up_can_still_be_read() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        await port.send_all(b"@a boots\n")
        await trio.sleep(1)
        fake.unplug()
        assert b"sid=a boots" in await port.receive_some()
        assert await port.receive_some() == b""

    in_virtual_time(story)


def test_a_reader_that_waits_is_woken_by_the_hang_up() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drain, port)
            await trio.sleep(1)
            fake.unplug()

    async def drain(port: HostPort) -> None:
        while await port.receive_some():
            pass

    in_virtual_time(story)


def test_a_reset_hangs_up_and_the_tty_comes_back() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        number = await fake.wait_tty()
        fake.reset()
        await fake.wait_tty_gone(number)
        assert await port.receive_some() == b""
        gone_at = trio.current_time()
        await fake.wait_tty()
        assert trio.current_time() - gone_at == pytest.approx(12.1, abs=0.1)

    in_virtual_time(story)


def test_a_tty_that_went_and_came_before_anybody_looked_has_still_gone() -> None:
    clock = MockClock()

    async def main() -> None:
        fake = FakeBoard()
        async with trio.open_nursery() as nursery:
            await nursery.start(fake.run)
            port = await fake.open()
            number = await fake.wait_tty()
            fake.reset()
            clock.jump(60)
            await fake.wait_tty_gone(number)
            assert await port.receive_some() == b""
            assert await fake.wait_tty() == number + 1
            nursery.cancel_scope.cancel()

    trio.run(main, clock=clock)


def test_a_closed_port_can_neither_be_read_nor_written() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        await port.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await port.receive_some()
        with pytest.raises(trio.ClosedResourceError):
            await port.send_all(b"x")

    in_virtual_time(story)


def test_a_host_that_does_not_read_holds_a_bounded_amount() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        fake.fault("flood 5000")
        assert len(await port.receive_some()) == 16_384

    in_virtual_time(story)


def test_receive_some_gives_no_more_than_asked_for() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        await port.send_all(b"@a boots\n")
        assert await port.receive_some(4) == b"<<<-"
        assert await port.receive_some(4) == b" sid"

    in_virtual_time(story)


def test_a_write_beyond_what_the_board_takes_waits_for_the_board() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        began_s = trio.current_time()
        await port.send_all((b" " * 78 + b"\n") * 140)  # 11,060 bytes, 4,096 of room, 240 in a pass
        assert trio.current_time() - began_s > 9

    in_virtual_time(story)


def test_a_write_that_waits_fails_when_the_tty_goes() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write, port)
            await trio.sleep(2)
            fake.unplug()

    async def write(port: HostPort) -> None:
        with pytest.raises(OSError):  # noqa: PT011 - as a tty does
            await port.send_all(b"@sid boots\n" * 10_000)

    in_virtual_time(story)


def test_guests_halt_hang_and_revive_on_request() -> None:
    async def story(fake: FakeBoard) -> None:
        await trio.sleep(150)
        assert fake.halt("gn")
        assert fake.hang(2)
        assert not fake.revive("nc")
        await trio.sleep(11)
        states = {guest["device"]: guest["state"] for guest in fake.status()["guests"]}
        assert states == {"nc": "running", "gn": "halted", "cs": "hung", "x1": "off", "x2": "off"}
        assert not fake.halt("gn")

    in_virtual_time(story)


def test_a_guest_that_panics_hangs_and_answers_no_ping() -> None:
    async def story(fake: FakeBoard) -> None:
        await trio.sleep(150)
        assert fake.control("panic gn") == {"ok": True}
        with pytest.raises(ControlError, match="gn shows no life: it is hung"):
            fake.control("panic gn")
        assert [fake.hardware.guests[port].pings(fake.now_s) for port in (0, 1)] == [True, False]

    in_virtual_time(story)


def test_a_hang_is_felt_by_the_firmware_at_once() -> None:
    async def story(fake: FakeBoard) -> None:
        await trio.sleep(100)
        fake.hang("nc")
        fake.hang("gn")
        port = await fake.open()
        await trio.sleep(57)
        assert b"nc heartbeat" not in await port.receive_some()

    in_virtual_time(story)


def test_a_power_cut_of_a_mounted_file_system_is_observed_with_its_relay_change() -> None:
    seen: list[RelayChange | DirtyCut] = []

    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        await ask(port, "start 1")
        await trio.sleep(60)
        await port.send_all(b"@d disable 1\n")
        await trio.sleep(2)

    fake = in_virtual_time(story, FakeBoard(observe=seen.append))
    assert [(type(record), record.port, record.by) for record in seen[1:]] == [
        (RelayChange, 1, "command"),
        (RelayChange, 1, "command"),
        (DirtyCut, 1, "command"),
    ]
    assert list(fake.dirty_cuts) == [seen[-1]]


def test_guests_are_given_by_name_or_number() -> None:
    fake = FakeBoard(guests={"gn": GuestSpec(boot_s=1), 2: GuestSpec(boot_s=2), "3": GuestSpec(boot_s=3)})
    assert [guest.spec.boot_s for guest in fake.hardware.guests] == [30, 1, 2, 3, 30]
    with pytest.raises(ControlError):
        FakeBoard(guests={"xx": GuestSpec()})


def test_the_same_seed_gives_the_same_bytes() -> None:
    def run(seed: int) -> bytes:
        heard: list[bytes] = []

        async def story(fake: FakeBoard) -> None:
            fake.fault("corrupt 0.05")
            port = await fake.open()
            for _ in range(20):
                await port.send_all(b"@a cu\n")
                await trio.sleep(5)
                heard.append(await port.receive_some())

        in_virtual_time(story, FakeBoard(rng=random.Random(seed)))
        return b"".join(heard)

    assert run(1) == run(1) != run(2)


def test_a_day_passes_without_the_clock_running_into_itself() -> None:
    """Late times have a coarse resolution: an alarm must still be due when it is due."""

    async def story(fake: FakeBoard) -> None:
        await trio.sleep(86_400)
        assert fake.status()["board_s"] == pytest.approx(86_400 + 12, abs=1)

    in_virtual_time(story)


# --- A host that does not read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dialect", "unread_min", "resets"), [("v3", 18, 0), ("v3", 30, 1), ("v3", 120, 1), ("v4", 120, 0)])
def test_a_host_that_does_not_read_stalls_the_v3_board_until_its_watchdog_takes_the_guests_power(
    dialect: str, unread_min: float, resets: int
) -> None:
    async def story(fake: FakeBoard) -> None:
        await trio.sleep(300)  # three guests run
        boots = fake.hardware.eeprom.boots
        port = await fake.open()
        await trio.sleep(unread_min * 60)
        fake.status()
        assert fake.hardware.eeprom.boots - boots == resets
        assert [change.port for change in fake.hardware.relay_log if change.by == "reset"] == [1, 2] * resets
        data = b"any"
        while resets and data:
            data = await port.receive_some()

    in_virtual_time(story, FakeBoard(dialect=dialect))


def test_a_host_that_reads_late_but_in_time_stalls_nobody() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        for _ in range(12):
            await trio.sleep(600)
            while len(await port.receive_some()) > 1000:
                pass
        assert fake.hardware.eeprom.boots == 1

    in_virtual_time(story)


def test_a_board_whose_host_frees_some_room_in_time_goes_on() -> None:
    async def story(fake: FakeBoard) -> None:
        port = await fake.open()
        fake.fault("garbage 20000")
        await trio.sleep(1)
        began_s = trio.current_time()
        await port.send_all(b"@a boots\n")
        await trio.sleep(2)
        assert len(await port.receive_some()) == UNREAD_BYTES
        assert b"1\r\n" in await ask_again(port)
        assert trio.current_time() - began_s < 8
        assert fake.hardware.eeprom.boots == 1

    async def ask_again(port: HostPort) -> bytes:
        await port.send_all(b"@b boots\n")
        return await read_until(port, b"->>>")

    in_virtual_time(story)

"""Whose request licensed what a relay did, and what the host has read of its guests' beats."""

from collections.abc import Callable

import pytest
import trio
import trio.testing

from tests.fake.bench import SILENT, Bench, bench
from tests.fake.test_v4_ports import BenchV4
from tests.fake.test_v4_ports import bench as bench_v4
from wagman.fake.faults import ByteFaults, Faults
from wagman.fake.guests import GuestSpec
from wagman.fake.serve import FakeBoard
from wagman.fake.usb import Piece, told
from wagman.io.v4 import codec as v4
from wagman.io.v4.requests import ENABLE, LONGEST_GRACE_S, START, STOP

Licence = tuple[bool, str, str | None]


def licences(board: Bench, port: int = 1) -> list[Licence]:
    return [(change.on, change.by, change.request) for change in board.board.hardware.relay_log if change.port == port]


ON, OFF = (True, "command", "start 1"), (False, "command", "disable 1")


@pytest.mark.parametrize(
    ("lines", "then_s", "moved"),
    [
        ([], 100, [(True, "board", None)]),
        (["start 1"], 5, [ON]),
        (["start 1", "disable 1"], 5, [ON, OFF]),
        (["start 1", "stop 1 30"], 40, [ON, (False, "command", "stop 1")]),
        (["start 1", "stop 1 30"], 100, [ON, (False, "command", "stop 1"), (True, "board", None)]),
        (["start 1", "disable 1", "enable 1"], 200, [ON, OFF, (True, "board", "enable 1")]),
        (["start 1", "disable 1", "enable 1", "ping 1"], 3800, [ON, OFF]),
        (["start 1", "watch 1 hb t"], 3670, [ON, (False, "board", None)]),
    ],
    ids=["by itself", "start", "off at once", "off later", "on again", "as enabled", "taken for started", "heartbeat time-out"],
)
def test_a_relay_moves_by_the_request_that_licensed_it(lines: list[str], then_s: float, moved: list[Licence]) -> None:
    board = bench()
    for line in lines:
        board.ask(line)
    board.run(then_s)
    assert licences(board) == moved


def test_a_restart_of_the_board_is_nobodys_request() -> None:
    board = bench()
    board.ask("start 1")
    board.board.reset()
    board.run(200)
    assert licences(board)[1:] == [(False, "reset", None), (True, "board", None)]


@pytest.mark.parametrize(
    ("change", "request_"),
    [(lambda data: data.replace(b"3", b"1"), None), (lambda data: data.replace(b"@s", b"@x"), "start 1")],
    ids=["another port", "another id"],
)
def test_what_the_cable_made_of_a_request_is_nobodys(
    change: Callable[[bytes], bytes], request_: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = bench()
    monkeypatch.setattr(Faults, "incoming", lambda _self, data: change(data))
    board.send("@s start 3" if request_ is None else "@s start 1")
    board.run(5)
    assert licences(board) == [(True, "command", request_)]


def send(board: BenchV4, *asked: v4.Sensorgram, wait_s: float = 3.0) -> None:
    board.send_bytes(v4.encode_all(asked))
    board.run(wait_s)


def test_a_v4_board_cuts_by_the_latest_request_that_set_the_grace() -> None:
    board = bench_v4()
    send(board, START.ask(1))
    send(board, STOP.ask(1, LONGEST_GRACE_S))
    send(board, STOP.ask(1, 0))
    send(board, ENABLE.ask(1), wait_s=200)
    assert licences(board) == [
        (True, "command", "c007 2"),
        (False, "command", "c008 2"),
        (True, "board", "c00c 2"),
    ]


@pytest.mark.parametrize(
    ("header", "ages", "ports"),
    [
        (b"<<<- sid=1 hb\r\n", (b"17\r\n", b"4\r\n"), {1, 2}),
        (b"<<<- sid=1  hb\r\r\n", (b"17\n", b"4\r\n\n"), {1, 2}),
        (b"<<<<- sid=1 hb\r\n", (b"17\r\n", b"4\r\n"), {1, 2}),
        (b"<<<- sid=1 hb\r\n", (b"7\r\n", b"4\r\n"), {2}),
        (b"<<<- sid=1 hb\r\n", (b"17", b"4\r\n"), set()),
        (b"<<<- sid=1 h\r\n", (b"17\r\n", b"4\r\n"), set()),
        (b"<<<- sid=1 hb\r\n", (b"\r\n", b"4\r\n"), set()),
    ],
    ids=["sound", "other blanks", "junk before it", "a digit less", "two ages in one", "another request", "an age less"],
)
def test_a_host_learns_of_a_port_what_was_not_harmed_in_an_answer_that_is_one(
    header: bytes, ages: tuple[bytes, bytes], ports: set[int]
) -> None:
    said = (Piece(b"<<<- sid=1 hb\r\n", header, ()), Piece(b"17\r\n", ages[0], (1,)), Piece(b"4\r\n", ages[1], (2,)))
    assert set(told(said)) == ports


@pytest.mark.parametrize(
    ("lines", "ports"),
    [
        ((b"aa\n", b"bb\n", b"cc\n"), {1, 3}),
        ((b"aaa\n", b"bb\n", b"cc\n"), {3}),
        ((b"aa\n", b"bbb\n", b"cc\n"), {1, 3}),
        ((b"aa\n", b"bb", b"cc\n"), {1}),
        ((b"aa\n", b"", b"cc\n"), {1}),
    ],
    ids=["sound", "the line itself", "another one", "the end of the line before", "the line before is lost"],
)
def test_a_host_learns_what_a_line_with_a_checksum_tells_whatever_became_of_others(
    lines: tuple[bytes, bytes, bytes], ports: set[int]
) -> None:
    said, tells = (b"aa\n", b"bb\n", b"cc\n"), ((1,), (), (3,))
    assert set(told([Piece(*each, is_checked=True) for each in zip(said, lines, tells, strict=True)])) == ports


@pytest.mark.parametrize("damage", [ByteFaults(), ByteFaults(corrupt=1.0)], ids=["sound", "damaged"])
def test_beats_count_as_told_once_what_tells_of_them_was_read_undamaged(damage: ByteFaults) -> None:
    async def main() -> dict[int, float]:
        fake = FakeBoard(guests={each: GuestSpec() if each == 1 else SILENT for each in range(5)})
        async with trio.open_nursery() as nursery:
            await nursery.start(fake.run)
            await fake.wait_tty()
            port = await fake.open()
            await trio.sleep(20)
            await port.send_all(b"@s start 1\n")
            await trio.sleep(60)
            fake.board.faults.outward = damage
            await port.receive_some()
            assert 70 < port.told_s.pop(1) < 80  # by a line of the log
            await port.send_all(b"@s hb\n")
            await trio.sleep(1)
            assert not port.told_s
            await port.receive_some()
            nursery.cancel_scope.cancel()
        return port.told_s

    told_s = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert set(told_s) == (set() if damage.corrupt else {0, 1, 2, 3, 4})

"""A board behind PowerMan: against its own daemon, and against a scripted one for what a real one does not do.

The former needs Debian's `powerman` (powermand, vpcd), and is skipped without it.
"""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
from attrs import define, field
from hypothesis import example, given
from hypothesis import strategies as st
from trio.testing import MockClock, memory_stream_pair

from tests.io.powermand import UNIT_TIMEOUT_S, Daemon, Unit, needs_powerman, soon
from wagman.config.setting import settings
from wagman.io import powerman
from wagman.io.powerman import ANSWER_S, MOST_BYTES, NODE_NAME, PROMPT, Answer, Powerman, PowermanBoard, parse, states
from wagman.model.backend import Abilities, Look
from wagman.model.errors import BoardError, BoardProtocolError, BoardRefusedError, BoardTimeoutError, LinkGoneError

T = TypeVar("T")

# The real one ---------------------------------------------------------------------------------------------------------


@pytest.fixture
async def daemon(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Daemon]:
    unit = Unit()
    await nursery.start(unit.serve)
    daemon = Daemon(tmp_path, unit)
    daemon.configure()
    await daemon.start()
    try:
        yield daemon
    finally:
        daemon.kill()


@pytest.fixture
async def board(daemon: Daemon) -> AsyncIterator[Powerman]:
    board = daemon.board()
    yield board
    await board.aclose()


async def shown(board: Powerman, *ports: str) -> Mapping[str, str]:
    return {port: look.relay for port, look in (await board.look(ports)).items()}


@needs_powerman
@pytest.mark.trio
async def test_what_was_switched_is_shown_whatever_unit_it_is_on(board: Powerman) -> None:
    assert await shown(board, "gn", "cs", "x1", "far") == {"gn": "off", "cs": "off", "x1": "off", "far": "off"}
    await board.switch("gn", on=True)
    await board.switch("x1", on=True)
    await board.switch("far", on=True)
    assert await shown(board, "gn", "cs", "x1", "far") == {"gn": "on", "cs": "off", "x1": "on", "far": "on"}
    await board.switch("gn", on=False)
    assert await shown(board, "gn", "x1") == {"gn": "off", "x1": "on"}


@needs_powerman
@pytest.mark.trio
async def test_the_unit_is_asked_each_time(board: Powerman, daemon: Daemon) -> None:
    """As where somebody presses its button."""
    assert await shown(board, "far") == {"far": "off"}
    daemon.unit.plugs[0] = "ON"
    assert await shown(board, "far") == {"far": "on"}


@needs_powerman
@pytest.mark.trio
async def test_two_clients_get_their_own_answers(daemon: Daemon) -> None:
    async def client(port: str) -> None:
        board = daemon.board()
        for on in (True, False) * 20:
            await board.switch(port, on=on)
            assert await shown(board, port) == {port: "on" if on else "off"}
        await board.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(client, "gn")
        nursery.start_soon(client, "cs")


@needs_powerman
@pytest.mark.trio
async def test_of_a_unit_that_hangs_nothing_is_known_and_the_others_are_seen(board: Powerman, daemon: Daemon) -> None:
    await board.switch("gn", on=True)
    await board.switch("far", on=True)
    daemon.unit.hangs = trio.Event()
    began_s = trio.current_time()
    assert await shown(board, "far", "gn") == {"far": "unknown", "gn": "on"}
    with pytest.raises(BoardRefusedError, match=r"Command completed with errors; ours: .*time"):
        await board.switch("far", on=False)
    assert trio.current_time() - began_s < 10 * UNIT_TIMEOUT_S

    async def is_seen() -> bool:
        return await shown(board, "gn", "far") == {"gn": "on", "far": "on"}

    daemon.unit.hangs.set()
    await soon(is_seen)


@needs_powerman
@pytest.mark.trio
async def test_where_nothing_is_known_of_any_the_daemon_s_reason_is_told(board: Powerman, daemon: Daemon) -> None:
    daemon.unit.hangs = trio.Event()
    with pytest.raises(BoardRefusedError, match="Query completed with errors; ours: action timed out"):
        await board.look(["far"])
    with pytest.raises(BoardRefusedError, match="Query completed with errors; ours: "):
        await board.look(["far"])


@needs_powerman
@pytest.mark.trio
async def test_a_daemon_that_hangs_is_waited_for_no_longer_than_a_question_may_take(
    board: Powerman, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does for good where a program that it runs is stopped: it waits for that to end."""
    await board.switch("gn", on=True)
    monkeypatch.setattr(powerman, "ANSWER_S", 2 * UNIT_TIMEOUT_S)
    os.kill(daemon.pid("one"), signal.SIGSTOP)
    with pytest.raises(BoardTimeoutError, match=f"127.0.0.1:{daemon.port} did not answer within 2 s"):
        await board.look(["gn", "x1"])
    with pytest.raises(BoardTimeoutError):
        await board.switch("gn", on=False)

    async def is_seen() -> bool:
        return (await shown(board, "x1"))["x1"] == "off"

    os.kill(daemon.pid("one"), signal.SIGCONT)
    await soon(is_seen)


@needs_powerman
@pytest.mark.trio
async def test_a_daemon_that_was_killed_is_gone_until_it_is_back(board: Powerman, daemon: Daemon) -> None:
    before = await board.greet()
    daemon.kill()
    with pytest.raises(LinkGoneError):
        await board.look(["gn"])
    # A kernel that is still taking the dead program's port down resets instead.
    with pytest.raises(LinkGoneError, match=f"127.0.0.1:{daemon.port} cannot be reached: Connection re(fused|set by peer)$"):
        await board.switch("gn", on=True)
    await daemon.start()
    assert await shown(board, "gn", "far") == {"gn": "off", "far": "off"}
    assert (await board.greet()).same_run(before), "that a daemon restarts says nothing of its units"


@needs_powerman
@pytest.mark.trio
async def test_a_unit_that_restarted_shows_its_outlets_off_and_is_no_other_board(board: Powerman, daemon: Daemon) -> None:
    before = await board.greet()
    for port in ("gn", "cs", "x1"):
        await board.switch(port, on=True)
    os.kill(daemon.pid("one"), signal.SIGKILL)
    seen = []

    async def is_off() -> bool:
        try:
            seen.append(await shown(board, "gn", "cs", "x1"))
        except BoardRefusedError:
            return False
        return seen[-1] == {"gn": "off", "cs": "off", "x1": "on"}

    await soon(is_off)
    assert all(each["x1"] == "on" and each["gn"] in {"unknown", "off"} for each in seen)
    assert (await board.greet()).same_run(before), "its connection count rises with each time-out, too"


@needs_powerman
@pytest.mark.trio
async def test_a_node_that_the_daemon_does_not_have_hides_no_other(board: Powerman) -> None:
    assert await shown(board, "gn", "nix") == {"gn": "off", "nix": "unknown"}
    with pytest.raises(BoardRefusedError, match="powermand has none of these nodes: nix, gm"):
        await board.look(["nix", "gm"])
    with pytest.raises(BoardRefusedError, match="powermand has no node nix"):
        await board.switch("nix", on=True)


@needs_powerman
@pytest.mark.trio
@pytest.mark.parametrize("several", ["both", "gn,cs", "x[1-3]", "gn cs", "gn\r\non cs", "gn\non cs", "GN", "", " gn"])
async def test_nothing_that_means_several_nodes_is_switched(board: Powerman, several: str) -> None:
    """The file cannot even name them, but for an alias."""
    with pytest.raises(BoardRefusedError, match="powermand has no node"):
        await board.switch(several, on=True)
    assert set((await shown(board, "gn", "cs", "x1", "x2")).values()) == {"off"}


@needs_powerman
@pytest.mark.trio
async def test_a_node_that_an_alias_hides_is_not_seen(board: Powerman) -> None:
    """`x3` would switch `x2`, too. What cannot be seen the service does not switch."""
    with pytest.raises(BoardProtocolError, match="asked about x3, powermand told of x3, x2"):
        await board.look(["x3"])
    with pytest.raises(BoardProtocolError):
        await board.look(["x2", "x3"])


# A scripted one -------------------------------------------------------------------------------------------------------

HELLO = b"001 2.4.4" + PROMPT
GIVEN = {"exprange": b"105 Hostrange expansion ON" + PROMPT, "nodes": b"307 gn\r\n307 cs\r\n103 Query complete" + PROMPT}
STATUS = b"303 gn: on\r\n303 cs: off\r\n103 Query complete" + PROMPT


@define
class Script:
    """A daemon that says what it is told to; of None it says nothing more, and an empty answer hangs up."""

    answers: Mapping[str, bytes | None]
    hello: bytes | None = HELLO
    pieces: int = MOST_BYTES
    requests: list[str] = field(factory=list)
    connections: int = 0
    told: int = 0  # bytes

    async def played(self, talk: Callable[[Powerman], Awaitable[T]]) -> T:
        async with trio.open_nursery() as nursery:

            async def opened(_host: str, _port: int) -> trio.abc.Stream:
                ours, theirs = memory_stream_pair()
                self.connections += 1
                nursery.start_soon(self.attend, theirs)
                return ours

            board = Powerman("pdu", Abilities(), opened)
            told = await talk(board)
            nursery.cancel_scope.cancel()
            return told

    async def attend(self, stream: trio.abc.Stream) -> None:
        try:
            await self.say(stream, self.hello)
            async for line in stream:
                request = line.decode().removesuffix("\r\n")
                self.requests.append(request)
                await self.say(stream, {**GIVEN, **self.answers}.get(request))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def say(self, stream: trio.abc.Stream, answer: bytes | None) -> None:
        if answer == b"":
            await stream.aclose()
        for start in range(0, len(answer or b""), self.pieces):
            piece = (answer or b"")[start : start + self.pieces]
            await stream.send_all(piece)
            self.told += len(piece)


def play(script: Script, talk: Callable[[Powerman], Awaitable[T]]) -> tuple[T, float]:
    """What came of it, and how long it took by a clock that waits for nobody."""

    async def timed() -> tuple[T, float]:
        began_s = trio.current_time()
        return await script.played(talk), trio.current_time() - began_s

    return trio.run(timed, clock=MockClock(autojump_threshold=0))


def failure(script: Script, talk: Callable[[Powerman], Awaitable[Any]]) -> tuple[BoardError, float]:
    async def caught(board: Powerman) -> BoardError:
        with pytest.raises(BoardError) as raised:
            await talk(board)
        return raised.value

    return play(script, caught)


async def look(board: Powerman) -> Mapping[str, Look]:
    return await board.look(["gn", "cs"])


SEEN = {"gn": Look("on"), "cs": Look("off")}


@pytest.mark.parametrize("pieces", [1, 2, 7, 4096])
def test_an_answer_may_come_in_pieces(pieces: int) -> None:
    assert play(Script({"status gn,cs": STATUS}, pieces=pieces), look)[0] == SEEN


def test_one_connection_serves_for_all_questions_and_refusals() -> None:
    script = Script({"status gn,cs": STATUS, "on gn": b"210 Command completed with errors" + PROMPT})

    async def talk(board: Powerman) -> None:
        identity = await board.greet()
        assert identity.firmware == "2.4.4"
        for _ in range(3):
            assert await look(board) == SEEN
            with pytest.raises(BoardRefusedError):
                await board.switch("gn", on=True)

    play(script, talk)
    assert script.connections == 1
    assert script.requests.count("exprange") == 1, "it is a toggle"


@pytest.mark.parametrize(
    "answer",
    [
        b"213 Command cannot be handled by power control device(s)",
        b"209 No such nodes: gn",
        b"203 Command too long",
        b"308 sw: login timeout\r\n303 gn: unknown\r\n303 cs: unknown\r\n211 Query completed with errors",
    ],
)
def test_a_refusal_is_told_in_the_daemon_s_words(answer: bytes) -> None:
    error, _ = failure(Script({"status gn,cs": answer + PROMPT}), look)
    assert isinstance(error, BoardRefusedError)
    assert str(error).startswith(answer.decode().split("\r\n")[-1][4:])
    assert ("sw: login timeout" in str(error)) == (b"308" in answer)


def test_what_one_unit_told_counts_though_another_told_nothing() -> None:
    answer = b"308 sw: connect timeout\r\n303 gn: unknown\r\n303 cs: off\r\n211 Query completed with errors" + PROMPT
    assert play(Script({"status gn,cs": answer}), look)[0] == {"gn": Look("unknown"), "cs": Look("off")}


@pytest.mark.parametrize(
    "answer",
    [
        b"303 gn: on\r\n103 Query complete",  # half of it
        b"303 gn: on\r\n303 gn: on\r\n303 cs: off\r\n103 Query complete",
        b"303 gn: on\r\n303 x1: off\r\n103 Query complete",  # of another question
        b"303 gn: on\r\n303 cs: dim\r\n103 Query complete",
        b"303 gn: on\r\n303 cs: off\r\n103 Query complete\r\n103 Query complete",  # of two
        b"303 gn: on\r\n303 cs: off",
        b"302 on: gn\r\n302 off: cs\r\n302 unknown: \r\n103 Query complete",  # not one by one
        b"303 gn: on\n303 cs: off\n103 Query complete",
        b"303 gn: on\r\n303 cs: off\r\nand more\r\n103 Query complete",
        b"303 gn: on\r\n\r\n303 cs: off\r\n103 Query complete",
        b"powerman> 303 gn: on\r\n303 cs: off\r\n103 Query complete",
        b"\xff\xfe\x00garbage",
        b"",
    ],
)
def test_what_is_no_answer_to_the_question_is_not_taken_for_one(answer: bytes) -> None:
    script = Script({"status gn,cs": answer + PROMPT})

    async def talk(board: Powerman) -> None:
        with pytest.raises(BoardProtocolError):
            await look(board)
        script.answers = {"status gn,cs": STATUS}
        assert await look(board) == SEEN

    play(script, talk)
    assert script.connections == 2, "who is out of step is not asked again on the same connection"


def test_a_node_whose_name_would_mean_several_is_none() -> None:
    """Whatever is listed there."""
    script = Script({"nodes": b"307 gn,cs\r\n307 gn cs\r\n307 gn[1-2]\r\n307 gn\r\n103 Query complete" + PROMPT})

    async def talk(board: Powerman) -> None:
        for name in ("gn,cs", "gn cs", "gn[1-2]"):
            with pytest.raises(BoardRefusedError):
                await board.switch(name, on=True)
            with pytest.raises(BoardRefusedError):
                await board.look([name])

    play(script, talk)
    assert script.requests == ["exprange", "nodes"]


@pytest.mark.parametrize("hello", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", None])
def test_a_stranger_is_waited_for_as_long_as_an_answer_may_take(hello: bytes | None) -> None:
    error, took_s = failure(Script({}, hello), look)
    assert isinstance(error, BoardTimeoutError)
    assert took_s == ANSWER_S


@pytest.mark.parametrize("hello", [b"102 hello" + PROMPT, PROMPT, b"\r\n" + PROMPT])
def test_a_stranger_with_our_prompt_is_no_daemon(hello: bytes) -> None:
    error, _ = failure(Script({}, hello), look)
    assert isinstance(error, BoardProtocolError)


def test_a_daemon_that_does_not_list_nodes_one_by_one_is_not_asked() -> None:
    script = Script({"exprange": b"105 Hostrange expansion OFF" + PROMPT})
    assert isinstance(failure(script, look)[0], BoardProtocolError)
    assert script.requests == ["exprange"]


@pytest.mark.parametrize("answer", [None, b"303 gn: o", b"303 gn: on\r\n303 cs: off\r\n103 Query complete\r\npowerman>"])
@pytest.mark.parametrize("talk", [look, lambda board: board.switch("gn", on=True), lambda board: board.greet()])
def test_who_does_not_come_to_an_end_is_left_after_a_while(
    answer: bytes | None, talk: Callable[[Powerman], Awaitable[Any]]
) -> None:
    error, took_s = failure(Script(dict.fromkeys(("status gn,cs", "on gn", "nodes"), answer)), talk)
    assert isinstance(error, BoardTimeoutError)
    assert took_s == ANSWER_S


@pytest.mark.parametrize("request_", ["exprange", "nodes", "status gn,cs"])
def test_a_daemon_that_hangs_up_is_gone(request_: str) -> None:
    assert isinstance(failure(Script({request_: b""}), look)[0], LinkGoneError)


@pytest.mark.parametrize("flood", [b"x" * 3 * MOST_BYTES, b"303 gn: on\r\n" * (MOST_BYTES // 4)])
def test_an_endless_answer_is_cut_short(flood: bytes) -> None:
    script = Script({"status gn,cs": flood}, pieces=4096)
    error, took_s = failure(script, look)
    assert isinstance(error, BoardProtocolError)
    assert script.told <= MOST_BYTES + 128 * 1024
    assert took_s < 1
    assert len(str(error)) < 400


def test_an_answer_that_comes_after_its_time_is_not_taken_for_the_next() -> None:
    script = Script({"status gn,cs": None})

    async def talk(board: Powerman) -> None:
        with trio.move_on_after(1):
            await look(board)
        script.answers = {"status gn,cs": STATUS}
        assert await look(board) == SEEN

    play(script, talk)
    assert script.connections == 2


def test_what_an_error_repeats_is_short_and_can_be_printed() -> None:
    problem = b"308 \x1b[2J\x07" + b"boom " * 500 + b"\r\n211 Query completed with errors" + PROMPT
    for script in (Script({"status gn,cs": problem}), Script({}, problem)):
        error, _ = failure(script, look)
        assert str(error).isprintable()
        assert len(str(error)) < 400


def test_nothing_asked_is_nothing_seen() -> None:
    assert play(Script({}), lambda board: board.look([]))[0] == {}


# The parser -----------------------------------------------------------------------------------------------------------

NODES = st.lists(st.from_regex(r"[a-z][a-z0-9]{0,4}", fullmatch=True), min_size=1, max_size=4, unique=True)
SUPPLIES = st.sampled_from(("on", "off", "unknown"))


@given(st.binary(max_size=200))
@example(PROMPT)
@example(b"100 " + PROMPT)
def test_whatever_comes_is_an_answer_or_none(data: bytes) -> None:
    for each in (data, data + PROMPT):
        try:
            answer = parse(each)
        except BoardProtocolError:
            continue
        assert each.endswith(PROMPT)
        assert 100 <= answer.code < 300


@given(NODES, st.data())
def test_what_a_daemon_says_is_read_as_it_means_it(names: Sequence[str], data: st.DataObject) -> None:
    meant = {name: data.draw(SUPPLIES) for name in names}
    lines = "".join(f"303 {name}: {state}\r\n" for name, state in meant.items())
    answer = parse(f"{lines}103 Query complete".encode() + PROMPT)
    assert answer == Answer(103, "Query complete", tuple((303, f"{name}: {state}") for name, state in meant.items()))
    assert states(answer, data.draw(st.permutations(names))) == meant


@given(*[st.binary(max_size=40).flatmap(lambda data: st.sampled_from((data, data + PROMPT, b"", b"1")))] * 4)
def test_whoever_is_there_whatever_he_says_is_an_error_of_the_board(
    hello: bytes, ranges: bytes, nodes: bytes, status: bytes
) -> None:
    """Or he says that he is a `powermand`, and has nodes."""
    for script in (
        Script({}, hello),
        Script({"exprange": ranges}),
        Script({"nodes": nodes}),
        Script({"status gn,cs": status, "status gn": status, "status cs": status}),
    ):
        assert isinstance(failure(script, look)[0], BoardError)


@given(st.integers(0, len(STATUS) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_a_damaged_answer_never_shows_what_was_not_said(place: int, put: bytes, taken: int) -> None:
    """But for damage that makes one word of another: the link has checksums."""
    data = STATUS[:place] + put + STATUS[place + taken :]
    try:
        seen = states(parse(data), ("gn", "cs"))
    except BoardProtocolError:
        return
    for name, state in seen.items():
        assert f"303 {name}: {state}\r\n".encode() in data


# The configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gn", "x1", 7, "rack-3:u0.outlet_2", "ws-rpi", "a/b@c+d"])
def test_the_name_of_one_node_is_a_port(name: object) -> None:
    assert PowermanBoard.port_kind.read(name) == str(name)


@pytest.mark.parametrize(
    "name", ["gn[1-5]", "gn,cs", "gn cs", "gn\noff cs", "*", "", "-v", "g\u00f6", "gn;", "%s", True, -1, None, "a" * 65]
)
def test_what_powermand_would_take_for_several_is_refused_in_the_file(name: object) -> None:
    with pytest.raises(ValueError, match=r"letters, digits|printable"):
        NODE_NAME.read(name)


@given(st.text(max_size=70))
def test_no_port_ends_a_line_or_means_several(name: str) -> None:
    try:
        read: str = NODE_NAME.read(name)
    except ValueError:
        return
    assert read == name
    assert not set(read) & set("[],*%\r\n\t ")
    assert read.isascii()


HOST = settings(PowermanBoard)["host"].metadata["setting"].kind


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("pdu", ("pdu", 10101)),
        ("10.0.0.9:1234", ("10.0.0.9", 1234)),
        ("[::1]:1234", ("::1", 1234)),
        ("[fe80::1]", ("fe80::1", 10101)),
        ("::1", ("::1", 10101)),
        ("rack_3.site.example:65535", ("rack_3.site.example", 65535)),
    ],
)
def test_where_the_daemon_is(text: str, address: tuple[str, int]) -> None:
    opened: list[tuple[str, int]] = []

    async def opener(host: str, port: int) -> trio.abc.Stream:
        opened.append((host, port))
        raise OSError("nobody there")

    async def ask() -> None:
        with pytest.raises(LinkGoneError, match="nobody there"):
            await Powerman(HOST.read(text), Abilities(), opener).greet()

    trio.run(ask)
    assert opened == [address]


@pytest.mark.parametrize(
    "text", ["", "pdu:", "pdu:0", "pdu:65536", "a..b", "a" * 64, "user@pdu", "pdu/x", "[::1", "p du", 7, None]
)
def test_what_is_no_address_is_refused_in_the_file(text: object) -> None:
    with pytest.raises(ValueError, match="a host, with its port"):
        HOST.read(text)


def test_what_can_be_believed_of_it() -> None:
    board = PowermanBoard()
    assert (board.poll_s, board.settle_s) == (10, 5)
    abilities = PowermanBoard(settle_s=15, on_restore="last").backend().abilities
    assert abilities == Abilities(readback="told", settle_s=15, on_restore="last", pulse=False)

"""The HTTP client of plugs and heartbeats, against sockets on loopback and against curl's idea of a server."""

import hashlib
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from wagman.io import digest
from wagman.io.http import MOST_BYTES, Answer, Connect, Login, fetch
from wagman.model.errors import BoardError, BoardProtocolError, BoardTimeoutError, LinkGoneError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def virtually(test: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await test()

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


def on_memory(*answers: bytes, requests: list[bytes] | None = None, end: bool = True) -> Connect:
    """A peer that gives one of the answers on each connection, and then closes it, or leaves it open."""
    left = list(answers)

    async def connect(_host: str, _port: int) -> trio.abc.Stream:
        ours, theirs = trio.testing.memory_stream_pair()

        answer = left.pop(0)
        await theirs.send_all(answer)
        if end:
            await theirs.send_eof()
        if requests is not None:
            await _keep(ours, theirs, requests)
        return ours

    return connect


async def _keep(ours: Any, theirs: trio.abc.ReceiveStream, requests: list[bytes]) -> None:
    pass_on = ours.send_stream.send_all_hook

    async def note() -> None:
        await pass_on()
        requests.append(bytes(await theirs.receive_some(100_000)))

    ours.send_stream.send_all_hook = note


async def ask(*answers: bytes, **options: Any) -> Answer:
    requests = options.pop("requests", None)
    connect = on_memory(*answers, requests=requests, end=options.pop("end", True))
    return await fetch("http://plug/rpc", timeout_s=3, connect=connect, **options)


@asynccontextmanager
async def serving(handler: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncIterator[int]:
    """A port on loopback at which `handler` answers."""
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port: int = listeners[0].socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, handler, listeners)
        yield port
        nursery.cancel_scope.cancel()


# --- An answer --------------------------------------------------------------------------------------------------------


def test_the_status_and_the_body_are_given_whatever_they_are() -> None:
    async def main() -> None:
        assert await ask(OK) == Answer(200, b"hi")
        assert (await ask(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")).status == 503
        assert (await ask(b"HTTP/1.0 200 OK\r\n\r\nto the end")).body == b"to the end"
        assert (await ask(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")).body == b"abc"
        assert (await ask(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)).body == b"hi"

    virtually(main)


def test_a_redirect_is_not_followed() -> None:
    async def main() -> None:
        moved = b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n"
        assert (await ask(moved)).status == 302  # a second connection would find no answer to give

    virtually(main)


def test_an_answer_is_complete_before_the_connection_ends() -> None:
    async def main() -> None:
        assert await ask(OK, end=False) == Answer(200, b"hi")

    virtually(main)


def test_a_request_says_what_it_wants_and_that_it_is_the_only_one() -> None:
    async def main() -> None:
        requests: list[bytes] = []
        await ask(OK, method="POST", body={"on": True}, requests=requests)
        head, _, body = requests[0].partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        assert lines[0] == b"post /rpc http/1.1"
        assert {b"host: plug", b"connection: close", b"content-type: application/json"} <= set(lines)
        assert json.loads(body) == {"on": True}

    virtually(main)


# --- No answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\xff" * 40,
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_garbage_and_half_an_answer_are_no_answer(answer: bytes) -> None:
    async def main() -> None:
        with pytest.raises(BoardProtocolError, match="does not answer as HTTP demands"):
            await ask(answer)

    virtually(main)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: ", b""])
def test_an_answer_without_an_end_is_cut_short(head: bytes) -> None:
    async def main() -> None:
        with pytest.raises(BoardProtocolError):
            await ask(head + b"x" * (MOST_BYTES + 1))

    virtually(main)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n"])
def test_who_takes_a_part_of_an_answer_gets_its_status_and_its_beginning(head: bytes) -> None:
    async def main() -> None:
        said = head + b"x" * 65_000 + b"y" * 5_000
        cut = await ask(said, whole=False)
        assert cut.status == 200
        assert MOST_BYTES <= len(head + cut.body) < len(said)
        assert said.startswith(head + cut.body)
        with pytest.raises(BoardProtocolError, match="its answer is longer than 65536 bytes"):
            await ask(said)

    virtually(main)


def test_silence_is_bounded_at_every_stage() -> None:
    async def never(_host: str, _port: int) -> trio.abc.Stream:
        await trio.sleep_forever()
        raise AssertionError

    async def main() -> None:
        for connect in (never, on_memory(b"", end=False), on_memory(OK[:-1], end=False)):
            began_s = trio.current_time()
            with pytest.raises(BoardTimeoutError, match="plug did not answer within 3 s"):
                await fetch("http://plug/", timeout_s=3, connect=connect)
            assert trio.current_time() - began_s == pytest.approx(3)

    virtually(main)


def test_who_drips_a_byte_a_second_is_bounded_as_well() -> None:
    async def drip(theirs: trio.abc.SendStream) -> None:
        with suppress(trio.BrokenResourceError):  # nobody waits for the end of it
            for byte in OK:
                await theirs.send_all(bytes([byte]))
                await trio.sleep(1)

    async def main() -> None:
        async with trio.open_nursery() as nursery:

            async def connect(_host: str, _port: int) -> trio.abc.Stream:
                ours, theirs = trio.testing.memory_stream_pair()
                nursery.start_soon(drip, theirs)
                return ours

            with pytest.raises(BoardTimeoutError):
                await fetch("http://plug/", timeout_s=3, connect=connect)
            nursery.cancel_scope.cancel()

    virtually(main)


@pytest.mark.trio
async def test_a_port_where_nobody_listens_refuses() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening: nobody else can take it meanwhile
        port = taken.getsockname()[1]
        with pytest.raises(LinkGoneError, match=f"^127.0.0.1:{port}: Connection refused$"):
            await fetch(f"http://127.0.0.1:{port}/", timeout_s=3)


@pytest.mark.trio
async def test_a_name_that_nobody_knows_is_said_to_be_unknown() -> None:
    with pytest.raises(LinkGoneError, match="the name is not known"):
        await fetch("http://plug.invalid/", timeout_s=30)


@pytest.mark.trio
async def test_who_resets_the_connection_hung_up() -> None:
    async def reset(stream: trio.SocketStream) -> None:
        await stream.receive_some(1)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        await stream.aclose()

    async with serving(reset) as port:
        with pytest.raises(LinkGoneError, match="hung up"):
            await fetch(f"http://127.0.0.1:{port}/", timeout_s=3)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "plug",
        "https://plug/",
        "http://",
        "http:///x",
        "http://plug:x/",
        "http://plug:0/",
        "http://me:pw@plug/",
        "http://[::1/",
    ],
)
def test_what_is_no_address_is_said_to_be_none(url: str) -> None:
    async def main() -> None:
        with pytest.raises(BoardError, match="is no address"):
            await fetch(url, timeout_s=3, connect=on_memory(OK))

    virtually(main)


@pytest.mark.parametrize("url", ["http://plug/a b", "http://plug/\u00e4", f"http://{'a' * 64}/", "http://a..b/"])
def test_what_cannot_be_asked_for_is_an_error_of_its_own(url: str) -> None:
    async def main() -> None:
        with pytest.raises(BoardError, match="cannot be asked for"):
            await fetch(url, timeout_s=3, connect=on_memory(OK))

    virtually(main)


@given(st.binary(max_size=200), st.booleans())
def test_whatever_is_answered_is_an_answer_or_an_error_of_the_board(noise: bytes, proper: bool) -> None:
    async def main() -> None:
        answer = b"HTTP/1.1 " + noise if proper else noise
        try:
            await ask(answer, auth=Login("admin", "secret"))
        except BoardError:
            pass
        except IndexError:  # the noise asked for the password, and there is no second answer
            assert b"401" in noise

    virtually(main)


# --- JSON -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"[1]", b'"on"', b"\xff", b"{", b'{"a": NaN}', b'{"a": -Infinity}', b"[" * 60_000, b"1" * 5_000]
)
def test_what_is_no_json_object_is_an_error_of_the_board(body: bytes) -> None:
    with pytest.raises(BoardProtocolError, match="its answer is no JSON"):
        Answer(200, body).json_object()


@given(st.binary(max_size=100))
def test_no_body_crashes_the_reader(body: bytes) -> None:
    with suppress(BoardProtocolError):
        assert isinstance(Answer(200, body).json_object(), dict)


# --- Passwords --------------------------------------------------------------------------------------------------------

REALM, NONCE = "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616_come_out(algorithm: str, response: str) -> None:
    header = f'Digest realm="{REALM}", qop="auth, auth-int", algorithm={algorithm}, nonce="{NONCE}", opaque="{OPAQUE}"'
    challenge = digest.strongest([header])
    assert challenge is not None
    proof = challenge.proof("Mufasa", "Circle of Life", "GET", "/dir/index.html", CNONCE)
    assert f'response="{response}"' in proof
    assert f'opaque="{OPAQUE}"' in proof
    assert {"qop=auth", "nc=00000001", f"algorithm={algorithm}"} <= set(proof.removeprefix("Digest ").split(", "))


def test_without_qop_the_old_way_is_taken() -> None:
    challenge = digest.Challenge("r", "n")
    ha1, ha2 = (hashlib.md5(text, usedforsecurity=False).hexdigest() for text in (b"u:r:p", b"GET:/"))
    response = hashlib.md5(f"{ha1}:n:{ha2}".encode(), usedforsecurity=False).hexdigest()
    assert f'response="{response}"' in challenge.proof("u", "p", "GET", "/", "c")


def test_a_session_puts_both_nonces_into_the_secret() -> None:
    def md5(*words: str) -> str:
        return hashlib.md5(":".join(words).encode(), usedforsecurity=False).hexdigest()

    challenge = digest.strongest(['Digest realm="r", nonce="n", algorithm=MD5-sess, qop=auth'])
    assert challenge is not None
    secret = md5(md5("u", "r", "p"), "n", "c")
    response = md5(secret, "n", "00000001", "c", "auth", md5("GET", "/"))
    assert f'response="{response}"' in challenge.proof("u", "p", "GET", "/", "c")


def test_the_strongest_challenge_is_taken_and_what_cannot_be_met_is_left() -> None:
    weak, strong = 'Digest realm="r", nonce="weak"', 'Digest realm="r", nonce="strong", algorithm=SHA-256'
    for headers in (
        [weak, strong],
        [f"{weak}, {strong}"],
        [f'Basic realm="r", {strong}'],
        [strong, "Digest nonce=x,algorithm=XYZ"],
    ):
        assert (challenge := digest.strongest(headers)) is not None
        assert challenge.nonce == "strong"
    for header in ('Basic realm="r"', "Digest", 'Digest realm="no nonce"', 'Digest nonce="n", qop="auth-int"', ""):
        assert digest.strongest([header]) is None


WORDS = st.text('abcXYZ019+/=:.-_ ,\\"', max_size=20)


@given(
    WORDS,
    WORDS,
    st.none() | WORDS,
    st.permutations(("realm", "nonce", "opaque", "algorithm", "qop")),
    st.sampled_from(["", " ", "\t"]),
)
def test_whatever_is_well_formed_is_understood(realm: str, nonce: str, opaque: str | None, order: list[str], pad: str) -> None:
    def quoted(text: str) -> str:
        return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'

    told = {"realm": quoted(realm), "nonce": quoted(nonce), "algorithm": "SHA-256", "qop": '"auth"'}
    told |= {} if opaque is None else {"opaque": quoted(opaque)}
    header = f",{pad}".join(f"{name}{pad}={pad}{told[name]}" for name in order if name in told)
    assert digest.strongest([f"Digest {header}"]) == digest.Challenge(realm, nonce, "SHA-256", qop=True, opaque=opaque)


@pytest.mark.parametrize("said", ["a", "a ", "a=", 'a="', "=", " ", ",", '"', "\\", 'a="\\', ", Digest ", "Digest a", "a*-"])
def test_a_challenge_takes_time_by_its_length_and_not_by_the_square_of_it(said: str) -> None:
    """By the square, this would take hours."""
    long = said * (1_000_000 // len(said))
    assert digest.strongest([f'Digest nonce="n", {long}']) == digest.Challenge("", "n")


@given(st.text())
def test_no_challenge_crashes_its_reader(header: str) -> None:
    digest.strongest([header, f"Digest {header}", f"Digest nonce={header}"])


CHALLENGE = b'Digest qop="auth", realm="r", nonce="n", algorithm=SHA-256'
UNKNOWN = b"HTTP/1.1 401 No\r\nWWW-Authenticate: " + CHALLENGE + b"\r\nContent-Length: 0\r\n\r\n"


def test_a_password_is_proved_once_it_is_asked_for() -> None:
    async def main() -> None:
        requests: list[bytes] = []
        answer = await ask(UNKNOWN, OK, auth=Login("admin", "secret"), requests=requests)
        assert answer.status == 200
        assert b"uthorization" not in requests[0]
        assert b'Authorization: Digest username="admin"' in requests[1]
        assert not any(b"secret" in request for request in requests)

    virtually(main)


def test_a_password_that_is_wrong_is_not_tried_for_ever() -> None:
    async def main() -> None:
        assert (await ask(UNKNOWN, UNKNOWN, auth=Login("admin", "wrong"))).status == 401

    virtually(main)


def test_a_password_is_not_sent_in_the_clear_to_who_asks_for_it_so() -> None:
    async def main() -> None:
        basic = b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="r"\r\nContent-Length: 0\r\n\r\n'
        assert (await ask(basic, auth=Login("admin", "secret"))).status == 401

    virtually(main)


def test_a_password_is_sent_in_the_clear_where_the_caller_says_so() -> None:
    async def main() -> None:
        requests: list[bytes] = []
        await ask(OK, auth=Login("Aladdin", "open sesame", "basic"), requests=requests)
        assert b"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n" in requests[0]  # as in RFC 7617

    virtually(main)


@pytest.mark.parametrize("host", ["", "a..b", "\u00fc" * 80])
def test_what_is_said_of_an_address_does_not_repeat_the_password_in_it(host: str) -> None:
    async def main() -> None:
        with pytest.raises(BoardError) as told:
            await fetch(f"http://{host}/cm?user=admin&password=secret", timeout_s=3, connect=on_memory(OK))
        assert "secret" not in str(told.value)

    virtually(main)


def test_a_name_that_cannot_be_looked_up_is_an_error_of_the_board() -> None:
    async def main() -> None:
        with pytest.raises(BoardError, match=r"bröker_1\.example cannot be asked"):
            await fetch("http://bröker_1.example/", timeout_s=3)

    virtually(main)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Login("admin", "secret"))

"""HTTP/1.1 as a client, for plugs and for heartbeats: one request on a connection of its own, bounded in time and in size.

Nothing is kept between two requests, and no redirect is followed: only the host that was asked counts. An address begins with
`http://`; there is no TLS, because few plugs and guests speak it.
"""

import base64
import json
import os
import secrets
from collections.abc import Awaitable, Callable
from socket import gaierror
from typing import Any, Literal, NoReturn, TypeAlias
from urllib.parse import SplitResult, urlsplit

import h11
import trio
from attrs import define, field, frozen

from wagman.io import digest
from wagman.model.errors import BoardError, BoardProtocolError, BoardTimeoutError, LinkGoneError

MOST_BYTES = 65_536
"""The longest answer that is read, in bytes, its head included (chosen: a rail describes itself in a tenth of it)."""

SHOWN_CHARS = 60
"""How many characters of a wrong answer a message repeats (chosen)."""

READ_BYTES = 4_096
"""How many bytes are read at once (chosen)."""

HTTP_PORT = 80
"""The port of a server that is given without one (specified)."""

UNAUTHORIZED = 401
"""The status of an answer that asks for a login (specified)."""

Connect: TypeAlias = Callable[[str, int], Awaitable[trio.abc.Stream]]
"""Opens a connection to a host and a port; raises OSError."""


@define
class Errand:
    """Opens connections that all lead to one device: to the name once, and from then on to the address at which that led.

    A name may have several addresses, and another one first at each look-up. Whoever asks a device which one it is, and then
    tells it to switch, must tell the same one.
    """

    connect: Connect
    _at: tuple[str, int] | None = field(init=False, default=None)

    async def __call__(self, host: str, port: int) -> trio.abc.Stream:
        """A connection; see `Connect`."""
        stream = await self.connect(*(self._at or (host, port)))
        try:
            self._at = self._at or _peer(stream)
        except OSError:  # it was reset already: nobody knows where it led
            await trio.aclose_forcefully(stream)
            raise
        return stream


def _peer(stream: trio.abc.Stream) -> tuple[str, int] | None:
    """The address that a connection leads to; None: it leads over no network."""
    if not isinstance(stream, trio.SocketStream):
        return None
    host, port, *more = stream.socket.getpeername()
    # A link-local address means nothing without its link.
    return (f"{host}%{more[1]}" if more and more[1] else host), port


@frozen
class Login:
    """A user and a password. By `digest` the password is only proved; by `basic` it is sent in plain text."""

    user: str
    password: str = field(repr=False)
    way: Literal["digest", "basic"] = "digest"


@frozen
class Answer:
    """An answer of whatever status."""

    status: int
    body: bytes
    challenges: tuple[str, ...] = field(default=(), repr=False)  # the values of `WWW-Authenticate`

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; its numbers are finite or `inf`, never NaN.

        Raises:
            BoardProtocolError: the body is no JSON object.
        """
        try:
            value = json.loads(self.body, parse_constant=_no_constant)
        # Thousands of nested brackets are valid JSON, but too deep for the parser.
        except (ValueError, RecursionError) as error:
            raise BoardProtocolError(f"its answer is no JSON: {self._shown()}") from error
        if not isinstance(value, dict):
            raise BoardProtocolError(f"its answer is no JSON object: {self._shown()}")
        return value

    def _shown(self) -> str:
        return repr(self.body[:SHOWN_CHARS].decode("latin-1"))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


async def fetch(  # noqa: PLR0913 - a request has so many parts, and all but the first are named
    url: str,
    *,
    method: Literal["GET", "POST"] = "GET",
    body: object = None,
    auth: Login | None = None,
    timeout_s: float,
    whole: bool = True,
    connect: Connect = trio.open_tcp_stream,
) -> Answer:
    """Ask once, and return the answer of whatever status.

    Args:
        url: `http://HOST[:PORT]/PATH[?QUERY]`, quoted
        method: the method of the request
        body: sent as JSON; None: nothing
        auth: the login, if there is one
        timeout_s: the bound of everything: the name, the connection, the answer, a second request if a password is to be proved
        whole: whether an answer that is longer than `MOST_BYTES` is an error; otherwise it is cut there, if its head is not
        connect: opens the connection

    Raises:
        BoardError: there is no such answer; its text says why.
    """
    parts = _split(url)
    request = _Request(parts, method, None if body is None else json.dumps(body).encode(), whole, connect)
    try:
        with trio.fail_after(timeout_s):
            return await request.answer(auth)
    except trio.TooSlowError:
        raise BoardTimeoutError(f"{parts.netloc} did not answer within {timeout_s:g} s") from None
    except h11.RemoteProtocolError as error:
        raise BoardProtocolError(f"{parts.netloc} does not answer as HTTP demands: {str(error)[:SHOWN_CHARS]}") from error
    except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
        raise LinkGoneError(f"{parts.netloc} hung up") from error
    except OSError as error:
        raise LinkGoneError(f"{parts.netloc}: {_reason(error)}") from error


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.scheme == "http" and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        known = False
    if not known:
        # The query may hold a password.
        raise BoardError(f"{url.partition('?')[0]!r} is no address of the kind http://HOST[:PORT]/PATH")
    return parts


def _reason(error: OSError) -> str:
    """The error of the operating system, without the words that trio puts around it."""
    cause = error.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    told = cause if isinstance(cause, OSError) else error
    if isinstance(told, gaierror):
        return f"the name is not known: {told.strerror}"
    return os.strerror(told.errno) if told.errno else str(told)


@frozen
class _Request:
    parts: SplitResult
    method: str
    body: bytes | None
    whole: bool
    connect: Connect

    async def answer(self, auth: Login | None) -> Answer:
        answer = await self._ask(_basic(auth) if auth is not None and auth.way == "basic" else None)
        if auth is None or auth.way == "basic" or answer.status != UNAUTHORIZED:
            return answer
        challenge = digest.strongest(answer.challenges)
        if challenge is None:
            return answer
        proof = challenge.proof(auth.user, auth.password, self.method, self._target, secrets.token_urlsafe(16))
        return await self._ask(proof)

    @property
    def _target(self) -> str:
        query = f"?{self.parts.query}" if self.parts.query else ""
        return (self.parts.path or "/") + query

    async def _ask(self, authorization: str | None) -> Answer:
        client = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_BYTES)
        try:
            sent = self._encoded(client, authorization)
            assert self.parts.hostname is not None  # noqa: S101 - `_split` has seen it
            connected = await self.connect(self.parts.hostname, self.parts.port or HTTP_PORT)
        except (h11.LocalProtocolError, UnicodeError) as error:
            raise BoardError(f"{self.parts.netloc} cannot be asked for that: {error}") from error
        async with connected as stream:
            await stream.send_all(sent)
            return await _receive(stream, client, whole=self.whole)

    def _encoded(self, client: h11.Connection, authorization: str | None) -> bytes:
        headers = [("Host", self.parts.netloc), ("Connection", "close")]
        if self.body is not None:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(self.body)))]
        if authorization is not None:
            headers.append(("Authorization", authorization))
        encoded = [(name.encode(), value.encode("idna" if name == "Host" else "utf-8")) for name, value in headers]
        request = h11.Request(method=self.method, target=self._target, headers=encoded)
        events = [request, *([h11.Data(self.body)] if self.body else []), h11.EndOfMessage()]
        return b"".join(client.send(event) or b"" for event in events)


async def _receive(stream: trio.abc.Stream, client: h11.Connection, *, whole: bool) -> Answer:
    status, received, body = 0, 0, bytearray()
    challenges: tuple[str, ...] = ()
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status = event.status_code
            challenges = tuple(value.decode("latin-1") for name, value in event.headers if name == b"www-authenticate")
        elif isinstance(event, h11.Data):
            body += event.data
        elif event is h11.NEED_DATA:
            if received > MOST_BYTES and status and not whole:
                break
            if received > MOST_BYTES:
                raise BoardProtocolError(f"its answer is longer than {MOST_BYTES} bytes")
            received += len(data := await stream.receive_some(READ_BYTES))
            client.receive_data(bytes(data))
    return Answer(status, bytes(body), challenges)


def _basic(auth: Login) -> str:
    return "Basic " + base64.b64encode(f"{auth.user}:{auth.password}".encode()).decode()

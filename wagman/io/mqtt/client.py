"""MQTT 3.1.1 as a client, under trio: one connection to a broker, whose packets paho makes and reads.

Paho is given a `Wire` instead of a socket, and trio moves the bytes between the wire and the broker. Paho's own `connect` would
hold up the whole service: it waits for name servers, brokers and handshakes without a bound that we could set. It would also
accept 256 MiB from anybody.
"""

import os
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import trio
from attrs import define, field, frozen

from wagman.config.places import split
from wagman.config.secrets import read_password
from wagman.model.errors import (
    BoardError,
    BoardProtocolError,
    BoardRefusedError,
    BoardTimeoutError,
    LinkGoneError,
    MissingPackageError,
)

try:
    from paho.mqtt import client as paho
    from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
except ImportError as error:
    raise MissingPackageError("MQTT needs the package paho-mqtt: pip install 'wagman[mqtt]'") from error

CONNECT_S = 5.0
"""How long a broker may take until it has accepted us (chosen: a TLS handshake with a small computer takes a second)."""

BROKER_S = 3.0
"""How long a broker may take for an answer of its own (chosen)."""

LEAVE_S = 1.0
"""How long the farewell may take (chosen)."""

KEEPALIVE_S = 60
"""The keepalive that we announce; after 1.5 times as long without a word from us the broker ends the connection (specified)."""

MOST_BYTES = 65_536
"""The longest message, in bytes (chosen: all that a plug reports of itself takes 4 KiB)."""

READ_BYTES = 4_096
"""How many bytes are read at once (chosen)."""

PLAIN_PORT, TLS_PORT = 1883, 8883
"""The port of a broker that is given without one (registered)."""

NOBODY = "wagman/nothing"
"""A topic to which nobody is subscribed. We unsubscribe from it to see that the broker answers."""

Connect: TypeAlias = Callable[[str, int], Awaitable[trio.abc.Stream]]
"""Opens a connection to a host and a port; raises OSError."""


@frozen
class Broker:
    """Where a broker is, and the login for it."""

    address: str  # HOST or HOST:PORT, an IPv6 address between brackets
    user: str | None = None
    password_file: str | None = None
    is_tls: bool = False
    tls_ca: str | None = None

    @property
    def place(self) -> tuple[str, int]:
        """The broker's host and port."""
        return split(self.address, TLS_PORT if self.is_tls else PLAIN_PORT)

    async def open(self, connect: Connect) -> trio.abc.Stream:
        """Open a stream to the broker. With TLS its identity is proved before anything is sent.

        Raises:
            OSError: it cannot be reached.
            BoardError: the file of `tls_ca` cannot be read.
        """
        host, port = self.place
        if not self.is_tls:
            return await connect(host, port)
        context = self._context()
        return trio.SSLStream(await connect(host, port), context, server_hostname=host, https_compatible=True)

    def _context(self) -> ssl.SSLContext:
        try:
            return _context(self.tls_ca, None if self.tls_ca is None else Path(self.tls_ca).stat().st_mtime_ns)
        except OSError as error:
            raise BoardError(f"tls_ca {self.tls_ca}: {error.strerror or error}") from error


@lru_cache(maxsize=8)  # reading the system's authorities takes 20 ms
def _context(file: str | None, _changed_ns: int | None) -> ssl.SSLContext:
    """The authorities that a broker's certificate may come from; read anew when the file has changed."""
    return ssl.create_default_context(cafile=file)


@frozen
class Message:
    """A message that the broker passed on."""

    topic: str
    payload: bytes
    retained: bool  # the broker retained it from before we subscribed


@define(eq=False)
class Wire:
    """Stands in for paho's socket: it holds the bytes that were received, and those to be sent."""

    incoming: bytearray = field(factory=bytearray)
    outgoing: bytearray = field(factory=bytearray)
    is_closed: bool = False
    is_flooded: bool = False  # a message was longer than `MOST_BYTES`

    def recv(self, buffer_size: int) -> bytes:
        """Bytes that were received. Paho asks for the whole rest of a message, whose length can so be checked."""
        if buffer_size > MOST_BYTES:
            self.is_flooded = True
            raise ConnectionAbortedError
        if not self.incoming:
            raise BlockingIOError
        data = bytes(self.incoming[:buffer_size])
        del self.incoming[:buffer_size]
        return data

    def send(self, buffer: bytes | bytearray) -> int:
        """Keep bytes to be sent."""
        self.outgoing += buffer
        return len(buffer)

    def close(self) -> None:
        """Paho closes the connection."""
        self.is_closed = True

    def fileno(self) -> int:
        """No file descriptor."""
        return -1

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as of a socket
        """Do nothing: the wire never blocks."""


class _Packets(paho.Client):
    """Paho with a wire instead of a socket."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        name = f"wagman-{secrets.token_hex(8)}"  # 23 characters, which any broker accepts (specified)
        super().__init__(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv311, reconnect_on_failure=False)

    def _create_socket(self) -> Wire:
        return self.wire

    @property
    def is_crammed(self) -> bool:
        """Whether the broker sends messages of QoS 2, which we never subscribe to, and which paho would have to keep."""
        return bool(self._in_messages)


@define(eq=False)
class Connection:
    """A connection to a broker, read and written by whoever waits for something. What arrives is told to `hear`, in order."""

    address: str  # the broker's, for people
    stream: trio.abc.Stream
    hear: Callable[[Message], None]
    wire: Wire = field(init=False, factory=Wire)
    _packets: _Packets = field(init=False)
    _is_in: bool = field(init=False, default=False)
    _refusal: str | None = field(init=False, default=None)
    _granted: dict[int, list[bool]] = field(init=False, factory=dict)
    _answered: int | None = field(init=False, default=None)  # the latest of our unsubscriptions that was answered

    def __attrs_post_init__(self) -> None:  # number of our latest unsubscription that was answered
        self._packets = _Packets(self.wire)
        self._packets.on_connect = self._on_connect
        self._packets.on_subscribe = self._on_subscribe
        self._packets.on_unsubscribe = self._on_unsubscribe
        self._packets.on_message = self._on_message

    async def enter(self, user: str | None, password: str | None) -> None:
        """Log in.

        Raises:
            BoardRefusedError: the broker does not accept us.
        """
        if user is not None:
            self._packets.username_pw_set(user, password)
        self._packets.connect_async("broker", keepalive=KEEPALIVE_S)
        self._packets.reconnect()
        await self.until(lambda: self._is_in)

    async def subscribe(self, filters: Sequence[str]) -> list[str]:
        """Subscribe, and return the filters that the broker refuses.

        Raises:
            BoardProtocolError: it does not say which it grants.
        """
        _, number = self._packets.subscribe([(each, 0) for each in filters])
        await self._in_time(lambda: number in self._granted)
        granted = self._granted.pop(number or 0)
        if len(granted) != len(filters):
            raise BoardProtocolError(f"the broker {self.address} answers for {len(granted)} of {len(filters)} subscriptions")
        return [each for each, is_granted in zip(filters, granted, strict=True) if not is_granted]

    async def settle(self) -> None:
        """Have the broker answer: then everything that it passed on before has been told."""
        _, number = self._packets.unsubscribe(NOBODY)
        await self._in_time(lambda: self._answered == number)

    def publish(self, topic: str, payload: str, *, retained: bool = False) -> None:
        """Have a message sent at the next wait: at most once, and so not kept for somebody who is away."""
        self._packets.publish(topic, payload, qos=0, retain=retained)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Send what is to be sent, and read until `is_so()`.

        Raises:
            BoardError: the broker refuses, hangs up, or does not speak MQTT.
            trio.BrokenResourceError: the connection is lost.
        """
        while True:
            await self._flush()
            if is_so():
                return
            if not (data := await self.stream.receive_some(READ_BYTES)):
                raise LinkGoneError(f"the broker {self.address} hung up")
            self._take(bytes(data))

    async def leave(self) -> None:
        """End the connection with a farewell."""
        self._packets.disconnect()
        await self._flush()

    async def _flush(self) -> None:
        if self._packets.want_write():
            self._packets.loop_write()
        if self.wire.outgoing:
            data = bytes(self.wire.outgoing)
            self.wire.outgoing.clear()
            await self.stream.send_all(data)

    def _take(self, data: bytes) -> None:
        self.wire.incoming += data
        while self.wire.incoming and not self.wire.is_closed:
            self._packets.loop_read()
        if self._refusal is not None:
            raise BoardRefusedError(f"the broker {self.address} does not let us in: {self._refusal}")
        if self.wire.is_flooded:
            raise BoardProtocolError(f"the broker {self.address} passes on a message of more than {MOST_BYTES} bytes")
        if self.wire.is_closed or self._packets.is_crammed:
            raise BoardProtocolError(f"what answers at {self.address} does not speak MQTT 3.1.1")

    async def _in_time(self, is_so: Callable[[], bool]) -> None:
        with _within(BROKER_S, self.address):
            await self.until(is_so)

    # What paho calls; none of these may raise -----------------------------------

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._is_in = not reason.is_failure
        self._refusal = str(reason) if reason.is_failure else None

    def _on_subscribe(self, _client: Any, _data: Any, number: int, reasons: Any, _properties: Any) -> None:
        self._granted = {number: [not reason.is_failure for reason in reasons]}

    def _on_unsubscribe(self, _client: Any, _data: Any, number: int, _reasons: Any, _properties: Any) -> None:
        self._answered = number

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # we have not subscribed to such a topic
        self.hear(Message(topic, bytes(message.payload), message.retain))


def is_of(filter_: str, topic: str) -> bool:
    """Whether a filter admits a topic."""
    return paho.topic_matches_sub(filter_, topic)


@asynccontextmanager
async def connected(
    broker: Broker, hear: Callable[[Message], None], connect: Connect = trio.open_tcp_stream
) -> AsyncIterator[Connection]:
    """A connection to a broker.

    Args:
        broker: where the broker is, and the login.
        hear: takes what the broker passes on, while somebody waits; must not raise.
        connect: opens the way to the broker.

    Raises:
        BoardError: the broker cannot be reached, does not accept us, or the connection is lost; the text names the broker.
    """
    with _named(broker.address):
        password = read_password(broker.password_file)
        with _within(CONNECT_S, broker.address):
            stream = await broker.open(connect)
        async with stream:
            connection = Connection(broker.address, stream, hear)
            with _within(CONNECT_S, broker.address):
                await connection.enter(broker.user, password)
            yield connection
            # The answers are in by now, whatever becomes of the connection.
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError), trio.move_on_after(LEAVE_S):
                await connection.leave()


@contextmanager
def _within(bound_s: float, address: str) -> Iterator[None]:
    try:
        with trio.fail_after(bound_s):
            yield
    except trio.TooSlowError:
        raise BoardTimeoutError(f"the broker {address} did not answer within {bound_s:g} s") from None


@contextmanager
def _named(address: str) -> Iterator[None]:
    """Turn the loss of a connection into an error that names the broker."""
    try:
        yield
    except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
        raise LinkGoneError(f"the broker {address} hung up{_because(error.__cause__)}") from error
    except (OSError, UnicodeError) as error:  # UnicodeError: no look-up could ever find the name
        raise LinkGoneError(f"the broker {address} cannot be reached{_because(error)}") from error


def _because(error: BaseException | None) -> str:
    """The error of the operating system or of TLS, without the words that trio puts around it."""
    error = _first(error)
    match error:
        case ssl.SSLCertVerificationError():
            return f": {error.verify_message}"
        case OSError(errno=int(number)) if number > 0 and not isinstance(error, ssl.SSLError):
            return f": {os.strerror(number)}"
        case OSError():
            return f": {error.strerror or error}"
        case UnicodeError():
            return f": {error}"
        case _:
            return ""


def _first(error: BaseException | None) -> BaseException | None:
    """The error at the beginning of a chain of causes."""
    while error is not None and error.__cause__ is not None:
        error = error.__cause__
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

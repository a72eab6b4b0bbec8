"""A connection to a broker: paho makes and reads the packets, trio moves the bytes. Nothing else knows paho.

Paho gets a `Wire` instead of a socket: by itself it would wait for name servers, brokers and handshakes without a bound. Each
connection is a new client of paho's, so that no state of an old one is left: events that were not acknowledged are read from the
log again, and subscriptions are made anew.
"""

import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from copy import deepcopy
from typing import Any, Final, NamedTuple, TypeAlias

import trio
from attrs import define, field, frozen

from wagman.bridges.fleet.broker import CONNECT_S, Broker, LinkError, NotTakenError, TakenOverError, as_link_errors
from wagman.cli.outcome import FAILED, CommandError

try:
    from paho.mqtt import client as paho
    from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
except ImportError as error:
    raise CommandError("a fleet needs the package paho-mqtt: pip install 'wagman[fleet]'", FAILED) from error

ANSWER_S: Final = 60.0
"""A broker that acknowledges nothing for so long, while messages wait for that, is gone (chosen: a full window at 20 kB/s)."""

LEAVE_S: Final = 2.0
"""How long an orderly disconnect may take (chosen)."""

LOOK_S: Final = 1.0
"""How often the keepalive is checked (chosen)."""

MOST_BYTES: Final = 2**20
"""The longest packet that is kept in memory (chosen: as long as an unpacked message may be); what is longer is passed by."""

HEAD_BYTES: Final = 2 + 65_535 + 2
"""The most bytes before the content of a message: its topic, with its length, and its number (specified)."""

READ_BYTES: Final = 65_536
"""How many bytes are read at once (chosen)."""

LEAST_UNDER_WAY: Final = 20
"""How many messages may wait for their acknowledgement if the broker does not say (chosen: paho's own number)."""

PUBLISH: Final = 3
"""The kind of packet that brings a message (specified)."""

TAKEN_OVER: Final = 0x8E
"""The reason code of a broker that ends a connection because another client has the same name (specified)."""


_HINTS: Final = {0x84: ': put protocol = "3.1.1" into [broker]'}
"""What to do about a refusal of a broker, by its reason code: a broker that speaks no MQTT 5 says just that."""


@frozen
class Will:
    """A will: the message that the broker publishes for us, retained, once we have been gone for `delay_s`."""

    topic: str
    payload: bytes
    delay_s: float = 0.0


class Message(NamedTuple):
    """A message from the broker; `number` is for the acknowledgement, 0 if it needs none."""

    topic: str
    payload: bytes
    retained: bool
    number: int


class Taken(NamedTuple):
    """The broker has acknowledged the message that was published with that number."""

    number: int


class Subscribed(NamedTuple):
    """The broker has accepted the subscription of that number."""

    number: int


News: TypeAlias = Message | Taken | Subscribed


@define(eq=False)
class Wire:
    """A stand-in for paho's socket: holds received bytes, and bytes to be sent."""

    incoming: bytearray = field(factory=bytearray)
    outgoing: bytearray = field(factory=bytearray)
    is_closed: bool = False
    wake: trio.Event = field(factory=trio.Event)  # there is something to send

    def recv(self, buffer_size: int) -> bytes:
        """Return received bytes. Paho asks for the whole rest of a packet; it gets nothing of one that is too long."""
        if not self.incoming or buffer_size > MOST_BYTES:
            raise BlockingIOError
        return self.take(buffer_size)

    def take(self, most: int) -> bytes:
        """Return received bytes, at most so many."""
        data = bytes(self.incoming[:most])
        del self.incoming[:most]
        return data

    def send(self, buffer: bytes | bytearray) -> int:
        """Keep bytes to be sent."""
        self.outgoing += buffer
        self.wake.set()
        return len(buffer)

    def close(self) -> None:
        """Note that paho has closed the connection."""
        self.is_closed = True

    def fileno(self) -> int:
        """Return -1: there is no descriptor."""
        return -1

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as of a socket
        """Do nothing: it never blocks."""


class _Packets(paho.Client):
    """Paho's client, with a wire for its socket."""

    def __init__(self, wire: Wire, name: str, *, is_v5: bool, keeps: bool) -> None:
        self.wire = wire
        self.deliver: Callable[[bytes, bytes, bool, int], None]
        self._is_passing = False
        super().__init__(
            CallbackAPIVersion.VERSION2,
            name,
            clean_session=None if is_v5 else not keeps,
            protocol=MQTTProtocolVersion.MQTTv5 if is_v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._no_packet = deepcopy(self._in_packet)

    def _create_socket(self) -> Wire:
        return self.wire

    def _packet_read(self) -> MQTTErrorCode:
        """Read a packet as paho does, and past one that is too long: it would come again on each new connection."""
        self._is_passing |= self._in_packet["to_process"] > MOST_BYTES
        return self._pass_by() if self._is_passing else super()._packet_read()

    def _pass_by(self) -> MQTTErrorCode:
        """Read past a message, and deliver it without its content, which is no message of anybody's."""
        packet = self._in_packet
        data = self.wire.take(packet["to_process"])
        packet["to_process"] -= len(data)
        packet["packet"] += data[: HEAD_BYTES - len(packet["packet"])]
        if packet["to_process"]:
            return MQTTErrorCode.MQTT_ERR_AGAIN
        self._is_passing, self._in_packet = False, deepcopy(self._no_packet)
        head, quality = packet["packet"], packet["command"] >> 1 & 3
        if packet["command"] >> 4 != PUBLISH or quality > 1:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        at = 2 + int.from_bytes(head[:2], "big")
        number = int.from_bytes(head[at : at + 2], "big") if quality else 0
        self.deliver(bytes(head[2:at]), b"", bool(packet["command"] & 1), number)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _handle_publish(self) -> MQTTErrorCode:
        """Handle a message as paho does. A message without properties goes a shorter way: reading these takes paho longest."""
        packet, command = self._in_packet["packet"], self._in_packet["command"]
        quality, length = command >> 1 & 3, int.from_bytes(packet[:2], "big")
        at = 2 + length + 2 * (quality > 0)
        if quality > 1 or self.protocol != MQTTProtocolVersion.MQTTv5 or packet[at : at + 1] != b"\0":
            return super()._handle_publish()
        number = int.from_bytes(packet[2 + length : at], "big")
        self.deliver(bytes(packet[2 : 2 + length]), bytes(packet[at + 1 :]), bool(command & 1), number)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    @property
    def is_crammed(self) -> bool:
        """Whether the broker sends messages of quality 2, which paho stores and we never subscribe to."""
        return bool(self._in_messages)

    def admit(self, most: int) -> None:
        """Set how many messages may wait for their acknowledgement; paho queues the rest."""
        self._max_inflight_messages = most


class Link:
    """An open connection to a broker. One task at a time receives, any task may publish.

    Args:
        address: of the broker, for people.
        stream: to the broker.
        packets: paho's client.
    """

    def __init__(self, address: str, stream: trio.abc.Stream, packets: _Packets) -> None:
        self.address = address
        self.most_under_way = LEAST_UNDER_WAY
        self.sent_bytes = 0
        self._stream, self._packets, self._wire = stream, packets, packets.wire
        self._news = deque[News]()
        self._waiting = dict[int, None]()  # numbers of published messages without an acknowledgement
        self._progress_s = 0.0  # when the latest acknowledgement came, or the first message began to wait for one
        self._sent_s = self._heard_s = -math.inf  # when something was last sent, and received
        self._trouble: LinkError | None = None
        self._is_in = self._is_leaving = False
        self._left = trio.Event()
        packets.on_connect = self._on_connect
        packets.on_disconnect = self._on_disconnect
        packets.on_subscribe = self._on_subscribe
        packets.on_publish = self._on_publish
        packets.on_message = self._on_message
        packets.deliver = self._deliver

    def publish(self, topic: str, payload: bytes, *, retained: bool = False, expires_s: float | None = None) -> int:
        """Send a message at least once; return its number. `Taken` with that number says that the broker has it.

        `expires_s` is how long the broker may keep it, in seconds (MQTT 5).
        """
        properties = None
        if expires_s is not None and self._packets.protocol == MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = max(1, int(expires_s))
        info = self._packets.publish(topic, payload, qos=1, retain=retained, properties=properties)
        if not self._waiting:
            self._progress_s = trio.current_time()
        self._waiting[info.mid] = None
        return info.mid

    def subscribe(self, filters: Sequence[str], *, at_least_once: bool = True) -> int:
        """Ask for messages; return a number. `Subscribed` with that number says that they will come.

        Messages that come `at_least_once` have to be acknowledged; later ones wait behind them.
        """
        _, number = self._packets.subscribe([(each, int(at_least_once)) for each in filters])
        return number or 0

    def acknowledge(self, message: Message) -> None:
        """Acknowledge a message: it was handled, and need not come again."""
        if message.number:
            self._packets.ack(message.number, 1)

    @property
    def has_news(self) -> bool:
        """Whether received news waits to be read."""
        return bool(self._news)

    async def receive(self) -> News:
        """Return the next news; raises LinkError."""
        while not self._news:
            await self._read()
        return self._news.popleft()

    async def enter(self, keepalive_s: float, keeps_s: float) -> None:
        """Log in, and have the broker keep our session for `keeps_s` after a lost connection. Raises LinkError."""
        properties = None
        if self._packets.protocol == MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = int(keeps_s)
        keepalive_s = max(1, int(keepalive_s))  # 0 would mean that nobody ever looks
        self._packets.connect_async("broker", keepalive=keepalive_s, clean_start=not keeps_s, properties=properties)
        self._packets.reconnect()
        while not self._is_in:
            await self._flush()
            await self._read()

    async def write(self) -> None:
        """Send what is to be sent, until `leave` has been sent."""
        while self._wire.outgoing or not self._is_leaving:
            await self._wire.wake.wait()
            self._wire.wake = trio.Event()
            await self._flush()
        self._left.set()

    async def watch(self) -> None:
        """Send keepalives, and check that the broker answers, until `leave`; raises LinkError if it does not answer."""
        while True:
            await trio.sleep(LOOK_S)
            if self._is_leaving:  # paho has closed the wire itself, and what is left of it may be on its way still
                return
            # Paho would send one each time, whatever else was sent: it heeds its own keepalives only.
            if min(self._sent_s, self._heard_s) + self._packets.keepalive <= trio.current_time():
                self._packets.loop_misc()
            if self._waiting and trio.current_time() > self._progress_s + ANSWER_S:
                raise LinkError(f"the broker {self.address} has acknowledged nothing for {ANSWER_S:g} s")
            if self._wire.is_closed:
                raise self._trouble or LinkError(f"the broker {self.address} gives no sign of life")

    async def leave(self) -> None:
        """Disconnect in order: published messages are acknowledged before, and no will is published."""
        with trio.move_on_after(LEAVE_S, shield=True):
            while self._waiting:
                await self._read()
            self._is_leaving = True
            self._packets.disconnect()
            await self._left.wait()

    async def _flush(self) -> None:
        if self._wire.outgoing:
            data = bytes(self._wire.outgoing)
            self._wire.outgoing.clear()
            self.sent_bytes += len(data)
            await self._stream.send_all(data)
            self._sent_s = trio.current_time()

    async def _read(self) -> None:
        data = await self._stream.receive_some(READ_BYTES)
        if not data:
            raise self._trouble or LinkError(f"the broker {self.address} hung up")
        self._heard_s = trio.current_time()
        self._wire.incoming += data
        while self._wire.incoming and not self._wire.is_closed:
            self._packets.loop_read()
        if self._trouble is not None:
            raise self._trouble
        if self._wire.is_closed or self._packets.is_crammed:
            raise LinkError(f"what answers at {self.address} does not speak MQTT as it should, or speaks another version of it")

    # What paho calls; none of these may raise -----------------------------------

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        self._is_in = not reason.is_failure
        if reason.is_failure:
            self._trouble = LinkError(f"the broker {self.address} does not let us in: {reason}{_HINTS.get(reason.value, '')}")
        self.most_under_way = getattr(properties, "ReceiveMaximum", LEAST_UNDER_WAY)
        self._packets.admit(self.most_under_way)

    def _on_disconnect(self, _client: Any, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            kind = TakenOverError if reason.value == TAKEN_OVER else LinkError
            self._trouble = kind(f"the broker {self.address} ended the connection: {reason}")

    def _on_subscribe(self, _client: Any, _data: Any, number: int, reasons: Any, _properties: Any) -> None:
        if refused := [reason for reason in reasons if reason.is_failure]:
            self._trouble = LinkError(f"the broker {self.address} does not let us read: {refused[0]}")
        self._news.append(Subscribed(number))

    def _on_publish(self, _client: Any, _data: Any, number: int, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._trouble = NotTakenError(f"the broker {self.address} does not take what we publish: {reason}")
        else:
            self._progress_s = trio.current_time()
            self._waiting.pop(number, None)
            self._news.append(Taken(number))

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self._deliver(message._topic, bytes(message.payload), message.retain, message.mid)  # noqa: SLF001 - its bytes

    def _deliver(self, topic: bytes, payload: bytes, retained: bool, number: int) -> None:  # noqa: FBT001 - as it is in a packet
        with suppress(UnicodeDecodeError):  # a topic that nobody subscribes to
            self._news.append(Message(topic.decode(), payload, retained, number))


@asynccontextmanager
async def connected(
    broker: Broker, name: str, *, will: Will | None = None, keeps_s: float = 0.0, is_ending: trio.Event | None = None
) -> AsyncIterator[Link]:
    """Connect to a broker, and yield the connection.

    Args:
        broker: its address, and the credentials.
        name: of the client; a broker has one client of each name.
        will: the message that the broker publishes once we are gone.
        keeps_s: how long the broker keeps messages for us while we are away, in seconds; with MQTT 3.1.1 for ever, or not at all.
        is_ending: once it is set, no connection is made; one that is open is not ended by it.

    Raises:
        LinkError: the broker cannot be reached, does not let us in, or the connection is lost; or it was to end before that.
    """
    packets = _Packets(Wire(), name, is_v5=broker.is_v5, keeps=keeps_s > 0)
    if broker.user is not None:
        packets.username_pw_set(broker.user, broker.password())
    if will is not None:
        packets.will_set(will.topic, will.payload, qos=1, retain=True, properties=_will_properties(will, is_v5=broker.is_v5))
    with as_link_errors(broker.address):
        async with _connecting(broker.address, is_ending):
            stream = await broker.open()
        async with stream:
            link = Link(broker.address, stream, packets)
            async with _connecting(broker.address, is_ending):
                await link.enter(broker.keepalive_s, keeps_s)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(link.write)
                nursery.start_soon(link.watch)
                yield link
                await link.leave()
                nursery.cancel_scope.cancel()


@asynccontextmanager
async def _connecting(address: str, is_ending: trio.Event | None) -> AsyncIterator[None]:
    """Give the body `CONNECT_S`, and no longer than until `is_ending` is set; raises LinkError."""
    is_done = False
    async with trio.open_nursery() as nursery:

        async def give_up(when: trio.Event) -> None:
            await when.wait()
            nursery.cancel_scope.cancel()

        if is_ending is not None:
            nursery.start_soon(give_up, is_ending)
        with as_link_errors(address), trio.fail_after(CONNECT_S):
            yield
        is_done = True
        nursery.cancel_scope.cancel()
    if not is_done:
        raise LinkError(f"the broker {address} had not let us in by the end")


def _will_properties(will: Will, *, is_v5: bool) -> Properties | None:
    if not is_v5:
        return None
    properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
    properties.WillDelayInterval = int(will.delay_s)
    return properties

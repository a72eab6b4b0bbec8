"""`{ mqtt = "site/gn/alive", broker = "hub" }`: the guest publishes something, now and then.

- A message that the broker had retained when we subscribed is no beat: nobody knows when it was published.
- **A last will is no beat, and no silence either.** The broker publishes it when the guest's connection is lost, which the end of
  the guest, a cable or an access point may have caused. Only the network's witness tells these apart, as for any guest that is
  not heard.
- A message comes through a broker that may hang. The broker is therefore asked for an answer of its own now and then: up to the
  latest such answer, nothing was missed.
"""

import json

import trio
from attrs import define, field, frozen

from wagman.config.kinds import TEXT
from wagman.config.places import PLACE
from wagman.config.setting import setting
from wagman.io.ears.hearing import Source
from wagman.io.ears.network import Network
from wagman.io.ears.passive import PassiveEar, PassiveEarConfig, Shared
from wagman.io.mqtt.client import BROKER_S, CONNECT_S, Broker, Connect, Connection, Message, connected, is_of
from wagman.io.mqtt.keys import FILTER, BrokerKeys
from wagman.model.errors import BoardError

TURN_S = 5.0
"""How often the broker is asked for an answer of its own (chosen: so exactly is a beat's time known; 3 MB a day)."""

RETRY_S = 5.0
"""The pause before a broker that cannot be reached is tried again (chosen)."""

FAREWELL = "offline"
"""The text of a last will, in capitals or not (Tasmota, ESPHome, Zigbee2MQTT, OpenBeken)."""


@frozen(kw_only=True)
class MqttEar(PassiveEarConfig, BrokerKeys):
    """An ear for what a guest publishes."""

    kind = "mqtt"
    about = "The guest publishes something on a topic of an MQTT broker, at least as often as `every` says."
    shows = "program"

    mqtt: str = field(metadata=setting(FILTER, "The topic on which the guest publishes; + and # may stand for parts of it."))
    host: str = field(
        metadata=setting(PLACE, "The broker, with its port where that is not 1883, or 8883 with TLS.", key="broker")
    )
    expect: str | None = field(
        default=None,
        metadata=setting(
            TEXT, "A text that a message must contain to be a heartbeat. A last will (`offline`) never is a heartbeat."
        ),
    )

    @property
    def source(self) -> str:
        """See `EarConfig`: the same topic of another broker is another source."""
        return f"mqtt {self.host} {self.mqtt}"

    def ear(self, guest: str, source: Source, network: Network, shared: Shared) -> "MqttListener":  # noqa: ARG002 - its topic names it
        """See `PassiveEarConfig`."""
        ear, broker = MqttListener(self, source, network), self.broker(self.host)
        shared.get(MqttEars, repr(broker), lambda: MqttEars(broker)).add(ear, self)
        return ear


def doubt(payload: bytes, expect: str | None) -> str | None:
    """Why a message is no sign of life; None: it is one."""
    text = payload.decode("utf-8", "replace").strip()
    if _farewell(text):
        return "it is a last will, which the broker publishes when the guest's connection is lost"
    if expect is not None and expect not in text:
        return "it does not hold what is expected"
    return None


def _farewell(text: str) -> bool:
    """Whether the text is a last will, or the empty message that deletes a retained one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    said = value.get("state") if isinstance(value, dict) else value
    return text == "" or (isinstance(said, str) and said.casefold() == FAREWELL)


@define(eq=False)
class MqttListener(PassiveEar):
    """The ear at a topic."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.silence.apart_s += TURN_S + BROKER_S


@define(eq=False)
class MqttEars:
    """The task that keeps a connection to a broker, for all guests that are heard through it."""

    broker: Broker
    connect: Connect = trio.open_tcp_stream
    read_until_s: float = field(factory=trio.current_time, init=False)
    progress_s: float = field(factory=trio.current_time, init=False)  # for the watchdog: when its present wait ends at the latest
    _ears: list[tuple[MqttListener, MqttEar]] = field(factory=list, init=False)

    def add(self, ear: MqttListener, config: MqttEar) -> None:
        """Add an ear that is heard through this broker."""
        self._ears.append((ear, config))
        ear.line = self

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            self.progress_s = trio.current_time() + 2 * CONNECT_S
            try:
                await self._listen()
            except BoardError as error:
                for ear, _ in self._ears:
                    ear.deaf(str(error))
            self.progress_s = trio.current_time() + RETRY_S
            await trio.sleep(RETRY_S)

    async def _listen(self) -> None:
        async with connected(self.broker, self._hear, self.connect) as connection:
            await self._subscribe(connection)
            while True:
                asked_at_s = trio.current_time()
                self.progress_s = asked_at_s + BROKER_S + TURN_S
                await connection.settle()
                self.read_until_s = asked_at_s
                with trio.move_on_at(asked_at_s + TURN_S):
                    await connection.until(lambda: False)

    async def _subscribe(self, connection: Connection) -> None:
        self.read_until_s = trio.current_time()
        refused = await connection.subscribe(sorted({config.mqtt for _, config in self._ears}))
        for ear, config in self._ears:
            if config.mqtt in refused:
                ear.deaf(f"the broker {self.broker.address} does not let us read {config.mqtt}")
            else:
                ear.opened()

    def _hear(self, message: Message) -> None:
        if message.retained:
            return
        for ear, config in self._ears:
            if is_of(config.mqtt, message.topic):
                ear.refused = doubt(message.payload, config.expect)
                if ear.refused is None:
                    ear.heard(self.read_until_s, trio.current_time())

"""Plugs behind an MQTT broker: Tasmota, Zigbee2MQTT, ESPHome, OpenBeken, Shelly, or whatever topics the configuration names.

A *device* here is a plug or relay with firmware of its own, as MQTT and its firmware call it.

- Each question is a connection of its own, so that nothing old can be taken for its answer.
- **A retained message is old.** A state counts only if it came after the device was asked for it. A device that does not answer
  is unknown, whatever the broker retained of it, and whether the broker calls it online or not: that may be out of date.
- A command is sent at most once and is never retained by the broker, so that nobody carries it out hours later.
- **A retained command of somebody else** is carried out each time the device or the broker restarts. It is deleted when it is
  seen, if an empty command means nothing to the device.
- A device that does not show a port is not told to switch it: Tasmota would switch another port.
"""

import math
import re
from collections.abc import AsyncIterator, Hashable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
import trio
from attrs import define, evolve, field, frozen

from wagman.config.boards import PlainBoard
from wagman.config.findings import Finding
from wagman.config.kinds import BOOLEAN, TEXT, one_of, show
from wagman.config.places import PLACE
from wagman.config.setting import setting
from wagman.io.mqtt.client import Connect, connected
from wagman.io.mqtt.keys import PAYLOAD, PORT, TOPIC, BrokerKeys
from wagman.io.mqtt.topics import LENGTH, PRESETS, Topics, Who, number, supply, told, whole, word
from wagman.io.mqtt.visit import ANSWER_S, Visit
from wagman.io.plug import METER_SETTLE_S, METER_W, Run
from wagman.model.backend import Abilities, Backend, Identity, Look
from wagman.model.errors import BoardProtocolError, BoardRefusedError, BoardTimeoutError, ConfigError, StrangerError

if TYPE_CHECKING:
    from wagman.config.schema import Config, DeviceConfig

MOST_COUNT = 2**32 - 1
"""The largest count that a device may report (chosen: 32 bits)."""

_PRESET = "Without it, as the preset has it."


@frozen(kw_only=True)
class MqttBoard(PlainBoard, BrokerKeys):
    """A device, or several of one sort, behind an MQTT broker."""

    kind = "mqtt"
    about = "Plugs and relays behind an MQTT broker, by the topics of known firmware or of your own."
    port_kind = PORT
    hardly_without = ("preset", "device")

    host: str = field(metadata=setting(PLACE, "The broker, with its TCP port if that is not 1883, or 8883 with TLS."))
    preset: str | None = field(
        default=None,
        metadata=setting(
            one_of(*PRESETS),
            "The firmware whose topics and words the service uses. Without it, `state_topic`, `command_topic` and "
            "`ask_topic` are needed.",
        ),
    )
    device: str | None = field(
        default=None,
        metadata=setting(
            TOPIC,
            "What takes the place of `%d` in topics: the device's own topic, its client name or its prefix; with "
            "`zigbee2mqtt` the base topic.",
        ),
    )
    id: str | None = field(
        default=None,
        metadata=setting(
            TEXT,
            "The device's own id, which is its MAC address. The service never switches a device with another id. Without "
            "`id`, the device that answered first is the right one.",
        ),
    )
    command_topic: str | None = field(
        default=None, metadata=setting(TOPIC, f"The topic to which the service sends commands that switch a port. {_PRESET}")
    )
    on: str | None = field(
        default=None, metadata=setting(PAYLOAD, "The message that switches a port on: `ON`, or as the preset has it.")
    )
    off: str | None = field(
        default=None, metadata=setting(PAYLOAD, "The message that switches a port off: `OFF`, or as the preset has it.")
    )
    pulse: str | None = field(
        default=None,
        metadata=setting(
            PAYLOAD,
            "The message that makes the device switch a port off and, by itself, on again after `%s` seconds. With "
            "`pulse`, a guest that leads to the board may be on it.",
        ),
    )
    pulse_topic: str | None = field(
        default=None,
        metadata=setting(
            TOPIC, "The topic to which the service sends `pulse`. Without it, as the preset has it, or `command_topic`."
        ),
    )
    ask_topic: str | None = field(
        default=None,
        metadata=setting(TOPIC, f"The topic to which the service sends the question for the state of a port. {_PRESET}"),
    )
    ask: str | None = field(
        default=None, metadata=setting(PAYLOAD, "The message that asks for the state: empty, or as the preset has it.")
    )
    state_topic: str | None = field(
        default=None, metadata=setting(TOPIC, f"The topic on which the device answers with the state. {_PRESET}")
    )
    state_path: str | None = field(
        default=None,
        metadata=setting(
            TEXT,
            "Where the state is in a JSON message on `state_topic`: keys with dots between them. Without it, the whole "
            "message is the state.",
        ),
    )
    shows_on: str | None = field(
        default=None, metadata=setting(TEXT, "What a port that is on shows: `ON`, or as the preset has it.")
    )
    shows_off: str | None = field(
        default=None, metadata=setting(TEXT, "What a port that is off shows: `OFF`, or as the preset has it.")
    )
    availability_topic: str | None = field(
        default=None,
        metadata=setting(
            TOPIC,
            "The topic on which the broker tells that the device is gone. The service shows this as a reason; "
            f"it proves nothing. {_PRESET}",
        ),
    )
    availability_path: str | None = field(
        default=None, metadata=setting(TEXT, "Where that is in a JSON message on `availability_topic`.")
    )
    offline: str | None = field(
        default=None, metadata=setting(TEXT, "What the message says when the device is gone: `offline`, or as the preset has it.")
    )
    meter_topic: str | None = field(
        default=None,
        metadata=setting(
            TOPIC,
            "The topic on which the power meter answers, when the device is asked. Without it, the watts are in the "
            "message with the state.",
        ),
    )
    meter_path: str | None = field(
        default=None, metadata=setting(TEXT, f"Where the watts are in a JSON message: keys with dots between them. {_PRESET}")
    )
    clear: bool | None = field(
        default=None,
        metadata=setting(
            BOOLEAN,
            "Whether the service deletes an old command that the broker has kept, by an empty message to `command_topic` or "
            f"`pulse_topic`. Say `true` only if an empty message switches nothing. {_PRESET} Else `false`.",
        ),
    )

    @property
    def address(self) -> str:
        """The device and its broker, for people."""
        return f"{self.device} at {self.host}" if self.device else self.host

    @property
    def place(self) -> tuple[str, int]:
        """The broker's host and port."""
        return self.broker(self.host).place

    @property
    def unit(self) -> Hashable:
        """The device behind its broker, and how its ports are switched: one topic may serve several, each by words of its own."""
        return super().unit, self.preset, self.device, self.command_topic, self.on, self.off

    @property
    def pulses(self) -> bool:
        """Whether the table says how."""
        return self.pulse is not None

    @property
    def longest_pulse_s(self) -> float:
        """As long as the preset's firmware can wait."""
        return math.inf if self.preset is None else PRESETS[self.preset].longest_pulse_s

    def topics(self) -> Topics:
        """How the devices are asked and how they answer.

        Raises:
            ConfigError: the table does not say.
        """
        if problem := self._problem():
            raise ConfigError((problem[1],))
        given = {each.name: getattr(self, each.name, None) for each in attrs.fields(Topics)}
        changes = {name: value for name, value in given.items() if value is not None}
        return evolve(PRESETS[self.preset], **changes) if self.preset is not None else Topics(**changes)

    def backend(self) -> Backend:
        """The back end that speaks to the devices."""
        return Mqtt(self, self.topics())

    def findings(self, config: "Config", devices: "Sequence[DeviceConfig]") -> Iterator[Finding]:
        # Without the topics nobody knows where the devices are asked; without a user, MQTT sends no password.
        """Findings about keys that are missing."""
        yield from super().findings(config, devices)
        for problem in filter(None, (self._problem(), self._pulse_problem())):
            yield Finding((problem[0],), problem[1])

    def _problem(self) -> tuple[str, str] | None:
        """The wrong key, and what is wrong with it; None: nothing."""
        if self.preset is None and None in {self.command_topic, self.state_topic}:
            return "preset", "without a preset, command_topic, state_topic and ask_topic are needed"
        if self.preset is None and self.ask_topic is None:
            return "ask_topic", "without a preset, ask_topic is needed: a state that nobody asked for may be old"
        if not self.device and "%d" in self._texts():
            return "state_topic" if self.preset is None else "preset", "device is needed, for topics have its name in them"
        if self.password_file is not None and self.user is None:
            return "user", "user is needed: MQTT sends no password without it"
        return None

    def _pulse_problem(self) -> tuple[str, str] | None:
        if self.pulse is None:
            return None if self.pulse_topic is None else ("pulse_topic", "pulse is needed, or nothing is sent there")
        if LENGTH not in self.pulse:
            return "pulse", f"{LENGTH} is needed in it: the device has to be told for how many seconds the power is to stay off"
        return None

    def _texts(self) -> str:
        """All topics: those of the table, and those of the preset."""
        sources = (self, PRESETS.get(self.preset or ""))
        keys = ("command_topic", "state_topic", "ask_topic", "pulse_topic")
        return " ".join(str(getattr(source, key, "")) for source in sources for key in keys)


@define(eq=False)
class Mqtt:
    """Speaks to the devices behind a broker."""

    config: MqttBoard
    topics: Topics
    connect: Connect = trio.open_tcp_stream
    run: Run = field(init=False, factory=Run)
    _id: str | None = field(init=False)  # the id of the device that is meant
    _is_metered: bool = field(init=False, default=False)
    _switched_s: dict[str, float] = field(init=False, factory=dict)  # when each port was last switched from here

    def __attrs_post_init__(self) -> None:
        self._id = None if self.config.id is None else _plain(self.config.id)

    @property
    def address(self) -> str:
        """The device at its broker."""
        return self.config.address

    @property
    def abilities(self) -> Abilities:
        """What the board is able to do; it has a meter once one has shown something."""
        return Abilities(
            settle_s=self.config.settle_s,
            meter_w=METER_W if self._is_metered else None,
            survives=False,
            on_restore=self.config.on_restore,
            pulse=self.topics.pulse is not None,
        )

    async def greet(self) -> Identity:
        """Reach the broker, and ask the device which one it is, if its firmware can be asked.

        Raises:
            BoardError: the broker cannot be reached, or the device does not answer, or is another one.
        """
        who = self.topics.who
        async with self._visit(()) as visit:
            if who is None:
                return Identity(None, 0, None)
            if (answer := await visit.ask_who(who)) is None:
                raise self._silence(visit)
            return self._met(who, answer)

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """The state of each port; a device that does not answer is unknown.

        Raises:
            BoardError: the broker cannot be reached, or no port has answered.
        """
        async with self._visit(ports) as visit:
            await visit.ask()
            if ports and not any(visit.has_answered(port) for port in ports):
                raise self._silence(visit)
            self._check(visit)
            return {port: self._look(visit, port) for port in ports}

    async def switch(self, port: str, *, on: bool) -> None:
        """Switch a port that the device shows, and check that it still answers.

        Raises:
            BoardError: the broker cannot be reached, or the port has not answered.
        """
        await self._command(port, self.topics.command_topic, self.topics.on if on else self.topics.off)

    async def pulse(self, port: str, off_s: float) -> None:
        """Have a port that the device shows switched off, and by the device on again after `off_s` seconds, rounded up.

        Raises:
            BoardError: the broker cannot be reached, or the port has not answered, or the device is not told how.
        """
        if self.topics.pulse is None:
            raise BoardRefusedError(f"{self.address} is not told how to switch a port off and on again: set pulse")
        topic = self.topics.pulse_topic or self.topics.command_topic
        await self._command(port, topic, self.topics.pulse, str(math.ceil(off_s)))

    async def _command(self, port: str, topic: str, payload: str, seconds: str = LENGTH) -> None:
        async with self._visit((port,)) as visit:
            await visit.ask()
            if visit.shown(port) is None:
                raise self._silence(visit)
            self._check(visit)
            self._switched_s[port] = trio.current_time()
            visit.connection.publish(visit.at(topic, port), visit.at(payload, port, seconds))
            await visit.ask()
            if visit.shown(port) is None:
                raise self._silence(visit)

    @asynccontextmanager
    async def _visit(self, ports: Sequence[str]) -> AsyncIterator[Visit]:
        """A connection on which all retained messages have come in, and commands that were left there are deleted."""
        visit = Visit(self.topics, self.config.device or "", ports)
        async with connected(self.config.broker(self.config.host), visit.hear, self.connect) as connection:
            visit.connection = connection
            filters = visit.filters()
            if filters and (refused := await connection.subscribe(filters)):
                raise BoardRefusedError(f"the broker {self.config.host} does not let us read {refused[0]}")
            await connection.settle()
            if self.topics.clear:
                visit.clear()
            yield visit

    def _look(self, visit: Visit, port: str) -> Look:
        watts = visit.watts(port)
        self._is_metered |= watts is not None
        is_settled = trio.current_time() >= self._switched_s.get(port, -math.inf) + METER_SETTLE_S
        # Power that flows back is power, too.
        return Look(
            supply(self.topics, visit.shown(port)), abs(watts) if watts is not None and is_settled else None, visit.by(port)
        )

    def _silence(self, visit: Visit) -> BoardProtocolError | BoardTimeoutError:
        """The error that says why nothing is known."""
        for port in visit.ports:
            if (shown := visit.shown(port)) is not None:
                wanted = f"neither {show(self.topics.shows_on)} nor {show(self.topics.shows_off)}"
                return BoardProtocolError(f"{self.address}: port {port} shows {show(shown)}, which is {wanted}")
        topic = next((visit.at(self.topics.state_topic, port) for port in visit.ports), None)
        if topic is not None and visit.live.get(topic):
            return BoardProtocolError(f"{self.address}: what came on {topic} says nothing of port {visit.ports[0]}")
        gone = ", and the broker says that it is offline" if visit.is_offline() else ""
        return BoardTimeoutError(f"{self.address} did not answer within {ANSWER_S:g} s{visit.where()}{gone}")

    def _check(self, visit: Visit) -> None:
        """Check which device has answered, if its answer says so.

        Raises:
            StrangerError: it is another one.
        """
        who = self.topics.who
        answer = None if who is None else visit.live.get(visit.at(who.topic))
        if who is not None and answer is not None:
            self._identify(who, answer)

    def _identify(self, who: Who, answer: bytes) -> str:
        """The id of the device that has answered.

        Raises:
            StrangerError: it is another device than the one that is meant, or does not tell its id.
        """
        name = word(told(answer, who.id_path))
        if not name or not (plain := _plain(name)):
            raise StrangerError(f"what answers for {self.address} does not tell its id")
        if self._id is not None and plain != self._id:
            raise StrangerError(f"{plain} answers for {self.address}, and not {self._id}: it is not switched")
        return plain

    def _met(self, who: Who, answer: bytes) -> Identity:
        self._id = self._identify(who, answer)

        def at(path: str | None) -> object:
            return None if path is None else told(answer, path)

        uptime_s, clock_s = number(at(who.uptime_path)), number(at(who.clock_path))
        self.run.told(uptime_s, None if uptime_s is None or clock_s is None else clock_s - uptime_s)
        boots, firmware = whole(at(who.boots_path), MOST_COUNT) or 0, word(at(who.firmware_path))
        return Identity(self._id, boots, firmware, self.run.began_s, self.run.taken())


def _plain(name: str) -> str:
    """An id in capitals and without separators, which firmware and people use differently."""
    return re.sub("[:-]", "", name).upper()

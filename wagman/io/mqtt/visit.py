"""One connection on which devices are asked: what was told on it, and what that shows."""

from collections.abc import Callable, Iterable, Sequence

import trio
from attrs import define, field

from wagman.io.mqtt.client import Connection, Message
from wagman.io.mqtt.topics import LENGTH, Topics, Who, filled, number, state, supply, told, word

ANSWER_S = 5.0
"""How long a device may take for an answer (chosen: a plug takes 5 to 200 ms, one behind a Zigbee mesh some seconds)."""

LEFT = "a command that somebody left in the broker"
"""The name for whoever has switched, if a retained command was found."""


@define(eq=False)
class Visit:
    """One connection on which some ports are asked. It keeps the latest message of each topic that concerns them."""

    topics: Topics
    device: str
    ports: Sequence[str]
    live: dict[str, bytes] = field(init=False, factory=dict)  # what came since the latest question
    kept: dict[str, bytes] = field(init=False, factory=dict)  # what the broker had retained
    connection: Connection = field(init=False)
    _wanted: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._wanted = frozenset(self.filters())

    def hear(self, message: Message) -> None:
        """Take a message that the broker passes on."""
        if message.topic in self._wanted:
            (self.kept if message.retained else self.live)[message.topic] = message.payload

    def filters(self) -> list[str]:
        """The topics to subscribe to."""
        topics, who = self.topics, self.topics.who
        answers = (topics.state_topic, topics.meter_topic, None if who is None else who.topic)
        wanted = (*answers, topics.availability_topic, *self._commands())
        return self._of_all(text for text in wanted if text is not None)

    def at(self, text: str, port: str = "", seconds: str = LENGTH) -> str:
        """A topic or a payload, filled in for one port and the length of a pulse."""
        return filled(text, self.device, port, seconds)

    def where(self) -> str:
        """The topics of a question and of its answer. No broker tells of one that is spelt otherwise: a person has to compare."""
        asked, heard = self.topics.ask_topic, self.topics.state_topic
        if not self.ports and self.topics.who is not None:  # it is asked who it is
            asked, heard = self.topics.who.ask_topic, self.topics.who.topic
        port = next(iter(self.ports), "")
        return f" (asked on {self.at(asked, port)}, listened on {self.at(heard, port)})"

    def clear(self) -> None:
        """Delete the retained commands."""
        for topic in self._of_all(self._commands()):
            if self.kept.get(topic):
                self.connection.publish(topic, "", retained=True)

    def _commands(self) -> tuple[str, ...]:
        topics = self.topics
        pulses = () if topics.pulse is None or topics.pulse_topic is None else (topics.pulse_topic,)
        return topics.command_topic, *topics.left, *pulses

    def _of_all(self, texts: Iterable[str]) -> list[str]:
        """These topics filled in; one with a port in it once for each port."""
        filled_in = [self.at(text, port) for text in texts for port in (self.ports if "%p" in text else ("",))]
        return list(dict.fromkeys(filled_in))

    async def ask(self) -> None:
        """Ask for the state of all ports, and wait for the answers, for `ANSWER_S` at most."""
        self.live.clear()
        questions = [(self.at(self.topics.ask_topic, port), self.at(self.topics.ask, port)) for port in self.ports]
        for topic, payload in dict.fromkeys(questions):
            self.connection.publish(topic, payload)
        await self._wait(lambda: all(self._is_told(port) for port in self.ports))

    async def ask_who(self, who: Who) -> bytes | None:
        """Ask which device it is; None: it does not answer."""
        self.live.clear()
        self.connection.publish(self.at(who.ask_topic), self.at(who.ask))
        topic = self.at(who.topic)
        await self._wait(lambda: told(self.live.get(topic, b""), who.id_path) is not None)
        return self.live.get(topic)

    async def _wait(self, is_so: Callable[[], bool]) -> None:
        with trio.move_on_after(ANSWER_S):
            await self.connection.until(is_so)

    def has_answered(self, port: str) -> bool:
        """Whether the port shows that it is on or off."""
        return supply(self.topics, self.shown(port)) != "unknown"

    def _is_told(self, port: str) -> bool:
        """Whether the answer of a port is complete: its state, and its meter if that has a topic of its own."""
        meter_topic = self.topics.meter_topic
        return self.has_answered(port) and (meter_topic is None or self.at(meter_topic, port) in self.live)

    def shown(self, port: str) -> object:
        """What the port shows, on or off or something else; None: nothing."""
        payload = self.live.get(self.at(self.topics.state_topic, port))
        return None if payload is None else state(self.topics, payload, self.device, port)

    def watts(self, port: str) -> float | None:
        """The watts that the port's meter shows; None: none."""
        topics = self.topics
        payload = self.live.get(self.at(topics.meter_topic or topics.state_topic, port))
        if payload is None or (topics.meter_topic is None and topics.meter_path is None):
            return None
        return number(told(payload, topics.meter_path, self.device, port))

    def by(self, port: str) -> str | None:
        """Who has switched it last; None: nobody tells."""
        if any(self.kept.get(self.at(text, port)) for text in self._commands()):
            return LEFT
        path = self.topics.by_path
        payload = self.live.get(self.at(self.topics.state_topic, port))
        return None if path is None or payload is None else word(told(payload, path, self.device, port))

    def is_offline(self) -> bool:
        """Whether the broker says that the device is gone."""
        topics, said = self.topics, {**self.kept, **self.live}
        if topics.availability_topic is None:
            return False
        payloads = [said[topic] for topic in self._of_all([topics.availability_topic]) if topic in said]
        return any(word(told(payload, topics.availability_path)) == topics.offline for payload in payloads)

"""A connection to a broker that is slow, strange, or sends what nobody asked for; and what messages can say."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, memory_stream_pair

from wagman.config.places import PLACE
from wagman.io.mqtt import Mqtt, MqttBoard
from wagman.io.mqtt.client import BROKER_S, CONNECT_S, MOST_BYTES, Broker, Message, connected
from wagman.io.mqtt.keys import FILTER, PORT, TOPIC
from wagman.io.mqtt.topics import PRESETS, TASMOTA, Topics, filled, number, state, supply, told, whole, word
from wagman.io.mqtt.visit import ANSWER_S
from wagman.model.backend import Look
from wagman.model.errors import BoardError, BoardProtocolError, BoardRefusedError, BoardTimeoutError, ConfigError, LinkGoneError

Script = Callable[[trio.abc.Stream], Awaitable[None]]

WELCOME = bytes([0x20, 2, 0, 0])
OWN: dict[str, Any] = {"command_topic": "x/%p/set", "state_topic": "x/%p", "ask_topic": "x/%p/get"}


def published(topic: bytes, payload: bytes, first: int = 0x30) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic + payload
    length, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)[0], left % 128
        length += bytes([digit | (128 if left else 0)])
        if not left:
            return bytes([first]) + length + body


def with_a_broker(script: Script, *filters: str) -> list[Message]:
    """What is heard of a broker that does as scripted, by one who subscribes and then waits for an answer."""
    heard, errors = list[Message](), list[BoardError]()

    async def main() -> None:
        async with trio.open_nursery() as nursery:

            async def connect(host: str, port: int) -> trio.abc.Stream:
                assert (host, port) == ("hub", 1883)
                ours, theirs = memory_stream_pair()
                nursery.start_soon(script, theirs)
                return ours

            try:
                async with connected(Broker("hub"), heard.append, connect) as connection:
                    if filters:
                        await connection.subscribe(filters)
                    await connection.settle()
            except BoardError as error:
                errors.append(error)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    for error in errors:
        raise error
    return heard


def saying(*data: bytes) -> Script:
    """A broker that says one of these after each thing that it is told."""

    async def script(stream: trio.abc.Stream) -> None:
        for each in data:
            await stream.receive_some()
            await stream.send_all(each)
        await trio.sleep_forever()

    return script


SUBSCRIBED = bytes([0x90, 3, 0, 1, 0])
SETTLED = bytes([0xB0, 2, 0, 1])


# --- The broker -------------------------------------------------------------------------------------------------------


def test_a_broker_that_says_nothing_is_given_up() -> None:
    with pytest.raises(BoardTimeoutError, match=f"the broker hub did not answer within {CONNECT_S:g} s"):
        with_a_broker(saying())


def test_a_broker_that_stops_answering_is_given_up() -> None:
    with pytest.raises(BoardTimeoutError, match=f"the broker hub did not answer within {BROKER_S:g} s"):
        with_a_broker(saying(WELCOME))


def test_half_an_answer_is_none() -> None:
    with pytest.raises(BoardTimeoutError):
        with_a_broker(saying(WELCOME[:3]))


@pytest.mark.parametrize(
    ("code", "reason"), [(2, "Client identifier not valid"), (4, "Bad user name or password"), (5, "Not authorized")]
)
def test_a_broker_that_refuses_says_why(code: int, reason: str) -> None:
    with pytest.raises(BoardRefusedError, match=f"the broker hub does not let us in: {reason}"):
        with_a_broker(saying(bytes([0x20, 2, 0, code])))


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 400 Bad Request\r\n" * 4, b"\0" * 10, bytes([0x20, 2, 0, 1]), bytes([0x20] + [0x80] * 9)]
)
def test_what_is_no_broker_is_told_from_one(data: bytes) -> None:
    with pytest.raises(BoardProtocolError, match="what answers at hub does not speak MQTT"):
        with_a_broker(saying(data))


@pytest.mark.parametrize("codes", [b"\0", b"\0\0\0"])
def test_a_broker_that_does_not_answer_for_each_subscription_grants_none(codes: bytes) -> None:
    subscribed = bytes([0x90, 2 + len(codes), 0, 1]) + codes
    with pytest.raises(BoardProtocolError, match=f"the broker hub answers for {len(codes)} of 2 subscriptions"):
        with_a_broker(saying(WELCOME, subscribed, SETTLED), "x/1", "x/2")


def test_a_broker_that_hangs_up_is_gone() -> None:
    async def script(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(WELCOME)
        await stream.aclose()

    with pytest.raises(LinkGoneError, match="the broker hub hung up"):
        with_a_broker(script)


@pytest.mark.parametrize("host", ["hub..lan", "x" * 64, "bröker_1.example"])
def test_a_broker_whose_name_cannot_be_looked_up_is_not_reached(host: str) -> None:
    async def main() -> None:
        async with connected(Broker(host), lambda _message: None):
            pass

    with pytest.raises(
        LinkGoneError, match=f"the broker {host} cannot be reached: .*{'label' if host.isascii() else 'Codepoint'}"
    ):
        trio.run(main)


def test_a_message_of_any_length_is_not_waited_for() -> None:
    with pytest.raises(BoardProtocolError, match=f"passes on a message of more than {MOST_BYTES} bytes"):
        with_a_broker(saying(WELCOME + published(b"x/1", b"x" * 2 * MOST_BYTES)[:100]))


def test_what_would_have_to_be_kept_for_the_broker_is_not() -> None:
    exactly_once = published(b"x/1", b"\0\1ON", 0x34)
    with pytest.raises(BoardProtocolError):
        with_a_broker(saying(WELCOME + exactly_once))


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_messages_may_come_in_pieces_and_many_at_once(size: int) -> None:
    messages = published(b"x/1", b"ON") + published(b"x/2", b"", 0x31) + published(b"\xff", b"?") + published(b"x/3", b"y" * 300)

    async def script(stream: trio.abc.Stream) -> None:
        data = WELCOME
        for answer in (messages + SUBSCRIBED, SETTLED.replace(b"\x01", b"\x02")):
            await stream.receive_some()
            for at in range(0, len(data), size):
                await stream.send_all(data[at : at + size])
                await trio.lowlevel.checkpoint()
            data = answer
        await stream.receive_some()
        await stream.send_all(data)
        await trio.sleep_forever()

    heard = with_a_broker(script, "x/#")
    assert heard == [Message("x/1", b"ON", False), Message("x/2", b"", True), Message("x/3", b"y" * 300, False)]


@pytest.mark.parametrize(("first", "is_believed"), [(0x30, True), (0x31, False)])
def test_what_was_kept_is_not_believed_though_it_comes_late(first: int, is_believed: bool) -> None:
    config = MqttBoard(host="hub", **OWN)
    subscribed, settled = bytes([0x90, 4, 0, 1, 0, 0]), bytes([0xB0, 2, 0, 2])
    broker = saying(WELCOME, subscribed, settled, published(b"x/1", b"ON", first))

    async def main() -> object:
        async with trio.open_nursery() as nursery:

            async def connect(host: str, port: int) -> trio.abc.Stream:
                ours, theirs = memory_stream_pair()
                nursery.start_soon(broker, theirs)
                return ours

            try:
                return await Mqtt(config, config.topics(), connect).look(["1"])
            except BoardTimeoutError as error:
                return str(error)
            finally:
                nursery.cancel_scope.cancel()

    said = trio.run(main, clock=MockClock(autojump_threshold=0))
    words = f"hub did not answer within {ANSWER_S:g} s (asked on x/1/get, listened on x/1)"
    assert said == ({"1": Look("on")} if is_believed else words)


@given(st.binary(max_size=200), st.booleans())
def test_whatever_a_broker_sends_is_an_error_or_a_message(data: bytes, is_in: bool) -> None:
    with pytest.raises(BoardError):  # it never answers the last question
        with_a_broker(saying((WELCOME if is_in else b"") + data))


def test_a_file_of_an_authority_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("no certificate")
    for name, reason in (("ca", ""), ("none", "No such file")):
        backend = MqttBoard(host="127.0.0.1:1", tls_ca=str(tmp_path / name), **OWN).backend()
        with pytest.raises(BoardError, match=f"tls_ca {tmp_path / name}: .*{reason}"):
            trio.run(backend.greet)


# --- What messages say ------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    st.binary() | json_values.map(lambda value: json.dumps(value).encode()), st.sampled_from([*PRESETS.values(), Topics(**OWN)])
)
def test_any_message_can_be_read(payload: bytes, topics: Topics) -> None:
    value = state(topics, payload, "plug", "1")
    assert supply(topics, value) in {"on", "off", "unknown"}
    if supply(topics, value) != "unknown":
        assert word(value) in {topics.shows_on, topics.shows_off}
    for path in (None, topics.meter_path, topics.by_path):
        found = told(payload, path, "plug", "1")
        amount, count = number(found), whole(found, 2**32)
        assert amount is None or abs(amount) < float("inf")
        assert count is None or 0 < count <= 2**32


@pytest.mark.parametrize("payload", [b"[" * 100_000, b'{"StatusSTS": ' * 50_000, b"1" * 10_000, b"NaN", b"\xff\xfe", b""])
def test_messages_that_break_readers_say_nothing(payload: bytes) -> None:
    assert state(TASMOTA, payload, "plug", "1") is None


@pytest.mark.parametrize(
    ("preset", "payload", "port", "shows"),
    [
        ("tasmota", b'{"StatusSTS": {"POWER": "ON"}}', "1", "on"),
        ("tasmota", b'{"StatusSTS": {"POWER": "ON"}}', "2", "unknown"),
        ("tasmota", b'{"StatusSTS": {"POWER1": "OFF", "POWER2": "ON"}}', "2", "on"),
        ("zigbee2mqtt", b'{"state": "OFF", "linkquality": 80}', "nas", "off"),
        ("zigbee2mqtt", b'{"state": null}', "nas", "unknown"),
        ("esphome", b"ON", "relay", "on"),
        ("openbeken", b"0", "1", "off"),
        ("openbeken", b"", "1", "unknown"),  # our own question, on the same topic
        ("shelly", b'{"id": 0, "source": "button", "output": true, "apower": 8.9}', "0", "on"),
        ("shelly", b'{"id": 0, "output": "true"}', "0", "on"),
        ("shelly", b'{"id": 0, "output": 1}', "0", "unknown"),
    ],
)
def test_each_firmware_shows_its_relays_in_its_own_way(preset: str, payload: bytes, port: str, shows: str) -> None:
    assert supply(PRESETS[preset], state(PRESETS[preset], payload, "plug", port)) == shows


def test_device_and_port_take_their_places_once() -> None:
    assert filled("cmnd/%d/POWER%p", "%p", "%d") == "cmnd/%p/POWER%d"


# --- The table --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({}, "command_topic, state_topic and ask_topic"),
        ({"command_topic": "x/set", "state_topic": "x"}, "ask_topic is needed: a state that nobody asked for may be old"),
        ({"preset": "tasmota"}, "device is needed, for topics have its name in them"),
        ({**OWN, "state_topic": "%d/state"}, "device is needed, for topics have its name in them"),
        ({**OWN, "password_file": "/etc/secret"}, "user is needed"),
    ],
)
def test_a_table_that_says_too_little_is_refused(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        MqttBoard(host="hub", **keys).backend()


def test_a_key_of_the_table_stands_above_the_preset() -> None:
    topics = MqttBoard(host="hub", preset="tasmota", device="plug", on="1", shows_on="AN", clear=False).topics()
    assert (topics.on, topics.off, topics.shows_on, topics.clear) == ("1", "OFF", "AN", False)


@pytest.mark.parametrize(
    ("kind", "value"), [(TOPIC, "a/+/b"), (TOPIC, "#"), (TOPIC, "$SYS/x"), (TOPIC, ""), (TOPIC, "a\0"), (TOPIC, 1)]
)
def test_topics_that_are_none_are_refused(kind: Any, value: object) -> None:
    with pytest.raises(ValueError, match="MQTT topic"):
        kind.read(value)


@pytest.mark.parametrize("value", ["a/#/b", "a#", "+a", "$share/x/y", "", 1, "a/\n"])
def test_filters_that_are_none_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="MQTT topic"):
        FILTER.read(value)


def test_filters_and_ports_and_brokers_that_are_some() -> None:
    assert [FILTER.read(each) for each in ("a/b", "+/b", "a/#", "#")] == ["a/b", "+/b", "a/#", "#"]
    assert [PORT.read(each) for each in (1, "nas", "shed/light", "kitchen lamp")] == ["1", "nas", "shed/light", "kitchen lamp"]
    places = [PLACE.read(each) for each in ("hub", "hub:1884", "fd00::1", "[fd00::1]:1884")]
    assert [Broker(each).place for each in places] == [("hub", 1883), ("hub", 1884), ("fd00::1", 1883), ("fd00::1", 1884)]
    assert Broker("hub", is_tls=True).place == ("hub", 8883)


@pytest.mark.parametrize("value", ["a/+", "#", " a", "a ", "%p", "", "x" * 65, True, 1.5, None])
def test_ports_that_would_make_other_topics_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="number, or a name"):
        PORT.read(value)

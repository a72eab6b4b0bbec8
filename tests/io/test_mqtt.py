"""Plugs behind a real broker: what is believed of them, and what others may have left there."""

import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio
from attrs import evolve

from tests.io.brokers import (
    MAC,
    EspHome,
    FakeDevice,
    FakeTasmota,
    Mosquitto,
    OpenBeken,
    Shelly,
    Zigbee2Mqtt,
    eventually,
    mosquitto,
    needs_mosquitto,
)
from wagman.io.mqtt import Mqtt, MqttBoard, board, visit
from wagman.io.mqtt.topics import TASMOTA
from wagman.io.plug import METER_W
from wagman.model.backend import Backend, Look, Pulsing
from wagman.model.errors import BoardError, BoardProtocolError, BoardRefusedError, BoardTimeoutError, LinkGoneError, StrangerError

pytestmark = needs_mosquitto

OWN: dict[str, Any] = {"command_topic": "x/%p/set", "state_topic": "x/%p", "ask_topic": "x/%p/get"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as started:
        yield started


@pytest.fixture
def plug(broker: Mosquitto) -> Iterator[FakeTasmota]:
    tasmota = FakeTasmota(broker)
    tasmota.plug_in()
    yield tasmota
    tasmota.unplug()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not come is not waited for as long as in earnest."""
    monkeypatch.setattr(visit, "ANSWER_S", 0.5)
    monkeypatch.setattr(board, "ANSWER_S", 0.5)


def tasmota(broker: Mosquitto, **more: Any) -> Mqtt:
    config = MqttBoard(**{"host": broker.address, "preset": "tasmota", "device": "plug", **more})
    return Mqtt(config, config.topics())


def run(ask: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await ask()

    return trio.run(main)


def look(backend: Backend, *ports: str) -> Any:
    return run(lambda: backend.look(ports or ("1",)))


def switch(backend: Backend, port: str, *, on: bool) -> None:
    run(lambda: backend.switch(port, on=on))


# --- A plug -----------------------------------------------------------------------------------------------------------


def test_a_plug_is_switched_and_shows_it(broker: Mosquitto, plug: FakeTasmota) -> None:
    backend = tasmota(broker)
    assert look(backend) == {"1": Look("off")}
    switch(backend, "1", on=True)
    assert plug.switched == [(1, True)]
    assert look(backend) == {"1": Look("on")}
    switch(backend, "1", on=False)
    assert look(backend) == {"1": Look("off")}


def test_it_tells_who_it_is_and_how_often_it_started(broker: Mosquitto, plug: FakeTasmota) -> None:
    async def story() -> None:
        backend = tasmota(broker, id=MAC)
        before = await backend.greet()
        assert (before.board_id, before.boots, before.firmware) == (MAC, 1, "14.3.0(release-tasmota)")
        assert before.same_run(await backend.greet())
        plug.restart()
        after = await backend.greet()
        assert not before.same_run(after)
        assert after.same_run(await backend.greet())

    run(story)


def test_a_restart_is_seen_by_how_long_it_runs_where_it_counts_none(broker: Mosquitto, plug: FakeTasmota) -> None:
    async def story() -> None:
        plug.began_s -= 1_000
        backend = tasmota(broker)
        before = await backend.greet()
        assert before.same_run(await backend.greet())
        plug.began_s += 1_000
        after = await backend.greet()
        assert after.anew
        assert not before.same_run(after)
        assert after.same_run(await backend.greet())

    run(story)


def test_a_stranger_is_refused_at_every_question_and_never_switched(broker: Mosquitto, plug: FakeTasmota) -> None:
    backend = tasmota(broker, id="2c:3a:e8:ff:ff:ff")
    for ask in (backend.greet, lambda: backend.look(["1"]), lambda: backend.switch("1", on=True)):
        with pytest.raises(StrangerError, match=f"{MAC} answers for plug at {broker.address}, and not 2C3AE8FFFFFF"):
            run(ask)
    assert plug.switched == []


def test_without_an_id_whoever_answered_first_is_meant(broker: Mosquitto, plug: FakeTasmota) -> None:
    backend = tasmota(broker)
    run(backend.greet)
    plug.mac = "2C3AE8FFFFFF"
    with pytest.raises(StrangerError):
        switch(backend, "1", on=True)
    assert plug.switched == []


def test_a_relay_that_it_does_not_have_is_not_switched_for_it(broker: Mosquitto, plug: FakeTasmota, impatient: None) -> None:
    backend = tasmota(broker)
    with pytest.raises(BoardProtocolError, match="says nothing of port 2"):
        switch(backend, "2", on=True)
    assert plug.switched == []
    assert look(backend, "1", "2") == {"1": Look("off"), "2": Look("unknown")}


def test_each_relay_of_several_is_one_port(broker: Mosquitto) -> None:
    strip = FakeTasmota(broker, relays=3)
    strip.plug_in()
    backend = tasmota(broker)
    switch(backend, "2", on=True)
    assert look(backend, "1", "2", "3") == {"1": Look("off"), "2": Look("on"), "3": Look("off")}
    strip.unplug()


def test_a_state_that_moved_unasked_is_shown(broker: Mosquitto, plug: FakeTasmota) -> None:
    backend = tasmota(broker)
    switch(backend, "1", on=True)
    plug.switch_by_hand(1, on=False)
    assert look(backend) == {"1": Look("off")}


def test_a_plug_that_answers_and_does_nothing_shows_what_it_is(broker: Mosquitto, plug: FakeTasmota) -> None:
    backend = tasmota(broker)
    plug.disobeys = True
    switch(backend, "1", on=True)  # a reply is no evidence
    assert look(backend) == {"1": Look("off")}


def test_other_words_are_not_taken_for_on_or_off(broker: Mosquitto, plug: FakeTasmota, impatient: None) -> None:
    plug.words = ("aus", "an")
    with pytest.raises(BoardProtocolError, match=r'port 1 shows "aus", which is neither "ON" nor "OFF"'):
        look(tasmota(broker))


# --- Other firmware ---------------------------------------------------------------------------------------------------


@contextmanager
def device(broker: Mosquitto, firmware: Any) -> Iterator[None]:
    fake = FakeDevice(broker, firmware.filters, firmware.answer)
    fake.plug_in()
    yield
    fake.unplug()


@pytest.mark.parametrize(
    ("firmware", "table", "port", "id_"),
    [
        (Shelly(watts=None), {"preset": "shelly", "device": "shelly"}, "0", MAC),
        (Zigbee2Mqtt(), {"preset": "zigbee2mqtt", "device": "zigbee2mqtt"}, "nas", None),
        (EspHome(), {"preset": "esphome", "device": "node"}, "relay", MAC),
        (OpenBeken(), {"preset": "openbeken", "device": "obk"}, "1", None),
    ],
)
def test_each_firmware_is_asked_and_switched_in_its_own_way(
    broker: Mosquitto, firmware: Any, table: Any, port: str, id_: str | None
) -> None:
    backend = MqttBoard(host=broker.address, **table).backend()
    with device(broker, firmware):
        assert run(backend.greet).board_id == id_
        assert look(backend, port)[port].relay == "off"
        for on in (True, False, True):
            switch(backend, port, on=on)
            assert firmware.is_on == on
            assert look(backend, port)[port].relay == ("on" if on else "off")


def test_an_empty_message_that_would_switch_is_not_sent(broker: Mosquitto) -> None:
    backend = MqttBoard(host=broker.address, preset="openbeken", device="obk").backend()
    broker.publish("obk/1/set", "1", retained=True)
    with device(broker, firmware := OpenBeken()):
        eventually(lambda: firmware.is_on, "it obeys")
        assert look(backend, "1") == {"1": Look("on", by=visit.LEFT)}
        assert firmware.is_on


def test_one_of_several_plugs_that_does_not_answer_is_unknown(broker: Mosquitto, impatient: None) -> None:
    fake = Zigbee2Mqtt()
    backend = MqttBoard(host=broker.address, preset="zigbee2mqtt", device="zigbee2mqtt").backend()
    with device(broker, SimpleNamespace(filters=("zigbee2mqtt/nas/+",), answer=fake.answer)):
        assert look(backend, "nas", "lamp") == {"nas": Look("off"), "lamp": Look("unknown")}


def test_a_meter_is_believed_once_it_has_shown_something_and_a_minute_after_a_switch(broker: Mosquitto) -> None:
    async def story() -> None:
        backend = MqttBoard(host=broker.address, preset="shelly", device="shelly").backend()
        assert (backend.abilities.readback, backend.abilities.meter_w) == ("told", None)
        assert await backend.look(["0"]) == {"0": Look("off", 8.9, "MQTT")}  # a contact that is welded
        assert (backend.abilities.readback, backend.abilities.meter_w) == ("told", METER_W)
        await backend.switch("0", on=True)
        assert await backend.look(["0"]) == {"0": Look("on", None, "MQTT")}

    with device(broker, Shelly()):
        run(story)


def test_a_meter_with_a_topic_of_its_own_is_waited_for(broker: Mosquitto, impatient: None) -> None:
    config = MqttBoard(host=broker.address, meter_topic="x/%p/watts", **OWN)
    said = [("x/1/watts", "12.5"), ("x/1", "ON")]
    with device(broker, SimpleNamespace(filters=("x/1/get",), answer=lambda topic, payload: said)):
        assert look(config.backend()) == {"1": Look("on", 12.5)}
        said.reverse()
        assert look(config.backend()) == {"1": Look("on", 12.5)}
        said.remove(("x/1/watts", "12.5"))
        assert look(config.backend()) == {"1": Look("on")}


def test_a_restart_of_a_shelly_is_seen_by_when_it_began(broker: Mosquitto) -> None:
    async def story() -> None:
        backend = MqttBoard(host=broker.address, preset="shelly", device="shelly").backend()
        before = await backend.greet()
        assert before.began_s == 1_790_000_000
        firmware.uptime_s = 3
        after = await backend.greet()
        assert not before.same_run(after)

    with device(broker, firmware := Shelly()):
        run(story)


# --- Off and on by one command ----------------------------------------------------------------------------------------


def pulsing(backend: Backend) -> Pulsing:
    assert isinstance(backend, Pulsing)
    return backend


PULSES = {
    "tasmota": "Power%p OFF; Delay %s0; Power%p ON",
    "esphome": "%s",
    "openbeken": "SetChannel %p 0; addRepeatingEvent %s 1 SetChannel %p 1",
    "shelly": '{"id": 2, "src": "wagman/%d/pulse", "method": "Switch.Set", '
    '"params": {"id": %p, "on": false, "toggle_after": %s}}',
}


def test_a_plug_switches_off_and_by_itself_on_again(broker: Mosquitto, plug: FakeTasmota) -> None:
    backend = tasmota(broker, pulse=PULSES["tasmota"])
    assert backend.abilities.pulse
    assert backend.config.pulses
    switch(backend, "1", on=True)
    run(lambda: backend.pulse("1", 0.4))  # it is told in whole seconds
    assert [each for each in plug.heard if "BACKLOG" in each[0].upper()] == [
        ("cmnd/plug/Backlog", "Power1 OFF; Delay 10; Power1 ON", False)
    ]
    eventually(lambda: plug.switched == [(1, True), (1, False)], "it is off")
    assert look(backend) == {"1": Look("off")}
    eventually(lambda: plug.switched == [(1, True), (1, False), (1, True)], "it comes on by itself")
    assert look(backend) == {"1": Look("on")}


@pytest.mark.parametrize(
    ("firmware", "table", "port"),
    [
        (Shelly(watts=None, is_on=True), {"preset": "shelly", "device": "shelly"}, "0"),
        (EspHome(is_on=True), {"preset": "esphome", "device": "node"}, "relay"),
        (OpenBeken(is_on=True), {"preset": "openbeken", "device": "obk"}, "1"),
    ],
)
def test_each_firmware_is_told_to_pulse_in_its_own_way(broker: Mosquitto, firmware: Any, table: Any, port: str) -> None:
    backend = MqttBoard(host=broker.address, pulse=PULSES[table["preset"]], **table).backend()
    with device(broker, firmware):
        assert run(backend.greet)
        run(lambda: pulsing(backend).pulse(port, 1))
        assert not firmware.is_on
        assert look(backend, port)[port].relay == "off"
        eventually(lambda: look(backend, port)[port].relay == "on", "it comes on by itself")
        assert run(backend.greet)


def test_without_a_topic_of_its_own_it_goes_where_commands_go(broker: Mosquitto) -> None:
    config = MqttBoard(host=broker.address, pulse='{"pulse": %s, "port": "%p"}', **OWN)
    heard = []

    def answer(topic: str, payload: str) -> list[tuple[str, str]]:
        heard.append((topic, payload))
        return [("x/1", "ON")]

    with device(broker, SimpleNamespace(filters=("x/1/get", "x/1/set"), answer=answer)):
        run(lambda: pulsing(config.backend()).pulse("1", 29.5))
    assert ("x/1/set", '{"pulse": 30, "port": "1"}') in heard


def test_who_does_not_say_how_has_no_pulse(broker: Mosquitto, plug: FakeTasmota) -> None:
    backend = tasmota(broker)
    assert not backend.abilities.pulse
    assert not backend.config.pulses
    with pytest.raises(BoardRefusedError, match=f"plug at {broker.address} is not told how to switch a port off and on again"):
        run(lambda: backend.pulse("1", 30))
    assert plug.heard == []


@pytest.mark.parametrize("relays", [0, 1])
def test_a_port_that_is_not_shown_is_not_pulsed(broker: Mosquitto, impatient: None, relays: int) -> None:
    strip = FakeTasmota(broker, relays=1, is_deaf=relays == 0)
    strip.plug_in()
    with pytest.raises(BoardError):
        run(lambda: tasmota(broker, pulse=PULSES["tasmota"]).pulse("2", 30))
    strip.unplug()
    assert strip.switched == []


def test_a_pulse_that_somebody_left_in_the_broker_is_deleted(broker: Mosquitto) -> None:
    backend = MqttBoard(host=broker.address, preset="esphome", device="node", pulse="%s").backend()
    broker.publish("node/switch/relay/pulse", "3600", retained=True)
    with device(broker, firmware := EspHome(is_on=True)):
        eventually(lambda: not firmware.is_on, "it obeys")
        assert look(backend, "relay") == {"relay": Look("off", by=visit.LEFT)}
        assert broker.kept("node/switch/#") == []
        assert look(backend, "relay") == {"relay": Look("off")}


# --- What is of before ------------------------------------------------------------------------------------------------


def test_what_the_broker_kept_of_a_plug_that_does_not_answer_is_not_believed(broker: Mosquitto, impatient: None) -> None:
    broker.publish("x/1", "ON", retained=True)
    config = MqttBoard(host=broker.address, **OWN)
    with pytest.raises(BoardTimeoutError, match=f"{broker.address} did not answer within 0.5 s") as told:
        look(config.backend())
    # A broker does not tell of a topic that is spelt otherwise, or that it keeps from us: a person has to compare.
    assert "(asked on x/1/get, listened on x/1)" in str(told.value)


def test_a_device_that_does_not_say_who_it_is_is_told_with_where_it_was_asked(broker: Mosquitto, impatient: None) -> None:
    with pytest.raises(BoardTimeoutError, match=r"\(asked on esphome/ping/node, listened on esphome/discover/node\)"):
        run(MqttBoard(host=broker.address, preset="esphome", device="node").backend().greet)


def test_a_plug_that_is_unplugged_is_unknown_and_never_off(broker: Mosquitto, plug: FakeTasmota, impatient: None) -> None:
    backend = tasmota(broker)
    switch(backend, "1", on=False)
    plug.unplug()
    eventually(lambda: broker.kept("tele/#") == ["tele/plug/LWT Offline"], "no last will")
    for ask in (backend.greet, lambda: backend.look(["1"]), lambda: backend.switch("1", on=True)):
        with pytest.raises(BoardTimeoutError, match="did not answer"):
            run(ask)
    with pytest.raises(BoardTimeoutError, match="and the broker says that it is offline"):
        look(backend)


def test_a_plug_that_answers_is_believed_though_a_last_will_of_it_lies_about(broker: Mosquitto, plug: FakeTasmota) -> None:
    broker.publish("tele/plug/LWT", "Offline", retained=True)
    assert look(tasmota(broker)) == {"1": Look("off")}


def test_a_plug_that_hangs_is_unknown_though_the_broker_says_that_it_is_there(
    broker: Mosquitto, plug: FakeTasmota, impatient: None
) -> None:
    plug.is_deaf = True
    with pytest.raises(BoardTimeoutError):
        look(tasmota(broker))


def test_a_plug_that_does_not_answer_is_not_told_to_switch(broker: Mosquitto, plug: FakeTasmota, impatient: None) -> None:
    plug.is_deaf = True
    with pytest.raises(BoardTimeoutError):
        switch(tasmota(broker), "1", on=True)
    assert not [topic for topic, _, _ in plug.heard if "POWER" in topic]


# --- Commands that lie in the broker ----------------------------------------------------------------------------------


def test_a_command_is_never_kept_for_a_plug(broker: Mosquitto, plug: FakeTasmota) -> None:
    switch(tasmota(broker), "1", on=True)
    assert broker.kept("cmnd/#") == []


@pytest.mark.parametrize("topic", ["cmnd/plug/POWER", "cmnd/plug/POWER1", "cmnd/plug/power1", "cmnd/plug/Power"])
def test_a_command_that_somebody_left_is_deleted_and_not_replayed_by_a_restart(
    broker: Mosquitto, plug: FakeTasmota, topic: str
) -> None:
    plug.unplug()
    broker.publish(topic, "ON", retained=True)
    backend = tasmota(broker)
    visited = pytest.raises(BoardError)
    with visited:
        run(lambda: _impatiently(backend))
    assert broker.kept("cmnd/#") == []
    broker.restart()
    plug.plug_in()
    assert look(backend) == {"1": Look("off")}
    assert plug.switched == []


async def _impatiently(backend: Mqtt) -> None:
    with trio.fail_after(5):
        async with backend._visit(("1",)) as at:
            await at.connection.settle()
        raise BoardTimeoutError("enough")


def test_the_broker_would_replay_it_otherwise(broker: Mosquitto, plug: FakeTasmota) -> None:
    plug.unplug()
    broker.publish("cmnd/plug/POWER1", "ON", retained=True)
    broker.restart()
    plug.plug_in()
    eventually(lambda: plug.switched == [(1, True)], "mosquitto replays it")


def test_deleting_it_does_not_switch(broker: Mosquitto, plug: FakeTasmota) -> None:
    backend = tasmota(broker)
    switch(backend, "1", on=True)
    broker.publish("cmnd/plug/POWER1", "OFF", retained=True)
    eventually(lambda: plug.switched == [(1, True), (1, False)], "it obeys whoever tells it")
    assert look(backend) == {"1": Look("off", by=visit.LEFT)}
    assert look(backend) == {"1": Look("off")}
    assert plug.switched == [(1, True), (1, False)]


def test_where_an_empty_command_may_be_one_it_is_left_alone_and_named(broker: Mosquitto, plug: FakeTasmota) -> None:
    topics = evolve(TASMOTA, clear=False)
    config = MqttBoard(host=broker.address, preset="tasmota", device="plug")
    broker.publish("cmnd/plug/POWER1", "ON", retained=True)
    eventually(lambda: plug.switched == [(1, True)], "it obeys")
    assert look(Mqtt(config, topics)) == {"1": Look("on", by=visit.LEFT)}
    assert broker.kept("cmnd/#") == ["cmnd/plug/POWER1 ON"]


# --- The broker -------------------------------------------------------------------------------------------------------


def test_a_broker_that_is_gone_and_back(broker: Mosquitto, plug: FakeTasmota) -> None:
    backend = tasmota(broker)
    switch(backend, "1", on=True)
    broker.stop()
    for ask in (backend.greet, lambda: backend.look(["1"]), lambda: backend.switch("1", on=False)):
        with pytest.raises(LinkGoneError, match=f"the broker {broker.address} cannot be reached: Connection refused"):
            run(ask)
    plug.is_ready.clear()
    broker.start()
    assert plug.is_ready.wait(10)
    assert look(backend) == {"1": Look("on")}
    assert plug.switched == [(1, True)]


def test_who_may_not_is_told_so(tmp_path: Path, impatient: None) -> None:
    passwords, accesses, secret = tmp_path / "passwords", tmp_path / "accesses", tmp_path / "secret"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "wagman", "correct horse"], check=True)
    accesses.write_text("user wagman\ntopic readwrite cmnd/#\ntopic readwrite tele/#\n")
    secret.write_text("wrong\n")
    with mosquitto(tmp_path, f"password_file {passwords}", f"acl_file {accesses}", is_open=False) as closed:
        with pytest.raises(BoardRefusedError, match="does not let us in: Not authorized"):
            run(tasmota(closed).greet)
        backend = tasmota(closed, user="wagman", password_file=str(secret))
        with pytest.raises(BoardRefusedError, match="does not let us in: Not authorized"):
            run(backend.greet)
        secret.write_text("correct horse\n")
        with pytest.raises(BoardTimeoutError):  # mosquitto keeps to itself what one may not read
            run(backend.greet)
        secret.unlink()
        with pytest.raises(BoardError, match=r"password_file .*: No such file"):
            run(backend.greet)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_over_tls_the_broker_proves_who_it_is(tmp_path: Path) -> None:
    for name, host in (("good", "IP:127.0.0.1"), ("other", "DNS:hub")):
        files = ["-keyout", str(tmp_path / f"{name}.key"), "-out", str(tmp_path / f"{name}.crt")]
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            f"/CN={name}",
        ]
        subprocess.run([*command, "-addext", f"subjectAltName={host}", *files], check=True, capture_output=True)
    for name, is_meant in (("good", True), ("other", False)):
        with mosquitto(tmp_path, f"certfile {tmp_path}/{name}.crt", f"keyfile {tmp_path}/{name}.key") as crypted:
            own = MqttBoard(host=crypted.address, tls_ca=str(tmp_path / f"{name}.crt"), **OWN).backend()
            unproved = MqttBoard(host=crypted.address, tls=True, **OWN).backend()
            with pytest.raises(LinkGoneError, match=r"hung up: (self.signed certificate|certificate verify failed)"):
                run(unproved.greet)
            if is_meant:
                assert run(own.greet).board_id is None
            else:
                with pytest.raises(LinkGoneError, match="IP address mismatch"):
                    run(own.greet)

"""A real mosquitto for tests, and a plug with Tasmota at it, which is a client that shares nothing with the one under test."""

import json
import math
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.ports import free_port, listens

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None or shutil.which("mosquitto_pub") is None, reason="mosquitto and mosquitto-clients are not installed"
)
MAC = "2C3AE8010203"
STARTS_S = 10.0


def eventually(is_so: Callable[[], bool], what: str) -> None:
    until_s = time.monotonic() + STARTS_S
    while not is_so():
        assert time.monotonic() < until_s, what
        time.sleep(0.01)


@define(eq=False)
class Mosquitto:
    """A broker that remembers what it is to keep over its restarts."""

    home: Path
    extra: tuple[str, ...] = ()
    is_open: bool = True
    port: int = field(factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        lines = [
            "user root",
            f"listener {self.port} 127.0.0.1",
            *self.extra,
            f"allow_anonymous {str(self.is_open).lower()}",
            "persistence true",
            f"persistence_location {self.home}/",
        ]
        (self.home / "conf").write_text("\n".join(lines) + "\n")
        assert MOSQUITTO is not None
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen([MOSQUITTO, "-c", str(self.home / "conf")], stdout=log, stderr=log)
        eventually(lambda: listens(self.port), "mosquitto does not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()  # it writes down what it keeps
            self.process.wait(STARTS_S)
            self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def publish(self, topic: str, payload: str | None, *, retained: bool = False) -> None:
        """By a client of mosquitto's own."""
        what = ["-n"] if payload is None else ["-m", payload]
        command = [
            "mosquitto_pub",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-q",
            "1",
            "-t",
            topic,
            *what,
            *(["-r"] if retained else []),
        ]
        subprocess.run(command, check=True)

    def kept(self, filter_: str) -> list[str]:
        """What it keeps, topic and message, as mosquitto's own client sees it."""
        command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.port), "-t", filter_, "--retained-only", "-v", "-W", "1"]
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout.splitlines()


@contextmanager
def mosquitto(home: Path, *lines: str, is_open: bool = True) -> Iterator[Mosquitto]:
    broker = Mosquitto(home, lines, is_open)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@define(eq=False)
class FakeTasmota:
    """A plug with Tasmota: what it is told it does, whoever tells it, and whether that was kept for it."""

    broker: Mosquitto
    name: str = "plug"
    relays: int = 1
    mac: str = MAC
    words: tuple[str, str] = ("OFF", "ON")
    is_deaf: bool = False  # it is connected, and does nothing
    disobeys: bool = False  # it answers, and does not switch
    is_garbled: bool = False  # what it answers is no JSON
    on: list[bool] = field(factory=lambda: [False] * 8)
    boots: int = 1
    began_s: float = field(factory=time.monotonic)
    heard: list[tuple[str, str, bool]] = field(factory=list)  # topic, message, whether it was kept
    switched: list[tuple[int, bool]] = field(factory=list)
    pending: list[threading.Timer] = field(factory=list)  # what is left of its backlog
    is_ready: threading.Event = field(factory=threading.Event)
    client: Any = None

    def plug_in(self) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, f"DVES_{self.name}")
        self.client.on_connect, self.client.on_message = self._on_connect, self._on_message
        self.client.on_subscribe = lambda *_: self.is_ready.set()
        self.client.reconnect_delay_set(min_delay=1, max_delay=1)
        self.client.will_set(f"tele/{self.name}/LWT", "Offline", retain=True)
        self.client.connect("127.0.0.1", self.broker.port, keepalive=5)
        self.client.loop_start()
        assert self.is_ready.wait(STARTS_S)

    def unplug(self) -> None:
        """Without a farewell: the broker publishes its last will."""
        if self.client is not None:
            sock = self.client.socket()
            if sock is not None:
                sock.shutdown(socket.SHUT_RDWR)
            self.client._thread_terminate = True
            self.client.loop_stop()
            self.client = None
            self.is_ready.clear()

    def restart(self) -> None:
        for timer in self.pending:
            timer.cancel()
        self.unplug()
        self.boots, self.began_s = self.boots + 1, time.monotonic()
        self.plug_in()

    def switch_by_hand(self, port: int, *, on: bool) -> None:
        self._switch(port, on)

    def _on_connect(self, client: Any, *_: Any) -> None:
        client.publish(f"tele/{self.name}/LWT", "Online", retain=True)
        client.subscribe(f"cmnd/{self.name}/#")

    def _on_message(self, client: Any, _data: Any, message: Any) -> None:
        command, payload = message.topic.split("/")[-1].upper(), message.payload.decode("latin-1")
        self.heard.append((message.topic, payload, message.retain))
        if self.is_deaf:
            return
        if command == "STATUS0":
            answer = "{" if self.is_garbled else json.dumps(self.status())
            client.publish(f"stat/{self.name}/STATUS0", answer)
        elif command == "BACKLOG":
            self._backlog([each.strip() for each in payload.split(";")])
        elif command.startswith("POWER"):
            port = int(command.removeprefix("POWER") or "1")
            port = port if port <= self.relays else 1  # as the real one
            if payload.upper() in {"ON", "OFF"} and not self.disobeys:
                self._switch(port, payload.upper() == "ON")
            client.publish(f"stat/{self.name}/{self.key(port)}", self.words[self.on[port - 1]])

    def _backlog(self, commands: list[str]) -> None:
        """Carry out the commands, each after the delays before it; a delay of more than an hour of tenths is none."""
        after_s = 0.0
        for command, words in (each.split() for each in commands):
            if command == "Delay":
                after_s += int(words) / 10 if 2 <= int(words) <= 3600 else 0.0
                continue
            timer = threading.Timer(after_s, self._switch, (int(command.removeprefix("Power")), words == "ON"))
            timer.daemon = True
            self.pending.append(timer)
            timer.start()

    def _switch(self, port: int, on: bool) -> None:
        self.switched.append((port, on))
        self.on[port - 1] = on
        self.client.publish(f"stat/{self.name}/{self.key(port)}", self.words[on])

    def key(self, port: int) -> str:
        return "POWER" if self.relays == 1 else f"POWER{port}"

    def status(self) -> dict[str, Any]:
        state = {self.key(port): self.words[self.on[port - 1]] for port in range(1, self.relays + 1)}
        return {
            "Status": {"FriendlyName": [self.name]},
            "StatusPRM": {"BootCount": self.boots},
            "StatusFWR": {"Version": "14.3.0(release-tasmota)"},
            "StatusNET": {"Mac": ":".join(self.mac[at : at + 2] for at in range(0, 12, 2))},
            "StatusSTS": {"UptimeSec": round(time.monotonic() - self.began_s), **state},
        }


@define(eq=False)
class FakeDevice:
    """A device of whatever firmware: what it publishes when something comes on one of its topics."""

    broker: Mosquitto
    filters: tuple[str, ...]
    answer: Callable[[str, str], list[tuple[str, str]]]
    is_ready: threading.Event = field(factory=threading.Event)
    client: Any = None

    def plug_in(self) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._on_message
        self.client.on_connect = lambda client, *_: client.subscribe([(each, 0) for each in self.filters])
        self.client.on_subscribe = lambda *_: self.is_ready.set()
        self.client.connect("127.0.0.1", self.broker.port)
        self.client.loop_start()
        assert self.is_ready.wait(STARTS_S)

    def _on_message(self, client: Any, _data: Any, message: Any) -> None:
        for topic, payload in self.answer(message.topic, message.payload.decode()):
            client.publish(topic, payload)

    def unplug(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@define(kw_only=True)
class Relay:
    """A relay that can be told to come on by itself."""

    is_on: bool = False
    on_at_s: float = math.inf

    def pulse(self, off_s: float) -> None:
        self.is_on, self.on_at_s = False, time.monotonic() + off_s

    def catch_up(self) -> None:
        if time.monotonic() >= self.on_at_s:
            self.is_on, self.on_at_s = True, math.inf


@define(kw_only=True)
class Shelly(Relay):
    """As a Shelly of the second generation answers."""

    watts: float | None = 8.9
    uptime_s: int = 500
    filters = ("shelly/command/#", "shelly/rpc")

    def answer(self, topic: str, payload: str) -> list[tuple[str, str]]:
        self.catch_up()
        request = json.loads(payload) if topic == "shelly/rpc" else {}
        if request.get("method") == "Switch.Set":
            assert (request["params"]["id"], request["params"]["on"]) == (0, False)
            self.pulse(request["params"]["toggle_after"])
            return [(f"{request['src']}/rpc", json.dumps({"id": request["id"], "result": {"was_on": True}}))]
        if request:
            assert request["method"] == "Sys.GetStatus"
            result = {"mac": MAC, "uptime": self.uptime_s, "unixtime": 1_790_000_000 + self.uptime_s}
            return [(f"{request['src']}/rpc", json.dumps({"id": request["id"], "result": result}))]
        if payload in {"on", "off"}:
            self.is_on = payload == "on"
        status = {"id": 0, "source": "MQTT", "output": self.is_on, **({} if self.watts is None else {"apower": self.watts})}
        return [("shelly/status/switch:0", json.dumps(status))]


@define
class Zigbee2Mqtt:
    """As Zigbee2MQTT answers for one plug."""

    is_on: bool = False
    filters = ("zigbee2mqtt/+/+",)

    def answer(self, topic: str, payload: str) -> list[tuple[str, str]]:
        if topic.endswith("/set"):
            self.is_on = json.loads(payload)["state"] == "ON"
        elif not (topic.endswith("/get") and json.loads(payload) == {"state": ""}):
            return []
        state = {"linkquality": 80, "state": "ON" if self.is_on else "OFF"}
        return [(topic.rsplit("/", 1)[0], json.dumps(state))]


@define(kw_only=True)
class EspHome(Relay):
    """As an ESPHome node answers that has the lines of its page."""

    filters = ("node/switch/relay/command", "node/switch/relay/ask", "node/switch/relay/pulse", "esphome/ping/node")

    def answer(self, topic: str, payload: str) -> list[tuple[str, str]]:
        self.catch_up()
        if topic == "esphome/ping/node":
            return [("esphome/discover/node", json.dumps({"name": "node", "mac": MAC.lower(), "version": "2026.6.5"}))]
        if topic.endswith("/command"):
            self.is_on = {"ON": True, "OFF": False}.get(payload, self.is_on)
        if topic.endswith("/pulse") and float(payload or "0") > 0:
            self.pulse(float(payload))
        return [("node/switch/relay/state", "ON" if self.is_on else "OFF")]


@define(kw_only=True)
class OpenBeken(Relay):
    """As OpenBeken answers, whose state comes on the topic that asks for it; an empty command is taken for 0."""

    filters = ("obk/1/set", "obk/1/get", "cmnd/obk/backlog")

    def answer(self, topic: str, payload: str) -> list[tuple[str, str]]:
        self.catch_up()
        if topic == "cmnd/obk/backlog":
            off, later = payload.split("; ")
            event, seconds, times, *command = later.split(" ", 5)
            assert (off, event, times, command) == ("SetChannel 1 0", "addRepeatingEvent", "1", ["SetChannel", "1", "1"])
            self.pulse(int(seconds))
        elif topic.endswith("/set"):
            self.is_on = payload == "1"
        elif payload:
            return []  # what it has said itself
        return [("obk/1/get", "1" if self.is_on else "0")]

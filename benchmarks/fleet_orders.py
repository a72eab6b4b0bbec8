"""Orders under kill -9: `python -m benchmarks.fleet_orders [COUNT]`, by default 1,000, some twelve minutes.

The real service on a fake board, the real bridge, mosquitto. Each order is sent one to five times, a quarter of these retained;
meanwhile broker, bridge and service are killed at random. Some orders arrive up to a day after their deadline, as if a broker had
held them; some have a deadline up to a day ahead, as if a clock were wrong. The service's log tells what was carried out.
"""

import contextlib
import json
import random
import secrets
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from attrs import define, field
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.node import Node, new_node
from benchmarks.processes import wait_until
from tests.io.brokers import Mosquitto
from wagman.bridges.fleet.ledger import Ledger
from wagman.client.errors import ClientError

FLEET = """
[node]
name = "v042"
[service]
socket = "{socket}"
state_dir = "{home}"
[broker]
host = "127.0.0.1"
port = {port}
tls = false
reconnect_max = "1s"
[orders]
from = ["alice"]
rate = "1000/s"
max_late = "1min"
"""
TOPIC: Final = "wagman/1/v042/do/alice"
VERBS: Final = ("start", "stop", "restart", "enable", "disable")
GUESTS: Final = ("gn", "cs", "x1", "x2")
VICTIMS: Final = ("broker", "bridge", "bridge", "service")
"""The processes to be killed, each once in a random order: the bridge twice as often."""

DAY_S: Final = 86_400.0
GRACE_S: Final = 1.0
"""Seconds after its deadline up to which an order may be in the log (as specified)."""

SOON: Final = (0.1, 1.0, 5.0, 15.0, 30.0, 50.0)
HELD: Final = (-0.5, -5.0, -3600.0, -DAY_S)
FAR: Final = (120.0, DAY_S)
RETAINED: Final = 0.25
"""The share of the copies that are retained."""

PAGE: Final = 1000
SEED: Final = 1


class Given(NamedTuple):
    """An order: its deadline, how often it is sent, and its kind."""

    until_s: float
    copies: int
    kind: str  # soon, held or far


class Outcome(NamedTuple):
    """The result for all orders."""

    given: dict[str, Given]
    logged: dict[str, list[float]]  # by order, the times at which it was logged
    answers: dict[str, Counter[str]]
    kills: Counter[str]

    @property
    def twice(self) -> list[str]:
        """Orders that are in the log more than once."""
        return [order for order, times in self.logged.items() if len(times) > 1]

    @property
    def late(self) -> list[str]:
        """Orders that are in the log after their deadline."""
        return [order for order, times in self.logged.items() if max(times) > self.given[order].until_s + GRACE_S]

    @property
    def wrong(self) -> list[str]:
        """Orders in the log that should have been refused: they came too late, or their deadline was too far ahead."""
        return [order for order in self.logged if self.given[order].kind != "soon"]

    @property
    def strange(self) -> list[str]:
        """Orders that were accepted but are not in the log: a kill may lie between."""
        return [order for order, said in self.answers.items() if said["accepted"] and order not in self.logged]


@define(eq=False)
class Site:
    """The node, the bridge, the broker, and an operator named alice."""

    node: Node
    broker: Mosquitto
    draw: random.Random
    given: dict[str, Given] = field(factory=dict)
    answers: dict[str, Counter[str]] = field(factory=dict)
    kills: Counter[str] = field(factory=Counter)
    doomed: list[str] = field(factory=list)
    alice: Any = None
    processes: dict[str, "subprocess.Popen[bytes]"] = field(factory=dict)

    @property
    def file(self) -> Path:
        """The bridge's configuration file."""
        return self.node.folder / "fleet.toml"

    def start(self) -> None:
        """Start everything except the board."""
        home = self.node.folder / "fleet"
        self.file.write_text(FLEET.format(socket=self.node.socket, home=home, port=self.broker.port), encoding="utf-8")
        home.mkdir()
        with contextlib.closing(Ledger(home / "ledger.db", 0.0)) as ledger:
            ledger.settle()  # one that is new refuses orders for five minutes
        self.broker.start()
        self.start_service()
        self.start_bridge()
        self.alice = paho.Client(CallbackAPIVersion.VERSION2, "alice", clean_session=False)
        self.alice.on_connect = lambda client, *_: client.subscribe("wagman/1/v042/done/alice", 1)
        self.alice.on_message = self.heard
        self.alice.reconnect_delay_set(1, 1)
        self.alice.max_inflight_messages_set(1000)
        self.alice.connect("127.0.0.1", self.broker.port)
        self.alice.loop_start()

    def end(self) -> None:
        """End all processes."""
        if self.alice is not None:
            self.alice.disconnect()
            self.alice.loop_stop()
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.broker.stop()

    def begin(self, name: str, *words: str) -> None:
        """Start a command of wagman; its output goes into `said(name)`."""
        command = [sys.executable, "-m", "wagman", *words]
        with self.said(name).open("wb") as file:
            self.processes[name] = subprocess.Popen(command, stdout=file, stderr=file)

    def start_service(self) -> None:
        """Start the service, and wait until it answers."""
        self.begin("service", "run", "--config", str(self.node.config))
        wait_until(self.node.answers)

    def start_bridge(self) -> None:
        """Start the bridge, and wait until it is connected: a kill before that could lose nothing."""
        self.begin("bridge", "fleet", "bridge", "--config", str(self.file))
        wait_until(lambda: b"connected to" in self.said("bridge").read_bytes())

    def said(self, name: str) -> Path:
        """Return the file with the output of a process since its start."""
        return self.node.folder / f"{name}.said"

    def kill(self) -> None:
        """Kill one process, and start it again."""
        self.doomed = self.doomed or self.draw.sample(VICTIMS, len(VICTIMS))
        what = self.doomed.pop()
        self.kills[what] += 1
        if what == "broker":
            assert self.broker.process is not None  # noqa: S101 - it was started
            self.broker.process.kill()
            self.broker.process.wait()
            time.sleep(self.draw.uniform(0, 0.3))
            self.broker.start()
            return
        self.processes[what].kill()
        self.processes[what].wait()
        time.sleep(self.draw.uniform(0, 0.3))
        (self.start_service if what == "service" else self.start_bridge)()

    def heard(self, _client: object, _data: object, message: Any) -> None:
        """Count an answer."""
        answer = json.loads(message.payload)
        self.answers.setdefault(answer["id"], Counter())[answer["outcome"]] += 1

    def give(self) -> None:
        """Send an order, one to five times."""
        order, draw = secrets.token_hex(16), self.draw
        kind, choice = draw.choice((("soon", SOON), ("soon", SOON), ("soon", SOON), ("held", HELD), ("far", FAR)))
        until = datetime.now(UTC) + timedelta(seconds=draw.choice(choice))
        message = {"v": 1, "id": order, "do": draw.choice(VERBS), "device": draw.choice(GUESTS), "until": until.isoformat()}
        given = Given(until.timestamp(), draw.randint(1, 5), kind)
        self.given[order] = given
        for _ in range(given.copies):
            self.alice.publish(TOPIC, json.dumps(message), 1, retain=draw.random() < RETAINED)

    def log(self) -> Iterator[dict[str, Any]]:
        """Yield all events of the service's log."""
        since = 0
        with self.node.client() as client:
            while events := client.call("events", since=since, limit=PAGE)["events"]:
                yield from events
                since = events[-1]["id"]

    def logged(self) -> dict[str, list[float]]:
        """Return, by order, the times of its events in the log."""
        found: dict[str, list[float]] = {}
        for event in self.log():
            if (order := event["fields"].get("order")) in self.given and event["type"].startswith("command."):
                found.setdefault(order, []).append(datetime.fromisoformat(event["time"]).timestamp())
        return found


def run(count: int, *, kills: int = 0, every_s: float = 0.6, kill_every_s: float = 2.0, settle_s: float = 10.0) -> Outcome:
    """Give at least `count` orders, and go on until there were `kills` kills."""
    with new_node() as node, node.instant_board():
        site = Site(node, Mosquitto(node.folder), random.Random(SEED))  # noqa: S311 - it is to be the same each time
        try:
            site.start()
            stop = threading.Event()
            killer = threading.Thread(target=_kill_until, args=(stop, kill_every_s, site.kill))
            killer.start()
            try:
                while len(site.given) < count or (site.kills.total() < kills and killer.is_alive()):
                    site.give()
                    time.sleep(site.draw.uniform(0, 2 * every_s))
            finally:
                stop.set()
                killer.join()
            # Wait for whatever is still under way.
            time.sleep(settle_s)
            wait_until(node.answers)
            return Outcome(site.given, site.logged(), site.answers, site.kills)
        finally:
            site.end()


def _kill_until(stop: threading.Event, every_s: float, kill: Callable[[], None]) -> None:
    while not stop.wait(every_s):
        with contextlib.suppress(ClientError):
            kill()


def main(argv: Sequence[str]) -> int:
    """Print the result; return 1 if a promise was broken, otherwise 0."""
    found = run(int(argv[0]) if argv else 1000)
    kinds = Counter(each.kind for each in found.given.values())
    said = Counter(outcome for each in found.answers.values() for outcome in each)
    print(f"orders {len(found.given)} ({kinds['held']} of them held, {kinds['far']} too far away)", end=", ")
    print(f"delivered {sum(each.copies for each in found.given.values())} times")
    print(f"killed: {', '.join(f'{what} {times} times' for what, times in sorted(found.kills.items()))}")
    print(f"answered {len(found.answers)}: {', '.join(f'{what} {orders}' for what, orders in sorted(said.items()))}")
    print(f"in the log {len(found.logged)}, accepted and not in the log {len(found.strange)}")
    broken = found.twice, found.late, found.wrong
    print("in the log more than once {}, after its deadline {}, held or too far away {}".format(*map(len, broken)))
    return int(any(broken) or not found.logged)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

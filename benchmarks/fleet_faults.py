"""What a fleet loses under kill -9 and dead links: `python -m benchmarks.fleet_faults [ROUNDS] [BROKER]`, some ten minutes.

By default 50 rounds. The real bridge and the real collector, a broker - mosquitto, or nats with MQTT 3.1.1 -, and a small service
that writes twenty events a second.
"""

import contextlib
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from attrs import define, field

from tests.bridges.fleet.brokers import AnyBroker, Nats
from tests.cli.kit import Daemon, Running
from tests.io.brokers import Mosquitto
from wagman.client.blocking import Client
from wagman.client.errors import ClientError

NODE = """
[node]
name = "v042"
[service]
socket = "{socket}"
state_dir = "{home}/state"
[broker]
host = "127.0.0.1"
port = {port}
tls = false
keepalive = "3s"
reconnect_max = "1s"
protocol = "{protocol}"
[events]
linger = "100ms"
"""
OPERATOR = """
[operator]
name = "noc"
[broker]
host = "127.0.0.1"
port = {port}
tls = false
keepalive = "3s"
reconnect_max = "1s"
protocol = "{protocol}"
"""
EVERY_S = 0.05


@define(eq=False)
class Proxy:
    """A proxy in front of the broker, whose connections can be cut (`cut`) or swallow everything (`is_dead`)."""

    to_port: int
    is_dead: bool = False
    listener: socket.socket = field(factory=lambda: socket.create_server(("127.0.0.1", 0)))
    ends: list[socket.socket] = field(factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        while True:
            one, _ = self.listener.accept()
            try:
                other = socket.create_connection(("127.0.0.1", self.to_port))
            except OSError:
                one.close()
                continue
            self.ends += [one, other]
            for pair in ((one, other), (other, one)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if not self.is_dead:
                    sink.sendall(data)
        self.hang_up(source, sink)

    def hang_up(self, *ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        ends, self.ends = self.ends, []
        self.hang_up(*ends)


@define(eq=False)
class Site:
    """The node, the broker and the collector, with the faults that can happen to them, each a method."""

    home: Path
    broker: AnyBroker
    daemon: Daemon
    proxy: Proxy
    bridge: Running | None = None
    collector: Running | None = None
    is_over: bool = False
    written: int = 0

    def write(self) -> None:
        while not self.is_over:
            with contextlib.suppress(ClientError, OSError), Client(str(self.daemon.socket)) as client:
                while not self.is_over:
                    client.call("board", command="record test.event")
                    self.written += 1
                    time.sleep(EVERY_S)
            time.sleep(EVERY_S)

    def start_bridge(self) -> None:
        self.bridge = self.daemon.begin("fleet", "bridge", "--config", str(self.home / "node.toml"))
        self.bridge.line()

    def start_collector(self) -> None:
        self.collector = self.daemon.begin(
            "fleet", "collect", "--sqlite", str(self.home / "db"), "--config", str(self.home / "noc.toml")
        )
        self.collector.line()

    def kill_broker(self) -> None:
        assert self.broker.process is not None
        self.broker.process.kill()
        self.broker.process.wait()
        self.broker.start()
        time.sleep(1.5)

    def kill_bridge(self) -> None:
        assert self.bridge is not None
        self.bridge.process.kill()
        self.bridge.process.communicate()
        self.start_bridge()
        time.sleep(1.0)

    def kill_service(self) -> None:
        self.daemon.kill()
        self.daemon.start()
        time.sleep(1.5)

    def cut(self) -> None:
        self.proxy.cut()
        time.sleep(1.0)

    def hole(self) -> None:
        self.proxy.is_dead = True
        time.sleep(8.0)
        self.proxy.is_dead = False
        time.sleep(1.5)

    def away(self) -> None:
        """Kill the broker while the collector is down."""
        assert self.collector is not None
        self.collector.process.kill()
        self.collector.process.communicate()
        time.sleep(0.5)
        self.kill_broker()
        self.start_collector()

    def ids(self) -> list[int]:
        """Return the ids in the collector's database, in the order in which they arrived."""
        with contextlib.closing(sqlite3.connect(self.home / "db")) as database:
            return [each for (each,) in database.execute("SELECT id FROM events ORDER BY number")]

    def log(self) -> list[int]:
        """Return every id that was ever in the log: ids are contiguous, and those the log no longer has were sent before."""
        return list(range(1, self.daemon.ask("events", limit=1)["last_id"] + 1))


PROTOCOLS = {"mosquitto": "5", "nats": "3.1.1"}


def run(rounds: int, which: str) -> int:
    """Run all faults, and print the result; return 1 if the database and the log differ, otherwise 0."""
    home, protocol = Path(tempfile.mkdtemp(prefix="fleet")), PROTOCOLS[which]
    broker: AnyBroker = Nats(home) if which == "nats" else Mosquitto(home)
    daemon = Daemon(home)
    proxy = Proxy(broker.port)
    site = Site(home, broker, daemon, proxy)
    (home / "node.toml").write_text(NODE.format(socket=daemon.socket, home=home, port=proxy.port, protocol=protocol))
    (home / "noc.toml").write_text(OPERATOR.format(port=broker.port, protocol=protocol))
    threading.Thread(target=proxy.serve, daemon=True).start()
    broker.start()
    daemon.start()
    site.start_bridge()
    site.start_collector()
    threading.Thread(target=site.write, daemon=True).start()
    faults: list[tuple[Any, int]] = [
        (site.kill_broker, rounds),
        (site.kill_bridge, rounds),
        (site.kill_service, rounds * 2 // 5),
        (site.cut, rounds),
        (site.hole, rounds // 10),
        (site.away, rounds // 5),
    ]
    try:
        for fault, count in faults:
            began_s = time.monotonic()
            for _ in range(count):
                fault()
            took_s = time.monotonic() - began_s
            print(f"{fault.__name__:<14} {count:>3} times, {took_s:.0f} s, {site.written} events written", flush=True)
        site.is_over = True
        time.sleep(1)
        due_s = time.monotonic() + 120
        while len(site.ids()) < len(site.log()) and time.monotonic() < due_s:
            time.sleep(0.5)
        here, there = site.ids(), site.log()
        late = sum(one > other for one, other in pairwise(here))
        lost, strange, twice = set(there) - set(here), set(here) - set(there), len(here) - len(set(here))
        print(f"in the log {len(there)}, lost {len(lost)}, twice {twice}, strange {len(strange)}")
        print(f"asked for again, and so in the database behind newer ones: {late} spans")
        return int(set(here) != set(there))
    finally:
        site.is_over = True
        daemon.end()
        broker.stop()


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]) if len(sys.argv) > 1 else 50, sys.argv[2] if len(sys.argv) > 2 else "mosquitto"))  # noqa: PLR2004

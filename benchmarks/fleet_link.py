"""What a bad link costs a fleet: `python -m benchmarks.fleet_link catch-up [EVENTS]`, `python -m benchmarks.fleet_link rest`.

`catch-up`: the backlog of a real service, by default 100,000 events as the simulation has them; the link has 300 ms and 64 kB/s.

`rest`, as root: the bridge of a node on which nothing happens, with TLS and certificates, counted on the wire between two network
namespaces. What a quarter of an hour of silence costs, and an hourly status, is measured with a second for each minute of these.
"""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from attrs import astuple, define, field

from benchmarks.fleet_mix import mix
from benchmarks.log_writes import new_table
from benchmarks.node import new_node
from benchmarks.processes import processor_s, rss_mb, wait_until
from tests.io.brokers import MOSQUITTO, Mosquitto
from wagman.bridges.fleet.ledger import Ledger
from wagman.model.shapes import Event
from wagman.store import Event as Logged
from wagman.store.batch import COLUMNS, MARKS

DELAY_S: Final = 0.15
"""The delay in one direction, in seconds."""

RATE: Final = 64_000.0
"""Bytes a second."""

PIECE: Final = 4096
WAIT_S: Final = 400.0
HOURS: Final = 24.0
"""Hours of the simulation: some 2,400 events, which are several batches, so that no batch holds an event twice."""
NODE: Final = """
[node]
name = "v042"
[service]
socket = "{socket}"
state_dir = "{home}"
[broker]
host = "{host}"
port = {port}
{broker}
[events]
catch_up_rate = "{rate}"
[status]
every = "{every}"
"""


@define(eq=False)
class SlowLink:
    """A link with a delay and a limited rate."""

    to_port: int
    sent: list[int] = field(factory=list)  # sizes of the pieces passed on towards the broker
    listener: socket.socket = field(factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        """The link's own TCP port."""
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        """Serve one connection after the other."""
        while True:
            one, _ = self.listener.accept()
            other = socket.create_connection(("127.0.0.1", self.to_port))
            for source, sink, count in ((one, other, self.sent.append), (other, one, None)):
                # At most a second of data waits in the buffer.
                source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * PIECE)
                threading.Thread(target=self.pump, args=(source, sink, count), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket, count: Callable[[int], None] | None) -> None:
        """Pass on one direction: each piece arrives after the delay, and waits for the pieces before it."""
        line_free_s = 0.0
        pieces: list[tuple[float, bytes]] = []
        is_there = threading.Condition()

        def deliver() -> None:
            while True:
                with is_there:
                    is_there.wait_for(lambda: pieces)
                    due_s, data = pieces.pop(0)
                time.sleep(max(0.0, due_s - time.monotonic()))
                sink.sendall(data)

        threading.Thread(target=deliver, daemon=True).start()
        while data := source.recv(PIECE):
            if count is not None:
                count(len(data))
            line_free_s = max(line_free_s, time.monotonic()) + len(data) / RATE
            with is_there:
                pieces.append((line_free_s + DELAY_S, data))
                is_there.notify()
            time.sleep(max(0.0, line_free_s - time.monotonic()))


def logged(event: Event, number: int) -> Logged:
    """Return the event as a row of a log, under another number."""
    cause = None if event["cause"] is None else max(1, event["cause"] + number - (event["id"] or 0))
    fields = json.dumps(event["fields"], separators=(",", ":"), ensure_ascii=False)
    return Logged(number, event["time"], event["boot_id"], event["mono_s"], event["type"], event["device"], cause, fields)


def catch_up(count: int) -> None:
    """Print how long catching up took, and how much went over the link."""
    events = mix(HOURS)
    with new_node() as node, node.instant_board():
        node.database.parent.mkdir()
        with closing(new_table(node.database)) as log:
            log.execute("BEGIN IMMEDIATE")
            rows = (astuple(logged(events[at % len(events)], at + 1), recurse=False) for at in range(count))
            log.executemany(f"INSERT INTO event ({COLUMNS}) VALUES ({MARKS})", rows)  # noqa: S608 - both are constants
            log.execute("COMMIT")
        broker = Mosquitto(node.folder)
        broker.start()
        link = SlowLink(broker.port)
        threading.Thread(target=link.serve, daemon=True).start()
        home = node.folder / "fleet"
        text = {
            "socket": node.socket,
            "home": home,
            "host": "127.0.0.1",
            "broker": "tls = false",
            "rate": "64kB/s",
            "every": "1h",
        }
        (node.folder / "fleet.toml").write_text(NODE.format(port=link.port, **text), encoding="utf-8")
        with node.service(), ExitStack() as stack:
            command = [sys.executable, "-m", "wagman", "fleet", "bridge", "--config", str(node.folder / "fleet.toml")]
            began_s = time.monotonic()
            bridge = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            stack.callback(bridge.wait)
            stack.callback(bridge.terminate)
            wait_until(lambda: sum(link.sent))
            connected_s, place, before_mb = time.monotonic(), 0, rss_mb(bridge.pid)
            while place < count and time.monotonic() < connected_s + WAIT_S:
                time.sleep(0.25)
                with closing(Ledger(home / "ledger.db", 0.0)) as ledger:
                    place = ledger.place.id
            took_s, size = time.monotonic() - connected_s, sum(link.sent)
            print(f"{place} events in {took_s:.1f} s after connecting, which took {connected_s - began_s:.1f} s")
            print(f"{size} bytes to the broker, {size / count:.1f} an event: {size / RATE:.1f} s of the link")
            memory = f"{before_mb:.1f} MB at first, {rss_mb(bridge.pid):.1f} MB then"
            print(f"bridge {processor_s(bridge.pid):.1f} s of a processor, {memory}")
        broker.stop()


# --- At rest ----------------------------------------------------------------------------------------------------------

SPACE, OURS, THEIRS = "wagman-fleet", "wgfleet0", "wgfleet1"
FRAME_BYTES: Final = 14
KEEPALIVE_S, STATUS_S = 15, 60
HOURS_A_MONTH: Final = 730
CYCLES: Final = 4
BEATS_PER_S: Final = 2.0
"""Beats a second of all guests together: they are up, and nothing happens."""


def rest() -> None:
    """Print the cost of an hour at rest, and of a month."""
    script = Path("contrib/mosquitto/certificates.sh").resolve()
    with new_node() as node, node.instant_board(BEATS_PER_S), ExitStack() as stack:
        certificates = node.folder / "certificates"
        for words in (["authority"], ["broker", "10.99.99.2"], ["client", "v042"]):
            subprocess.run([script, str(certificates), *words], check=True, stdout=subprocess.DEVNULL)
        stack.callback(subprocess.run, ["ip", "netns", "del", SPACE], check=False)
        inside = ["ip", "netns", "exec", SPACE]
        for line in (
            f"ip netns add {SPACE}",
            f"ip link add {OURS} type veth peer name {THEIRS} netns {SPACE}",
            f"ip addr add 10.99.99.1/24 dev {OURS}",
            f"ip link set {OURS} up",
            f"ip netns exec {SPACE} ip addr add 10.99.99.2/24 dev {THEIRS}",
            f"ip netns exec {SPACE} ip link set {THEIRS} up",
        ):
            subprocess.run(line.split(), check=True)
        for each in (f"/proc/sys/net/ipv6/conf/{OURS}/disable_ipv6",):
            Path(each).write_text("1", encoding="utf-8")
        conf = node.folder / "mosquitto.conf"
        files = "\n".join(f"{key} {certificates}/{file}" for key, file in (("cafile", "ca.crt"), ("certfile", "broker.crt")))
        conf.write_text(
            f"user root\nlistener 8883 10.99.99.2\n{files}\nkeyfile {certificates}/broker.key\nrequire_certificate true\n"
            "use_identity_as_username true\nallow_anonymous false\n",
            encoding="utf-8",
        )
        broker = subprocess.Popen([*inside, str(MOSQUITTO), "-c", str(conf)], stderr=subprocess.DEVNULL)
        stack.callback(broker.wait)
        stack.callback(broker.terminate)
        files = f'ca = "{certificates}/ca.crt"\ncertificate = "{certificates}/v042.crt"\nkey = "{certificates}/v042.key"\n'
        text = {"socket": node.socket, "home": node.folder / "fleet", "host": "10.99.99.2", "port": 8883, "rate": "16kB/s"}
        text |= {"broker": f'{files}keepalive = "{KEEPALIVE_S}s"', "every": f"{STATUS_S}s"}
        (node.folder / "fleet.toml").write_text(NODE.format(**text), encoding="utf-8")
        with node.service():
            wait_until(node.all_started)
            command = [sys.executable, "-m", "wagman", "fleet", "bridge", "--config", str(node.folder / "fleet.toml")]
            bridge = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            stack.callback(bridge.wait)
            stack.callback(bridge.terminate)
            assert bridge.stdout is not None  # noqa: S101 - as it was begun
            print(bridge.stdout.readline().strip())
            time.sleep(STATUS_S + 5)
            connecting = _counted()
            time.sleep(CYCLES * STATUS_S)
            _show(connecting, _counted())


def _counted() -> tuple[int, int]:
    """Return the bytes and packets of both directions so far."""
    place = Path(f"/sys/class/net/{OURS}/statistics")
    both = [[int((place / f"{way}_{what}").read_text(encoding="utf-8")) for way in ("rx", "tx")] for what in ("bytes", "packets")]
    return sum(both[0]), sum(both[1])


def _show(before: tuple[int, int], after: tuple[int, int]) -> None:
    size, packets = (after[0] - before[0]) / CYCLES, (after[1] - before[1]) / CYCLES
    bare = size - FRAME_BYTES * packets
    print(f"until it was connected and a status was sent again: {before[0]} bytes in {before[1]} packets")
    print(f"an hour at rest: {size:.0f} bytes in {packets:.1f} packets, {bare:.0f} without the frames of Ethernet")
    month_mb, bare_mb = size * HOURS_A_MONTH / 1e6, bare * HOURS_A_MONTH / 1e6
    print(f"a month ({HOURS_A_MONTH} h): {month_mb:.2f} MB, {bare_mb:.2f} MB without the frames")


def main(argv: Sequence[str]) -> None:
    """Run one of the two measurements, or print the usage."""
    match argv:
        case ["catch-up", *count]:
            catch_up(int(count[0]) if count else 100_000)
        case ["rest"] if shutil.which("ip"):
            rest()
        case _:
            print(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])

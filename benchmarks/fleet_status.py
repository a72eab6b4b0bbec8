"""The time of `wagman fleet status`: `python -m benchmarks.fleet_status [NODES]`, by default 9,000."""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import trio

from tests.io.brokers import Mosquitto
from wagman.bridges.fleet.broker import Broker
from wagman.bridges.fleet.link import connected
from wagman.bridges.fleet.payloads import packed

OPERATOR: Final = '[operator]\nname = "noc"\n[broker]\nhost = "127.0.0.1"\nport = {port}\ntls = false\n'
TRIES: Final = 5


def guest(number: int) -> dict[str, Any]:
    """Return the entry of a healthy guest; `number` sets its time."""
    since = datetime.fromtimestamp(1_790_000_000 + number, UTC).isoformat(timespec="milliseconds")
    words = {"state": "started", "since": since, "reason": "it was heard", "wanted": "up", "enabled": True, "confirmed": True}
    return {**words, "media": "emmc", "attempts": 0, "failures": 0, "held": False, "stuck": False, "unrecoverable": False}


def status(node: int, now: str) -> dict[str, Any]:
    """Return the status of a node with five guests; every tenth node has a problem."""
    problem = {"id": "gn-down", "severity": "warning", "since": now, "text": "gn does not come up"}
    return {
        "v": 1,
        "at": now,
        "service": "up",
        "version": "0.2.0",
        "boot": f"{node:032x}",
        "log": f"{node * 7919:032x}",
        "first": 1,
        "last": node,
        "link": "up",
        "blind": False,
        "wagman": "normal",
        "sensors": {"temperature_c": "normal", "humidity_pct": "normal"},
        "devices": {name: guest(node + at) for at, name in enumerate(("nc", "gn", "cs", "x1", "x2"))},
        "problems": [problem] if node % 10 == 0 else [],
    }


async def fill(port: int, nodes: int) -> None:
    """Have the broker retain the messages of so many nodes."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    async with connected(Broker("127.0.0.1", port, is_tls=False), "nodes") as link:
        for node in range(nodes):
            topic = f"wagman/1/v{node:05}"
            online = {"online": True, "session": f"{node:016x}", "since": now}
            link.publish(f"{topic}/online", packed(online, deflate=False), retained=True)
            link.publish(f"{topic}/status", packed(status(node, now), deflate=True), retained=True)
            while link.most_under_way - len(link._waiting) < 1:  # noqa: SLF001 - no more than it admits
                await link.receive()


def main(argv: Sequence[str]) -> None:
    """Print the time that the command took, several times."""
    nodes, home = int(argv[0]) if argv else 9_000, Path(tempfile.mkdtemp(prefix="fleet"))
    broker = Mosquitto(home, ("max_queued_messages 0", "max_inflight_messages 0"))
    broker.start()
    try:
        trio.run(fill, broker.port, nodes)
        (home / "noc.toml").write_text(OPERATOR.format(port=broker.port), encoding="utf-8")
        for _ in range(TRIES):
            before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            command = [sys.executable, "-m", "wagman", "fleet", "status", "--config", str(home / "noc.toml")]
            told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"{len(told) - 2} rows in {time.monotonic() - began_s:.2f} s, {used_s:.2f} s of a processor; {told[-1]}")
    finally:
        broker.stop()


if __name__ == "__main__":
    main(sys.argv[1:])

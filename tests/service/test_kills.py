"""kill -9 at any moment: nobody notices it but the service itself.

`WAGMAN_KILLS` says how many kills; the default is what each run of the suite can afford.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field

from tests.service.kit import Node, asked, eventually, new_node

KILLS = int(os.environ.get("WAGMAN_KILLS", "50"))

CONFIG = """
[board]
device = "{folder}/tty"
[service]
socket = "{folder}/socket"
state_dir = "{folder}/state"
[wagman]
normal_interval = "5s"
hibernate_interval = "3s"
hibernate_min = "20s"
[environment]
samples = 2
[environment.temperature_c]
high = 60
hysteresis = 5
[defaults]
adopt_window = "10s"
start_timeout = "40s"
heartbeat_timeout = "30s"
stop_silence = "30s"
backoff_min = "5s"
backoff_max = "20s"
stable_after = "60s"
command_timeout = "60s"
[device.gn]
port = 1
shutdown = {halt_gn}
[device.cs]
port = 2
shutdown = {halt_cs}
"""


@define
class Follower:
    """Somebody who fetches what has been shown since, across restarts, and remembers all of it."""

    node: Node
    seen: dict[int, Mapping[str, Any]] = field(factory=dict)

    def catch_up(self) -> None:
        for event in self.fetch(since=max(self.seen, default=0)):
            self.seen[event["id"]] = event

    def fetch(self, since: int) -> list[Mapping[str, Any]]:
        """Everything after `since`, page by page."""
        found: list[Mapping[str, Any]] = []
        while page := self.node.call("events", since=found[-1]["id"] if found else since, limit=500)["events"]:
            found += page
        return found


def stir(node: Node, chance: random.Random) -> None:
    """Something happens on the node, so that the kills meet every state."""
    device = chance.choice(["gn", "cs"])
    match chance.randrange(20):
        case 0 | 1:
            node.call("restart", device=device)
        case 2:
            node.call("stop", device=device)
        case 3 | 4 | 5:
            node.call("start", device=device, force=True)
        case 6:
            asked(node.control, f"hang {device}")  # refused where it shows no life
        case 7:
            node.board("temp 70")
        case 8 | 9 | 10:
            node.board("temp 20")
        case _:
            pass


def require_contiguous(log: Sequence[Mapping[str, Any]]) -> None:
    ids = [event["id"] for event in log]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


def require_no_repeats(node: Node, log: Sequence[Mapping[str, Any]], name: str, port: int) -> None:
    """Each relay-on belongs to a start, each relay-off to an end: a kill that repeats one makes one too many."""

    def count(*types: str) -> int:
        return sum(event["type"] in types and event["device"] == name for event in log)

    switches = Counter(entry["on"] for entry in node.all_switches() if entry["port"] == port and entry["by"] == "command")
    assert switches[True] <= count("device.starting"), f"{name} was switched on more often than it was started"
    assert switches[False] <= count("device.stopped", "device.starting"), f"{name} was cut more often than it was stopped"


def test_no_kill_repeats_a_power_cycle_or_takes_back_what_was_shown() -> None:
    chance = random.Random(os.environ.get("WAGMAN_KILL_SEED", "kills"))
    met: Counter[str] = Counter()
    with new_node() as node:
        node.configure(CONFIG)
        node.start_board()
        eventually((node.folder / "tty").exists)
        follower = Follower(node)
        for _ in range(KILLS):
            service = node.start_service()
            eventually(node.answers)
            stir(node, chance)
            time.sleep(chance.uniform(0.0, 1.0))
            follower.catch_up()
            met.update(node.states().values())
            met[node.call("status")["wagman"]["state"]] += 1
            service.send_signal(signal.SIGKILL)
            service.wait()
        node.start_service()
        eventually(node.answers)
        log = follower.fetch(since=0)
        require_contiguous(log)
        kept = {event["id"]: event for event in log}
        assert {number: kept.get(number) for number in follower.seen} == follower.seen
        require_no_repeats(node, log, "gn", 1)
        require_no_repeats(node, log, "cs", 2)
    assert met.keys() >= {"stopped", "starting", "started", "stopping"} or KILLS < 50, f"the kills met only {dict(met)}"

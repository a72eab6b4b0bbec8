"""kill -9 at any moment: nobody notices but the service's own start.

`WAGMAN_KILLS` says how many kills; the default is what each run of the suite can afford.
"""

import os
import random
import time
from collections import Counter
from pathlib import Path

from tests.memory.node import Follower, Node, node, until

KILLS = int(os.environ.get("WAGMAN_KILLS", "50"))


def stir(it: Node, chance: random.Random) -> None:
    """Something happens on the node, so that the kills meet every state."""
    device = chance.choice(["gn", "cs"])
    match chance.randrange(8):
        case 0 | 1:
            it.try_ask("restart", device=device)
        case 2:
            it.try_ask("stop", device=device)
        case 3 | 4:
            it.try_ask("start", device=device)
        case 5:
            it.fake("hang", device)
        case 6:
            it.fake("temp", str(chance.choice([20, 70])))
        case _:
            it.fake("revive", device)


def test_no_kill_costs_a_guest_its_power_or_the_log_an_event(tmp_path: Path) -> None:
    chance = random.Random(os.environ.get("WAGMAN_KILL_SEED", "kills"))
    states: Counter[str] = Counter()
    with node(tmp_path) as it:
        follower = Follower(it)
        for _ in range(KILLS):
            it.start()
            stir(it, chance)
            time.sleep(chance.uniform(0.0, 0.8))
            follower.catch_up()
            if status := it.try_ask("status"):
                states.update(f"{row['name']} {row['state']}" for row in status["devices"])
                states[status["wagman"]["state"]] += 1
            it.kill()
        it.fake("temp", "20")
        it.start()
        until(lambda: it.try_ask("status"), "the status")
        follower.catch_up()
        log = follower.everything()
        relays = it.fake("status")["relay_log"]
    ids = [event["id"] for event in log]
    assert ids == list(range(ids[0], ids[0] + len(ids))), "ids are contiguous"
    by_id = {event["id"]: event for event in log}
    assert {number: by_id.get(number) for number in follower.seen} == follower.seen, "what was shown is still there"
    for name, port in (("gn", 1), ("cs", 2)):
        starts = sum(event["type"] == "device.starting" and event["device"] == name for event in log)
        ons = [change for change in relays if change["port"] == port and change["on"] and change["by"] == "command"]
        offs = [change for change in relays if change["port"] == port and not change["on"] and change["by"] == "command"]
        ends = sum(event["type"] in ("device.stopped", "device.starting") and event["device"] == name for event in log)
        assert len(ons) <= starts, f"{name} was switched on more often than it was started: a kill repeated a power cycle"
        assert len(offs) <= ends, f"{name} was switched off more often than it was stopped: a kill repeated an off"
    print(dict(states))  # noqa: T201 - which states the kills met

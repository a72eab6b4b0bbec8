"""A service whose clock runs faster than the one on the wall: what it has told is placed where it was."""

import json
import subprocess
from datetime import datetime

from tests.service.kit import PATIENCE_S, SPEED, WAGMAN, environment, eventually, new_node


def test_a_report_of_it_begins_with_its_log_and_ends_now() -> None:
    with new_node() as node:
        node.start_board()
        node.start_service()
        eventually(node.all_started)
        (started,) = node.events("service.started")
        assert started["fields"]["speed"] == SPEED
        first, *_, last = (datetime.fromisoformat(each["time"]) for each in node.events())
        command = [*WAGMAN, "report", "--json", "--socket", str(node.socket)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True, env=environment())
    told = json.loads(done.stdout)
    since, until = datetime.fromisoformat(told["from"]), datetime.fromisoformat(told["to"])
    assert abs((since - first).total_seconds()) < 1.0
    assert until >= last
    assert (until - since).total_seconds() < PATIENCE_S * 2

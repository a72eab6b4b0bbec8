"""What docs/socket.md has for programs in Python does what it says, with a service there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.kit import Daemon

PAGE = (Path(__file__).parents[2] / "docs" / "socket.md").read_text()
*EXAMPLES, FOLLOWING = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=["blocking", "in trio"])
def test_the_example_shows_the_state_of_each_device(example: str, daemon: Daemon) -> None:
    script = example.replace("/run/wagman/wagman.sock", str(daemon.socket))
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    rows = daemon.ask("status")["devices"]
    assert rows
    assert shown == "".join(f"{row['name']} {row['state']}\n" for row in rows)


def test_the_follower_shows_each_event_with_its_place(daemon: Daemon) -> None:
    script = FOLLOWING.replace("/run/wagman/wagman.sock", str(daemon.socket))
    page = daemon.ask("events", since=0, limit=3)
    with subprocess.Popen([sys.executable, "-u", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = [process.stdout.readline() for _ in page["events"]]
        process.kill()
    assert shown == [f"{event['type']} {page['log_id']} {event['id']}\n" for event in page["events"]]

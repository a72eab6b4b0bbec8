"""What docs/socket.md has for programs in Python does what it says, with a service there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.kit import Daemon

PAGE = (Path(__file__).parents[2] / "docs" / "socket.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=["blocking", "in trio"])
def test_the_example_shows_the_state_of_each_device(example: str, daemon: Daemon) -> None:
    script = example.replace("/run/wagman/wagman.sock", str(daemon.socket))
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    rows = daemon.ask("status")["devices"]
    assert rows
    assert shown == "".join(f"{row['name']} {row['state']}\n" for row in rows)

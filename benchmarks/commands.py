"""A command as somebody types it: a whole process, beside a bare Python that does nothing."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.figures import Figure, Section
from benchmarks.node import running_node
from benchmarks.scale import Scale
from benchmarks.timing import in_turns

PYTHON = "python -c pass"
STATUS = "wagman status"


def measure(scale: Scale) -> list[Section]:
    """Measure the status of a node with four guests."""
    with running_node(beats_per_s=20) as (node, _):
        ways = {
            PYTHON: process(sys.executable, "-c", "pass"),
            STATUS: process(node.command, "status", "--socket", node.socket),
        }
        spreads = in_turns(ways, scale.processes, scale.rounds)
    figures = [Figure(f"{name}, p50", spread.p50_ms, "ms") for name, spread in spreads.items()]
    figures.append(Figure("what the command adds", spreads[STATUS].p50_ms - spreads[PYTHON].p50_ms, "ms", 60))
    return [Section("A command as a whole process", figures, f"{scale.processes} in each of {scale.rounds} rounds in turns.")]


def process(*command: str) -> Callable[[], object]:
    """Return a call that runs the command from start to end, and fails if the command does."""
    return partial(_run, command)


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

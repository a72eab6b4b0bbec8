"""The service at rest, and the time until its first answer: a controller and four guests that run, polled as by default."""

import time

from benchmarks.figures import Figure, Section
from benchmarks.node import Node, new_node, running_node
from benchmarks.processes import busy_percent, pss_mb, rss_mb, run_s, running, wait_until
from benchmarks.scale import Scale

KNOCK_S = 0.002
"""The time between two attempts to reach a starting service, in seconds (chosen: far less than what is measured)."""


def measure(scale: Scale) -> list[Section]:
    """Measure the time to the first answer, the processor and the memory."""
    with new_node() as node, node.instant_board():
        ready_s = min(ready(node) for _ in range(scale.rounds))
    with running_node(scale.beats_per_s) as (_, pid):
        time.sleep(scale.settle_s)
        figures = [
            Figure("from its start to its first status", ready_s, "s", 0.4),
            Figure("processor at rest", busy_percent([pid], scale.idle_s, run_s), "% of a core", 0.3),
            Figure("resident memory (RSS)", rss_mb(pid), "MB"),
            Figure("its share of it (PSS)", pss_mb(pid), "MB", 30),
        ]
    note = (
        f"A controller and four guests that beat every 8 s, polled every 5 s. The processor was watched for {scale.idle_s:g} s."
    )
    return [Section("The service at rest", figures, note)]


def ready(node: Node) -> float:
    """Return the seconds from the start of a service's process to its first status."""
    began = time.perf_counter()
    with running("run", "--config", str(node.config)):
        wait_until(node.answers, KNOCK_S)
        return time.perf_counter() - began

"""What grows with the number of devices: a board has five, and a service has one board, so it is services that grow in number."""

from contextlib import ExitStack

from benchmarks.figures import Figure, Section
from benchmarks.node import starting_node
from benchmarks.processes import busy_percent, pss_mb, wait_until
from benchmarks.scale import Scale
from benchmarks.timing import Spread, take_times

DEVICES = 5
"""On each board (firmware)."""


def measure(scale: Scale) -> list[Section]:
    """For each number of services."""
    figures = [figure for count in scale.nodes for figure in side_by_side(scale, count)]
    note = "Each service has a board of its own, and five devices, which is all that a board has. More devices are more services."
    return [Section("What grows with the number of devices", figures, note)]


def side_by_side(scale: Scale, count: int) -> list[Figure]:
    """So many services on one machine."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(starting_node(scale.beats_per_s)) for _ in range(count)]
        for node, _ in nodes:
            wait_until(node.all_started)
        pids = [pid for _, pid in nodes]
        busy = busy_percent(pids, scale.nodes_s)
        client = stack.enter_context(nodes[0][0].client())
        status = Spread.of(take_times(lambda: client.call("status"), scale.queries))
        share_mb = sum(map(pss_mb, pids))
    what = f"{count * DEVICES} devices, services: {count}"
    return [
        Figure(f"{what}: processor at rest, together", busy, "% of a core"),
        Figure(f"{what}: memory (PSS), together", share_mb, "MB"),
        Figure(f"{what}: status of one, p50", status.p50_ms, "ms"),
    ]

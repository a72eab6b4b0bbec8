"""The cost of a longer log: a service with a log that was made beforehand, and a client that asks it."""

from contextlib import ExitStack
from functools import partial

from benchmarks.figures import Figure, Section
from benchmarks.footprint import ready
from benchmarks.log_writes import insert, new_table
from benchmarks.node import Node, new_node
from benchmarks.processes import MeasurementError, wait_until
from benchmarks.scale import Scale
from benchmarks.timing import MS, Spread, take_times
from wagman.client.blocking import Client

CHUNK = 10_000
"""Rows in one transaction, while the log is made."""

WITHIN_S = 5.0
"""The longest time in which a follower has to get an event, in seconds (chosen: it takes milliseconds)."""


def measure(scale: Scale) -> list[Section]:
    """Measure each length of the log."""
    lengths = [at_length(scale, rows) for rows in scale.log_rows]
    figures = [
        Figure(f"{what}, {rows:,} events", value_ms, "ms")
        for what in lengths[0]
        for rows, value_ms in zip(scale.log_rows, (each[what] for each in lengths), strict=True)
    ]
    note = f"The middle of {scale.queries} requests each. A log has at most 100,000 events unless it is configured to have more."
    return [Section("What grows with the log", figures, note)]


def at_length(scale: Scale, rows: int) -> dict[str, float]:
    """Return, by name, the time of each operation with a log of so many rows, in milliseconds."""
    with ExitStack() as stack:
        node = stack.enter_context(new_node())
        stack.enter_context(node.instant_board())
        fill(node, rows)
        ready_s = min(ready(node) for _ in range(min(scale.rounds, 3)))
        stack.enter_context(node.service())
        wait_until(node.sees_board)
        client, watcher = (stack.enter_context(node.client()) for _ in range(2))
        watcher.call("subscribe")
        ways = {
            "status": partial(client.call, "status"),
            "the last 100 events": partial(client.call, "events", limit=100),
            "100 events after one in the middle": partial(client.call, "events", limit=100, since=rows // 2),
            "all of a type that is rare": partial(client.call, "events", limit=100, type="link.up"),
            "all of a guest that had few": partial(client.call, "events", limit=100, device="x2"),
            "a new event, until a follower has it": partial(follow_one, client, watcher),
        }
        spreads = {what: Spread.of(take_times(way, scale.queries)) for what, way in ways.items()}
    return {"from the start to the first status": ready_s * MS} | {what: spread.p50_ms for what, spread in spreads.items()}


def fill(node: Node, rows: int) -> None:
    """Make a log of so many events, all of one guest."""
    node.database.parent.mkdir()
    conn = new_table(node.database)
    for first in range(1, rows + 1, CHUNK):
        conn.execute("BEGIN IMMEDIATE")
        insert(conn, range(first, min(first + CHUNK, rows + 1)))
        conn.execute("COMMIT")
    conn.close()


def follow_one(client: Client, watcher: Client) -> None:
    """Make an event, and wait until the follower has it.

    Raises:
        MeasurementError: it did not get the event.
    """
    wanted = client.call("enable", device="gn")["event_id"]
    while (told := watcher.told(WITHIN_S)) is not None:
        if told.params["event"]["id"] == wanted:
            return
    raise MeasurementError("the follower was not told of an event")

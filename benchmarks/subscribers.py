"""The cost of more subscribers: the time from a request that makes an event until each subscriber has the event.

Besides them there is a subscriber that never reads.
"""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks.figures import Figure, Section
from benchmarks.node import Node, new_node, request_line
from benchmarks.processes import PATIENCE_S, MeasurementError, wait_until
from benchmarks.scale import Scale
from benchmarks.timing import Spread, best, no_collections
from wagman.client.blocking import Client

CHUNK = 65_536

ASLEEP = 8
"""Subscriptions of the subscriber that never reads: enough to fill the kernel's buffer soon."""


def measure(scale: Scale) -> list[Section]:
    """Measure each number of subscribers."""
    figures: list[Figure] = []
    for count in scale.subscribers:
        rounds = [watched(scale, count) for _ in range(min(scale.rounds, 3))]
        every, last = (best([each[kind] for each in rounds]) for kind in (0, 1))
        figures += every.figures(f"{count} subscribers: each of them has the event")
        figures += last.figures(f"{count} subscribers: the last of them has it")
    note = f"Each on a connection of its own; {scale.watched_events} events, one by one, each on the disk first. The best of 3."
    return [Section("What grows with those who watch", figures, note)]


def watched(scale: Scale, count: int) -> tuple[Spread, Spread]:
    """Return the times until each subscriber had an event, and until the last one had it."""
    with ExitStack() as stack:
        node = stack.enter_context(new_node())
        stack.enter_context(node.instant_board())
        stack.enter_context(node.service())
        wait_until(node.sees_board)
        stack.enter_context(subscriber(node, ASLEEP))
        watchers = [stack.enter_context(subscriber(node)) for _ in range(count)]
        client = stack.enter_context(node.client())
        with no_collections():
            times = [tell(client, watchers) for _ in range(scale.watched_events)]
    return Spread.of([each for event in times for each in event]), Spread.of([max(event) for event in times])


@contextmanager
def subscriber(node: Node, subscriptions: int = 1) -> Iterator[socket.socket]:
    """Yield a connection whose subscriptions have been confirmed."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(node.socket)
        connection.sendall(request_line("subscribe") * subscriptions)
        answered = 0
        while answered < subscriptions:
            answered += connection.recv(CHUNK).count(b"\n")
        yield connection


def tell(client: Client, watchers: Sequence[socket.socket]) -> list[float]:
    """Make an event; return the seconds until each watcher had it."""
    with selectors.DefaultSelector() as selector:
        for watcher in watchers:
            selector.register(watcher, selectors.EVENT_READ, watcher)
        began = time.perf_counter()
        client.call("enable", device="gn")
        return list(arrivals(selector, began))


def arrivals(selector: selectors.BaseSelector, began: float) -> Iterator[float]:
    """Yield, for each watcher, the seconds from `began` until it had a line.

    Raises:
        MeasurementError: a watcher got none.
    """
    while selector.get_map():
        ready = selector.select(PATIENCE_S)
        if not ready:
            raise MeasurementError("a subscriber was not told of an event")
        for key, _ in ready:
            if key.data.recv(CHUNK).endswith(b"\n"):
                selector.unregister(key.fileobj)
                yield time.perf_counter() - began

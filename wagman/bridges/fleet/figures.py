"""`wagman fleet metrics`: what a collector's database has of each node, as figures for Prometheus. Pure.

Times are timestamps, never ages; a state has a sample for each word; unknown values have no sample. The only text of a node that
becomes a label is its name: any other text would make new series all the time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from wagman.bridges.metrics.catalogue import GUEST_STATES, SEVERITIES
from wagman.bridges.metrics.exposition import exposed
from wagman.bridges.metrics.family import Family, Sample, number

STATES: Final = ("online", "offline", "unknown")

OTHER: Final = "other"
"""The word for the words of newer nodes that are not known here."""

STALE_S: Final = 3 * 3600.0
"""After so long without a message, the state of an online node is unknown (chosen: three of the hourly statuses)."""


@frozen
class Tally:
    """What the database has of a node.

    Args:
        node: its name.
        heard_s: when it was last heard, in seconds since 1970; None: never, or only by messages that the broker had kept.
        is_online: its last word on that, or its will's; None: there was none.
        last: the id of the last known event of its present log; None: there is no log yet.
        missing: the number of events that are missing and asked for, in all of its logs.
        lost: the number of events that are gone for good.
        status: its latest status.
    """

    node: str
    heard_s: float | None
    is_online: bool | None
    last: int | None
    missing: int
    lost: int
    status: Mapping[str, Any] | None


def state(tally: Tally, now_s: float) -> str:
    """Return whether a node is online. What is known grows old, since a collector that stands still hears nothing."""
    if tally.is_online is False:
        return "offline"
    is_fresh = tally.heard_s is not None and now_s - tally.heard_s <= STALE_S
    return "online" if tally.is_online and is_fresh else "unknown"


def _states(tally: Tally, now_s: float) -> Iterator[Sample]:
    found = state(tally, now_s)
    yield from (Sample({"state": each}, float(each == found)) for each in STATES)


def _counted(words: Iterable[object], known: Sequence[str], label: str) -> Iterator[Sample]:
    counts = dict.fromkeys((*known, OTHER), 0)
    for word in words:
        counts[word if isinstance(word, str) and word in counts else OTHER] += 1
    yield from (Sample({label: word}, float(count)) for word, count in counts.items() if word != OTHER or count)


def _problems(tally: Tally, _now_s: float) -> Iterator[Sample]:
    if tally.status is not None:
        yield from _counted((each.get("severity") for each in tally.status["problems"]), SEVERITIES, "severity")


def _guests(tally: Tally, _now_s: float) -> Iterator[Sample]:
    if tally.status is not None:
        yield from _counted((each.get("state") for each in tally.status["devices"].values()), GUEST_STATES, "state")


def _service(tally: Tally) -> float | None:
    return None if tally.status is None else tally.status.get("service") == "up"


UP: Final[Family[bool]] = number(
    "wagman_fleet_up", "The collector's database can be read; while it cannot, there is no other metric.", lambda is_up: is_up
)

FAMILIES: Final[Sequence[Family[Tally]]] = (
    Family(
        "wagman_fleet_node_state", "Whether the node is at the broker; unknown, too, after 3 h of silence.", _states, ("state",)
    ),
    number("wagman_fleet_node_last_heard_timestamp_seconds", "When the collector heard the node last.", lambda it: it.heard_s),
    number("wagman_fleet_node_service_up", "The service on the node answered, as its latest status says.", _service),
    number(
        "wagman_fleet_node_log_events_total",
        "The id of the last event of its log that is known of.",
        lambda it: it.last,
        "counter",
    ),
    number("wagman_fleet_node_missing_events", "Events that are missing: on their way, or asked for.", lambda it: it.missing),
    number("wagman_fleet_node_lost_events_total", "Events that are gone, and never come.", lambda it: it.lost, "counter"),
    Family("wagman_fleet_node_problems", "Things that call for a person, in its latest status.", _problems, ("severity",)),
    Family("wagman_fleet_node_guests", "Guests by their state, in its latest status.", _guests, ("state",)),
)
"""The metrics of each node, beside its label `node`."""


def text_of(tallies: Sequence[Tally] | None, now_s: float) -> str:
    """Return all figures as text at that time; None for a database that cannot be read."""
    up = exposed(UP.name, UP.kind, UP.text, UP.samples(tallies is not None, now_s))
    return up + "".join(_texts(tallies or (), now_s))


def _texts(tallies: Sequence[Tally], now_s: float) -> Iterator[str]:
    for family in FAMILIES:
        samples = (
            Sample({"node": tally.node, **sample.labels}, sample.value)
            for tally in tallies
            for sample in family.samples(tally, now_s)
        )
        yield exposed(family.name, family.kind, family.text, samples)

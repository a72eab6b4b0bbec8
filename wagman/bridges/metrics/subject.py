"""What metrics are about: the answers of the service, and the kinds of things in them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

from attrs import frozen

from wagman.bridges.metrics.family import Family, Labels, Sample
from wagman.model.shapes import Excerpt, Status

T = TypeVar("T")


@frozen
class Snapshot:
    """The answers of the service from which the metrics are made."""

    status: Status
    log: Excerpt  # without its events
    now_s: float  # since 1970, by the wall clock
    events: Mapping[str, int] | None = None  # events of each type since this program began; None if nobody counts


class Thing(NamedTuple, Generic[T]):
    """A thing that metrics are about, and the labels that tell it from others of its kind."""

    labels: Labels
    what: T


@frozen
class Subject(Generic[T]):
    """A kind of things, with the metrics about them."""

    labels: tuple[str, ...]
    things: Callable[[Snapshot], Iterable[Thing[T]]]
    families: tuple[Family[T], ...]

    def samples(self, family: Family[T], snapshot: Snapshot) -> Iterator[Sample]:
        """Yield all samples of one of the families."""
        for labels, what in self.things(snapshot):
            for sample in family.samples(what, snapshot.now_s):
                yield Sample({**labels, **sample.labels}, sample.value)

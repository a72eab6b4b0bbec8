"""Families of metrics: each has a name, a type, a sentence, and makes samples from a part of the status."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, Literal, NamedTuple, TypeAlias, TypeVar

from attrs import frozen

T = TypeVar("T")

Labels: TypeAlias = Mapping[str, str]
Kind: TypeAlias = Literal["gauge", "counter"]


class Sample(NamedTuple):
    """One figure; the labels tell it from the others of its family."""

    labels: Labels
    value: float


@frozen
class Family(Generic[T]):
    """A metric about something of type `T`.

    `samples` gets that thing and the present time in seconds since 1970. An unknown value has no sample: 0 would be an answer.
    """

    name: str
    text: str
    samples: Callable[[T, float], Iterable[Sample]]
    labels: tuple[str, ...] = ()  # beside those of the subject
    kind: Kind = "gauge"


def number(name: str, text: str, of: Callable[[T], float | None], kind: Kind = "gauge") -> Family[T]:
    """Return the family of a figure in the unit that the name ends in; for yes or no, 1 or 0."""
    return number_at(name, text, lambda of_what, _now_s: of(of_what), kind)


def scaled(name: str, text: str, factor: float, of: Callable[[T], float | None]) -> Family[T]:
    """Return the family of a figure that comes in another unit, and is multiplied by `factor`."""
    return number(name, text, lambda of_what: None if (value := of(of_what)) is None else round(value * factor, 6))


def moment(name: str, text: str, age_s: Callable[[T], float | None]) -> Family[T]:
    """Return the family of a time in seconds since 1970, to the second, from an age in seconds."""
    return number_at(name, text, lambda of_what, now_s: None if (age := age_s(of_what)) is None else round(now_s - age))


def number_at(name: str, text: str, of: Callable[[T, float], float | None], kind: Kind = "gauge") -> Family[T]:
    """Return the family of a figure that depends on the present time."""

    def samples(of_what: T, now_s: float) -> Iterator[Sample]:
        value = of(of_what, now_s)
        if value is not None:
            yield Sample({}, float(value))

    return Family(name, text, samples, kind=kind)


def one_of(name: str, text: str, label: str, known: Sequence[str], of: Callable[[T], str]) -> Family[T]:
    """Return the family of a word out of several: a sample for each, 1 or 0.

    A word that is not `known`, from a newer service, has a sample while it holds.
    """

    def samples(of_what: T, _now_s: float) -> Iterator[Sample]:
        # Without the zeros Prometheus would show the old word beside the new one for another five minutes.
        told = of(of_what)
        for word in dict.fromkeys((*known, told)):
            yield Sample({label: word}, float(word == told))

    return Family(name, text, samples, (label,))


def words(name: str, text: str, labels: Sequence[str], of: Callable[[T], Labels]) -> Family[T]:
    """Return the family of texts that seldom change, as labels of a 1."""
    return Family(name, text, lambda of_what, _now_s: [Sample(of(of_what), 1.0)], tuple(labels))

"""Statuses made from the shapes that the service gives: each property has a value of its own."""

from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Annotated, Any, Literal, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

from wagman.bridges.metrics.catalogue import text_of
from wagman.bridges.metrics.subject import Snapshot
from wagman.config.enclosure import SENSORS
from wagman.model.shapes import Status

NOW_S = 1_800_000_000.25
LOG: Any = {"log_id": "a", "first_id": 3, "last_id": 17, "events": []}


def paths(shape: Any = Status, path: str = "") -> Iterator[str]:
    """Every property of the status, by its path; lists and names on the way are left out of that."""
    if path:
        yield path
    for inner in _inside(shape):
        for name, each in get_type_hints(inner, include_extras=True).items():
            yield from paths(each, f"{path}.{name}" if path else name)


def _inside(shape: Any) -> Iterator[Any]:
    """The objects in a shape."""
    if is_typeddict(shape):
        yield shape
    elif get_origin(shape) is not Literal:
        for each in get_args(shape)[:1] if get_origin(shape) is Annotated else get_args(shape):
            yield from _inside(each)


def example(other: str = "", shape: Any = Status, path: str = "", *, is_known: bool = True) -> Any:
    """A status in which everything is known; what is at the path `other` is another value, or none, unless `is_known`."""
    kind, of = get_origin(shape), get_args(shape)
    if is_typeddict(shape):
        hints = get_type_hints(shape, include_extras=True)
        return {name: example(other, each, f"{path}.{name}" if path else name, is_known=is_known) for name, each in hints.items()}
    if kind is list:
        return [example(other, of[0], path, is_known=is_known)]
    if kind is dict:
        names = ("ups_charge_pct",) if path == "sensors" else SENSORS
        return {name: example(other, of[1], path, is_known=is_known) for name in names}
    if kind is None or kind is Literal:
        return (of or WORDS[shape])[path == other]
    if path == other and NoneType in of and not is_known:
        return None
    return example(other, next(each for each in of if each is not NoneType), path, is_known=is_known)


WORDS = {str: ("one", "two"), bool: (False, True), int: (1, 2), float: (1.0, 3.0)}


def unknown() -> Any:
    """A status in which nothing is known that need not be."""

    def made(shape: Any) -> Any:
        kind, of = get_origin(shape), get_args(shape)
        if NoneType in of or None in of:
            return None
        if is_typeddict(shape):
            return {name: made(each) for name, each in get_type_hints(shape, include_extras=True).items()}
        if kind in (Annotated, NotRequired):
            return made(of[0])
        if kind is list:
            return [made(of[0])]
        if kind is dict:
            return {name: made(of[1]) for name in SENSORS}
        return example("nothing", shape)

    return made(Status)


def text(status: Any, **more: Any) -> str:
    return text_of(Snapshot(status, LOG, NOW_S, **more))


def samples(text: str) -> Mapping[str, float]:
    """Each line that is a figure: what is measured, with its labels, and how much it is."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = {what: float(value) for what, _, value in (line.rpartition(" ") for line in lines)}
    assert len(found) == len(lines), "a sample comes twice"
    return found

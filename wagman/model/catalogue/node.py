"""Events about the node as a whole: the scheduler, the enclosure, the networks."""

from collections.abc import Mapping

from wagman.model.catalogue.kind import EventType, EventView, Graver, field, if_true, lasting, tell
from wagman.model.words import reading

_SENSED = ("sensor", "state", "value")
_COOL = "check the fan, the filter and the shade of the enclosure"


def _reading(view: EventView) -> str:
    return reading(view.text("sensor") or "a sensor", view.number("value"))


def _sensed(view: EventView) -> str:
    state = view.text("state")
    return f"{_reading(view)}, which is {state}" if state else _reading(view)


def _released(view: EventView) -> str:
    return tell(
        f"no sensor gave a reading {lasting('after_s', 'for {}', 'any more')(view)}: the guests were started all the same"
    )(view)


_ORDER = ("reason", "who", "uid", "keep")
_BY_ORDER = Graver("info", "an operator has ordered it", lambda view: bool(view.text("reason")))


def _goes_down(view: EventView) -> str:
    if view.text("reason"):
        return tell("an operator had the guests hibernate: they were taken down one by one", field("keep", "but for {}"))(view)
    return "the enclosure was out of its bounds: the guests were taken down one by one"


def _is_down(view: EventView) -> str:
    if view.text("reason"):
        return tell("all guests were down, until somebody wakes them", field("keep", "but for {}"))(view)
    return "all guests were down, until the enclosure is within its bounds again"


NODE: Mapping[str, EventType] = {
    "wagman.start_next_device": EventType(
        "this guest's turn to start has come",
        tell("it was the turn of {it} to be started", if_true("recover", "to recover it")),
        ("recover",),
    ),
    "wagman.start_refused": EventType(
        "the scheduler asked the guest to start, and the guest could not; the scheduler goes on with the other guests",
        tell("the start of {it} was refused", why="reason"),
        ("reason",),
        "if this happens again, type `wagman why` with the guest's name",
        "warning",
    ),
    "wagman.start_stalled": EventType(
        "the guest neither started nor failed in time; the scheduler goes on with the other guests",
        tell("the start of {it} came to no end in time"),
        do="if this happens again, type `wagman why` with the guest's name",
        severity="warning",
    ),
    "wagman.normal": EventType("no guest waits for its turn to start any more", tell("all guests that were due ran")),
    "wagman.will_hibernate": EventType(
        "the enclosure is too hot, or an operator ordered it: the guests are stopped one by one, the one that was started "
        "last first",
        _goes_down,
        _ORDER,
        _COOL,
        "warning",
        milder=_BY_ORDER,
    ),
    "wagman.hibernating": EventType(
        "all guests are down, except those in `keep`, until the enclosure is within its bounds again, or until `wagman wake`",
        _is_down,
        _ORDER,
        _COOL,
        "critical",
        milder=_BY_ORDER,
    ),
    "environment.normal": EventType("the sensor is within its bounds again", _sensed, _SENSED),
    "environment.abnormal": EventType("the sensor is out of its bounds", _sensed, _SENSED, _COOL, "warning"),
    "environment.unknown": EventType(
        "the sensor gives no reading; the service goes by its last decision",
        lambda view: reading(view.text("sensor") or "a sensor", None),
        _SENSED,
        "check the sensor",
        "warning",
    ),
    "environment.released": EventType(
        "the sensor gave no reading for `unknown_release`, and guests were kept down for that; the service starts them all "
        "the same",
        _released,
        ("sensors", "after_s"),
        "check the sensor",
        "warning",
    ),
    "network.unproved": EventType(
        "none of the network's witnesses has answered for five minutes; while no guest on it is heard either, none counts "
        "as silent",
        tell("no witness answered, so no silence is proved", field("network", "on the network {}")),
        ("network",),
        "check the network, then the addresses of its witnesses",
        "warning",
    ),
    "network.proved": EventType(
        "one of the network's witnesses answers again",
        tell("a witness answered again", field("network", "on the network {}")),
        ("network",),
    ),
}

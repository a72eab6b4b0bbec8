"""The rules of a destination: which events are told, how many, and when. Pure: times are given."""

import re
from typing import NamedTuple

from attrs import field, frozen

from wagman.config import durations
from wagman.config.kinds import DURATION, DURATION_OR_NEVER, NAMES, Kind, one_of, show
from wagman.config.setting import setting
from wagman.model.catalogue import Severity

RANKS: dict[str, int] = {"info": 0, "warning": 1, "critical": 2}
"""The severities, the gravest last."""

DAY_S = 86_400.0
MOST_MESSAGES = 1000
"""The largest number of messages that a rate may have (chosen: the times of that many are kept)."""

_RATE = re.compile(r"([1-9][0-9]{0,3})/([0-9a-z]+)")
_QUIET = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")


class Moment(NamedTuple):
    """A moment: seconds of the wall clock since 1970, and seconds since the local midnight."""

    s: float
    day_s: float


class Rate(NamedTuple):
    """At most `most` messages within any `per_s` seconds."""

    most: int
    per_s: float

    @property
    def reserve(self) -> int:
        """How many of them are reserved for critical things (chosen: a fifth)."""
        return max(1, self.most // 5) if self.most > 1 else 0


class Quiet(NamedTuple):
    """The hours in which only critical things are told, in seconds since the local midnight; they may go over midnight."""

    from_s: float
    to_s: float

    def left_s(self, now: Moment) -> float:
        """Return the time in seconds until the quiet hours end; 0 outside of them."""
        since_s, lasts_s = (now.day_s - self.from_s) % DAY_S, (self.to_s - self.from_s) % DAY_S
        return max(0.0, lasts_s - since_s)


def _rate(value: object) -> Rate:
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) > MOST_MESSAGES:
        raise ValueError(RATE.wants)
    return Rate(int(found[1]), durations.parse(found[2] if found[2][0].isdigit() else f"1{found[2]}"))


def _quiet(value: object) -> Quiet | None:
    if value == "":
        return None
    found = _QUIET.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(QUIET.wants)
    hour, minute, to_hour, to_minute = map(int, found.groups())
    quiet = Quiet(3600.0 * hour + 60 * minute, 3600.0 * to_hour + 60 * to_minute)
    if quiet.from_s == quiet.to_s:  # which may mean all day, or never
        raise ValueError(QUIET.wants)
    return quiet


def _show_quiet(quiet: Quiet | None) -> str:
    if quiet is None:
        return '""'
    return '"{:02.0f}:{:02.0f}-{:02.0f}:{:02.0f}"'.format(*divmod(quiet.from_s // 60, 60), *divmod(quiet.to_s // 60, 60))


RATE = Kind(
    f'a number of messages up to {MOST_MESSAGES} and a duration, such as "12/h" or "3/10min"',
    _rate,
    lambda rate: f'"{rate.most}/{durations.show(rate.per_s)}"',
)
HOLD = Kind(f"{durations.WANTED}; or 0 for no time at all", DURATION_OR_NEVER.read, DURATION_OR_NEVER.show)
EVENTS = Kind("a list of types of events, or of their families", NAMES.read, lambda names: show(list(names)))
QUIET = Kind('hours of the local clock, from one time to another, such as "22:00-07:00"; or "" for none', _quiet, _show_quiet)


@frozen
class Rules:
    """The rules of a destination: which events are told, how many, and when."""

    least: Severity = field(
        default="warning",
        metadata=setting(
            one_of("critical", "warning", "info"),
            "The least severity of the events that are sent; docs/events.md has the severity of each.",
        ),
    )
    also: tuple[str, ...] = field(
        default=(),
        metadata=setting(EVENTS, "Events that are sent whatever their severity: types, or families such as `command`."),
    )
    never: tuple[str, ...] = field(
        default=(), metadata=setting(EVENTS, "Events that are not sent whatever their severity: types, or families.")
    )
    gather_s: float = field(
        default=30.0,
        metadata=setting(
            DURATION, "How long events are gathered before they are sent as one message; critical ones wait for 5 s at most."
        ),
    )
    repeat_s: float = field(
        default=3600.0,
        metadata=setting(HOLD, "How long the same event about the same guest is not sent again; then it is, with a count."),
    )
    most: Rate = field(
        default=Rate(12, 3600.0),
        metadata=setting(RATE, "The most messages in how much time. A fifth of them is kept for critical events."),
    )
    quiet: Quiet | None = field(
        default=None,
        metadata=setting(QUIET, "The hours in which only critical events are sent; the others are sent after these hours."),
    )

    def wants(self, type_: str, severity: str) -> bool:
        """Whether an event of this type and severity is told."""
        if _names(type_, self.never):
            return False
        return RANKS.get(severity, 0) >= RANKS[self.least] or _names(type_, self.also)


def _names(type_: str, chosen: tuple[str, ...]) -> bool:
    return any(type_ == each or type_.startswith(f"{each}.") for each in chosen)

"""Words that the service and its commands share: durations, ordinals, readings of sensors, users, text from elsewhere."""

from collections.abc import Sequence

_ORDINALS = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SENSORS = {"temperature_c": ("temperature", "C"), "humidity_pct": ("humidity", "%"), "current_ma": ("current", "mA")}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))

NOT_KNOWN_YET = "nothing is known of it yet"
"""The reason for which a guest counts as stopped while nobody has seen yet whether it runs."""


def plain(text: object) -> str:
    """Text from elsewhere on one line, without anything that a terminal would obey."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in str(text))


def user_name(uid: int) -> str:
    """The name of a user of this computer; the number if nobody here has it."""
    import pwd  # noqa: PLC0415 - few commands need it

    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return f"user {uid}"


def duration(seconds: float) -> str:
    """A duration in at most two units, such as "4 min 57 s"."""
    if seconds < 1:
        return f"{max(seconds, 0):.1f} s"
    left, parts = round(seconds), list[str]()
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == 2 or (parts and not count):  # noqa: PLR2004 - "1 h 5 s" would be odd
            break
    return " ".join(parts)


def counted(number: float, what: str) -> str:
    """A number of things, such as "1 guest" or "2 guests"."""
    return f"{number:.15g} {what}{'' if number == 1 else 's'}"


def ordinal(number: int) -> str:
    """An ordinal, in words up to ten."""
    if 0 < number < len(_ORDINALS):
        return _ORDINALS[number]
    suffix = "th" if 10 <= number % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")  # noqa: PLR2004
    return f"{number}{suffix}"


def enumerated(names: Sequence[str]) -> str:
    """Names in a row, such as "gn, cs and x1"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def reading(sensor: str, value: float | None, last: float | None = None, age_s: float | None = None) -> str:
    """The reading of a sensor in its unit; if unknown, the last reading and how long ago that was."""
    what, unit = _SENSORS.get(sensor, (sensor, ""))
    if value is not None:
        return f"{what} {value:g} {unit}".rstrip()
    return f"{what} unknown{was(last, unit, age_s)}"


def was(last: float | None, unit: str, age_s: float | None) -> str:
    """The latest reading, to stand behind "unknown"; empty: there is none."""
    if last is None:
        return ""
    ago = "" if age_s is None else f", {duration(age_s)} ago"
    return f" ({f'{last:g} {unit}'.rstrip()}{ago})"
